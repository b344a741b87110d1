/** What a round of copying showed, and what follows: how many streams next, a pause, or giving up. Pure. */
import { errorGroup } from '../../contracts/errors.ts'
import type { CopyResult, Pace } from '../../contracts/pace.ts'
import { countRound } from './copy-work.ts'
import { endTrial, learn, search, settle } from './stream-search.ts'
import { blame, capped, type StreamFailure, failures, isSevere, passed, sum } from './stream-trouble.ts'

export type PaceDecision =
  /** Every part is in S3. */
  | { action: 'done'; pace: Pace }
  /** Run another round; ask the ledger for this many streams. */
  | { action: 'copy'; pace: Pace; streams: number }
  /** Nothing moved: pause, then ask again with no results. */
  | { action: 'wait'; pace: Pace; waitSeconds: number }
  /** `error` is the one to fail with; `reason` is a sentence that says why there is no further try. */
  | { action: 'give-up'; pace: Pace; error: StreamFailure; reason: string }

export interface PaceOptions {
  partSizeBytes: number
  /** Connections that site and workflow allow: `connectionsPerNode`, and 40 (an inline Map runs no more at once). */
  maxStreams: number
}

const MIB = 2 ** 20
/** Below this a second function costs more than it saves. */
const SMALL_BYTES = 1024 * MIB
/** Each stream should have this much to do at least. */
const LEAST_BYTES_PER_STREAM = 512 * MIB
const FIRST_STREAMS = 2
/** With the waits of `backoffSeconds` about two hours: a node's reboot or an evening's outage passes. */
const FRUITLESS_ROUNDS = 28
/** A function that is killed each time isn't helped by waiting. */
const KILLED_ROUNDS = 3
/** A round that came this near to its bandwidth says nothing about the link. */
const HELD_BY_LIMIT = 0.85
/** One failed stream of this many is few: the round is measured nevertheless. */
const FEW_OF = 5
/** Rounds in a row with a failed stream until one stream fewer is tried: one failure is an accident. */
const TROUBLED_ROUNDS = 3

const outOfMemory = ['Runtime.OutOfMemory']
const outOfTime = ['Sandbox.Timedout', 'States.Timeout']
/** The function didn't end by itself. What Lambda calls `Runtime.ExitError` is often the kernel ending it for its memory. */
const killings: readonly string[] = [...outOfMemory, ...outOfTime, 'Runtime.ExitError', 'Lambda.Unknown']

/**
 * Judge the last round by what its streams report and by `missingParts`, those S3 lacks now. `results` is empty before
 * the first round and after a wait: nothing is judged then. Streams double while that adds a tenth, then neighbours of
 * the best number are tried now and then; errors that are more than an accident halve them.
 */
export function judgeRound(
  before: Pace,
  results: readonly CopyResult[],
  missingParts: number,
  options: PaceOptions,
): PaceDecision {
  if (results.length === 0) {
    return missingParts === 0 ? { action: 'done', pace: before } : copy({ ...before, missingParts }, options)
  }
  const pace = account(before, results, missingParts)
  if (missingParts === 0) return { action: 'done', pace: progressed(pace) }
  const final = failures(results).find(({ Error: name }) => isFinal(name))
  if (final !== undefined) {
    return { action: 'give-up', pace, error: final, reason: 'Repeating can not help against this error.' }
  }
  const moved = before.missingParts === undefined ? sum(results, 'partsSent') > 0 : missingParts < before.missingParts
  if (!moved) return afterFruitless(pace, results)
  return copy(steer(progressed(pace), results, options), options)
}

/** Wait before the next try after that many rounds in a row without a part: 15 s, doubled up to 300 s. */
export function backoffSeconds(fruitless: number): number {
  return Math.min(300, 15 * 2 ** Math.min(10, Math.max(0, fruitless - 1)))
}

function copy(pace: Pace, { partSizeBytes, maxStreams }: PaceOptions): PaceDecision {
  const missing = pace.missingParts ?? 1
  const wanted = pace.streams === 0 ? FIRST_STREAMS : pace.streams
  const worthwhile =
    missing * partSizeBytes < SMALL_BYTES ? 1 : Math.floor((missing * partSizeBytes) / LEAST_BYTES_PER_STREAM)
  const streams = Math.max(1, Math.min(wanted, maxStreams, missing, worthwhile))
  return { action: 'copy', pace: { ...pace, streams: wanted }, streams }
}

