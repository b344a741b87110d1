/** Whether anybody may still go on with an open upload. Pure rules; looking and aborting are elsewhere. */
import { REPEAT_WINDOW_DAYS } from '../../contracts/sweep.ts'
import { type GuestClaim, isAlive, lapsesAt } from '../backup/guest-claim.ts'

/**
 * No upload is dropped within so long after its last sign of life, no matter whose it is: what fills it may know nothing of
 * claims, and a look at a claim is only a look.
 */
export const QUIET_HOURS = 24
/** S3 refuses clocks that are further off than this, so our times and S3's can be compared with it as slack. */
const CLOCK_SLACK_MILLISECONDS = 15 * 60_000
const HOUR_MILLISECONDS = 3_600_000

/** All that is known of an open upload. `unreadable`: the object is there and isn't what it should be. */
export interface UploadFacts {
  uploadId: string
  openedAt: string
  /** Of its newest part; absent while it has none. */
  newestPartAt: string | undefined
  /** The record of its archive, which names the upload that can be resumed. */
  record: { uploadId: string } | 'unreadable' | undefined
  claim: GuestClaim | 'unreadable' | undefined
  /** Where record and claim lie, for people who have to look at them. */
  recordKey: string
  claimKey: string
}

export interface Judgement {
  outcome: 'kept' | 'dropped'
  /** A sentence for people. */
  reason: string
}

/** When the upload last showed that somebody works on it. */
export function lastActiveAt({ openedAt, newestPartAt }: Pick<UploadFacts, 'openedAt' | 'newestPartAt'>): string {
  return newestPartAt !== undefined && newestPartAt > openedAt ? newestPartAt : openedAt
}

/**
 * Keep an upload while somebody may be filling it, while it can be resumed, and whenever that can't be known.
 * @param now by the clock that also dated the claim
 */
export function judgeUpload(facts: UploadFacts, now: Date): Judgement {
  const lastActive = new Date(lastActiveAt(facts))
  const quietHours = (now.getTime() - lastActive.getTime()) / HOUR_MILLISECONDS
  const event = facts.newestPartAt === undefined ? 'it was opened' : 'its last part arrived'
  const ago = `${event} ${inWords(quietHours)} ago`

  if (facts.claim === 'unreadable') {
    return kept(
      `Whether a run is filling it can't be known: the claim ${facts.claimKey} is unreadable. Remove that object if no run is active.`,
    )
  }
  if (facts.claim !== undefined && mayBeFilling(facts.claim, lastActive, now)) {
    const { runId } = facts.claim
    return kept(
      `Run ${runId} holds the guest until ${lapsesAt(facts.claim).toISOString()} unless it renews, and may be filling it.`,
    )
  }
  if (quietHours < QUIET_HOURS) return kept(`Too recent to judge: ${ago}.`)
  if (facts.record === 'unreadable') {
    return kept(
      `Whether it can be resumed can't be known: the record ${facts.recordKey} is unreadable. Remove that object to let the upload go.`,
    )
  }
  if (facts.record?.uploadId === facts.uploadId) {
    const until = new Date(lastActive.getTime() + REPEAT_WINDOW_DAYS * 24 * HOUR_MILLISECONDS)
    return now < until
      ? kept(`A repetition of its guest can continue it until ${until.toISOString()}: ${ago}.`)
      : dropped(`Nobody went on with it while its guest could be repeated (${REPEAT_WINDOW_DAYS} days): ${ago}.`)
  }
  return dropped(
    facts.record === undefined
      ? `No record names it, so no run can go on with it: ${ago}.`
      : `The record of its archive names another upload, so no run goes on with this one: ${ago}.`,
  )
}

/**
 * A run fills uploads of the archive that its own backup made. If that backup began after the upload's last sign of
 * life, the upload is of an earlier one; else a guest that is busy at every sweep would keep its old uploads for ever.
 */
function mayBeFilling(claim: GuestClaim, lastActive: Date, now: Date): boolean {
  if (!isAlive(claim, now)) return false
  return claim.startedAt === undefined || Date.parse(claim.startedAt) <= lastActive.getTime() + CLOCK_SLACK_MILLISECONDS
}

function kept(reason: string): Judgement {
  return { outcome: 'kept', reason }
}

function dropped(reason: string): Judgement {
  return { outcome: 'dropped', reason }
}

/** `3 hours`, `15 days`: whole, rounded down. */
function inWords(hours: number): string {
  const [count, unit] = hours >= 48 ? [hours / 24, 'day'] : [hours, 'hour']
  const whole = Math.max(0, Math.floor(count))
  if (unit === 'hour' && whole === 0) return 'less than an hour'
  return `${whole} ${unit}${whole === 1 ? '' : 's'}`
}
