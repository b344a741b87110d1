/** Proxmox's identifiers as text: parsed strictly, written back exactly. Grammar: pve-common 9.2.1, pve-storage 9.1.7. */

/** Names one task for ever. The trailing colon belongs to it; the node in it is the one to ask. */
export interface Upid {
  node: string
  /** Process id on the node. */
  pid: number
  /** Start of the process in kernel ticks since boot; tells a reused pid apart. */
  processStart: number
  /** Unix time, seconds. */
  startTime: number
  /** `vzdump`, `imgdel`, … */
  type: string
  /** What the task works on: for vzdump the vmid, or empty when it works on several guests. */
  id: string
  /** `user@realm` or `user@realm!token`. */
  user: string
}

const UPID =
  /^UPID:([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?):([0-9A-Fa-f]{8}):([0-9A-Fa-f]{8,9}):([0-9A-Fa-f]{8}):([^:\s/]+):([^:\s/]*):([^:\s/]+):$/

export function parseUpid(text: string): Upid | undefined {
  const match = UPID.exec(text)
  if (match === null) return undefined
  const [, node = '', pid = '', processStart = '', startTime = '', type = '', id = '', user = ''] = match
  return {
    node,
    pid: Number.parseInt(pid, 16),
    processStart: Number.parseInt(processStart, 16),
    startTime: Number.parseInt(startTime, 16),
    type,
    id,
    user,
  }
}

export function formatUpid({ node, pid, processStart, startTime, type, id, user }: Upid): string {
  const [pidHex, startHex, timeHex] = [pid, processStart, startTime].map(eightHex)
  return `UPID:${node}:${pidHex}:${startHex}:${timeHex}:${type}:${id}:${user}:`
}

function eightHex(value: number): string {
  return value.toString(16).toUpperCase().padStart(8, '0')
}

/** A volume's address: `store:backup/vzdump-qemu-100-….vma.zst`. */
export interface Volid {
  storage: string
  /** What the storage calls it, `backup/<file name>` for backups. */
  volume: string
}

const VOLID = /^([A-Za-z][A-Za-z0-9._-]*[A-Za-z0-9]):(\S(?:.*\S)?)$/

export function parseVolid(text: string): Volid | undefined {
  const match = VOLID.exec(text)
  return match === null ? undefined : { storage: match[1] ?? '', volume: match[2] ?? '' }
}

export function formatVolid({ storage, volume }: Volid): string {
  return `${storage}:${volume}`
}

/** The address of a backup archive by its file name. */
export function backupVolid(storage: string, fileName: string): string {
  return formatVolid({ storage, volume: `backup/${fileName}` })
}

/** A standard archive name, as vzdump writes it. */
export interface ArchiveName {
  type: 'qemu' | 'lxc'
  vmid: string
  /** Start of the guest's backup in the node's local time: `2026_11_22-17_34_51`. */
  localTime: string
  /** `vma.zst`, `tar`, … */
  extension: string
}

const ARCHIVE_NAME =
  /^vzdump-(qemu|lxc)-([1-9][0-9]{2,8})-(\d{4}_\d{2}_\d{2}-\d{2}_\d{2}_\d{2})\.((?:vma|tar)(?:\.(?:gz|lzo|zst|bz2))?|tgz)$/

export function parseArchiveName(fileName: string): ArchiveName | undefined {
  const match = ARCHIVE_NAME.exec(fileName)
  if (match === null) return undefined
  const [, type = '', vmid = '', localTime = '', extension = ''] = match
  return { type: type === 'lxc' ? 'lxc' : 'qemu', vmid, localTime, extension }
}

const RESTORABLE_NAME = /^vzdump-(qemu|lxc)-([1-9]\d{2,8})-\S+\.(?:(?:vma|tar)(?:\.(?:gz|lzo|zst|bz2))?|tgz)$/

/**
 * Type and guest of any file name that a restore takes: whatever stands between the guest's id and the ending is free
 * (pve-storage 9.1.7, parse_volname and archive_info).
 */
export function parseLooseArchiveName(fileName: string): Pick<ArchiveName, 'type' | 'vmid'> | undefined {
  const [, type, vmid] = RESTORABLE_NAME.exec(fileName) ?? []
  return vmid === undefined ? undefined : { type: type === 'lxc' ? 'lxc' : 'qemu', vmid }
}

export function formatArchiveName({ type, vmid, localTime, extension }: ArchiveName): string {
  return `vzdump-${type}-${vmid}-${localTime}.${extension}`
}

/**
 * The name of an archive with a mark in front of its ending. A restore takes it, no retention of the platform does, and
 * neither mistakes it for the archive of another time.
 */
export function markedArchiveName(fileName: string, mark: string): string {
  return fileName.replace(/(\.(?:(?:vma|tar)(?:\.(?:gz|lzo|zst|bz2))?|tgz))$/, `-${mark}$1`)
}