function account(before: Pace, results: readonly CopyResult[], missingParts: number): Pace {
  const names = failures(results).map(({ Error: name }) => name)
  const memoryOrTimeRanOut =
    names.some((name) => outOfMemory.includes(name) || outOfTime.includes(name)) ||
    failures(results).some(({ Cause }) => Cause?.includes('signal: killed') === true)
  const partSeconds = results
    .filter(({ partsSent }) => partsSent > 0)
    .map(({ seconds, partsSent }) => (seconds * Math.min(before.partsInFlight, partsSent)) / partsSent)
  return {
    ...before,
    rounds: before.rounds + 1,
    bytesSent: before.bytesSent + sum(results, 'bytesSent'),
    work: countRound(before.work, results, Math.max(0, (before.missingParts ?? missingParts) - missingParts)),
    missingParts,
    ...(partSeconds.length > 0 && { partSeconds: Math.max(...partSeconds) }),
    partsInFlight: memoryOrTimeRanOut ? Math.max(1, Math.floor(before.partsInFlight / 2)) : before.partsInFlight,
  }
}

function progressed(pace: Pace): Pace {
  return { ...pace, fruitless: 0, killed: 0 }
}

function afterFruitless(pace: Pace, results: readonly CopyResult[]): PaceDecision {
  const killing = failures(results).find(({ Error: name }) => killings.includes(name))
  const error = killing ??
    failures(results)[0] ?? { Error: 'ConnectionDropped', Cause: 'No part arrived, and no stream said why.' }
  const fruitless = pace.fruitless + 1
  const killed = killing === undefined ? 0 : pace.killed + 1
  const ran = results.length
  const next = {
    ...blame(pace, ran, 0),
    fruitless,
    killed,
    streams: 1,
    limited: false,
  }
  if (killed >= KILLED_ROUNDS) {
    const reason = `No part arrived in ${killed} rounds in a row: the function was killed each time.`
    return { action: 'give-up', pace: next, error, reason }
  }
  if (fruitless >= FRUITLESS_ROUNDS) {
    return { action: 'give-up', pace: next, error, reason: `No part arrived in ${fruitless} rounds in a row.` }
  }
  return { action: 'wait', pace: next, waitSeconds: backoffSeconds(fruitless) }
}

/** The next number of streams after a round that moved something. */
function steer(pace: Pace, results: readonly CopyResult[], { maxStreams }: PaceOptions): Pace {
  const ran = results.length
  const failed = failures(results).length
  const troubled = failed > 0 ? pace.troubled + 1 : 0
  if (isSevere(results)) {
    const next = { ...pace, troubled: 0, limited: false }
    return pace.home !== undefined && ran > pace.home
      ? endTrial(capped(next, ran, failed), pace.home)
      : { ...blame(next, ran, failed), streams: Math.max(1, Math.floor(ran / 2)) }
  }
  if (troubled >= TROUBLED_ROUNDS && ran > 1 && (pace.home ?? ran) === ran) {
    // One fewer on trial: where the connection was one too many nothing is lost, and where it was chance it is taken back.
    const fewer = { ...pace, streams: ran - 1, troubled: 0, limited: false }
    return pace.home === undefined ? settle(fewer, ran - 1) : fewer
  }
  const rate = totalRate(results)
  const limited =
    pace.limitBytesPerSecond !== undefined && rate !== undefined && rate >= pace.limitBytesPerSecond * HELD_BY_LIMIT
  if (limited) return { ...pace, streams: fewestForLimit(pace, ran), troubled, limited }
  if (rate === undefined) return { ...pace, troubled, limited }
  const seconds = Math.max(...results.map((result) => result.seconds))
  return search(
    { ...learn(passed(pace, ran), { streams: ran, bytesPerSecond: rate, seconds }), troubled, limited },
    ran,
    maxStreams,
  )
}

/** Connections that a limit makes useless are given back when fewer streams are known to reach it. */
function fewestForLimit(pace: Pace, ran: number): number {
  const limit = pace.limitBytesPerSecond ?? 0
  const enough = pace.measured.filter(({ streams, bytesPerSecond }) => streams < ran && bytesPerSecond > limit * 1.2)
  return Math.min(ran, ...enough.map(({ streams }) => streams))
}

/**
 * All streams' rate together in bytes of the source per second; `undefined` when the round says nothing: more than a few failed
 * streams, some seconds only, or streams that ran out of parts long before others did.
 */
function totalRate(results: readonly CopyResult[]): number | undefined {
  const whole = results.filter(({ error }) => error === undefined)
  if ((results.length - whole.length) * FEW_OF > results.length) return undefined
  const seconds = whole.map((result) => result.seconds)
  const longest = Math.max(...seconds)
  if (longest < 10 || Math.min(...seconds) < longest * 0.5) return undefined
  return whole.reduce((total, { bytesRead, bytesSent, seconds: took }) => total + (bytesRead ?? bytesSent) / took, 0)
}

/** An error of ours that isn't in the group of those a repetition helps against. */
function isFinal(name: string): boolean {
  const group = errorGroup(name)
  return group !== undefined && group !== 'retry'
}
