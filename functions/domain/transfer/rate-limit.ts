/** Holding one stream to its bandwidth: when may the next piece be read? Pure; the caller sleeps and reads. */

/** What a stream may read, and when. All parts that a stream has in flight draw from the same allowance. */
export interface Allowance {
  readonly bytesPerSecond: number
  /** Clock in milliseconds at which everything granted so far is paid for. */
  readonly paidUntilMilliseconds: number
}

/** Time lost to a late timer or a slow piece that may be caught up. More would be a burst the line feels. */
const CREDIT_MILLISECONDS = 500
const LEAST_SLICE_BYTES = 64 * 2 ** 10
const LARGEST_SLICE_BYTES = 4 * 2 ** 20
/** A piece lasts about this long, so that the line sees a steady flow in place of one part a minute. */
const SLICE_SECONDS = 0.25

/** `nowMilliseconds`: any steady clock in milliseconds; the same one at each call. */
export function openAllowance(bytesPerSecond: number, nowMilliseconds: number): Allowance {
  if (!(bytesPerSecond > 0)) throw new RangeError(`A bandwidth of ${bytesPerSecond} bytes per second moves nothing.`)
  return { bytesPerSecond, paidUntilMilliseconds: nowMilliseconds }
}

/**
 * Ask for the next `bytes`: wait `waitMilliseconds`, then read them, and go on with the new allowance. Over any stretch
 * of t seconds at most `bytesPerSecond × (t + 0.5)` bytes and one piece are let through. Time that went by unused
 * beyond half a second is lost: a stall isn't followed by a burst.
 */
export function draw(
  allowance: Allowance,
  bytes: number,
  nowMilliseconds: number,
): { allowance: Allowance; waitMilliseconds: number } {
  const from = Math.max(allowance.paidUntilMilliseconds, nowMilliseconds - CREDIT_MILLISECONDS)
  const paidUntilMilliseconds = from + (bytes / allowance.bytesPerSecond) * 1000
  return {
    allowance: { ...allowance, paidUntilMilliseconds },
    waitMilliseconds: Math.max(0, Math.ceil(from - nowMilliseconds)),
  }
}

/** Into which pieces to cut reads: about a quarter of a second each, 64 KiB to 4 MiB, a multiple of 64 KiB. */
export function sliceBytes(bytesPerSecond: number): number {
  const wanted = Math.floor((bytesPerSecond * SLICE_SECONDS) / LEAST_SLICE_BYTES) * LEAST_SLICE_BYTES
  return Math.min(LARGEST_SLICE_BYTES, Math.max(LEAST_SLICE_BYTES, wanted))
}
