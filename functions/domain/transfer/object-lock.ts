/** Locks that archives are to have, and those that S3 shows. */
import type { DatedLock, LockMode, LockOrder, ShownLock } from '../../contracts/object-lock.ts'
import { LONGEST_COPY_DAYS } from './slowest-line.ts'

const DAY = 86_400_000

/** S3 counts by its clock, which may be 15 minutes off ours before it refuses to talk; requests take their time, too. */
const SLACK_MILLISECONDS = 3_600_000

/** At least as strong as both: the stricter mode, the longer time. */
export function strongerLock(one: LockOrder | undefined, other: LockOrder | undefined): LockOrder | undefined {
  if (one === undefined || other === undefined) return one ?? other
  const mode = one.mode === 'compliance' ? one.mode : other.mode
  return { mode, days: Math.max(one.days, other.days) }
}

/** Whether what was opened with the one lock may go on for an archive that is to have the other. */
export function isLockEnough(has: LockOrder | undefined, needs: LockOrder | undefined): boolean {
  if (needs === undefined) return true
  return has !== undefined && !isWeaker(has.mode, needs.mode) && has.days >= needs.days
}

/** The same lock with its end, for an object that is begun now. */
export function datedLock({ mode, days }: LockOrder, now: Date): DatedLock {
  return { mode, until: new Date(now.getTime() + days * DAY).toISOString() }
}

/**
 * Why the lock that S3 shows isn't the one that was asked for: the end of a sentence. `undefined` when it is.
 * @param begun when the object's time began: of an upload that is its opening, as ISO instant
 */
export function lockShortfall(
  shown: ShownLock | undefined,
  { mode, days }: LockOrder,
  begun: string | undefined,
  now: Date,
): string | undefined {
  const inForce = lockInForce(shown, now)
  if (inForce === undefined) return 'S3 shows no lock on it'
  if (inForce.until === undefined) return 'it has a legal hold alone, which has no date'
  if (isWeaker(inForce.mode, mode)) return `its lock has the mode ${inForce.mode ?? 'unknown'}`
  const from = begun === undefined ? undefined : Date.parse(begun)
  if (from !== undefined && Date.parse(inForce.until) < from + days * DAY - SLACK_MILLISECONDS) {
    return `its lock ends on ${inForce.until}`
  }
  return undefined
}

/** Why the lock that S3 shows now is less than the one that was noted; `undefined` when it holds, or was to be over. */
export function lockLost(noted: ShownLock, shown: ShownLock | undefined, now: Date): string | undefined {
  const { until } = noted
  if (until === undefined || Date.parse(until) <= now.getTime()) return undefined
  const inForce = lockInForce(shown, now)
  const was = `its manifest has ${lockWords(noted)}`
  if (inForce === undefined) return `S3 shows no lock on it, and ${was}`
  if (inForce.until === undefined) return `S3 shows a legal hold alone, and ${was}`
  if (Date.parse(inForce.until) < Date.parse(until)) return `S3 shows ${lockWords(inForce)}, and ${was}`
  if (noted.mode !== undefined && isWeaker(inForce.mode, noted.mode)) {
    return `S3 shows ${lockWords(inForce)}, and ${was}`
  }
  return undefined
}

/**
 * Whether an archive is young enough for a lock of so many days. The lock began with the upload, at most `LONGEST_COPY_DAYS`
 * before the manifest.
 */
export function requiredNow({ days }: LockOrder, writtenAt: string, now: Date): boolean {
  return Date.parse(writtenAt) + (days - LONGEST_COPY_DAYS) * DAY > now.getTime()
}

/** What of a lock holds now: a retention that is over is none. */
export function lockInForce(shown: ShownLock | undefined, now: Date): ShownLock | undefined {
  if (shown === undefined) return undefined
  const { mode, until, legalHold } = shown
  const retained = until !== undefined && Date.parse(until) > now.getTime()
  if (!retained && legalHold !== true) return undefined
  return {
    ...(retained && mode !== undefined ? { mode } : {}),
    ...(retained ? { until } : {}),
    ...(legalHold === true ? { legalHold } : {}),
  }
}

/** Until when all files of an archive are locked, as noted of each: the earliest end. `undefined`: some file isn't. */
export function wholeLock(
  locks: readonly (Pick<ShownLock, 'mode' | 'until'> | undefined)[],
): { mode?: LockMode; until: string } | undefined {
  const ends = locks.flatMap((lock) => (lock?.until === undefined ? [] : [{ ...lock, until: lock.until }]))
  const [first] = ends.toSorted((a, b) => Date.parse(a.until) - Date.parse(b.until))
  if (first === undefined || ends.length < locks.length) return undefined
  const modes = new Set(ends.map(({ mode }) => mode))
  const mode = modes.has(undefined) ? undefined : modes.has('governance') ? 'governance' : 'compliance'
  return { ...(mode === undefined ? {} : { mode }), until: first.until }
}

/** `a lock until 2027-01-01T00:00:00.000Z (compliance) and a legal hold`. */
export function lockWords({ mode, until, legalHold }: ShownLock): string {
  const retention = until === undefined ? [] : [`a lock until ${until}${mode === undefined ? '' : ` (${mode})`}`]
  return [...retention, ...(legalHold === true ? ['a legal hold'] : [])].join(' and ')
}

/** A mode that nobody knows counts as the weakest. */
function isWeaker(mode: LockMode | undefined, than: LockMode): boolean {
  return than === 'compliance' ? mode !== 'compliance' : mode === undefined
}
