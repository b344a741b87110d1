import type { BackupEvidence, ClockOffset } from '../contracts/evidence.ts'
import type { BackupOptions } from '../contracts/backup-options.ts'
import type { Grade } from '../contracts/grade.ts'
import type { GuestliftError } from '../contracts/errors.ts'
import type { Guest, GuestKind, Platform } from '../contracts/nouns.ts'
import type { GuestRunState } from '../contracts/selection.ts'
import type { KeepRules } from '../contracts/retention.ts'

/** A guest that was asked for by id, with what the platform knows of it now. */
export interface FoundGuest extends Guest {
  /** Name of the lock that holds the guest's configuration (`backup`, `migrate`, …), if one does. */
  lock?: string
  /** The platform knows the guest, but its node doesn't answer. */
  nodeOffline: boolean
}

/** A backup job of ours, as the platform's job list shows it. */
export interface JobSummary {
  jobRef: string
  /** By the platform's clock: it orders jobs of one node among each other and nothing else. */
  startedAt: string
  running: boolean
  /** Of the clock that says `startedAt`. Only just after the start: the answer to it tells. */
  clock?: ClockOffset
}

/** Whose a job is, as its own log shows: with the token that it was started with, if it has one of ours at all. */
export interface JobMark {
  token?: string
}

export interface BackupProgress {
  running: boolean
  /** 0 to 100, where the platform's log tells. */
  progressPercent?: number
  /** Of the guest's disks, where the log tells. */
  doneBytes?: number
  totalBytes?: number
}

export interface MissingPrivilege {
  privilege: string
  path: string
  /** Options of the job that alone need it; absent when every backup does. */
  neededBy?: string
}

/** Which archives; what is left out doesn't narrow them down. */
export interface ArchiveFilter {
  storage?: string
  node?: string
  guestId?: string
}

/** An archive as it lies on a storage of the platform. */
export interface PlatformArchive {
  artifactRef: string
  /** A node through which it can be reached. */
  node: string
  storage: string
  /** Absent for files that were renamed beyond recognition. */
  guestId?: string
  guestKind?: GuestKind
  createdAt: string
  sizeBytes: number
  /** The platform's word: `vma.zst`, `tar.zst`, `pbs-vm`, … */
  format: string
  /** The first line of its notes; empty when it has none. */
  notes: string
  protected: boolean
  encrypted: boolean
  /** Where the platform verifies archives itself: its word, `ok` or `failed`. */
  verification?: string
}

/** A place that didn't answer: what is missing from a list, and why. */
export interface UnreadPlace {
  node: string
  storage?: string
  reason: string
}

export interface ArchiveListing {
  /** Newest first. */
  archives: PlatformArchive[]
  unread: UnreadPlace[]
  /** Archives that are there and that this account may not see. */
  hidden: { storage: string; node: string; count: number }[]
  /** Why there may be archives that nothing else here tells of; absent when the list is known to be whole. A sentence. */
  mayLack?: string
}

/** What became of an archive that was to be removed. */
export type ArchiveRemoval = 'removed' | 'gone' | 'protected'

/** What people may change about an archive. `notes` is the whole text; empty for none. */
export interface ArchiveMarks {
  notes: string
  protected: boolean
}

/** An archive with what the platform's own pruning would do to it. `renamed`: no standard name, so it is never touched. */
export interface PruneMark {
  artifactRef: string
  node: string
  guestId?: string
  guestKind?: GuestKind
  createdAt: string
  mark: 'keep' | 'remove' | 'protected' | 'renamed'
}

/** `reboot` is a shutdown and a start; `stop` is pulling the plug. */
export type PowerAction = 'start' | 'shutdown' | 'stop' | 'reboot'

export interface PowerOptions {
  /** How long a guest may take to shut down, and the platform to carry out the order. */
  timeoutSeconds: number
  /** With `shutdown`: pull the plug when the time is over. */
  forceStop?: boolean
}

/** A guest's state at this moment, not some seconds ago. */
export interface GuestState {
  status: 'running' | 'stopped'
  /** Where the platform tells more: `paused`, … */
  detail?: string
  uptimeSeconds: number
  lock?: string
  /** The platform's high availability watches over it, and may start it again. */
  highlyAvailable: boolean
  template: boolean
}

export interface PowerResult {
  /** False when the guest was in the wanted state already: nothing was asked of the platform. */
  changed: boolean
  state: GuestState
  jobRef?: string
}

