/** Chains of disks that the simulator doesn't have: with each snapshot a vCenter writes to a new file. */
import { Element } from '../wire/xml.ts'
import { changing, leaf, withChildren } from './edit.ts'

/** `[ds] web/disk1.vmdk`, and `[ds] web/disk1-000002.vmdk` for what is written over two snapshots. */
export const linkName = (base: string, snapshots: number): string =>
  snapshots === 0 ? base : base.replace(/\.vmdk$/, `-${String(snapshots).padStart(6, '0')}.vmdk`)

const extentName = (descriptor: string): string =>
  descriptor.replace(/(-\d{6})?\.vmdk$/, (_all, number?: string) =>
    number === undefined ? '-flat.vmdk' : `${number}-delta.vmdk`,
  )

function backing(given: Element, base: string, snapshots: number, name = 'backing'): Element {
  const own = given.children.filter((child) => child.name !== 'parent')
  const children = own.map((child) => (child.name === 'fileName' ? leaf('fileName', linkName(base, snapshots)) : child))
  if (snapshots === 0) return new Element(name, given.attributes, children, '')
  // In the schema's order: parent and its format come before digestEnabled.
  const at = children.findIndex((child) => child.name === 'digestEnabled')
  const parent = [backing(given, base, snapshots - 1, 'parent'), leaf('deltaDiskFormat', 'redoLogFormat')]
  return new Element(name, given.attributes, children.toSpliced(at < 0 ? children.length : at, 0, ...parent), '')
}

/** Devices over so many snapshots; `name` is that of each one's element. */
export function devicesOver(holder: Element, snapshots: number, name: string): Element {
  return changing(holder, name, (device) => {
    const base = device.child('backing')?.textOf('fileName') ?? ''
    return device.declaredType === 'VirtualDisk'
      ? changing(device, 'backing', (given) => backing(given, base, snapshots))
      : device
  })
}

interface LaidFile {
  name: string
  type: string
}

const fileOf = (file: Element): LaidFile => ({ name: file.textOf('name') ?? '', type: file.textOf('type') ?? '' })

/** The simulator's first entries lack the folder; those of disks come again with it, and are the ones that chains mean. */
function filesOf(val: Element): Map<string, LaidFile> {
  const all = val.all('file').map((file) => ({ key: file.textOf('key') ?? '', ...fileOf(file) }))
  const folder = all.map(({ name }) => /^\[.+\] (.+\/)/.exec(name)?.[1]).find((each) => each !== undefined) ?? ''
  const named = new Map(
    all.map(({ key, name, type }) => {
      const whole = name.includes('/') ? name : name.replace(/^(\[.+\] )/, `$1${folder}`)
      return [whole, { key, type }]
    }),
  )
  return new Map([...named].map(([name, { key, type }]) => [key, { name, type }]))
}

/** `layoutEx` over so many snapshots, with the sizes that the files have. */
export async function layoutOver(
  val: Element,
  snapshots: number,
  sizeOf: (name: string) => Promise<number>,
): Promise<Element> {
  const files = filesOf(val)
  let last = Math.max(-1, ...[...files.keys()].map(Number))
  const add = (name: string, type: string): Element => {
    last += 1
    files.set(String(last), { name, type })
    return leaf('fileKey', String(last))
  }
  const disks = val.all('disk').map((disk) => {
    const base = disk.child('chain')
    const keys = base?.all('fileKey').map(({ text }) => text) ?? []
    const descriptor = keys.map((key) => files.get(key)).find((file) => file?.type === 'diskDescriptor')?.name ?? ''
    const links = Array.from({ length: snapshots }, (_none, index) => {
      const name = linkName(descriptor, index + 1)
      return new Element('chain', {}, [add(name, 'diskDescriptor'), add(extentName(name), 'diskExtent')], '')
    })
    return withChildren(disk, [...disk.children, ...links])
  })
  const shown = await Promise.all(
    [...files].map(async ([key, { name, type }]) => {
      const size = await sizeOf(name)
      const fields = { key, name, type, size: String(size), uniqueSize: String(size), accessible: 'true' }
      return new Element(
        'file',
        {},
        Object.entries(fields).map(([field, text]) => leaf(field, text)),
        '',
      )
    }),
  )
  return withChildren(val, [...shown, ...disks, ...val.all('snapshot'), ...val.all('timestamp')])
}
