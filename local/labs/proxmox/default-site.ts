/** The site a lab shows unless told otherwise, and the short forms in which tests describe another one. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { LabAcl, LabDisk, LabGuest, LabGuestKind, LabNode, LabStorage, LabToken, LabUser } from './world.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3

export type NodeSpec = Partial<LabNode> & { name: string }
export type StorageSpec = Partial<LabStorage> & { id: string }
export type GuestSpec = Partial<Omit<LabGuest, 'disks'>> & {
  vmid: number
  kind: LabGuestKind
  name: string
  disks?: (Partial<LabDisk> & { key: string })[]
  /** Size of the one disk of a VM, or of a container's root file system, when `disks` isn't given. */
  diskBytes?: number
  /** Where its disks lie; only the configuration mentions it. */
  diskStorage?: string
}
export type UserSpec = Partial<Omit<LabUser, 'tokens'>> & {
  userid: string
  tokens?: (Partial<LabToken> & { id: string })[]
}

export function nodeFrom(spec: NodeSpec, index = 0): LabNode {
  return {
    online: true,
    refusal: 'No route to host',
    member: true,
    timezone: 'Etc/UTC',
    ip: `192.0.2.${index + 1}`,
    ...spec,
  }
}

export function storageFrom(spec: StorageSpec): LabStorage {
  return {
    type: 'dir',
    path: spec.id === 'local' ? '/var/lib/vz' : `/mnt/pve/${spec.id}`,
    content: ['backup'],
    shared: spec.type !== undefined && spec.type !== 'dir' && spec.type !== 'btrfs',
    disabled: false,
    online: true,
    isMountpoint: false,
    capacityBytes: 1024 * GIB,
    foreignBytes: 0,
    ...spec,
  }
}

function volumeOf(spec: GuestSpec, index: number): string {
  const storage = spec.diskStorage ?? 'local-lvm'
  return `${storage}:${spec.kind === 'lxc' ? 'subvol' : 'vm'}-${spec.vmid}-disk-${index}`
}

export function guestFrom(spec: GuestSpec, firstNode: string): LabGuest {
  const { disks: given, diskBytes, diskStorage: _diskStorage, ...rest } = spec
  const sizeBytes = diskBytes ?? (spec.kind === 'lxc' ? 4 * GIB : 64 * MIB)
  const disks = (given ?? [{ key: spec.kind === 'lxc' ? 'rootfs' : 'scsi0' }]).map(
    (disk, index): LabDisk => ({ volume: volumeOf(spec, index), sizeBytes, backup: true, ...disk }),
  )
  return {
    node: firstNode,
    status: 'running',
    memoryMiB: 512,
    cores: 1,
    dataBytes: spec.kind === 'lxc' ? 8 * MIB : 0,
    compressible: 0.5,
    zero: spec.kind === 'qemu' ? 0.5 : 0,
    seed: spec.vmid,
    template: false,
    options: {},
    diskMissing: false,
    ...rest,
    disks,
  }
}

export function userFrom(spec: UserSpec): LabUser {
  const tokens = (spec.tokens ?? []).map(
    (token): LabToken => ({ secret: randomUUID(), privilegesSeparated: true, expire: 0, ...token }),
  )
  return { password: randomBytes(12).toString('base64url'), enabled: true, expire: 0, ...spec, tokens }
}

/** The role that a backup product needs, and nothing more. */
export const BACKUP_ROLE = 'GuestliftRun'
export const BACKUP_PRIVILEGES = ['VM.Audit', 'VM.Backup', 'Datastore.Audit', 'Datastore.AllocateSpace', 'Pool.Audit']

/** The role of an account that brings guests back. `VM.Backup`: without it no archive of theirs may be read. */
export const RESTORE_ROLE = 'GuestliftRestore'
export const RESTORE_PRIVILEGES = [
  'VM.Allocate',
  'VM.Audit',
  'VM.Backup',
  ...['CDROM', 'CPU', 'Cloudinit', 'Disk', 'HWType', 'Memory', 'Network', 'Options'].map((name) => `VM.Config.${name}`),
  'VM.GuestAgent.Audit',
  'VM.GuestAgent.Unrestricted',
  'VM.PowerMgmt',
  'Datastore.AllocateSpace',
  'Datastore.Audit',
  'SDN.Use',
]

export const DEFAULT_NODES: NodeSpec[] = [{ name: 'pve1' }, { name: 'pve2' }]

export const DEFAULT_STORAGES: StorageSpec[] = [
  { id: 'local', content: ['backup', 'iso', 'vztmpl'] },
  { id: 'nas', type: 'nfs', content: ['backup'] },
  { id: 'local-lvm', type: 'lvmthin', path: '/dev/pve', content: ['images', 'rootdir'], shared: false },
]

/** `guestBytes` is how much data each guest holds. The same count always gives the same guests. */
export function defaultGuests(guestBytes: number, count = 4): GuestSpec[] {
  const whole = Math.max(65_536, Math.round(guestBytes / 65_536) * 65_536)
  const named: GuestSpec[] = [
    { vmid: 100, kind: 'qemu', name: 'web01', diskBytes: whole, options: { agent: '1' } },
    { vmid: 101, kind: 'lxc', name: 'db01', dataBytes: guestBytes },
    { vmid: 102, kind: 'qemu', name: 'windows', status: 'stopped', diskBytes: whole },
    { vmid: 103, kind: 'lxc', name: 'cache01', node: 'pve2', dataBytes: guestBytes },
  ]
  const more = Array.from({ length: Math.max(0, count - named.length) }, (_none, index): GuestSpec => {
    const vmid = 100 + named.length + index
    const name = `app${String(index + 1).padStart(2, '0')}`
    // Every third is stopped, every other lives on the second node: what a list of them has to cope with.
    const shared = {
      vmid,
      name,
      node: vmid % 4 < 2 ? 'pve1' : 'pve2',
      status: vmid % 3 === 0 ? 'stopped' : 'running',
    } as const
    return vmid % 2 === 0
      ? { ...shared, kind: 'qemu', diskBytes: whole }
      : { ...shared, kind: 'lxc', dataBytes: guestBytes }
  })
  return [...named, ...more].slice(0, count)
}

export const DEFAULT_USERS: UserSpec[] = [
  { userid: 'root@pam' },
  { userid: 'backup@pve', tokens: [{ id: 'guestlift' }] },
  { userid: 'auditor@pve' },
  { userid: 'second@pve', totpSecret: 'JBSWY3DPEHPK3PXP' },
  { userid: 'restore@pve', tokens: [{ id: 'guestlift' }] },
]

export function defaultAcl(): LabAcl[] {
  const backup = ['backup@pve', 'backup@pve!guestlift', 'second@pve'].flatMap((who) =>
    ['/vms', '/storage'].map((path) => ({ path, who, role: BACKUP_ROLE, propagate: true })),
  )
  const restore = ['restore@pve', 'restore@pve!guestlift'].flatMap((who) =>
    ['/vms', '/storage', '/sdn/zones/localnetwork'].map((path) => ({ path, who, role: RESTORE_ROLE, propagate: true })),
  )
  return [...backup, ...restore, { path: '/', who: 'auditor@pve', role: 'PVEAuditor', propagate: true }]
}
