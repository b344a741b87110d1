/** What lies on a storage: listing, one volume, removing, and pruning by rules. */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { failure, parameterError, permissionError, taskText } from '../api-error.ts'
import { parseRetention } from '../formats.ts'
import { may, require } from '../permissions.ts'
import { markBackups } from '../prune.ts'
import type { Call, Endpoint } from '../rest.ts'
import {
  activeStorage,
  type BackupVolume,
  directoryOf,
  importDirectory,
  listBackups,
  nodePath,
  parseVolumeName,
  readBackup,
  readName,
  removeBackup,
  setProtected,
  writeNotes,
} from '../storage-files.ts'
import { findNode, findStorage, type LabStorage, onNode, unixSeconds, type World } from '../world.ts'

const AUDIT = ['/storage/{storage}', 'Datastore.Audit', 'Datastore.AllocateSpace'] as const
const vmid = { type: 'integer', format: 'pve-vmid', minimum: 100, maximum: 999_999_999 } as const

const zoneOf = (world: World, node: string): string => findNode(world, node)?.timezone ?? 'UTC'

/** check_volume_access: the storage's owner sees all, others only backups of guests they may back up. */
function seesBackup(world: World, who: string, storage: string, owner: number | undefined): boolean {
  if (may(world.site, who, `/storage/${storage}`, 'Datastore.Allocate')) return true
  if (!may(world.site, who, `/storage/${storage}`, 'Datastore.AllocateSpace')) return false
  return owner !== undefined && may(world.site, who, `/vms/${owner}`, 'VM.Backup')
}

/** @throws ApiError 403 unless the caller may use this volume */
export function requireVolume(world: World, who: string, storage: string, name: string): void {
  if (findStorage(world, storage) === undefined) throw failure(`storage '${storage}' does not exist`)
  if (may(world.site, who, `/storage/${storage}`, 'Datastore.Allocate')) return
  const file = /^backup\/(.+)$/.exec(name)?.[1]
  if (file === undefined) {
    require(world.site, who, `/storage/${storage}`, 'Datastore.Audit', 'Datastore.AllocateSpace')
    return
  }
  require(world.site, who, `/storage/${storage}`, 'Datastore.AllocateSpace')
  const owner = readName(file, 'UTC').vmid
  if (owner === undefined) throw permissionError(`/storage/${storage}, Datastore.Allocate`)
  require(world.site, who, `/vms/${owner}`, 'VM.Backup')
}

function backupRow(backup: BackupVolume): Record<string, unknown> {
  return {
    volid: backup.volid,
    content: 'backup',
    format: backup.format,
    subtype: backup.subtype,
    ctime: backup.ctime,
    size: backup.size,
    ...(backup.vmid === undefined ? {} : { vmid: backup.vmid }),
    // Only the first line: the whole text is with the volume itself.
    ...(backup.notes === undefined ? {} : { notes: backup.notes.split('\n')[0] }),
    ...(backup.protected ? { protected: 1 } : {}),
  }
}

function isoRows(world: World, storage: LabStorage, node: string): Record<string, unknown>[] {
  const directory = join(directoryOf(world, storage, node), 'template', 'iso')
  if (!existsSync(directory)) return []
  return readdirSync(directory).map((file) => {
    const found = statSync(join(directory, file))
    return {
      volid: `${storage.id}:iso/${file}`,
      content: 'iso',
      format: 'iso',
      size: found.size,
      ctime: Math.floor(found.mtimeMs / 1000),
    }
  })
}

/** A file that is still being fetched has an ending that no list knows. */
function importRows(world: World, storage: LabStorage, node: string): Record<string, unknown>[] {
  const directory = importDirectory(world, storage, node)
  if (!existsSync(directory)) return []
  return readdirSync(directory).flatMap((file) => {
    const format = /\.(ova|qcow2|raw|vmdk)$/.exec(file)?.[1]
    if (format === undefined) return []
    const { size, mtimeMs } = statSync(join(directory, file))
    return [
      { volid: `${storage.id}:import/${file}`, content: 'import', format, size, ctime: Math.floor(mtimeMs / 1000) },
    ]
  })
}

/** Guests' disks exist only as configuration; their rows are made up from it. */
function diskRows(world: World, storage: LabStorage, node: string): Record<string, unknown>[] {
  return world.site.guests
    .filter((guest) => guest.node === node)
    .flatMap((guest) =>
      guest.disks
        .filter((disk) => disk.volume.startsWith(`${storage.id}:`) && !guest.diskMissing)
        .map((disk) => {
          const format = /\.(\w+)$/.exec(disk.volume)?.[1] ?? 'raw'
          return {
            volid: disk.volume,
            content: guest.kind === 'lxc' ? 'rootdir' : 'images',
            format,
            size: disk.sizeBytes,
            used: 0,
            parent: null,
            vmid: guest.vmid,
            ctime: world.site.bootedAt,
          }
        }),
    )
}

