/** What is there: the inventory, its datastores' files, guests, tasks, users and sessions. Methods change it, and the control does. */
import type { Bytes } from '../disks/bytes.ts'
import type { Link } from '../disks/link.ts'
import type { VimFault } from '../wire/faults.ts'
import type { Value } from '../wire/values.ts'

interface Entity {
  /** As `vm-57`. */
  id: string
  /** As the inventory keeps it: `/`, `\` and `%` are escaped. */
  name: string
  /** Id of what it lies in; the root folder lies in nothing. */
  parent: string | undefined
}

export interface Folder extends Entity {
  type: 'Folder'
  childType: readonly string[]
}

export interface Datacenter extends Entity {
  type: 'Datacenter'
  vmFolder: string
  hostFolder: string
  datastoreFolder: string
  networkFolder: string
}

interface Compute<T extends string> extends Entity {
  type: T
  rootPool: string
}

/** Of several hosts, or of one alone. */
export type Cluster = Compute<'ClusterComputeResource'> | Compute<'ComputeResource'>

export interface Host extends Entity {
  type: 'HostSystem'
  connectionState: 'connected' | 'disconnected' | 'notResponding'
  inMaintenanceMode: boolean
}

export interface Pool extends Entity {
  type: 'ResourcePool'
  /** Id of the cluster or host. */
  owner: string
}

export interface Network extends Entity {
  type: 'Network'
}

export interface LabFile {
  bytes: Bytes
  modifiedAt: Date
  /** What `HEAD` says instead, where a test changed it. */
  wrongSizeBytes?: number
}

export interface Datastore extends Entity {
  type: 'Datastore'
  datacenter: string
  kind: 'VMFS' | 'NFS' | 'vsan' | 'VVOL'
  vmfsVersion: '5.81' | '6.82'
  uuid: string
  capacityBytes: number
  /** Of what is free, what the lab's own files don't take. */
  freeBytes: number
  accessible: boolean
  files: Map<string, LabFile>
  directories: Set<string>
}

export type DiskMode = 'persistent' | 'independent_persistent' | 'independent_nonpersistent'

export interface GuestDisk {
  key: number
  label: string
  controllerKey: number
  unitNumber: number
  capacityBytes: number
  mode: DiskMode
  sharing: 'sharingNone' | 'sharingMultiWriter'
  rdm: 'physicalMode' | 'virtualMode' | undefined
  keyId: string | undefined
  /** 32 hex digits. */
  uuid: string
  /** The link that a running guest writes to. */
  top: Link
}

export interface GuestNic {
  key: number
  label: string
  networkId: string | undefined
  networkName: string
  mac: string
  connected: boolean
  startConnected: boolean
}

export interface Snapshot {
  type: 'VirtualMachineSnapshot'
  id: string
  /** Of the guest's own counting. */
  number: number
  guestId: string
  name: string
  description: string
  createdAt: Date
  powerState: PowerState
  quiesced: boolean
  parent: Snapshot | undefined
  /** The frozen link of each disk that takes part, by the disk's key. */
  links: Map<number, Link>
}

export type PowerState = 'poweredOn' | 'poweredOff' | 'suspended'

export interface Guest extends Entity {
  type: 'VirtualMachine'
  instanceUuid: string
  uuid: string
  annotation: string
  hostId: string
  /** A template has none. */
  poolId: string | undefined
  powerState: PowerState
  connectionState: 'connected' | 'disconnected' | 'inaccessible' | 'invalid' | 'orphaned'
  template: boolean
  firmware: 'bios' | 'efi'
  toolsRunning: boolean
  guestOs: string
  guestOsName: string
  hardwareVersion: string
  memoryMb: number
  cpus: number
  /** Where its files lie. */
  datastoreId: string
  directory: string
  /** Without the ending. */
  stem: string
  /** It was on once, so that there is a file of its firmware. */
  hasNvram: boolean
  sharedBus: 'noSharing' | 'virtualSharing' | 'physicalSharing'
  disks: GuestDisk[]
  nics: GuestNic[]
  vtpm: boolean
  keyId: string | undefined
  ftRole: number | undefined
  consolidationNeeded: boolean
  changeTracking: boolean
  tags: string[]
  customValues: Record<string, string>
  snapshots: Snapshot[]
  current: Snapshot | undefined
  lastSnapshotNumber: number
  createdAt: Date
  /** Lines of its .vmx that nothing else here stands for. */
  extra: Map<string, string>
  /** Why it can't be turned on: files that it was registered with are missing, or wrong. */
  missing: VimFault | undefined
  /** Whether it was moved or copied is asked when it is turned on, and nobody answers. */
  question: boolean
}

