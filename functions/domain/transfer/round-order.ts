/** How long the next round lasts, and what each of its streams is told. Pure. */
import type { CopyOrder, Pace } from '../../contracts/pace.ts'
import { rateOf } from './stream-search.ts'

export interface Granted {
  streams: number
  /** Of all streams together, where it is limited. */
  bytesPerSecond?: number | undefined
  /** Others want a share of the same line or node. */
  shared: boolean
}

const FIRST_SECONDS = 45
const TRIAL_SECONDS = 90
const HOME_SECONDS = 180
/** A function lives 900 s; the parts begun last need the rest. */
const LONGEST_SECONDS = 600
/** Newcomers get their share when a round ends. */
const SHARED_SECONDS = 120
/** What a function has for copying: 900 s less its start and its goodbye. */
const FUNCTION_SECONDS = 840
const LEAST_SECONDS = 10

/**
 * The order for a round that begins now. When the bandwidth is about to change there is no point in starting: then
 * `waitSeconds`. The pace that comes back remembers the limit, so that the round can be judged by it.
 */
export function orderRound(
  pace: Pace,
  partSizeBytes: number,
  granted: Granted,
  now: Date,
  changesAt: Date | undefined,
): { pace: Pace; order: CopyOrder } | { waitSeconds: number } {
  const partSeconds = pace.partSeconds ?? 0
  const untilChange = changesAt === undefined ? Number.POSITIVE_INFINITY : (changesAt.getTime() - now.getTime()) / 1000
  // Parts begun last go on for a while: aimed so that they end with the window. One part is always tried.
  const seconds = Math.floor(
    Math.min(roundSeconds(pace, granted.shared), Math.max(untilChange - partSeconds, untilChange / 2)),
  )
  if (seconds < LEAST_SECONDS) return { waitSeconds: Math.max(1, Math.ceil(untilChange)) }
  const { limitBytesPerSecond: _, ...unlimited } = pace
  const { bytesPerSecond } = granted
  const share = bytesPerSecond === undefined ? undefined : Math.max(1, Math.floor(bytesPerSecond / granted.streams))
  return {
    pace: bytesPerSecond === undefined ? unlimited : { ...unlimited, limitBytesPerSecond: bytesPerSecond },
    order: {
      seconds,
      partsInFlight: Math.min(pace.partsInFlight, fittingParts(share, partSizeBytes)),
      ...(share !== undefined && { bytesPerSecond: share }),
    },
  }
}

/** Parts in flight share the stream's bandwidth: all of them have to arrive well within the function's life. */
function fittingParts(bytesPerSecond: number | undefined, partSizeBytes: number): number {
  if (bytesPerSecond === undefined) return Number.POSITIVE_INFINITY
  return Math.max(1, Math.floor((bytesPerSecond * SHARED_SECONDS) / partSizeBytes))
}

/**
 * What the transfer can use of a limited bandwidth, for its request to the ledger: twice what it reached, so that more
 * streams can be tried. `undefined` where it could use whatever it gets, or that isn't known.
 */
export function usableBytesPerSecond(pace: Pace): number | undefined {
  if (pace.limited || pace.home === undefined) return undefined
  const reached = rateOf(pace, pace.home)?.bytesPerSecond ?? 0
  return reached === 0 ? undefined : reached * 2.2
}

/** Short while the number of streams is being looked for, long once it is found. */
function roundSeconds(pace: Pace, shared: boolean): number {
  const partSeconds = pace.partSeconds ?? 0
  // Every stream should finish a few parts, or a round measures where parts happened to end.
  const wanted = Math.max(plannedSeconds(pace), partSeconds * 3)
  const bound = Math.min(LONGEST_SECONDS, Math.max(60, FUNCTION_SECONDS - partSeconds * 1.5))
  return Math.min(wanted, bound, shared ? SHARED_SECONDS : LONGEST_SECONDS)
}

function plannedSeconds(pace: Pace): number {
  if (pace.limited) return LONGEST_SECONDS
  if (pace.streams !== pace.home) return pace.rounds === 0 ? FIRST_SECONDS : TRIAL_SECONDS
  return (rateOf(pace, pace.streams)?.seconds ?? 0) < HOME_SECONDS ? HOME_SECONDS : LONGEST_SECONDS
}