function list({ world, caller, values, node }: Call): unknown {
  const storage = activeStorage(world, values['storage'] ?? '', node)
  const wants = (content: string): boolean =>
    storage.content.includes(content) && (values['content'] ?? content) === content
  const backups = wants('backup')
    ? listBackups(world, storage, node)
        .filter((backup) => values['vmid'] === undefined || new RegExp(`\\S+-${values['vmid']}-\\S+`).test(backup.file))
        .filter((backup) => seesBackup(world, caller.who, storage.id, backup.vmid))
        .map(backupRow)
    : []
  const isos = wants('iso') && values['vmid'] === undefined ? isoRows(world, storage, node) : []
  const imports = wants('import') && values['vmid'] === undefined ? importRows(world, storage, node) : []
  const disks = diskRows(world, storage, node).filter(
    (row) =>
      wants(String(row['content'])) &&
      (values['vmid'] === undefined || String(row['vmid']) === values['vmid']) &&
      may(world.site, caller.who, `/storage/${storage.id}`, 'Datastore.Allocate'),
  )
  return [...backups, ...isos, ...imports, ...disks].toSorted((a, b) =>
    String(a['volid']).toLowerCase() < String(b['volid']).toLowerCase() ? -1 : 1,
  )
}

/** The storage and the name behind it, from either form of a volume id. */
function volumeOf({ world, caller, values }: Call): { id: string; name: string; volid: string } {
  const given = values['volume'] ?? ''
  const [before = '', after] = given.split(/:(.*)/s)
  const inPath = values['storage'] ?? ''
  if (after !== undefined && before !== inPath) {
    throw parameterError({
      volume: `volume ID does not belong to storage: storage mismatch ('${inPath}' vs. '${before}')`,
    })
  }
  const name = after ?? given
  requireVolume(world, caller.who, inPath, name)
  return { id: inPath, name, volid: `${inPath}:${name}` }
}

function backupOf(call: Call): BackupVolume {
  const { id, name, volid } = volumeOf(call)
  const parsed = parseVolumeName(name)
  const storage = activeStorage(call.world, id, call.node)
  const backup = parsed.content === 'backup' ? readBackup(call.world, storage, call.node, parsed.file) : undefined
  if (backup === undefined) throw failure(`volume_size_info on '${volid}' failed - no format`)
  return backup
}

function show(call: Call): unknown {
  const backup = backupOf(call)
  const storage = activeStorage(call.world, call.values['storage'] ?? '', call.node)
  const blocks = statSync(backup.path).blocks
  return {
    path: nodePath(storage, backup.file),
    // qemu-img sees a raw image in whole sectors: the exact size is in the list.
    size: Math.ceil(backup.size / 512) * 512,
    used: blocks * 512,
    format: 'raw',
    notes: backup.notes ?? '',
    protected: backup.protected ? 1 : 0,
  }
}

function change(call: Call): null {
  const backup = backupOf(call)
  const { notes, protected: wanted } = call.values
  if (notes !== undefined) writeNotes(call.world, backup.path, notes)
  if (wanted !== undefined) setProtected(call.world, backup.path, wanted === '1')
  return null
}

async function remove(call: Call): Promise<unknown> {
  const { world, caller, values, node } = call
  const { id, name, volid } = volumeOf(call)
  const parsed = parseVolumeName(name)
  if (parsed.content !== 'backup') require(world.site, caller.who, `/storage/${id}`, 'Datastore.Allocate')
  const owner = 'vmid' in parsed ? parsed.vmid : readName(parsed.file, zoneOf(world, node)).vmid
  const what = { node, type: 'imgdel', id: owner === undefined ? `@${id}` : `${owner}@${id}`, user: caller.who }
  const upid = world.tasks.start(what, async (worker) => {
    const storage = activeStorage(world, id, node)
    const backup = parsed.content === 'backup' ? readBackup(world, storage, node, parsed.file) : undefined
    if (backup?.protected === true) throw new Error(`cannot remove protected volume '${name}' on '${id}'`)
    if (backup !== undefined) removeBackup(backup.path)
    if (parsed.content === 'import') {
      rmSync(join(importDirectory(world, storage, node), parsed.file), { force: true })
    }
    worker.log(`Removed volume '${volid}'`)
  })
  if (values['delay'] === undefined) return upid
  await Promise.race([
    world.tasks.ended(upid),
    new Promise((resolve) => setTimeout(resolve, Number(values['delay']) * 1000)),
  ])
  const task = world.tasks.find(upid)
  if (task?.running !== false) return upid
  if (task.status !== 'OK') throw failure(task.status ?? 'unexpected status')
  return null
}