/** A lock that nobody takes off any more, and how to. */
export interface LeftLock {
  lock: string
  /** A sentence with the command. */
  advice: string
}

/** Any task that this account started, of whatever kind. */
export interface OwnJob extends JobSummary {
  node: string
  /** The platform's word: `vzdump`, `imgdel`, … */
  type: string
  /** The guest that it works on, if it is about one. */
  guestId?: string
  endedAt?: string
  /** How it ended, in the platform's words. */
  exitStatus?: string
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

/** A storage as one node sees it. */
export interface StorageRecord {
  storage: string
  node: string
  /** The platform's word: `dir`, `nfs`, … */
  type: string
  /** What it may hold, in the platform's words. */
  content: string[]
  takesBackups: boolean
  /** Whether backups on it are files, which a route can read; absent for a type that nobody here knows. */
  backupsAreFiles?: boolean
  enabled: boolean
  /** The node can use it at this moment. */
  active: boolean
  shared: boolean
  totalBytes: number
  freeBytes: number
}

/** A pool whose members are meant. */
export interface IntendedPool {
  pool: string
  /** Those of its sub-pools, too. */
  subPools: boolean
}

/** What a run is going to do, as far as privileges depend on it. */
export interface IntendedWork {
  guestIds: readonly string[]
  /** Every guest of the site is meant: those that the account can't see would be missed without a word. */
  everyGuest?: boolean
  /** Pools whose members are meant. */
  pools?: readonly IntendedPool[]
  /** Pools whose members must be known in order to leave them out. */
  excludedPools?: readonly IntendedPool[]
  /** A storage's name, or `auto`. */
  storage: string
  deleteSource: boolean
  /** Some options take privileges of their own. */
  options?: BackupOptions
}

/**
 * A platform we export from, logged in to one site. Every method may throw the errors of `contracts/errors.ts` and no
 * others; messages name site, node and guest. Reading calls are repeated inside on passing faults; writing calls never.
 */
export interface Provider {
  readonly platform: Platform

  /** Log in and say who answers. `version` is the platform's own (Proxmox: `9.2.11`). */
  identify(): Promise<{ version: string }>

  /**
   * Which cluster answers, opaque: the same for ever, whatever nodes come and go, and another one for another cluster
   * behind the same address. `undefined` where the platform doesn't tell this account.
   */
  clusterId(): Promise<string | undefined>

  /** @throws RequestRejected for options that this site's version doesn't know, naming them */
  requireOptions(options: BackupOptions): Promise<void>

  /** Privileges that the work needs and the account lacks; empty when it may do all of it. */
  missingPrivileges(work: IntendedWork): Promise<MissingPrivilege[]>

  /** How far a node's clock may be off before a backup on it is refused, in seconds. */
  readonly clockToleranceSeconds: number

  /**
   * How far the clock is off that answers for a node now. Where the platform lets only some other node be asked, it is
   * that one's; `startBackup` tells the node's own. `undefined` when no answer shows a time.
   */
  clock(node: string): Promise<ClockOffset | undefined>

  /**
   * Where each guest is *now*, and who it is. Ids that nobody knows (or the account may not see) are absent from the
   * result; an identity that can't be read is absent, too.
   */
  findGuests(ids: readonly string[]): Promise<FoundGuest[]>

  /**
   * All guests that the account may see. `identities` looks at each guest's configuration for who it is, and `everything`
   * asks for metadata that selecting doesn't need as well, as replication. What can't be read is absent, with a note.
   */
  listGuests(depth?: ListDepth): Promise<GuestList>

  /**
   * Why the lock that `findGuests` or `listGuests` saw on a guest keeps it from being backed up now, with what to do: an
   * error to throw or to quote, whose group says whether to wait, to skip or to fail. `undefined` without a lock.
   */
  refusalByLock(guest: Guest & { lock?: string }): GuestliftError | undefined

  /** The guest's own configuration. @throws GuestNotFound, NodeOffline */
  describeGuest(guest: Guest, planned?: PlannedBackup): Promise<GuestDetails>

  /** A storage as a node sees it; `undefined` when the node has none of that name, or the account may not see it. */
  describeStorage(storage: string, node: string): Promise<StorageRecord | undefined>

