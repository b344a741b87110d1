/** Rate and time left from what is seen of a piece of work, now and a while ago. Pure. */
import type { GuestProgress, ProgressFigures, ProgressStage } from '../../contracts/progress.ts'

/** What can be seen at one moment. */
export interface Seen {
  percent?: number | undefined
  doneBytes?: number | undefined
  totalBytes?: number | undefined
  estimated?: boolean
}

/** A rate over less swings with caches and single parts. */
const RATE_OVER_SECONDS = 20
/** Progress objects are written no more often than this: hundreds of guests may be under way. */
export const WRITE_AFTER_SECONDS = 60

/**
 * The rate is the recent one where an earlier look is far enough back, else that of the whole dump. `before` is the last
 * look that was kept; of another stage it says nothing.
 */
export function figuresOf(
  seen: Seen,
  stage: ProgressStage,
  stageStartedAt: string,
  before: GuestProgress | undefined,
  now: Date,
): ProgressFigures {
  const { doneBytes, totalBytes } = seen
  const percent = percentOf(seen)
  const elapsed = secondsBetween(stageStartedAt, now)
  const earlier = before?.stage === stage && before.stageStartedAt === stageStartedAt ? before : undefined
  // A dump begins with nothing, a copy may go on with what an earlier one left: only the former has a whole-stage rate.
  const average = stage === 'dumping' && doneBytes !== undefined && elapsed >= 1 ? doneBytes / elapsed : undefined
  const rate = recentRate(doneBytes, earlier, now) ?? average
  const left = secondsLeft({ doneBytes, totalBytes, percent, rate, elapsed })
  return {
    ...(percent === undefined ? {} : { percent }),
    ...(doneBytes === undefined ? {} : { doneBytes }),
    ...(totalBytes === undefined ? {} : { totalBytes }),
    ...(rate === undefined ? {} : { bytesPerSecond: Math.round(rate) }),
    ...(left === undefined ? {} : { secondsLeft: Math.round(left) }),
    estimated: seen.estimated === true,
  }
}

/** Whether what is kept is old enough, or about another stage, to be replaced. */
export function isDue(
  before: GuestProgress | undefined,
  stage: ProgressStage,
  stageStartedAt: string,
  now: Date,
): boolean {
  if (before === undefined || before.stage !== stage || before.stageStartedAt !== stageStartedAt) return true
  return secondsBetween(before.updatedAt, now) >= WRITE_AFTER_SECONDS
}

function percentOf({ percent, doneBytes, totalBytes, estimated }: Seen): number | undefined {
  if (percent !== undefined) return percent
  if (doneBytes === undefined || totalBytes === undefined || totalBytes <= 0) return undefined
  const share = Math.min(100, (doneBytes / totalBytes) * 100)
  // A guest that has grown fills more than its last archive: an estimate never says that it is done.
  return Math.round((estimated === true ? Math.min(99, share) : share) * 10) / 10
}

function recentRate(doneBytes: number | undefined, earlier: GuestProgress | undefined, now: Date): number | undefined {
  if (doneBytes === undefined || earlier?.doneBytes === undefined || doneBytes < earlier.doneBytes) return undefined
  const since = secondsBetween(earlier.updatedAt, now)
  // Until then what was told last holds.
  return since >= RATE_OVER_SECONDS ? (doneBytes - earlier.doneBytes) / since : earlier.bytesPerSecond
}

function secondsLeft(known: {
  doneBytes: number | undefined
  totalBytes: number | undefined
  percent: number | undefined
  rate: number | undefined
  elapsed: number
}): number | undefined {
  const { doneBytes, totalBytes, percent, rate, elapsed } = known
  if (doneBytes !== undefined && totalBytes !== undefined && rate !== undefined) {
    if (doneBytes >= totalBytes) return totalBytes > 0 ? 0 : undefined
    return rate > 0 ? (totalBytes - doneBytes) / rate : undefined
  }
  if (percent === undefined || percent < 1) return undefined
  return (elapsed * (100 - percent)) / percent
}

function secondsBetween(instant: string, now: Date): number {
  return Math.max(0, (now.getTime() - Date.parse(instant)) / 1000)
}
