/** Making a template of a guest. A VM's is made by a task, a container's within the answer; the configuration is the proof. */
import { PlatformTaskFailed, PlatformUnavailable } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import { apiPath } from './api-path.ts'
import type { ApiClient } from './client.ts'
import { AlreadySo, errorFromText, where } from './errors.ts'
import { readConfiguration } from './guest-identities.ts'
import { parseUpid } from './identifiers.ts'
import type { TaskReader } from './tasks.ts'

/** Volumes are renamed or marked; storages that copy them take longer, and the call is repeated. */
const TASK_SECONDS = 120
/** For an order whose answer was lost. */
const LOOKS = 20
const LOOK_MS = 1000

export function openTemplates(
  client: ApiClient,
  tasks: TaskReader,
  sleep: (milliseconds: number) => Promise<void>,
): (guest: Guest) => Promise<void> {
  const isTemplate = async (guest: Guest): Promise<boolean> =>
    (await readConfiguration(client, guest))['template'] === '1'

  return async (guest) => {
    if (await isTemplate(guest)) return
    const { kind, node, id } = guest
    const about = client.about('make a template of the guest', { node, guest: id })
    const path =
      kind === 'vm' ? apiPath`/nodes/${node}/qemu/${id}/template` : apiPath`/nodes/${node}/lxc/${id}/template`
    let lost: Error | undefined
    try {
      const written = await client.write('POST', path, about)
      if (!written.answered) lost = written.error
      else if (typeof written.data === 'string' && parseUpid(written.data) !== undefined) {
        const { exitStatus = 'no exit status' } = await tasks.waitForEnd(written.data, TASK_SECONDS)
        if (exitStatus !== 'OK' && !exitStatus.startsWith('WARNINGS: ')) {
          const text = `${where(about)}: cannot ${about.doing}: ${exitStatus.trim()}.`
          throw errorFromText(exitStatus, about) ?? new PlatformTaskFailed(text)
        }
      }
    } catch (error) {
      // An earlier order was carried out meanwhile.
      if (!(error instanceof AlreadySo)) throw error
    }
    for (let look = 1; ; look += 1) {
      if (await isTemplate(guest)) return
      if (lost === undefined) break
      if (look === LOOKS) {
        throw new PlatformUnavailable(`${lost.message} The order may have been taken: look whether it is a template.`, {
          cause: lost,
        })
      }
      await sleep(LOOK_MS)
    }
    throw new PlatformTaskFailed(
      `${where(about)}: the platform took the order to ${about.doing}, and it isn't one. Look at its task's log.`,
    )
  }
}
