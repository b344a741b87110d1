import type { ClockOffset } from '../contracts/evidence.ts'

/** A backup job of ours, as the platform's job list shows it. */
export interface JobSummary {
  jobRef: string
  /** By the platform's clock: it orders jobs of one node among each other and nothing else. */
  startedAt: string
  running: boolean
  /** Of the clock that says `startedAt`. Only just after the start: the answer to it tells. */
  clock?: ClockOffset
}
