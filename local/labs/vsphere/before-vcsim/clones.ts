/**
 * Clones as a vCenter makes them. The simulator's have neither the annotation that is asked for nor any bytes, and the
 * source's disks take the clone's names.
 */
import { envelopeOf } from '../wire/envelope.ts'
import { type Element, escapeXml } from '../wire/xml.ts'
import { changing, leaf } from './edit.ts'
import { copyDisk } from './files.ts'
import type { State } from './state.ts'
import type { Headers } from './upstream.ts'

const DEVICES = 'config.hardware.device'

async function diskNames(state: State, cookie: Headers, guestId: string): Promise<Map<string, string>> {
  const devices = await state.upstream.property(cookie, 'VirtualMachine', guestId, DEVICES)
  const disks = devices?.children.filter(({ declaredType }) => declaredType === 'VirtualDisk') ?? []
  return new Map(disks.map((disk) => [disk.textOf('key') ?? '', disk.child('backing')?.textOf('fileName') ?? '']))
}

/** Keep the names of a guest's disks, before they change. */
export async function rememberDisks(state: State, cookie: Headers, guestId: string): Promise<void> {
  if (!state.diskNames.has(guestId)) state.diskNames.set(guestId, await diskNames(state, cookie, guestId))
}

/** Devices with the names that their guest's disks had before it was cloned. */
export function remembered(state: State, guestId: string, holder: Element, name: string): Element {
  const names = state.diskNames.get(guestId)
  if (names === undefined) return holder
  return changing(holder, name, (device) => {
    const own = names.get(device.textOf('key') ?? '')
    return own === undefined
      ? device
      : changing(device, 'backing', (given) => changing(given, 'fileName', () => leaf('fileName', own)))
  })
}

/** Give the clone that a task made what was asked for: its annotation, and the bytes of the source's disks. */
export async function finishClone(
  state: State,
  cookie: Headers,
  call: Element,
  made: { taskId: string; guestId: string },
): Promise<void> {
  const info = await state.upstream.property(cookie, 'Task', made.taskId, 'info')
  const cloneId = info?.textOf('result')
  if (cloneId === undefined) return
  const annotation = call.child('spec')?.child('config')?.textOf('annotation')
  if (annotation !== undefined) {
    const change =
      `<ReconfigVM_Task xmlns="urn:vim25"><_this type="VirtualMachine">${cloneId}</_this>` +
      `<spec><annotation>${escapeXml(annotation)}</annotation></spec></ReconfigVM_Task>`
    const headers = { ...cookie, 'content-type': 'text/xml', soapaction: '"urn:vim25/6.5"' }
    await state.upstream.send('POST', '/sdk', headers, Buffer.from(envelopeOf(change)))
  }
  const sources = [...(state.diskNames.get(made.guestId)?.values() ?? [])]
  const copies = [...(await diskNames(state, cookie, cloneId)).values()]
  for (const [index, copy] of copies.entries()) {
    const source = sources[index]
    if (source !== undefined) await copyDisk(state.upstream, cookie, source, copy)
  }
}