function candidates(world: World, storage: LabStorage, node: string, values: Call['values']): BackupVolume[] {
  return listBackups(world, storage, node).filter(
    (backup) =>
      (values['type'] === undefined || backup.subtype === values['type']) &&
      (values['vmid'] === undefined || backup.vmid === Number(values['vmid'])),
  )
}

/** The rules to apply: those given, else the storage's own. */
function rules(storage: LabStorage, given: string | undefined): Record<string, number> {
  const text = given ?? storage.pruneBackups
  if (text === undefined) throw failure(`no prune-backups options configured for storage '${storage.id}'`)
  return parseRetention(text)
}

function backupStorage(world: World, id: string, node: string): LabStorage {
  const known = findStorage(world, id)
  if (known !== undefined && onNode(known, node) && !known.content.includes('backup')) {
    throw failure(`storage '${id}' does not support backups`)
  }
  return activeStorage(world, id, node)
}

function pruneDryRun({ world, values, node }: Call): unknown {
  const storage = backupStorage(world, values['storage'] ?? '', node)
  const marked = markBackups(
    candidates(world, storage, node, values),
    rules(storage, values['prune-backups']),
    zoneOf(world, node),
  )
  return marked.map((backup) => ({
    volid: backup.volid,
    ctime: backup.ctime,
    type: backup.subtype,
    mark: backup.mark,
    // A name that doesn't follow the pattern leaves its number as the text it was cut from.
    ...(backup.vmid === undefined ? {} : { vmid: backup.standardName ? backup.vmid : String(backup.vmid) }),
  }))
}

function prune({ world, caller, values, node }: Call): unknown {
  const id = values['storage'] ?? ''
  const owner = values['vmid']
  if (owner === undefined) require(world.site, caller.who, `/storage/${id}`, 'Datastore.Allocate')
  else {
    require(world.site, caller.who, `/storage/${id}`, 'Datastore.AllocateSpace')
    require(world.site, caller.who, `/vms/${owner}`, 'VM.Backup')
  }
  const what = { node, type: 'prunebackups', id: owner === undefined ? id : `${owner}@${id}`, user: caller.who }
  return world.tasks.start(what, async (worker) => {
    const storage = backupStorage(world, id, node)
    const marked = markBackups(
      candidates(world, storage, node, values),
      rules(storage, values['prune-backups']),
      zoneOf(world, node),
    )
    for (const backup of marked.filter((each) => each.mark === 'remove')) {
      worker.log(`removing backup '${backup.volid}'`)
      try {
        removeBackup(backup.path)
      } catch (error) {
        worker.warn(`error when removing backup '${backup.volid}' - ${taskText(error)} at ${unixSeconds(world)}`)
      }
    }
  })
}

const pruneParameters = {
  'prune-backups': { type: 'string', format: 'prune-backups' },
  type: { type: 'string', oneOf: ['qemu', 'lxc'] },
  vmid,
} as const

export const contentEndpoints: Endpoint[] = [
  {
    method: 'GET',
    path: '/nodes/{node}/storage/{storage}/content',
    relayed: true,
    permission: AUDIT,
    parameters: { content: { type: 'string', format: 'pve-storage-content' }, vmid },
    run: list,
  },
  { method: 'GET', path: '/nodes/{node}/storage/{storage}/content/{volume}', relayed: true, run: show },
  {
    method: 'PUT',
    path: '/nodes/{node}/storage/{storage}/content/{volume}',
    relayed: true,
    parameters: { notes: { type: 'string' }, protected: { type: 'boolean' } },
    run: change,
  },
  {
    method: 'DELETE',
    path: '/nodes/{node}/storage/{storage}/content/{volume}',
    relayed: true,
    parameters: { delay: { type: 'integer', minimum: 1, maximum: 30 } },
    run: remove,
  },
  {
    method: 'GET',
    path: '/nodes/{node}/storage/{storage}/prunebackups',
    relayed: true,
    permission: AUDIT,
    parameters: pruneParameters,
    run: pruneDryRun,
  },
  {
    method: 'DELETE',
    path: '/nodes/{node}/storage/{storage}/prunebackups',
    relayed: true,
    parameters: pruneParameters,
    run: prune,
  },
]
