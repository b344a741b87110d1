/** A guest's configuration file: what GET …/config shows and what its archive carries. */
import { createHash } from 'node:crypto'
import { hardwareAddress } from './identity.ts'
import type { LabDisk, LabGuest } from './world.ts'

const SIZES: [number, string][] = [
  [1024 ** 4, 'T'],
  [1024 ** 3, 'G'],
  [1024 ** 2, 'M'],
  [1024, 'K'],
]

/** `32G`, as in `size=`. */
export function sizeText(bytes: number): string {
  const [unit, letter] = SIZES.find(([size]) => bytes >= size && bytes % size === 0) ?? [1, '']
  return `${bytes / unit}${letter}`
}

function diskLine(guest: LabGuest, disk: LabDisk): string {
  const parts = [disk.volume, `size=${sizeText(disk.sizeBytes)}`]
  if (disk.mountPoint !== undefined && disk.key !== 'rootfs') parts.push(`mp=${disk.mountPoint}`)
  if (guest.kind === 'qemu' && !disk.backup) parts.push('backup=0')
  if (guest.kind === 'lxc' && disk.key !== 'rootfs' && disk.backup) parts.push('backup=1')
  return [...parts, ...(disk.options ?? [])].join(',')
}

/** What `qm create` writes by itself, in the order of its own file. */
function creationEntries({ identity }: LabGuest): Record<string, string> {
  const { smbiosUuid, createdAt, genid } = identity ?? {}
  return {
    ...(createdAt === undefined ? {} : { meta: `creation-qemu=10.1.2,ctime=${createdAt}` }),
    ...(smbiosUuid === undefined ? {} : { smbios1: `uuid=${smbiosUuid}` }),
    ...(genid === undefined ? {} : { vmgenid: genid }),
  }
}

/** What a guest without a name is called in the lists, and nowhere else. */
export const namelessLabel = ({ kind, vmid }: Pick<LabGuest, 'kind' | 'vmid'>): string =>
  kind === 'lxc' ? `CT${vmid}` : `VM ${vmid}`

/** Keys whose values the API shows as numbers; a VM's memory is text since it became a property string. */
const NUMBERS = new Set([
  'cores',
  'cpus',
  'sockets',
  'swap',
  'balloon',
  'onboot',
  'protection',
  'unprivileged',
  'cpuunits',
  'tablet',
  'numa',
  'console',
  'tty',
])

function typed(kind: LabGuest['kind'], key: string, value: string): string | number {
  const isNumber = /^\d+$/.test(value) && (NUMBERS.has(key) || (key === 'memory' && kind === 'lxc'))
  return isNumber ? Number(value) : value
}

/** A restored guest's: as it came, and what has been changed since. */
function restoredEntries(guest: LabGuest, disks: Record<string, string>): Record<string, string | number> {
  const { kind, name, options, tags, template } = guest
  const own = Object.entries(options).map(([key, value]) => [key, typed(kind, key, value)] as const)
  return {
    ...(name === namelessLabel(guest) ? {} : { [kind === 'lxc' ? 'hostname' : 'name']: name }),
    ...Object.fromEntries(own),
    ...disks,
    ...(tags === undefined ? {} : { tags }),
    ...(template ? { template: 1 } : {}),
  }
}

/** Key and value as stored, without lock and digest. */
export function configEntries(guest: LabGuest): Record<string, string | number> {
  const disks = Object.fromEntries(guest.disks.map((disk) => [disk.key, diskLine(guest, disk)]))
  if (guest.configuredByOptions === true) return restoredEntries(guest, disks)
  const address = guest.identity?.hwaddr ?? hardwareAddress(guest.vmid)
  const shared = {
    cores: guest.cores,
    ...disks,
    ...(guest.tags === undefined ? {} : { tags: guest.tags }),
    ...(guest.template ? { template: 1 } : {}),
    ...guest.options,
  }
  if (guest.kind === 'lxc') {
    return {
      arch: 'amd64',
      hostname: guest.name,
      memory: guest.memoryMiB,
      net0: `name=eth0,bridge=vmbr0,hwaddr=${address},ip=dhcp,type=veth`,
      ostype: 'debian',
      swap: 512,
      ...shared,
    }
  }
  const first = guest.disks[0]?.key
  return {
    ...(first === undefined ? {} : { boot: `order=${first}` }),
    // A VM's memory is text in the API since it became a property string; a container's is a number.
    memory: String(guest.memoryMiB),
    name: guest.name,
    net0: `virtio=${address},bridge=vmbr0`,
    ostype: 'l26',
    scsihw: 'virtio-scsi-pci',
    ...creationEntries(guest),
    ...shared,
  }
}

/** The description stands at the file's beginning, a comment a line, with what could be mistaken percent-encoded. */
function descriptionLines(description: string): string {
  const lines = description.replace(/\n$/, '').split('\n')
  return lines.map((line) => `#${line.replace(/[^ -~]|[%:]/gu, encodeURIComponent)}\n`).join('')
}

/** The file's text as an archive carries it: no lock, no snapshots. */
export function configText(guest: LabGuest): string {
  const { description, ...entries } = configEntries(guest)
  const lines = Object.entries(entries).map(([key, value]) => `${key}: ${value}\n`)
  return (description === undefined ? '' : descriptionLines(String(description))) + lines.toSorted().join('')
}

export function configDigest(guest: LabGuest): string {
  return createHash('sha1')
    .update(`${configText(guest)}lock: ${guest.lock ?? ''}`)
    .digest('hex')
}
