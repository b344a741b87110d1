/** What both kinds of restore share: where from, where to, and the task's pace. */
import { statSync } from 'node:fs'
import { Interrupted } from '../archive-file.ts'
import { activeStorage, parseVolumeName, readBackup, usage } from '../storage-files.ts'
import type { Worker } from '../tasks.ts'
import type { LabGuest, LabGuestKind, LabStorage, World } from '../world.ts'

export interface RestoreCall {
  world: World
  worker: Worker
  kind: LabGuestKind
  vmid: number
  node: string
  /** The archive's volume id. */
  volid: string
  /** Where the disks go; where the archive had them when not given. */
  storage?: string
  unique: boolean
  /** The guest that the restore replaces. */
  replaced?: LabGuest
  /** Further configuration of the call. */
  given: Record<string, string>
}

/** @throws Error in the words of a task for an archive that isn't there */
export function archiveOf({ world, node, volid }: Pick<RestoreCall, 'world' | 'node' | 'volid'>): {
  path: string
  nodePath: string
} {
  const [id = '', name = ''] = volid.split(/:(.*)/s)
  const storage = activeStorage(world, id, node)
  const backup = readBackup(world, storage, node, parseVolumeName(name).file)
  if (backup === undefined) throw new Error(`volume '${volid}' does not exist`)
  return { path: backup.path, nodePath: `${storage.path}/dump/${backup.file}` }
}

/** A storage that takes disks of this kind. @throws ApiError where it can't be used, Error where it takes none */
export function targetStorage(world: World, id: string, node: string, kind: LabGuestKind): LabStorage {
  const storage = activeStorage(world, id, node)
  const content = kind === 'lxc' ? 'rootdir' : 'images'
  if (storage.content.includes(content)) return storage
  throw new Error(
    kind === 'lxc'
      ? `storage '${id}' does not support container directories`
      : `Content type 'images' is not available on storage '${id}'`,
  )
}

export const roomOn = (world: World, storage: LabStorage, node: string): { bytes: number } => ({
  bytes: usage(world, storage, node).avail,
})

const STEPS = 10

/**
 * Called with the archive's bytes as they are read: holds them back so that the whole takes the seconds of a dump.
 * @throws Interrupted once the task was stopped
 */
export function pacer(
  { world, worker }: RestoreCall,
  path: string,
  onStep: (share: number) => void = () => undefined,
): (bytes: number) => Promise<void> {
  const total = Math.max(1, statSync(path).size)
  let read = 0
  let step = 0
  return async (bytes) => {
    read += bytes
    while (step < STEPS && read / total >= (step + 1) / STEPS) {
      step += 1
      await world.pace.sleep(world.secondsPerDump / STEPS, worker.signal)
      if (worker.signal.aborted) throw new Interrupted()
      onStep(step / STEPS)
    }
  }
}

/** The guest in the site's list, from now on this one. */
export function replaceGuest(world: World, guest: LabGuest): void {
  const index = world.site.guests.findIndex(({ vmid }) => vmid === guest.vmid)
  if (index < 0) world.site.guests.push(guest)
  else world.site.guests.splice(index, 1, guest)
  world.save()
}

export function forgetGuest(world: World, vmid: number): void {
  const index = world.site.guests.findIndex((guest) => guest.vmid === vmid)
  if (index >= 0) world.site.guests.splice(index, 1)
  world.save()
}
