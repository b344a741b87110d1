/** What the simulated site consists of. Everything under `SiteData` is kept in the state directory and survives a restart. */
import type { Boots } from './boots.ts'
import type { Faults } from './faults.ts'
import type { NodeLock } from './node-lock.ts'
import type { Pace } from './pace.ts'
import type { Tasks } from './tasks.ts'

export type LabGuestKind = 'lxc' | 'qemu'

export interface LabNode {
  name: string
  online: boolean
  /** What a relayed request meets while the node is offline: `No route to host`, `Connection refused`, … */
  refusal: string
  /** Listed in /nodes. A node that isn't may still own guests: a former member whose directory was left behind. */
  member: boolean
  /** IANA zone of the node's clock: archive names carry its local time. */
  timezone: string
  ip: string
  /** Network bridges; `vmbr0` alone when absent. */
  bridges?: string[]
}

export interface LabDisk {
  /** `scsi0`, `virtio1`, `rootfs`, `mp0`, … */
  key: string
  volume: string
  sizeBytes: number
  /** Left out of backups when false. */
  backup: boolean
  /** Mount point inside a container. */
  mountPoint?: string
  /** Further options of its line, as `media=cdrom`. */
  options?: string[]
  /** What it holds lies in a file of its own (`images.ts`), as a restore wrote it; else it follows from the seed. */
  stored?: boolean
}

/** Lines of a guest's configuration that tell it from another of the same id; `{}` for one that was written by hand. */
export interface LabIdentity {
  /** `smbios1: uuid=…`; VMs only. */
  smbiosUuid?: string
  /** `meta: …ctime=`, unix seconds; VMs only. */
  createdAt?: number
  /** `vmgenid`; VMs only. */
  genid?: string
  /** Hardware address of `net0`. */
  hwaddr?: string
}

/**
 * What makes a backup less than it might be and doesn't fail it. Of containers: `no-snapshots` (it falls back to suspend),
 * `tmpdir-on-nfs` (with the former, or in mode suspend). Of VMs: `agent-dead`, `freeze-fails`, `unused-disk`. Of both:
 * `snapshots`, `pending-changes`, which a container's log keeps quiet about.
 */
export const SHORTCOMINGS = [
  'no-snapshots',
  'tmpdir-on-nfs',
  'agent-dead',
  'freeze-fails',
  'unused-disk',
  'snapshots',
  'pending-changes',
] as const
export type Shortcoming = (typeof SHORTCOMINGS)[number]

export interface LabGuest {
  vmid: number
  kind: LabGuestKind
  name: string
  node: string
  /** Always there once a site is loaded; absent in the files of older labs. */
  identity?: LabIdentity
  status: 'running' | 'stopped'
  memoryMiB: number
  cores: number
  disks: LabDisk[]
  /** Bytes of files in a container; a VM's disk sizes say how much there is to read. */
  dataBytes: number
  /** Share of the data (0 to 1) that compresses well. */
  compressible: number
  /** Share of a VM's 64 KiB clusters (0 to 1) that are all zero. */
  zero: number
  seed: number
  template: boolean
  tags?: string
  lock?: string
  /** Further lines of the configuration, as stored. */
  options: Record<string, string>
  /** The volume behind the first disk is gone: backups of the guest fail. */
  diskMissing: boolean
  /** Text with which a stopped VM fails to start for its backup. */
  startError?: string
  haState?: string
  replication?: LabReplication[]
  /** By what its backups fall short, from now on. */
  shortcomings?: Shortcoming[]
  /** Its operating system doesn't listen to requests to shut down. */
  ignoresShutdown?: boolean
  /**
   * Of a restored guest: `options` are all of its configuration but name, tags, template mark and disks. Nothing is
   * added that the archive didn't hold.
   */
  configuredByOptions?: boolean
  /** Its agent answers; a VM that runs and whose configuration names one has it unless told. */
  agentAnswers?: boolean
  /** Programs that its agent was asked to run, in their order. */
  commands?: string[]
  /** What a program ends with in it, where that isn't 0. */
  exits?: Record<string, number>
  /** It was started and its system isn't up yet, nor its agent; only in a lab that boots its VMs. */
  booting?: boolean
}

/** A job that copies the guest's disks to another node. */
export interface LabReplication {
  target: string
  schedule: string
  disabled?: boolean
  /** Unix seconds; 0: never yet. */
  lastSync: number
  error?: string
}