  /**
   * Why a retention of the storage's own would keep the platform from one more backup of the guest, with the ways out;
   * `undefined` when nothing is known that would. `options.storage` is the storage's name. Absent: there is no such thing.
   */
  refusalByRetention?(guest: Guest, options: BackupOptions): Promise<string | undefined>

  /**
   * The folder on a node in which a storage keeps archives as files; `undefined` where this account isn't told. Asked for
   * before there is an archive whose path would tell. Absent: the platform has no such folders.
   */
  backupFolder?(storage: string): Promise<string | undefined>

  /**
   * Storages of a node on which this account may put a backup with these options, as the node sees them now; those
   * whose backups are no files are among them.
   */
  backupStorages(node: string, options: BackupOptions): Promise<StorageRecord[]>

  /**
   * Ask once for a backup of one guest on the node where it is now, keeping all older archives. Never repeated inside.
   * `token` (lower-case letters and digits) marks the job, so that `readMark` knows it again.
   * @throws NothingBackedUp when the platform accepted the call and started nothing
   * @throws BackupStartUnclear when the answer was lost and a job may or may not be running
   */
  startBackup(guest: Guest, options: BackupOptions, token?: string): Promise<JobSummary>

  /**
   * Backup jobs for this guest that this account started: every running one, and those that ended and were started at or
   * after `since` by our clock, as well as can be known from the platform's. Newest first.
   */
  findJobs(guest: Guest, since: Date): Promise<JobSummary[]>

  /** Whose a backup job is; `undefined` while or where its log doesn't tell (it waits to begin, or was rotated away). */
  readMark(jobRef: string): Promise<JobMark | undefined>

  checkBackup(jobRef: string): Promise<BackupProgress>

  /** Everything known about an ended job and this guest's archive. A missing piece is absent, never made up. */
  gatherEvidence(jobRef: string, guest: Guest, storage: string): Promise<BackupEvidence>

  /** The job's whole log as text, one line a row. */
  readLog(jobRef: string): Promise<string>

  /** Stop a running job and wait (at most `timeoutSeconds`) until it has ended. An ended job is left alone. */
  stopBackup(jobRef: string, timeoutSeconds: number): Promise<void>

  /** Remove an archive from the platform's storage and wait for it. One that is gone already is fine. */
  deleteArtifact(artifactRef: string, node: string): Promise<void>

  /** Tasks that this account started, on all nodes: every running one, and ended ones as `findJobs`. Newest first. */
  listJobs(since: Date): Promise<{ jobs: OwnJob[]; unread: UnreadPlace[] }>

  /** One task, whoever started it. `startedBy` is the account. */
  describeJob(jobRef: string): Promise<OwnJob & { startedBy: string }>

  /**
   * Archives on the platform's storages. A place that doesn't answer is named in the result; only when none answers is
   * that an error.
   */
  listArchives(filter: ArchiveFilter): Promise<ArchiveListing>

  /** Whole notes and protection of an archive; `undefined` when it isn't there. */
  readMarks(artifactRef: string, node: string): Promise<ArchiveMarks | undefined>

  /** Change them, and read them again to prove it. @throws SourceUnreadable when the archive isn't there */
  editMarks(artifactRef: string, node: string, change: Partial<ArchiveMarks>): Promise<ArchiveMarks>

  /** Remove an archive and wait until it is gone. Unlike `deleteArtifact`, says what it found. */
  removeArchive(artifactRef: string, node: string): Promise<ArchiveRemoval>

  /** What the platform's own pruning would do, changing nothing. Without rules those of the storage count. */
  previewPrune(
    filter: ArchiveFilter & { storage: string },
    rules: KeepRules | undefined,
  ): Promise<{ marks: PruneMark[]; unread: UnreadPlace[] }>

  guestState(guest: Guest): Promise<GuestState>

  /**
   * Start, shut down, stop or reboot a guest, wait for the task, and see that the guest is in that state.
   * @throws GuestLockedBriefly, GuestLocked, GuestMigrating, GuestLockStays while something else holds it
   * @throws PlatformTaskFailed when the task ended badly, or well without effect
   */
  powerGuest(guest: Guest, action: PowerAction, options: PowerOptions): Promise<PowerResult>

  /** Wait until no backup holds the guest any more. The lock that stays after `timeoutSeconds`, or `undefined`. */
  awaitUnlocked(guest: Guest, timeoutSeconds: number): Promise<LeftLock | undefined>

  close(): Promise<void>
}
