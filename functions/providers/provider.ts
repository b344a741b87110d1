import type { BackupEvidence } from '../contracts/evidence.ts'
import type { BackupOptions } from '../contracts/job.ts'
import type { Guest, Platform } from '../contracts/nouns.ts'

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
  startedAt: string
  running: boolean
}

export interface BackupProgress {
  running: boolean
  /** 0 to 100, where the platform's log tells. */
  progressPercent?: number
}

export interface MissingPrivilege {
  privilege: string
  path: string
}

/** What a run is going to do, as far as privileges depend on it. */
export interface IntendedWork {
  guestIds: readonly string[]
  storage: string
  deleteSource: boolean
}

/**
 * A platform we export from, logged in to one site. Every method may throw the errors of `contracts/errors.ts` and no
 * others; messages name site, node and guest. Reading calls are repeated inside on passing faults; writing calls never.
 */
export interface Provider {
  readonly platform: Platform

  /** Log in and say who answers. `version` is the platform's own (Proxmox: `9.2.11`). */
  identify(): Promise<{ version: string }>

  /** Privileges that the work needs and the account lacks; empty when it may do all of it. */
  missingPrivileges(work: IntendedWork): Promise<MissingPrivilege[]>

  /** Where each guest is *now*. Ids that nobody knows (or the account may not see) are absent from the result. */
  findGuests(ids: readonly string[]): Promise<FoundGuest[]>

  /**
   * Ask once for a backup of one guest on the node where it is now, keeping all older archives. Never repeated inside.
   * @throws NothingBackedUp when the platform accepted the call and started nothing
   * @throws BackupStartUnclear when the answer was lost and a job may or may not be running
   */
  startBackup(guest: Guest, options: BackupOptions): Promise<JobSummary>

  /** Backup jobs for this guest that this account started at or after `since`, newest first, running or ended. */
  findJobs(guest: Guest, since: Date): Promise<JobSummary[]>

  checkBackup(jobRef: string): Promise<BackupProgress>

  /** Everything known about an ended job and this guest's archive. A missing piece is absent, never made up. */
  gatherEvidence(jobRef: string, guest: Guest, storage: string): Promise<BackupEvidence>

  /** The job's whole log as text, one line a row. */
  readLog(jobRef: string): Promise<string>

  /** Stop a running job and wait (at most `timeoutSeconds`) until it has ended. An ended job is left alone. */
  stopBackup(jobRef: string, timeoutSeconds: number): Promise<void>

  /** Remove an archive from the platform's storage and wait for it. One that is gone already is fine. */
  deleteArtifact(artifactRef: string, node: string): Promise<void>

  close(): Promise<void>
}
