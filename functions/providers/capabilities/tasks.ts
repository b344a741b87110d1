import type { JobSummary } from '../job-summary.ts'
import type { UnreadPlace } from './archives-on-platform.ts'

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

/** A platform that keeps a list of its jobs. */
export interface PlatformTasks {
  /** Tasks that this account started, on all nodes: every running one, and ended ones as `findJobs`. Newest first. */
  list(since: Date): Promise<{ jobs: OwnJob[]; unread: UnreadPlace[] }>

  /** One task, no matter who started it. `startedBy` is the account. */
  describe(jobRef: string): Promise<OwnJob & { startedBy: string }>

  /** A task's whole log as text, one line a row. */
  log(jobRef: string): Promise<string>
}
