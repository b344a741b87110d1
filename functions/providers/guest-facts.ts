import type { BackupOptions } from '../contracts/backup-options.ts'
import type { Grade } from '../contracts/grade.ts'
import type { Guest } from '../contracts/nouns.ts'
import type { GuestRunState } from '../contracts/selection.ts'
import type { MissingPrivilege } from './intended-work.ts'

/** A guest that was asked for by id, with what the platform knows of it now. */
export interface FoundGuest extends Guest {
  /** Name of the lock that holds the guest's configuration (`backup`, `migrate`, …), if one does. */
  lock?: string
  /** The platform knows the guest, but its node doesn't answer. */
  nodeOffline: boolean
}

/** A guest with all that the platform's lists tell of it. What they don't tell (a silent node, too few rights) is absent. */
export interface GuestRecord extends FoundGuest {
  state: GuestRunState
  template?: boolean
  tags: string[]
  pool?: string
  /** No pool is named, and there may be one that the account isn't shown. */
  poolHidden?: true
  /** As the platform's HA manager shows it (`started`, …); absent: not managed. */
  haState?: string
  /** What HA was asked for, where the account may know. */
  haRequested?: string
  cpus?: number
  memoryBytes?: number
  /** Size of the boot disk or root file system; `describeGuest` knows the others. */
  diskBytes?: number
  uptimeSeconds?: number
  /** Nodes that hold a replica. */
  replicas?: string[]
  /** What backing this guest up takes and the account lacks. */
  missingPrivileges: MissingPrivilege[]
}

export type ListDepth = 'identities' | 'everything'

export interface GuestList {
  /** By id. */
  guests: GuestRecord[]
  /** Why there may be guests that aren't in the list; absent when it is known to be whole. A sentence. */
  mayLack?: string
  /** Why a guest without `pool` may be in one all the same; absent when that is known of all. A sentence. */
  poolsMayLack?: string
  /** Metadata that couldn't be read, a sentence each. */
  notes: string[]
}

/** A disk or mount point as the guest's configuration has it. */
export interface GuestDisk {
  /** The platform's word: `scsi0`, `rootfs`, `mp1`, … */
  key: string
  /** The platform's address of it, or the path on the node. */
  volume: string
  /** Absent where the configuration doesn't tell. */
  sizeBytes?: number
  /** Whether a backup of the guest holds it, and why. */
  included: boolean
  reason: string
}

/** A backup that is only thought of: by which options, and of a guest in which state. */
export interface PlannedBackup {
  options: BackupOptions
  state: GuestRunState
}

/** What only the guest's own configuration tells. */
export interface GuestDetails {
  description: string
  disks: GuestDisk[]
  /**
   * Where the options of a backup were given: the best that it can reach, as the guest's configuration and state show it.
   * What only the backup itself tells (whether an agent answers) is taken for good.
   */
  bestGrade?: Grade
  replication: { target: string; schedule: string; enabled: boolean; lastSyncAt?: string; error?: string }[]
  notes: string[]
}
