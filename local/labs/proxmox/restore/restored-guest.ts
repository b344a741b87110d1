/** What an archive's configuration makes of a new guest, as `qmrestore` and `pct restore` take it over. */
import { createHash } from 'node:crypto'
import { namelessLabel } from '../guest-config.ts'
import { newIdentity, uuidFrom } from '../identity.ts'
import { keepsFolders } from '../images.ts'
import { type LabDisk, type LabGuest, type LabGuestKind, type LabStorage, unixSeconds, type World } from '../world.ts'

const DRIVE = /^(?:ide|sata|scsi|virtio)\d+$|^efidisk0$|^tpmstate0$/
const MOUNT_POINT = /^(?:rootfs|mp\d+)$/
const NETWORK = /^net\d+$/
/** Kept by the platform for itself: no archive's value lives on. */
const DROPPED = /^(?:lock|parent|snaptime|vmstate|running\w+|unused\d+|digest)$/

export interface ArchivedConfig {
  description: string
  values: Record<string, string>
  /** Drive → device of the archive with its data, storage and format, from the lines that the backup added. */
  map: Record<string, { device: string; storage: string; format: string }>
}

/** `key: value` a line, the description as comments in front, snapshots in sections behind. */
export function readArchivedConfig(text: string): ArchivedConfig {
  const [own = ''] = text.split(/^\[/m)
  const result: ArchivedConfig = { description: '', values: {}, map: {} }
  for (const line of own.split('\n')) {
    const [, drive, device, storage, format] = /^#qmdump#map:([^:]+):([^:]+):([^:]*):([^:]*):/.exec(line) ?? []
    const [, key, value] = /^([a-z][\w.-]*):\s*(.*?)\s*$/.exec(line) ?? []
    if (drive !== undefined && device !== undefined) {
      result.map[drive] = { device, storage: storage ?? '', format: format || 'raw' }
    } else if (line.startsWith('#')) {
      result.description += `${decodeURIComponent(line.slice(1).replace(/%(?![0-9A-F]{2})/g, '%25'))}\n`
    } else if (key !== undefined && value !== undefined) result.values[key] = value
  }
  return result
}

export const isDiskKey = (kind: LabGuestKind, key: string): boolean =>
  kind === 'qemu' ? DRIVE.test(key) : MOUNT_POINT.test(key)

const isOff = (options: readonly string[], name: string): boolean => options.includes(`${name}=0`)

/** A guest that was begun: its id is taken, and nobody may touch it. */
export function emptyGuest(kind: LabGuestKind, vmid: number, node: string): LabGuest {
  return {
    vmid,
    kind,
    name: namelessLabel({ kind, vmid }),
    node,
    identity: {},
    status: 'stopped',
    memoryMiB: 512,
    cores: 1,
    disks: [],
    dataBytes: 0,
    compressible: 0.5,
    zero: 0,
    seed: vmid,
    template: false,
    lock: 'create',
    options: {},
    diskMissing: false,
    configuredByOptions: true,
  }
}

/** A new volume's name, as its storage names volumes. */
export function volumeName(
  kind: LabGuestKind,
  storage: LabStorage,
  vmid: number,
  number: number,
  format = 'raw',
): string {
  const base = `${kind === 'lxc' ? 'subvol' : 'vm'}-${vmid}-disk-${number}`
  if (!keepsFolders(storage)) return `${storage.id}:${base}`
  return `${storage.id}:${vmid}/${base}.${kind === 'lxc' ? 'subvol' : format}`
}

/** The options of a disk's line that a restore keeps; volume and size are new. */
export function keptOptions(line: string): { mountPoint?: string; options: string[] } {
  const parts = line.split(',').slice(1)
  const mountPoint = parts.find((part) => part.startsWith('mp='))?.slice(3)
  const options = parts.filter((part) => !/^(?:size|mp|backup|file|volume)=/.test(part))
  return { ...(mountPoint === undefined ? {} : { mountPoint }), options }
}

/** Drives whose data isn't in the archive. CD drives stay as they are; a disk that was left out becomes a comment. */
export function leftOut(
  kind: LabGuestKind,
  { values, map }: ArchivedConfig,
): { kept: Record<string, string>; comments: string } {
  const kept: Record<string, string> = {}
  let comments = ''
  for (const [key, line] of Object.entries(values)) {
    if (kind !== 'qemu' || !isDiskKey(kind, key) || map[key] !== undefined) continue
    if (isOff(line.split(','), 'backup')) comments += `${key}: ${line}\n`
    else kept[key] = line
  }
  return { kept, comments }
}

/** One hardware address and one uuid for each place where the archive has one. */
function madeUnique(world: World, vmid: number, values: Record<string, string>): Record<string, string> {
  const text = `${vmid}/${world.site.bootedAt}/${world.site.lastPid}`
  const address = (key: string): string => {
    const hex = createHash('md5').update(`${text}/${key}`).digest('hex').slice(0, 6).toUpperCase()
    return `BC:24:11:${hex.replace(/(..)(?!$)/g, '$1:')}`
  }
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => {
      if (NETWORK.test(key)) return [key, value.replace(/(?:[\dA-F]{2}:){5}[\dA-F]{2}/gi, address(key))]
      return key === 'smbios1' ? [key, value.replace(/uuid=[\da-f-]+/i, `uuid=${uuidFrom(text)}`)] : [key, value]
    }),
  )
}

