/** Removes a guest that a restore of ours made, and none that only has its id. */
import { PlatformTaskFailed, PlatformUnavailable } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import { restoreNoteIn } from './archived-description.ts'
import type { MadeRemoval, RestoreProof, Restores } from '../capabilities/restores.ts'
import type { Provider } from '../provider.ts'
import { apiPath } from './api-path.ts'
import type { ApiClient } from './client.ts'
import { NoSuchTask, where } from './errors.ts'
import { isOn } from './property-parts.ts'
import { readConfiguration } from './guest-identities.ts'
import type { GuestConfig } from './guest-schemas.ts'
import { parseUpid } from './identifiers.ts'
import { HEAD_LINES, IMPORT_TYPE, RESTORE_TYPES, restoresArchive } from './restore-tasks.ts'
import { guestStatusSchema } from './schemas.ts'
import { requireUpid, type TaskReader } from './tasks.ts'

/** Removing disks may take a storage some time. */
const REMOVAL_SECONDS = 600
/** Of a guest that was never made to its end: nobody works on it any more. All others are of work that ends. */
const STAYING_LOCKS = new Set(['create', 'import'])
/** What a VM has whose restore failed: nothing that could be anybody's. */
const OF_A_SHELL = new Set(['digest', 'memory', 'meta', 'vmgenid'])

interface Target {
  findGuests: Provider['findGuests']
  isFree: (id: string) => Promise<boolean>
  /** Pull a guest's plug. */
  stop: (guest: Guest) => Promise<void>
}

export function openRemoval(
  client: ApiClient,
  tasks: TaskReader,
  siteName: string,
  { findGuests, isFree, stop }: Target,
): Restores['removeMade'] {
  /** Why the restore is none of ours to clean up after; `undefined` when it is. */
  async function foreignRestore(guest: Guest, { jobRef, artifactRef }: RestoreProof): Promise<string | undefined> {
    const upid = requireUpid(jobRef, siteName)
    const ofDisks = upid.type === IMPORT_TYPE
    if (!(ofDisks || RESTORE_TYPES.has(upid.type)) || upid.id !== guest.id || upid.node !== guest.node) {
      return `${jobRef} is no restore of guest ${guest.id} on node ${guest.node}`
    }
    if (upid.user !== client.account) return `${jobRef} was started by ${upid.user}`
    try {
      if ((await tasks.state(jobRef)).running) return `${jobRef} still runs`
      if (ofDisks) return undefined
      if (restoresArchive(await tasks.logHead(jobRef, HEAD_LINES), artifactRef) !== true) {
        return `the log of ${jobRef} doesn't name ${artifactRef}`
      }
    } catch (error) {
      if (!(error instanceof NoSuchTask)) throw error
      return `the node no longer knows ${jobRef}`
    }
    return undefined
  }

  /** Why the guest under the id may be another one than that restore made; `undefined` when it is that one. */
  function foreignGuest(config: GuestConfig, { token }: RestoreProof): string | undefined {
    const note = restoreNoteIn(config['description'] ?? '')
    if (note?.replaced === true) return 'the restore replaced a guest that was there'
    if (note?.token === token) return undefined
    if (note !== undefined) return 'it is of another restore'
    return Object.keys(config).every((key) => OF_A_SHELL.has(key))
      ? undefined
      : "it doesn't bear the restore's mark, and it is no empty leftover"
  }

  return async (guest, proof, how = { stop: false }) => {
    const about = client.about('remove the guest that a restore made', { node: guest.node, guest: guest.id })
    const tool = guest.kind === 'vm' ? 'qm' : 'pct'
    const kept = (reason: string, before = ''): MadeRemoval & { removed: false } => ({
      removed: false,
      reason: `${where(about)}: the guest was left alone, since ${reason}.`,
      removeWith: `${before}${tool} destroy ${guest.id}`,
    })
    const foreign = await foreignRestore(guest, proof)
    if (foreign !== undefined) return kept(foreign)
    const [found] = await findGuests([guest.id])
    if (found === undefined) {
      return (await isFree(guest.id)) ? { removed: true } : kept('the account is not shown the guest that has the id')
    }
    if (found.kind !== guest.kind || found.node !== guest.node) {
      return kept(`the id belongs to a ${found.kind} on node ${found.node}`)
    }
    const config = await readConfiguration(client, guest)
    const { lock, ...values } = config
    const base =
      guest.kind === 'vm'
        ? apiPath`/nodes/${guest.node}/qemu/${guest.id}`
        : apiPath`/nodes/${guest.node}/lxc/${guest.id}`
    const { status } = (await client.get(`${base}/status/current`, guestStatusSchema, about)).data
    const other = foreignGuest(values, proof)
    if (other !== undefined) return kept(other)
    if (status === 'running' && !how.stop) return kept('it runs', `${tool} stop ${guest.id} && `)
    if (isOn(values['protection'] ?? '0')) return kept('it is protected', `${tool} set ${guest.id} --protection 0 && `)
    if (lock !== undefined) {
      const locked = kept(`it is locked (${lock}), which only root takes off`, `${tool} unlock ${guest.id} && `)
      return STAYING_LOCKS.has(lock) ? locked : { ...locked, passing: true }
    }
    if (status === 'running') await stop(guest)
    await destroy(base, about)
    if (!(await isFree(guest.id))) {
      throw new PlatformTaskFailed(`${where(about)}: the task ended well, and the id is still taken.`)
    }
    return { removed: true }
  }

  /** Without `purge`: jobs and rights that name the id are of the guest that had it before. */
  async function destroy(path: string, about: ReturnType<ApiClient['about']>): Promise<void> {
    const written = await client.write('DELETE', path, about)
    if (!written.answered) {
      throw new PlatformUnavailable(
        `${written.error.message} The order may have been taken: look before repeating it.`,
        {
          cause: written.error,
        },
      )
    }
    if (typeof written.data !== 'string' || parseUpid(written.data) === undefined) {
      throw new PlatformUnavailable(`${where(about)}: the answer to the order to remove it names no task.`)
    }
    const { exitStatus = 'no exit status' } = await tasks.waitForEnd(written.data, REMOVAL_SECONDS)
    if (exitStatus !== 'OK' && !exitStatus.startsWith('WARNINGS: ')) {
      throw new PlatformTaskFailed(`${where(about)}: cannot ${about.doing}: ${exitStatus.trim()}.`)
    }
  }
}
