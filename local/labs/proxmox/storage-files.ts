/** Storages as directories on this machine: what lies in them, under which volume ids, and how the nodes' paths map onto it. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  type Stats,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, join, posix } from 'node:path'
import { failure } from './api-error.ts'
import { fromNameStamp } from './node-time.ts'
import { findNode, findStorage, type LabStorage, onNode, type World } from './world.ts'

const BACKUP_FILE = /^(.+?)\.(tgz|(?:tar|vma)(?:\.(?:gz|lzo|zst|bz2))?)$/
const STANDARD_NAME = /^vzdump-(qemu|lxc|openvz)-([1-9][0-9]{2,8})-(\d{4}_\d{2}_\d{2}-\d{2}_\d{2}_\d{2})$/

export interface BackupVolume {
  volid: string
  file: string
  path: string
  format: string
  subtype: 'qemu' | 'lxc' | 'openvz' | 'unknown'
  vmid?: number
  ctime: number
  size: number
  notes?: string
  protected: boolean
  standardName: boolean
}

/** The directory on this machine that a storage shows on a node. */
export function directoryOf(world: World, storage: LabStorage, node: string): string {
  return join(world.directory, 'storage', storage.shared ? 'shared' : node, storage.id)
}

export function dumpDirectory(world: World, storage: LabStorage, node: string): string {
  return join(directoryOf(world, storage, node), 'dump')
}

/** Where disks lie that wait to be imported. */
export function importDirectory(world: World, storage: LabStorage, node: string): string {
  return join(directoryOf(world, storage, node), 'import')
}

/** Make the directories of every storage on every node. */
export function createDirectories(world: World): void {
  for (const storage of world.site.storages) {
    for (const node of world.site.nodes) {
      if (!onNode(storage, node.name)) continue
      mkdirSync(dumpDirectory(world, storage, node.name), { recursive: true })
      mkdirSync(join(directoryOf(world, storage, node.name), 'template', 'iso'), { recursive: true })
      mkdirSync(importDirectory(world, storage, node.name), { recursive: true })
    }
  }
}

/**
 * A path as a node sees it → the file on this machine. Node-local storages of several nodes share paths; the first
 * node that has the file wins, so that one SSH address serves them all.
 */
export function localPath(world: World, nodePath: string): string | undefined {
  const clean = posix.normalize(nodePath)
  const fits = (storage: LabStorage): boolean => clean === storage.path || clean.startsWith(`${storage.path}/`)
  const storage = world.site.storages.filter(fits).toSorted((a, b) => b.path.length - a.path.length)[0]
  if (storage === undefined || !storage.online) return undefined
  const rest = clean.slice(storage.path.length)
  const candidates = world.site.nodes
    .filter((node) => onNode(storage, node.name))
    .map((node) => join(directoryOf(world, storage, node.name), rest))
  return candidates.find((path) => existsSync(path)) ?? candidates[0]
}

/** Archive type, guest and time, as far as the name tells. */
export function readName(
  file: string,
  zone: string,
): Pick<BackupVolume, 'subtype' | 'vmid' | 'standardName'> & { ctime?: number } {
  const base = BACKUP_FILE.exec(file)?.[1] ?? file
  const standard = STANDARD_NAME.exec(base)
  const ctime = standard === null ? undefined : fromNameStamp(standard[3] ?? '', zone)
  const loose = /^vzdump-(qemu|lxc|openvz)-(?:([1-9][0-9]{2,8})-)?/.exec(base)
  if (standard !== null && ctime !== undefined) {
    return { subtype: subtypeOf(standard[1]), vmid: Number(standard[2]), standardName: true, ctime }
  }
  const vmid = loose?.[2] === undefined ? {} : { vmid: Number(loose[2]) }
  return { subtype: standard === null ? subtypeOf(loose?.[1]) : 'unknown', standardName: false, ...vmid }
}

function subtypeOf(text: string | undefined): BackupVolume['subtype'] {
  return text === 'qemu' || text === 'lxc' || text === 'openvz' ? text : 'unknown'
}

function stat(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}

export function readBackup(world: World, storage: LabStorage, node: string, file: string): BackupVolume | undefined {
  const match = BACKUP_FILE.exec(file)
  const path = join(dumpDirectory(world, storage, node), file)
  const found = match === null ? undefined : stat(path)
  if (match === null || found === undefined) return undefined
  const named = readName(file, findNode(world, node)?.timezone ?? 'UTC')
  const notes = existsSync(`${path}.notes`) ? readFileSync(`${path}.notes`, 'utf8') : undefined
  return {
    volid: `${storage.id}:backup/${file}`,
    file,
    path,
    format: match[2] ?? '',
    size: found.size,
    protected: existsSync(`${path}.protected`),
    ...named,
    ctime: named.ctime ?? Math.floor(found.mtimeMs / 1000),
    ...(notes === undefined ? {} : { notes }),
  }
}

