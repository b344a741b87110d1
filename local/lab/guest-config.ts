/** A guest's configuration file: what GET …/config shows and what its archive carries. */
import { createHash } from 'node:crypto'
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

function hardwareAddress(guest: LabGuest): string {
  const hex = guest.vmid.toString(16).padStart(6, '0').toUpperCase()
  return `BC:24:11:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}`
}

/** Key and value as stored, without lock and digest. */
export function configEntries(guest: LabGuest): Record<string, string | number> {
  const disks = Object.fromEntries(guest.disks.map((disk) => [disk.key, diskLine(guest, disk)]))
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
      net0: `name=eth0,bridge=vmbr0,hwaddr=${hardwareAddress(guest)},ip=dhcp,type=veth`,
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
    net0: `virtio=${hardwareAddress(guest)},bridge=vmbr0`,
    ostype: 'l26',
    scsihw: 'virtio-scsi-pci',
    ...shared,
  }
}

/** The file's text as an archive carries it: no lock, no snapshots. */
export function configText(guest: LabGuest): string {
  const lines = Object.entries(configEntries(guest)).map(([key, value]) => `${key}: ${value}\n`)
  return lines.toSorted().join('')
}

export function configDigest(guest: LabGuest): string {
  return createHash('sha1')
    .update(`${configText(guest)}lock: ${guest.lock ?? ''}`)
    .digest('hex')
}
