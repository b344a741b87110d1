import type { CopyResult, Pace } from '../../../../functions/contracts/pace.ts'
import { paceSchema } from '../../../../functions/contracts/pace.ts'
import { judgeRound, type PaceDecision } from '../../../../functions/domain/transfer/pace.ts'
import { orderRound } from '../../../../functions/domain/transfer/round-order.ts'

export const MIB = 2 ** 20
export const PART_BYTES = 64 * MIB
/** Wait, plan and start of functions between two rounds. */
const OVERHEAD_SECONDS = 5
const FUNCTION_SECONDS = 890

/** What a round of `streams` meets at a moment. Rates in MB/s of all streams together. */
export interface Weather {
  rate: number
  failed?: number
  drops?: number
  throttles?: number
  error?: string
}
export type Link = (streams: number, atSeconds: number) => Weather

/** mulberry32: small, seeded, good enough for noise. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Round {
  streams: number
  seconds: number
  results: CopyResult[]
  parts: number
}

/** Runs streams as Copy parts does: each holds some parts at once and begins none after its time. */
function runRound(
  link: Link,
  streams: number,
  order: { seconds: number; partsInFlight: number; bytesPerSecond?: number | undefined },
  atSeconds: number,
  missing: number,
  noise: () => number,
  partBytes: number,
): Round {
  const weather = link(streams, atSeconds)
  const swing = noise()
  const working = Math.max(0, streams - (weather.failed ?? 0))
  const results: CopyResult[] = []
  let parts = 0
  for (let index = 0; index < streams; index++) {
    const chunk = Math.floor(missing / streams) + (index < missing % streams ? 1 : 0)
    if (index >= working || weather.rate === 0) {
      const error = { Error: weather.error ?? 'ConnectionDropped', Cause: '{"errorMessage":"cut"}' }
      results.push({ bytesSent: 0, partsSent: 0, seconds: 0, throttles: 0, drops: 0, error })
      continue
    }
    const own = Math.min((weather.rate * 1e6 * swing) / working, order.bytesPerSecond ?? Number.POSITIVE_INFINITY)
    const inFlight = Math.min(order.partsInFlight, chunk)
    const slot = (inFlight * partBytes) / own
    const turns = Math.min(Math.ceil(order.seconds / slot), Math.ceil(chunk / inFlight))
    const lived = Math.min(turns, Math.floor(FUNCTION_SECONDS / slot))
    const sent = Math.min(chunk, lived * inFlight)
    parts += sent
    const killed = lived < turns
    results.push({
      bytesSent: killed ? 0 : sent * partBytes,
      partsSent: killed ? 0 : sent,
      seconds: killed ? 0 : turns * slot * (0.97 + (0.06 * ((index * 7) % 5)) / 5),
      throttles: index === 0 ? (weather.throttles ?? 0) : 0,
      drops: index === 0 ? (weather.drops ?? 0) : 0,
      ...(killed && { error: { Error: 'Sandbox.Timedout', Cause: 'Task timed out after 900.00 seconds' } }),
    })
  }
  const longest = Math.max(
    ...results.map(({ seconds, error }) => (error?.Error === 'Sandbox.Timedout' ? 900 : seconds)),
  )
  return {
    streams,
    seconds: Math.max(longest, results.every(({ error }) => error) ? 5 : 0) + OVERHEAD_SECONDS,
    results,
    parts,
  }
}

export interface Journey {
  /** Elapsed in total. */
  seconds: number
  ending: PaceDecision
  rounds: { at: number; streams: number; seconds: number; parts: number; orderSeconds: number }[]
  waits: number[]
  bytes: number
  pace: Pace
}

export interface Setting {
  link: Link
  sizeGib: number
  seed: number
  /** ± share of the rate per round. */
  noise?: number
  maxStreams?: number
  partBytes?: number
  bytesPerSecond?: (atSeconds: number) => number | undefined
  /** Called before each round. */
  grant?: (wanted: number, round: number) => number
  untilSeconds?: number
}

/** One archive's whole copy, as Plan copies would drive it. */
export function travel(setting: Setting): Journey {
  const random = seeded(setting.seed)
  const spread = setting.noise ?? 0.15
  const noise = () => 1 + (random() * 2 - 1) * spread
  const partBytes = setting.partBytes ?? PART_BYTES
  const options = { partSizeBytes: partBytes, maxStreams: setting.maxStreams ?? 40 }
  let missing = Math.ceil((setting.sizeGib * 1024 * MIB) / partBytes)
  const journey: Omit<Journey, 'ending'> = { seconds: 0, rounds: [], waits: [], bytes: 0, pace: paceSchema.parse({}) }
  let results: CopyResult[] = []
  for (let step = 0; step < 5000; step++) {
    // As Step Functions carries it: only what survives the schema and JSON counts.
    const before = paceSchema.parse(JSON.parse(JSON.stringify(journey.pace)))
    const decision = judgeRound(before, results, missing, options)
    journey.pace = decision.pace
    if (decision.action === 'done' || decision.action === 'give-up') return { ...journey, ending: decision }
    if (journey.seconds > (setting.untilSeconds ?? Number.POSITIVE_INFINITY)) return { ...journey, ending: decision }
    results = []
    if (decision.action === 'wait') {
      journey.waits.push(decision.waitSeconds)
      journey.seconds += decision.waitSeconds
      continue
    }
    const streams = setting.grant?.(decision.streams, journey.rounds.length) ?? decision.streams
    const bytesPerSecond = setting.bytesPerSecond?.(journey.seconds)
    const ordered = orderRound(
      decision.pace,
      PART_BYTES,
      { streams, bytesPerSecond, shared: false },
      new Date(journey.seconds * 1000),
      undefined,
    )
    if ('waitSeconds' in ordered) throw new Error('nothing was about to change')
    journey.pace = ordered.pace
    const round = runRound(setting.link, streams, ordered.order, journey.seconds, missing, noise, partBytes)
    journey.rounds.push({
      at: journey.seconds,
      streams,
      seconds: round.seconds,
      parts: round.parts,
      orderSeconds: ordered.order.seconds,
    })
    journey.seconds += round.seconds
    journey.bytes += round.parts * partBytes
    missing -= round.parts
    results = round.results
  }
  throw new Error('the copy does not end')
}

/** Seconds that a fixed number of streams takes for the same archive in rounds of ten minutes. */
export function fixedSeconds(setting: Setting, streams: number): number {
  const random = seeded(setting.seed + 1)
  const spread = setting.noise ?? 0.15
  const partBytes = setting.partBytes ?? PART_BYTES
  let missing = Math.ceil((setting.sizeGib * 1024 * MIB) / partBytes)
  let seconds = 0
  for (let step = 0; missing > 0 && step < 3000; step++) {
    const noise = () => 1 + (random() * 2 - 1) * spread
    const round = runRound(
      setting.link,
      Math.min(streams, missing),
      { seconds: 600, partsInFlight: 4 },
      seconds,
      missing,
      noise,
      partBytes,
    )
    seconds += round.seconds
    missing -= round.parts
  }
  return missing > 0 ? Number.POSITIVE_INFINITY : seconds
}

const candidates = [1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32, 36, 40]

export function bestFixed(setting: Setting): { streams: number; seconds: number } {
  return candidates
    .map((streams) => ({ streams, seconds: fixedSeconds(setting, streams) }))
    .reduce((best, one) => (one.seconds < best.seconds ? one : best))
}
