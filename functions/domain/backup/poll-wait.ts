/** How long to wait before looking at a running backup again. */

export interface PollSituation {
  /** Since the backup was asked for. */
  elapsedSeconds: number
  /** 0 to 100 where the platform tells how far the backup is. */
  progressPercent?: number
}

/** A backup that runs longer hangs: it is stopped, so that its node's turn goes to others. */
export const LONGEST_DUMP_DAYS = 7

const LONGEST_SECONDS = 300
/** A wait is a tenth of what has passed already: the end is noticed at most 10 % late, and looks thin out by themselves. */
const SHARE_OF_ELAPSED = 0.1
/** Below this the estimate swings too much to steer by; the first percents come from caches and empty blocks. */
const TRUSTED_FROM_PERCENT = 5
/** Percentages lie most near the end (compression, closing, renaming): a wait never drops below this share of the steady one. */
const LEAST_SHARE_OF_STEADY = 0.5
/** An estimate is aimed past the expected end, so that one look finds it done in place of two that don't. */
const AIM_PAST = 1.03

/**
 * Whole seconds until the next look, 1 to 300. Grows with the time that has passed, so that a dump of five seconds is
 * noticed within two and one of 24 hours needs a few hundred looks (each costs history events of a state machine).
 * With a percentage the wait stretches to the expected end or is cut to end shortly after it, and never outgrows
 * half of the time passed: percentages count disk blocks and slow down where data begins.
 */
export function nextWaitSeconds({ elapsedSeconds, progressPercent }: PollSituation): number {
  const elapsed = Number.isFinite(elapsedSeconds) ? Math.max(0, elapsedSeconds) : 0
  const steady = elapsed * SHARE_OF_ELAPSED
  return clamp(Math.round(remainingSeconds(elapsed, progressPercent, steady)))
}

function remainingSeconds(elapsed: number, percent: number | undefined, steady: number): number {
  if (percent === undefined || !(percent >= TRUSTED_FROM_PERCENT) || percent > 100) return steady
  const toTheEnd = ((elapsed * (100 - percent)) / percent) * AIM_PAST
  return Math.min(Math.max(toTheEnd, steady * LEAST_SHARE_OF_STEADY), elapsed / 2)
}

function clamp(seconds: number): number {
  return Math.min(LONGEST_SECONDS, Math.max(1, seconds))
}