export type TaskState = 'queued' | 'running' | 'success' | 'error'

export interface Task {
  type: 'Task'
  id: string
  /** Without `_Task`. */
  name: string
  descriptionId: string
  entity: { type: string; id: string; name: string }
  user: string
  state: TaskState
  progress: number | undefined
  result: Value | undefined
  fault: VimFault | undefined
  queuedAt: Date
  startedAt: Date | undefined
  completedAt: Date | undefined
  /** It shows itself unfinished so many times more. */
  asksLeft: number
  held: boolean
  /** Done when it ends. */
  effect: () => Value | undefined
  /** Made to fail by the test; `leaves`: what is done nevertheless. */
  failure: { fault: VimFault; leaves: boolean } | undefined
}

export type Entry = Folder | Datacenter | Cluster | Host | Pool | Network | Datastore | Guest

export interface Permission {
  /** Path in the inventory, as `/DC1/vm/web01`; `/` is the root folder. */
  on: string
  privileges: readonly string[] | 'all'
}

export interface User {
  name: string
  password: string
  permissions: Permission[]
  /** Wrong passwords, by when they came. */
  wrongAt: Date[]
  locked: boolean
}

export interface Session {
  /** The public name of the session. */
  key: string
  /** What the cookie holds, without quotes. */
  secret: string
  user: User
  loggedInAt: Date
  lastActiveAt: Date
  userAgent: string
  calls: number
  /** Views and tokens that die with it. */
  views: Map<string, View>
  tokens: Map<string, { left: readonly string[]; most: number }>
}

export interface View {
  id: string
  container: string
  types: readonly string[]
  recursive: boolean
}

export interface Ticket {
  id: string
  method: string
  url: string
  hostId: string
}

/** How the server behaves; may be changed while it runs. */
export interface Settings {
  /** A task shows itself unfinished so many times when it is asked for. */
  taskAsks: number
  /** New tasks stay unfinished. */
  heldTasks: boolean
  /** dcPath and dsName are percent-encoded once or twice. */
  quoting: 'once' | 'twice'
  mostSessions: number
  sessionMinutes: number
  /** Largest page, whatever the client asks for. */
  mostObjects: number
  /** Quiescing falls back silently where Tools don't run; nothing but this makes it fail. */
  quiesceFault: { type: string; leavesSnapshot: boolean } | undefined
  /** A removal leaves files behind that need consolidation. */
  keepConsolidationNeeded: boolean
}

export interface Product {
  kind: 'vcenter' | 'host'
  apiVersion: string
  version: string
  instanceUuid: string
}

export interface World {
  product: Product
  settings: Settings
  now(): Date
  /** `length` random hex digits. */
  hex(length: number): string
  uuid(): string
  nextNumber(): number
  entries: Map<string, Entry>
  snapshots: Map<string, Snapshot>
  tasks: Map<string, Task>
  users: Map<string, User>
  sessions: Map<string, Session>
  restSessions: Map<string, User>
  tickets: Map<string, Ticket>
  /** Where a host answers, by its id; and the SHA-1 and SHA-256 of its certificate. */
  hostFronts: Map<string, { authority: string; sha1: string; sha256: string }>
  tags: Map<string, { id: string; name: string; categoryId: string }>
  categories: Map<string, { id: string; name: string }>
}

export function entryOf<T extends Entry['type']>(
  world: World,
  type: T,
  id: string | undefined,
): Extract<Entry, { type: T }> | undefined {
  const entry = id === undefined ? undefined : world.entries.get(id)
  return entry?.type === type ? (entry as Extract<Entry, { type: T }>) : undefined
}

export function entriesOf<T extends Entry['type']>(world: World, ...types: T[]): Extract<Entry, { type: T }>[] {
  return [...world.entries.values()].filter((each): each is Extract<Entry, { type: T }> =>
    (types as string[]).includes(each.type),
  )
}

/** @throws Error when the lab itself is wrong */
export function must<T extends Entry['type']>(world: World, type: T, id: string): Extract<Entry, { type: T }> {
  const entry = entryOf(world, type, id)
  if (entry === undefined) throw new Error(`The lab has no ${type} ${id}.`)
  return entry
}

export const guests = (world: World): Guest[] => entriesOf(world, 'VirtualMachine')

export const datastoreOf = (world: World, id: string): Datastore => must(world, 'Datastore', id)
