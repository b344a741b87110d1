/**
 * What every platform offers, and what some of them offer besides. A platform is a folder beside this file; the core
 * knows it by this interface alone. `test/functions/providers/conformance.ts` is its specification.
 */
import type { BackupEvidence, ClockOffset, Verdict } from '../contracts/evidence.ts'
import type { BackupOptions } from '../contracts/backup-options.ts'
import type { Guest, Platform } from '../contracts/nouns.ts'
import type { SideFile } from '../contracts/side-file.ts'
import type { SelectionKey } from '../contracts/selection.ts'
import type { OptionKey } from '../domain/selection/foreign-options.ts'
import type { ArchivesOnPlatform } from './capabilities/archives-on-platform.ts'
import type { DiskRestores } from './capabilities/disk-restores.ts'
import type { Endpoints } from './capabilities/endpoints.ts'
import type { GuestLocks } from './capabilities/locks.ts'
import type { GuestPower } from './capabilities/power.ts'
import type { Restores } from './capabilities/restores.ts'
import type { SiteConfigurations } from './capabilities/site-configuration.ts'
import type { Storages } from './capabilities/storages.ts'
import type { PlatformTasks } from './capabilities/tasks.ts'
import type { FoundGuest, GuestDetails, GuestList, ListDepth, PlannedBackup } from './guest-facts.ts'
import type { IntendedWork, MissingPrivilege } from './intended-work.ts'
import type { JobSummary } from './job-summary.ts'
import type { PlatformTraits } from './traits.ts'

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

/** Where a platform of `flow: 'native'` is to write an archive. All of its sources bear that time. */
export interface Destination {
  bucket: string
  /** With a slash at its end. */
  folder: string
  createdAt: string
}

/** All that is known about an ended backup. */
export interface Gathered {
  /** Claims of the platform about the job, and what there is to copy. A missing piece is absent, never made up. */
  evidence: BackupEvidence
  /** Small files to keep beside the archive, as the job's log. None has the name of a source or of another. */
  sideFiles: SideFile[]
}

/** What a backup of ours made on the platform. What isn't known is absent. */
export interface MadeByBackup {
  guest: Guest
  jobRef?: string
  /** The token that it was started with. */
  token?: string
  /** Sources that were seen and are this backup's. */
  sources: readonly { artifactRef: string; node: string }[]
}

/** Something of ours on the platform that no run works on any more, as far as the platform shows. */
export interface Stray {
  /** What it is and where, for people: `snapshot snap-0a1b of volume vol-9f8e`. */
  what: string
  made: MadeByBackup
  /** By the platform's clock. */
  createdAt: string
  /** Why it may be another installation's: a sentence. Then it is reported, and stays unless a claim of ours names it. */
  doubt?: string
  sizeBytes?: number
  /** How a person removes it, where a command does. */
  removeWith?: string
}

/** Removing may take longer than a function call: then it was begun, and is asked for again after the wait. */
export type ReleaseProgress = { released: true } | { released: false; waitSeconds: number; reason: string }

/**
 * A platform we export from, logged in to one site. Every method may throw the errors of `contracts/errors.ts` and no
 * others; messages name site, node and guest. Reading calls are repeated inside on passing faults; writing calls never.
 */
export interface Provider {
  readonly platform: Platform

  /** What the platform can do, as data. */
  readonly traits: PlatformTraits

  /** Keys of a selection that mean something on this platform. A job with another one is refused before anything starts. */
  readonly selectionKeys: readonly SelectionKey[]

  /** Options of a backup that mean something on this platform, beside those in the block with its name. */
  readonly optionKeys: readonly OptionKey[]

  /**
   * What an account needs to see a guest, or all guests of the site, in the platform's words and as the end of a
   * sentence: `VM.Audit on /vms/100`. For messages on what may be hidden.
   */
  privilegeToSee(guestId?: string): string

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
   * that one's; `start` tells the node's own. `undefined` when no answer shows a time.
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

  /** The guest's own configuration. @throws GuestNotFound, NodeOffline */
  describeGuest(guest: Guest, planned?: PlannedBackup): Promise<GuestDetails>

  /**
   * Ask once for a backup of one guest on the node where it is now, keeping all older archives. Never repeated inside.
   * `token` (lower-case letters and digits) marks the job and what it makes, so that both are known again as ours.
   * @throws NothingBackedUp when the platform accepted the call and started nothing
   * @throws BackupPutOff when the platform takes no further backup at this moment
   * @throws BackupStartUnclear when the answer was lost and a job may or may not be running
   */
  start(guest: Guest, options: BackupOptions, token?: string, destination?: Destination): Promise<JobSummary>

  /**
   * Backup jobs for this guest that this account started: every running one, and those that ended and were started at or
   * after `since` by our clock, as well as can be known from the platform's. Newest first.
   */
  findJobs(guest: Guest, since: Date): Promise<JobSummary[]>

  /** Whose a backup job is; `undefined` while or where the platform doesn't tell (it waits to begin, or its log is gone). */
  readMark(jobRef: string): Promise<JobMark | undefined>

  /**
   * Look at a job. Where the platform takes several steps one after the other (snapshot, clone, removal of the snapshot),
   * this may begin the next one.
   */
  check(jobRef: string): Promise<BackupProgress>

  /**
   * Everything known about an ended job and this guest's archive.
   * @param storage where the job was asked to put it; a platform without storages ignores this
   */
  gather(jobRef: string, guest: Guest, storage: string): Promise<Gathered>

  /**
   * What is wrong with the job, by the platform's own claims in the evidence; `undefined` when nothing is. The core judges
   * the sources. Pure: asks the platform nothing.
   */
  judgeJob(this: void, evidence: BackupEvidence): Verdict | undefined

  /** Stop a running job and wait (at most `timeoutSeconds`) until it has ended. An ended job is left alone. */
  stop(jobRef: string, timeoutSeconds: number): Promise<void>

  /**
   * Remove what a backup made on the platform. What is gone already counts as released.
   * @param keepCopy leave what has a worth of its own on the platform, as a backup file on a storage
   */
  release(made: MadeByBackup, keepCopy: boolean): Promise<ReleaseProgress>

  /**
   * What backups of ours left on the platform and should have been released, made before `olderThan` by our clock. Only
   * what bears our mark is among them. `release` removes it.
   */
  findStrays(olderThan: Date): Promise<Stray[]>

  /**
   * Where so many backups may stand at a time, from their start to their release, whatever nodes they are of. `full` says
   * why another one waits: a sentence.
   * @throws GuestNotFound
   */
  turnOf?(guest: Guest): Promise<{ place: string; most: number; full: string }>

  /** Addresses that the site is asked at. */
  readonly endpoints?: Endpoints
  /** Places on which backups land as files. */
  readonly storages?: Storages
  /** Operations of others that hold a guest. */
  readonly locks?: GuestLocks
  /** Starting and stopping guests. */
  readonly power?: GuestPower
  /** Backups that the platform itself keeps. */
  readonly archivesOnPlatform?: ArchivesOnPlatform
  /** The platform's list of jobs with their logs. */
  readonly tasks?: PlatformTasks
  /** Bringing guests back. */
  readonly restores?: Restores
  /** How the site is set up beside its guests. */
  readonly configuration?: SiteConfigurations
  /** Bringing whole disks back, and what is run or attached of them. */
  readonly diskRestores?: DiskRestores

  close(): Promise<void>
}
