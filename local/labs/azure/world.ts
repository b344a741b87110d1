/** What a subscription holds. Nothing here knows of HTTP. */
import type { Connections } from '../shared/count-connections.ts'
import type { KeyObject } from 'node:crypto'
import type { Pages } from './disks/pages.ts'
import type { Faults } from './faults.ts'

export type Tags = Record<string, string>
export type Json = Record<string, unknown>
export type PowerState = 'running' | 'stopped' | 'deallocated'
export type Right = 'Read' | 'Write'

/** A shared access signature that was given out. */
export interface Access {
  right: Right
  /** `/md-…/abcd` */
  path: string
  /** The stored policy's id and the signature: both are in the URL. */
  si: string
  sig: string
  expires: Date
}

/** A page blob behind a disk, a snapshot or a disk of a restore point. */
export interface Blob {
  pages: Pages
  etag: string
  modified: Date
}

/** What bytes can be asked of. */
export interface Exported {
  id: string
  /** The disk these bytes came from first: changes can be told between two of the same. */
  lineage: string
  blob: Blob
  access?: Access
  networkAccessPolicy: string
  publicNetworkAccess: string
  /** Of a copy that goes on in the background; the bytes can be read at 100. */
  completionPercent: number
}

export interface LabDisk extends Exported {
  name: string
  group: string
  location: string
  zones?: readonly string[]
  tags: Tags
  sku: string
  sizeBytes: number
  uniqueId: string
  osType?: 'Linux' | 'Windows'
  generation: 'V1' | 'V2'
  logicalSectorSize?: number
  maxShares?: number
  /** Encrypted by Azure Disk Encryption, inside of the guest. */
  encryptedInGuest: boolean
  creationData: Json
  state: string
  provisioning: string
  made: Date
  securityProfile?: Json
  /** The VM that has it, lower case. */
  managedBy?: string
}

export interface Attached {
  /** None for the OS disk. */
  lun?: number
  name: string
  caching: string
  createOption: string
  sizeGiB: number
  writeAccelerated: boolean
  /** Of managed disks. */
  diskId?: string
  sku?: string
  /** Of unmanaged disks. */
  vhdUri?: string
  ephemeral: boolean
}

export interface LabVm {
  id: string
  name: string
  group: string
  location: string
  zones?: readonly string[]
  tags: Tags
  vmId: string
  size: string
  state: PowerState
  osType: 'Linux' | 'Windows'
  disks: Attached[]
  generation: 'V1' | 'V2'
  securityProfile?: Json
  /** What was sent to make it, beside what the lab has fields for. */
  more: Json
  provisioning: string
  /** The guest agent answers; application-consistent points fail without it. */
  agent: boolean
}

export interface LabDiskPoint extends Exported {
  name: string
  diskId: string
  sourceUniqueId: string
  osType?: string
  generation: string
  logicalSectorSize?: number
  made: Date
  encryptedInGuest: boolean
}

export interface LabPoint {
  id: string
  name: string
  vmId: string
  mode?: string
  excludeDisks: readonly Json[]
  made: Date
  provisioning: string
  sourceMetadata: Json
  disks: LabDiskPoint[]
}

export interface LabCollection {
  id: string
  name: string
  group: string
  location: string
  tags: Tags
  /** The VM, as it was written. */
  source: string
  collectionId: string
  points: Map<string, LabPoint>
}

export interface LabSnapshot extends Exported {
  name: string
  group: string
  location: string
  tags: Tags
  creationData: Json
  incremental: boolean
  sku: string
  sizeBytes: number
  uniqueId: string
  osType?: string
  generation: string
  logicalSectorSize?: number
  made: Date
  provisioning: string
}

export interface LabNic {
  id: string
  name: string
  group: string
  location: string
  tags: Tags
  properties: Json
}

export interface LabGroup {
  id: string
  name: string
  location: string
  tags: Tags
}

/** A role as `az role definition create` reads it. */
export interface Role {
  Name?: string
  AssignableScopes?: readonly string[]
  Actions: readonly string[]
  NotActions?: readonly string[]
}

/** Whose assertions are taken instead of a secret. */
export interface Federation {
  issuer: string
  subject: string
  /** `api://AzureADTokenExchange` unless told. */
  audience?: string
  publicKey: KeyObject
}

/** An app registration that may sign in. */
export interface LabClient {
  clientId: string
  secret?: string
  /** From when on the secret is refused as expired. */
  secretEnds?: Date
  federation?: Federation
  role: Role
}

export interface Operation {
  id: string
  call: string
  /** Lower case. Asking for the resource lets the operation go on, too. */
  about: string
  started: Date
  ended?: Date
  asksLeft: number
  /** It stays in progress until somebody lets it go on. */
  held: boolean
  status: 'InProgress' | 'Succeeded' | 'Failed' | 'Canceled'
  failsWith?: { code: string; message: string }
  /** Done once, at its end. */
  done(): void
  failed(): void
  /** What the last look at `Location` answers; nothing for an empty body. */
  output(): Json | undefined
  location: string
  api: string
}

export interface Settings {
  /** Looks at an operation that find it in progress. */
  operationAsks: number
  /** An operation takes so long by the lab's clock, at least. */
  operationSeconds: number
  /** What `Retry-After` tells of operations. */
  retryAfterSeconds: number
  /** New operations stay in progress: all of them, or those of the calls named. */
  heldOperations: boolean | readonly string[]
  /** Entries in a page of a list. */
  pageSize: number
  /** Ids come back in changing case. */
  changeCase: boolean
  tokenSeconds: number
  /** Points an hour for a VM and a kind. */
  pointsPerHour: number
  /** A background copy of Premium SSD v2 and Ultra grows by so much at each look. */
  completionStep: number
  /** Entries in a list of pages, where no number is asked for. */
  mostPageRanges: number
  /** What the last look at `Location` answers: Azure has 200; others are for checks of clients. */
  finalLocation: 'ok' | 'no-content' | 'missing'
}

/** A call that a policy of the subscription refuses. */
export interface Policy {
  call: string
  name: string
  times: number
}

export interface World {
  tenant: string
  subscription: string
  clients: Map<string, LabClient>
  /** Tokens that were given out, by themselves. */
  tokens: Map<string, { clientId: string; ends: Date }>
  groups: Map<string, LabGroup>
  vms: Map<string, LabVm>
  disks: Map<string, LabDisk>
  snapshots: Map<string, LabSnapshot>
  collections: Map<string, LabCollection>
  nics: Map<string, LabNic>
  operations: Map<string, Operation>
  /** When points were begun, by VM and kind. */
  pointTimes: Map<string, Date[]>
  policies: Policy[]
  /** The next operations of a call end so. */
  operationFaults: { call: string; error: { code: string; message: string }; left: number }[]
  now(): Date
  newGuid(): string
  newSecret(bytes: number): string
  settings: Settings
}

export interface LabState {
  world: World
  faults: Faults
  /** `https://127.0.0.1:port`, once it listens. */
  url: string
  answers: number
  connections: Connections
}