export interface Restoring {
  kind: LabGuestKind
  vmid: number
  node: string
  unique: boolean
  /** Configuration that the call gave, which outweighs the archive's. */
  given: Record<string, string>
  disks: LabDisk[]
}

/** The whole guest: what the archive says, what the call said, and what a restore makes anew. */
export function restoredGuest(world: World, archived: ArchivedConfig, how: Restoring): LabGuest {
  const { kind, vmid, node, given } = how
  const { kept, comments } = leftOut(kind, archived)
  const own = Object.entries(archived.values).filter(([key]) => !isDiskKey(kind, key) && !DROPPED.test(key))
  const taken = how.unique ? madeUnique(world, vmid, Object.fromEntries(own)) : Object.fromEntries(own)
  const description = archived.description + comments
  const { name, hostname, tags, template, ...options }: Record<string, string> = {
    ...(description === '' ? {} : { description }),
    ...taken,
    ...kept,
    ...withHardwareAddresses(world, kind, given),
  }
  if (options['vmgenid'] !== undefined)
    options['vmgenid'] = newIdentity(world.site, kind, unixSeconds(world)).genid ?? ''
  if (options['description'] !== undefined && !options['description'].endsWith('\n')) options['description'] += '\n'
  return {
    ...emptyGuest(kind, vmid, node),
    name: (kind === 'lxc' ? hostname : name) ?? namelessLabel({ kind, vmid }),
    identity: identityOf(options),
    memoryMiB: Number(options['memory'] ?? 512),
    cores: Number(options['cores'] ?? 1),
    disks: how.disks,
    template: template === '1',
    ...(tags === undefined ? {} : { tags }),
    options,
  }
}

/** An interface that is given without an address gets one. */
function withHardwareAddresses(
  world: World,
  kind: LabGuestKind,
  given: Record<string, string>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => {
      if (!NETWORK.test(key) || /(?:[\dA-F]{2}:){5}[\dA-F]{2}/i.test(value)) return [key, value]
      const { hwaddr = '' } = newIdentity(world.site, kind, unixSeconds(world))
      return [key, kind === 'lxc' ? `${value},hwaddr=${hwaddr}` : value.replace(/^(?:model=)?(\w+)/, `$1=${hwaddr}`)]
    }),
  )
}

function identityOf(options: Record<string, string>): NonNullable<LabGuest['identity']> {
  const smbiosUuid = /uuid=([\da-f-]+)/i.exec(options['smbios1'] ?? '')?.[1]
  const createdAt = /ctime=(\d+)/.exec(options['meta'] ?? '')?.[1]
  const hwaddr = /((?:[\dA-F]{2}:){5}[\dA-F]{2})/i.exec(options['net0'] ?? '')?.[1]
  const genid = options['vmgenid']
  return {
    ...(smbiosUuid === undefined ? {} : { smbiosUuid }),
    ...(createdAt === undefined ? {} : { createdAt: Number(createdAt) }),
    ...(genid === undefined ? {} : { genid }),
    ...(hwaddr === undefined ? {} : { hwaddr }),
  }
}
