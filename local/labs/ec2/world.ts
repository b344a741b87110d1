/** Everything the simulated account holds, by Region. Plain data; the actions change it. */
import type { Disk } from './disk.ts'

export type Tags = Map<string, string>

export type SnapshotState = 'pending' | 'completed' | 'error'

export interface LabSnapshot {
  id: string
  /** `vol-ffffffff` for one that was written by EBS direct. */
  volumeId: string
  ownerId: string
  description: string
  sizeGiB: number
  state: SnapshotState
  statusMessage?: string
  /** How many more times somebody is shown it as pending. */
  asksLeft: number
  asksAtFirst: number
  /** How many more times lists leave it out. */
  hiddenFor: number
  startedAt: Date
  completedAt?: Date
  encrypted: boolean
  kmsKeyId?: string
  storageTier: 'standard' | 'archive'
  tags: Tags
  disk: Disk
  /** While EBS direct writes it. */
  writing?: Writing
  /** Snapshots that it follows from, for ListChangedBlocks. */
  parentId?: string
}

export interface Writing {
  clientToken?: string
  /** What the call that began it said, to know the same call again. */
  asked: string
  timeoutMinutes: number
  lastPutAt: Date
  /** Binary sums of the blocks that were put. */
  sums: Map<number, Buffer>
  /** How many more puts are answered as if the snapshot weren't there yet. */
  earlyPuts: number
  /** All blocks were put; what remains is waiting. */
  completed?: boolean
}

export interface LabVolume {
  id: string
  sizeGiB: number
  type: string
  iops?: number
  throughput?: number
  encrypted: boolean
  kmsKeyId?: string
  zone: string
  createdAt: Date
  snapshotId?: string
  outpostArn?: string
  productCodes: string[]
  tags: Tags
  disk: Disk
  attachment?: { instanceId: string; device: string; deleteOnTermination: boolean; attachedAt: Date }
  /** `creating` for one more ask. */
  state: 'creating' | 'available' | 'in-use'
  clientToken?: string
  asked?: string
}

export type InstanceState = 'pending' | 'running' | 'shutting-down' | 'terminated' | 'stopping' | 'stopped'

export interface LabInstance {
  id: string
  zone: string
  state: InstanceState
  /** Where it is on the way to, after so many more asks. */
  next?: { state: InstanceState; asksLeft: number }
  imageId: string
  type: string
  architecture: string
  bootMode?: string
  tpmSupport?: string
  enaSupport: boolean
  sriovNetSupport?: string
  rootDeviceName: string
  rootDeviceType: 'ebs' | 'instance-store'
  platform?: string
  platformDetails: string
  usageOperation: string
  lifecycle?: string
  outpostArn?: string
  hibernation: boolean
  productCodes: string[]
  launchedAt: Date
  reservationId: string
  privateIp: string
  tags: Tags
  clientToken?: string
  /** How often it was restarted: a backup that restarts its guest is none to be proud of. */
  restarts: number
}

export interface LabImage {
  id: string
  name: string
  ownerId: string
  description: string
  architecture: string
  virtualization: string
  bootMode?: string
  tpmSupport?: string
  uefiData?: string
  imdsSupport?: string
  enaSupport: boolean
  sriovNetSupport?: string
  rootDeviceName: string
  createdAt: Date
  devices: { device: string; snapshotId: string; sizeGiB: number; type: string; deleteOnTermination: boolean }[]
  tags: Tags
  sourceInstanceId?: string
  /** `pending` for so many more asks. */
  asksLeft: number
}

export interface Region {
  name: string
  zones: string[]
  instances: Map<string, LabInstance>
  volumes: Map<string, LabVolume>
  snapshots: Map<string, LabSnapshot>
  images: Map<string, LabImage>
  /** Images that were here once: asking for them again is answered in another way than for those that never were. */
  goneImages: Set<string>
}

export interface LabCredential {
  accessKeyId: string
  secretAccessKey: string
  /** The ARN in errors and of GetCallerIdentity. */
  principal: string
  sessionToken?: string
  expiresAt?: Date
}

export interface LabRole {
  arn: string
  /** Asked for by AssumeRole where it is given. */
  externalId?: string
  /** Access keys that may assume it; all of the lab's unless told. */
  trusts?: readonly string[]
}

export interface World {
  account: string
  regions: Map<string, Region>
  credentials: Map<string, LabCredential>
  findSession: (accessKeyId: string, sessionToken: string) => LabCredential | undefined
  roles: LabRole[]
  now(): Date
  newId(prefix: string): string
  newSecret(bytes: number): string
  settings: Settings
}

/** What tests may turn while the lab runs. */
export interface Settings {
  snapshotAsks: number
  heldSnapshots: boolean
  hideNewSnapshots: number
  earlyPuts: number
  powerAsks: number
  imageAsks: number
  /** No page of blocks has more than these, whatever was asked for. */
  mostBlocksInPage: number
  /** The first page of each listing of blocks is empty, too, and has a next one. */
  emptyFirstPage: boolean
  /** Reads and writes of blocks in each second of the clock; what is more is throttled. */
  blocksPerSecond: number
  pendingSnapshots: number
  /**
   * Rights are asked for before it is known whether a snapshot is there. One that is gone bears no tags: a policy that asks for
   * them refuses. Which of both AWS does is documented nowhere.
   */
  goneIsDenied: boolean
  secondsBetweenSnapshots: number
  encryptByDefault: boolean
}