/** Everything under `dump/` that is an archive by its name, sorted as the API sorts. */
export function listBackups(world: World, storage: LabStorage, node: string): BackupVolume[] {
  const directory = dumpDirectory(world, storage, node)
  if (!existsSync(directory)) return []
  return readdirSync(directory)
    .flatMap((file) => readBackup(world, storage, node, file) ?? [])
    .toSorted((a, b) => (a.volid.toLowerCase() < b.volid.toLowerCase() ? -1 : 1))
}

/** The node's path of an archive, which the API tells and SFTP takes. */
export function nodePath(storage: LabStorage, file: string): string {
  return `${storage.path}/dump/${file}`
}

/**
 * Date a file by the site's clock: this machine dated it by its own. Only the time of the last change can be set, so it
 * stands for the change time too.
 */
export function dateFile(world: Pick<World, 'now'>, path: string): void {
  if (!existsSync(path)) return
  const at = new Date(world.now())
  utimesSync(path, at, at)
}

/** Write a small file as the node would, dates and all. */
export function writeDated(world: Pick<World, 'now'>, path: string, text: string): void {
  writeFileSync(path, text)
  dateFile(world, path)
}

export function writeNotes(world: World, path: string, notes: string): void {
  if (notes === '') rmSync(`${path}.notes`, { force: true })
  else writeDated(world, `${path}.notes`, notes)
}

export function setProtected(world: World, path: string, wanted: boolean): void {
  if (wanted) writeDated(world, `${path}.protected`, '')
  else rmSync(`${path}.protected`, { force: true })
}

/** Remove an archive with its log and notes. */
export function removeBackup(path: string): void {
  const base = path.replace(/\.(tgz|(?:tar|vma)(?:\.(?:gz|lzo|zst|bz2))?)$/, '')
  for (const each of [path, `${path}.notes`, `${path}.protected`, `${base}.log`]) rmSync(each, { force: true })
}

function usedBy(directory: string): number {
  if (!existsSync(directory)) return 0
  let bytes = 0
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const found = stat(join(entry.parentPath, entry.name))
    if (found === undefined) continue
    // Disk images have holes, which take no room.
    bytes += /[/\\]images[/\\]\d+$/.test(entry.parentPath) ? Math.min(found.size, found.blocks * 512) : found.size
  }
  return bytes
}

export function usage(world: World, storage: LabStorage, node: string): { total: number; used: number; avail: number } {
  const total = storage.capacityBytes
  const used = Math.min(total, storage.foreignBytes + usedBy(directoryOf(world, storage, node)) + 4096)
  return { total, used, avail: total - used }
}

/**
 * A storage that a call may use on this node.
 * @throws ApiError 500 with the reason that it can't be used
 */
export function activeStorage(world: World, id: string, node: string): LabStorage {
  const storage = findStorage(world, id)
  if (storage === undefined) throw failure(`storage '${id}' does not exist`)
  if (storage.disabled) throw failure(`storage '${id}' is disabled`)
  if (!onNode(storage, node)) throw failure(`storage '${id}' is not available on node '${node}'`)
  if (storage.online) return storage
  if (storage.isMountpoint) {
    throw failure(
      `unable to activate storage '${id}' - directory is expected to be a mount point but is not mounted: '${storage.path}'`,
    )
  }
  throw failure(
    storage.type === 'dir'
      ? `unable to activate storage '${id}' - directory '${storage.path}' does not exist or is unreachable`
      : `storage '${id}' is not online`,
  )
}

export type VolumeName =
  | { content: 'backup' | 'iso' | 'vztmpl' | 'snippets' | 'import'; file: string }
  | { content: 'images' | 'rootdir'; file: string; vmid: number }

/**
 * The part of a volume id after the storage.
 * @throws ApiError 500 as the directory plugin words it
 */
export function parseVolumeName(name: string): VolumeName {
  const backup = /^backup\/([^/]+)$/.exec(name)?.[1]
  if (backup !== undefined && BACKUP_FILE.test(backup)) return { content: 'backup', file: backup }
  const iso = /^iso\/([^/]+\.(?:iso|img))$/i.exec(name)?.[1]
  if (iso !== undefined) return { content: 'iso', file: iso }
  const template = /^vztmpl\/([^/]+\.tar(?:\.(?:gz|xz|zst|bz2))?)$/.exec(name)?.[1]
  if (template !== undefined) return { content: 'vztmpl', file: template }
  const disk = /^import\/([^/]+\.(?:ova|qcow2|raw|vmdk))$/.exec(name)?.[1]
  if (disk !== undefined) return { content: 'import', file: disk }
  const image = /^(\d+)\/(\S+)$/.exec(name)
  const isImage = image !== null && /^(?:vm|base|subvol|basevol)-\d+-\S+$/.test(image[2] ?? '')
  if (isImage) {
    const content = /subvol|basevol/.test(image[2] ?? '') ? 'rootdir' : 'images'
    return { content, file: basename(name), vmid: Number(image[1]) }
  }
  throw failure(`unable to parse directory volume name '${name}'`)
}
