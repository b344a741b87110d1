/** How often and at what intervals a part is sent again: the same no matter who sends it. */

export interface RetryDeps {
  /** 0 ≤ n < 1. */
  random(): number
  sleep(milliseconds: number): Promise<void>
}

export const MAX_PART_ATTEMPTS = 6
const FIRST_BACKOFF_MILLISECONDS = 250
const LONGEST_BACKOFF_MILLISECONDS = 16_000

/** Full jitter: functions that were slowed down together don't come back together. `attempt` counts from 1. */
export function backoffMilliseconds(attempt: number, random: () => number): number {
  return random() * Math.min(LONGEST_BACKOFF_MILLISECONDS, FIRST_BACKOFF_MILLISECONDS * 2 ** attempt)
}
