/** What answers tell of the clocks on the other side. Proxmox shows the time itself only to accounts with Sys.Audit. */
import type { ClockOffset } from '../../contracts/evidence.ts'
import { type AnswerTiming, offsetByHeader } from '../../domain/time/answer-clock.ts'
import { measureOffset } from '../../domain/time/clock-offset.ts'
import type { Upid } from './identifiers.ts'

/**
 * Our clock and the node's may differ by more than the endpoint's answer shows, which may be another node: an ended job
 * that is overlooked for that reason would be started twice.
 */
const UNSEEN_SKEW_SECONDS = 300

/** From a task that this very call started: the clock of the node that it runs on. */
export function offsetByTask({ startTime }: Upid, { askedAt, answeredAt }: AnswerTiming): ClockOffset {
  return measureOffset({ shownSeconds: startTime, askedAt, answeredAt })
}

/** Whether a task that ended may have been started at or after `since` by our clock. */
export function mayBeSince({ startTime }: Upid, since: Date, timing: AnswerTiming): boolean {
  const { offsetSeconds, uncertaintySeconds } = offsetByHeader(timing) ?? { offsetSeconds: 0, uncertaintySeconds: 0 }
  return startTime >= since.getTime() / 1000 + offsetSeconds - uncertaintySeconds - UNSEEN_SKEW_SECONDS
}