export interface LabStorage {
  id: string
  type: string
  /** As the nodes see it; files lie in `<state>/storage/…`. */
  path: string
  content: string[]
  shared: boolean
  /** Only on these nodes; on all when absent. */
  nodes?: string[]
  disabled: boolean
  online: boolean
  isMountpoint: boolean
  capacityBytes: number
  /** Counted as used beside the files that are there: `fillStorage` sets it. */
  foreignBytes: number
  pruneBackups?: string
  maxProtectedBackups?: number
}

export interface LabToken {
  id: string
  secret: string
  privilegesSeparated: boolean
  /** Unix seconds; 0 is never. */
  expire: number
  comment?: string
}

export interface LabUser {
  userid: string
  password: string
  enabled: boolean
  expire: number
  comment?: string
  email?: string
  /** Base32 secret of a second factor. */
  totpSecret?: string
  tokens: LabToken[]
}

/** Beside `pam` and `pve`, which every site has. */
export interface LabRealm {
  realm: string
  type: 'ldap' | 'ad' | 'openid'
  /** Whether names count as typed, as they do unless a directory's realm says `case-sensitive 0`. */
  caseSensitive?: boolean
}

export interface LabAcl {
  path: string
  /** `user@realm` or `user@realm!token`. */
  who: string
  role: string
  propagate: boolean
}

export interface LabPool {
  id: string
  comment?: string
  vmids: number[]
  storages: string[]
}

export interface LabCluster {
  /** OU in the subject of its authority, a UUID on a real one. */
  id: string
  /** As in corosync.conf: `/cluster/status`, `clustername` of a login, `{{cluster}}` in notes. */
  name: string
}

export interface SiteData {
  nodes: LabNode[]
  guests: LabGuest[]
  storages: LabStorage[]
  users: LabUser[]
  /** Absent in the files of older labs. */
  realms?: LabRealm[]
  acl: LabAcl[]
  /** Own roles beside the built-in ones. */
  roles: Record<string, string[]>
  pools: LabPool[]
  backupJobs: Record<string, string>[]
  /** What the site says of its set-up, by the path that is asked for it. Absent in the files of older labs. */
  configuration?: Record<string, unknown>
  /** The site's vzdump hook script, as far as the log shows it. */
  hook?: { path: string; echo: boolean; exitCodes: Record<string, number>; blockSeconds?: Record<string, number> }
  lastPid: number
  bootedAt: number
  ticketKey: string
  csrfKey: string
  /** Which cluster answers here. Absent in the files of older labs. */
  cluster?: LabCluster
  /** Guests that no account but root@pam sees any more. */
  hidden?: number[]
  /** By how much the site's clock is off this machine's; absent is 0. */
  clockOffsetSeconds?: number
  /** How many guests got an identity after the start. */
  identitiesGiven?: number
  /** Tickets and CSRF tokens signed before this instant (unix seconds) are no longer taken. */
  ticketsValidFrom: number
}

export interface World {
  directory: string
  site: SiteData
  /** The site's clock in milliseconds. */
  now(): number
  pace: Pace
  tasks: Tasks
  boots: Boots
  faults: Faults
  /** vzdump's lock of a node. */
  vzdumpLock(node: string): NodeLock
  /** Seconds that copying one guest's data takes. */
  secondsPerDump: number
  unauthorizedDelaySeconds: number
  /** As GET /version tells it: `9.2.11`, `7.4-16`. Before 8.3 the reason phrase alone says what is wrong. */
  version: string
  /** Seconds since the site's kernel started, which no change of its clock touches. */
  uptimeSeconds(): number
  /** SHA-256 of a node's own certificate, as the cluster's file system has it. */
  certificateFingerprint(node: string): string
  cluster(): LabCluster
  save(): void
}

export const unixSeconds = (world: Pick<World, 'now'>): number => Math.floor(world.now() / 1000)

export function findStorage(world: World, id: string): LabStorage | undefined {
  return world.site.storages.find((storage) => storage.id === id)
}

export function findGuest(world: World, vmid: number): LabGuest | undefined {
  return world.site.guests.find((guest) => guest.vmid === vmid)
}

export function findNode(world: World, name: string): LabNode | undefined {
  return world.site.nodes.find((node) => node.name === name)
}

export function onNode(storage: LabStorage, node: string): boolean {
  return storage.nodes === undefined || storage.nodes.includes(node)
}
