/**
 * Whose turn it is to dump: one guest at a time on each node, over all runs of a site, and no more archives on a storage
 * than fit. One small object in S3, changed by conditional writes. Pure rules.
 */
import * as z from 'zod'
import { instantSchema } from '../../contracts/nouns.ts'
import { formatBytes } from '../words/byte-size.ts'
import { counted } from '../words/counted.ts'
import { nextWaitSeconds } from './poll-wait.ts'

const entryShape = {
  /** Kind and id. A guest is in the queue once: anyone who takes it over takes its entries over. */
  guest: z.string().min(1),
  execution: z.string().min(1),
  node: z.string().min(1),
  /** First come, first served. */
  since: instantSchema,
  /** It no longer counts after this: an execution that died is in nobody's way for longer. */
  until: instantSchema,
}

const turnSchema = z.strictObject({
  ...entryShape,
  /** Where its archive lands; absent when nothing is known of the storage. */
  place: z.string().optional(),
  /** How much of the place's free space it may still take. */
  bytes: z.number().nonnegative(),
  /** `bytes` is the size of its last archive there. */
  likely: z.boolean().optional(),
  /** Free space of the place when the dump began. */
  freeBytes: z.number().nonnegative().optional(),
  /** Its archive leaves the place once it is moved. */
  leaves: z.boolean(),
  /** The job, once it is known: tells whether a silent execution's dump still runs. */
  jobRef: z.string().optional(),
  expectedEndAt: instantSchema.optional(),
})
const waiterSchema = z.strictObject({ ...entryShape, waitsForPlace: z.string().optional() })
const stagedSchema = z.strictObject({ ...entryShape, place: z.string() })
const paceSchema = z.strictObject({ node: z.string().min(1), turnSeconds: z.number().nonnegative() })

export const dumpQueueSchema = z.strictObject({
  version: z.literal(1),
  turns: z.array(turnSchema),
  waiters: z.array(waiterSchema),
  /** Archives that were dumped, aren't moved yet, and will leave the storage. */
  staged: z.array(stagedSchema),
  /** How long turns of a node take, the later ones counting most. Absent where none has ended since this is kept. */
  paces: z.array(paceSchema).optional(),
})
export type DumpQueue = z.output<typeof dumpQueueSchema>
export type DumpTurn = z.output<typeof turnSchema>
type Entry = z.output<z.ZodObject<typeof entryShape>>

export interface Queuer {
  guest: string
  execution: string
  node: string
}

/** The storage that an archive is to land on. `place` is the same for all nodes that share it. */
export interface Space {
  place: string
  freeBytes: number
  /** Size of the guest's last archive there, or a bound from above. */
  bytes: number
  /** It is the size of a like archive, and no bound: one that doesn't fit isn't begun. */
  likely: boolean
  /** Why another one has to wait when as many as may are there: a sentence, where the place is no storage. */
  full?: string
}

export interface TurnRequest extends Queuer {
  /** `unseen`: answer `look` when a turn is to be had, and ask again with it. `unknown`: nothing can be known. */
  space: Space | 'unseen' | 'unknown'
  /** Most archives that may lie on the place and leave it later; absent when this one stays. */
  maxArchives?: number
}

export type TurnAnswer =
  | { answer: 'granted' }
  | { answer: 'look' }
  | { answer: 'wait'; waitSeconds: number; reason: string }
  /** The holder of the node's turn is silent for long; its job tells. Settle it with `settleDoubt`, and ask again. */
  | { answer: 'doubt'; guest: string; jobRef: string }
  | { answer: 'refused'; why: 'no-space' | 'waited-too-long'; reason: string }

/** Renewed at least every 300 s, the longest wait of Check backup; a platform may be out of reach for an hour meanwhile. */
export const TURN_SECONDS = 1_200
/** Renewed each round of a transfer. Above two hours of an outage that a transfer bears. */
export const STAGED_SECONDS = 3 * 3600
export const LONGEST_WAIT_SECONDS = 300
/** Waits of 300 s for three days are some 8,000 history events, a third of what an execution may have. */
export const LONGEST_QUEUE_SECONDS = 3 * 24 * 3600
/** One that doesn't ask again by this long after it should has died. */
const WAITER_GRACE_SECONDS = 300
const SHORTEST_WAIT_SECONDS = 5
/** A free node waits so long for one that came first; for who sleeps longer it would stand idle. */
const AWAITED_SECONDS = 20
/** A guest grows between two backups. */
const GROWTH = 1.1

export function emptyQueue(): DumpQueue {
  return { version: 1, turns: [], waiters: [], staged: [] }
}

/**
 * Ask for the node's turn and a place for the archive. Those who wait for a node are served in order, whatever they wait
 * for, but a free node isn't kept for one that won't ask for a while; who waits longer for a place goes before others of
 * its place.
 */
export function requestTurn(
  before: DumpQueue,
  request: TurnRequest,
  now: Date,
): { queue: DumpQueue; answer: TurnAnswer } {
  const queue = expire(before, now)
  const { guest, execution, node } = request
  const held = queue.turns.find((turn) => turn.guest === guest && turn.execution === execution && turn.node === node)
  if (held !== undefined) {
    const turns = queue.turns.map((turn) => (turn === held ? { ...held, until: later(now, TURN_SECONDS) } : turn))
    return { queue: { ...queue, turns }, answer: { answer: 'granted' } }
  }
  const waited = queue.waiters.find((waiter) => waiter.guest === guest && waiter.node === node)
  const since = waited?.since ?? now.toISOString()
  const others = without(queue, guest)
  const refuse = (why: 'no-space' | 'waited-too-long', reason: string) => ({
    queue: others,
    answer: { answer: 'refused', why, reason } as const,
  })
  const wait = (seconds: number, reason: string, waitsForPlace?: string) => {
    const waitedSeconds = secondsBetween(since, now)
    if (waitedSeconds > LONGEST_QUEUE_SECONDS) {
      return refuse(
        'waited-too-long',
        `It waited for its turn for ${Math.floor(waitedSeconds / 3600)} hours. ${reason}`,
      )
    }
    const waitSeconds = Math.round(Math.min(LONGEST_WAIT_SECONDS, Math.max(SHORTEST_WAIT_SECONDS, seconds)))
    const waiter = {
      guest,
      execution,
      node,
      since,
      until: later(now, waitSeconds + WAITER_GRACE_SECONDS),
      ...(waitsForPlace === undefined ? {} : { waitsForPlace }),
    }
    return {
      queue: { ...others, waiters: [...others.waiters, waiter] },
      answer: { answer: 'wait', waitSeconds, reason } as const,
    }
  }

  const ahead = others.waiters.filter((waiter) => waiter.node === node && isEarlier(waiter, since, guest))
  const running = others.turns.find((turn) => turn.node === node)
  if (running !== undefined) {
    if (running.jobRef !== undefined && Date.parse(running.until) <= now.getTime()) {
      return { queue, answer: { answer: 'doubt', guest: running.guest, jobRef: running.jobRef } }
    }
    const place = ahead.length === 0 ? 'next' : `after ${counted(ahead.length, 'other')}`
    const seconds = secondsUntilTurn(running, ahead.length, paceOf(queue, node), now)
    return wait(seconds, `Node ${node} dumps guest ${running.guest}; its turn comes ${place}.`)
  }
  const isAwaited = ({ until }: Entry) => secondsUntil(until, now) - WAITER_GRACE_SECONDS < AWAITED_SECONDS
  if (ahead.some(isAwaited)) {
    const turns = (ahead.length - 1) * Math.max(SHORTEST_WAIT_SECONDS, paceOf(queue, node) ?? 0)
    return wait(
      SHORTEST_WAIT_SECONDS + turns,
      `${counted(ahead.length, 'guest')} of node ${node} ${ahead.length === 1 ? 'comes' : 'come'} first.`,
    )
  }
  if (request.space === 'unseen') return { queue, answer: { answer: 'look' } }
  const space = request.space === 'unknown' ? undefined : request.space
  if (space !== undefined) {
    const lacking = shortage(promising(others, now), space, request.maxArchives, since, guest)
    if (lacking?.relief === false) return refuse('no-space', lacking.reason)
    if (lacking !== undefined) {
      return wait(nextWaitSeconds({ elapsedSeconds: secondsBetween(since, now) }) + 10, lacking.reason, space.place)
    }
  }
  const turn = {
    guest,
    execution,
    node,
    since: now.toISOString(),
    until: later(now, TURN_SECONDS),
    ...(space === undefined ? {} : { place: space.place, freeBytes: space.freeBytes, likely: space.likely }),
    bytes: space?.bytes ?? 0,
    leaves: request.maxArchives !== undefined,
  }
  return { queue: { ...others, turns: [...others.turns, turn] }, answer: { answer: 'granted' } }
}

/** What keeps an archive from its place; `relief`: something that is there now will leave. */
function shortage(
  others: DumpQueue,
  { place, freeBytes, bytes, likely, full }: Space,
  maxArchives: number | undefined,
  since: string,
  guest: string,
): { relief: boolean; reason: string } | undefined {
  const writing = others.turns.filter((turn) => turn.place === place)
  const staged = others.staged.filter((archive) => archive.place === place)
  const leaving = staged.length + writing.filter((turn) => turn.leaves).length
  if (maxArchives !== undefined && leaving >= maxArchives) {
    return {
      relief: true,
      reason: full ?? `${leaving} archives on storage ${place} wait to be moved; ${maxArchives} may.`,
    }
  }
  const earlier = others.waiters.find((waiter) => waiter.waitsForPlace === place && isEarlier(waiter, since, guest))
  if (earlier !== undefined) {
    return { relief: true, reason: `Guest ${earlier.guest} waits longer for space on storage ${place}.` }
  }
  // What lies there already is in the storage's own figure; what is being written is promised to its writer.
  const available = freeBytes - writing.reduce((sum, turn) => sum + turn.bytes, 0)
  const relief = writing.length + staged.length > 0
  if (available >= bytes * (relief ? GROWTH : 1)) return undefined
  const figures = `Storage ${place} has ${formatBytes(Math.max(0, available))} free for it, and its archive`
  if (relief) return { relief, reason: `${figures} may take ${formatBytes(bytes * GROWTH)}.` }
  // A bound says nothing of empty blocks and compression: it may fit, and nothing that is waited for would help.
  return likely ? { relief, reason: `${figures} took ${formatBytes(bytes)} last time.` } : undefined
}

/** A dump of this guest runs: keep its turn, or note it when it was begun without one (a job that was adopted). */
export function renewTurn(
  before: DumpQueue,
  { guest, execution, node }: Queuer,
  known: { jobRef: string; expectedEndAt?: string | undefined },
  now: Date,
): DumpQueue {
  const queue = expire(before, now)
  const held = queue.turns.find((turn) => turn.guest === guest && turn.node === node)
  const { expectedEndAt: _old, ...turn } = held ?? { guest, node, since: now.toISOString(), bytes: 0, leaves: false }
  const renewed = {
    ...turn,
    execution,
    until: later(now, TURN_SECONDS),
    jobRef: known.jobRef,
    ...(known.expectedEndAt === undefined ? {} : { expectedEndAt: known.expectedEndAt }),
  }
  const others = without(queue, guest)
  return { ...others, turns: [...others.turns, renewed] }
}

/** The dump is over: the node is free. An archive that is going to leave the storage keeps its place until it has. */
export function endTurn(queue: DumpQueue, { guest, execution }: Queuer, now: Date): DumpQueue {
  const held = queue.turns.find((turn) => turn.guest === guest && turn.execution === execution)
  if (held === undefined) return queue
  const { node, place } = held
  const others = { ...without(queue, guest), paces: withTurn(queue, held, now) }
  if (!held.leaves || place === undefined) return others
  const archive = { guest, execution, node, place, since: now.toISOString(), until: later(now, STAGED_SECONDS) }
  return { ...others, staged: [...others.staged, archive] }
}

/** The archive still lies there and is being moved. Unchanged while that is known well enough. */
export function renewStaged(queue: DumpQueue, { guest, execution }: Queuer, now: Date): DumpQueue {
  const isDue = (archive: Entry) =>
    archive.guest === guest &&
    archive.execution === execution &&
    Date.parse(archive.until) - now.getTime() < (STAGED_SECONDS * 1000) / 2
  if (!queue.staged.some(isDue)) return queue
  const until = later(now, STAGED_SECONDS)
  return { ...queue, staged: queue.staged.map((archive) => (isDue(archive) ? { ...archive, until } : archive)) }
}

/** Give back all that an execution holds or waits for. Unchanged when that is nothing. */
export function leave(queue: DumpQueue, { guest, execution }: Pick<Queuer, 'guest' | 'execution'>): DumpQueue {
  const isMine = (entry: Entry) => entry.guest === guest && entry.execution === execution
  if (![...queue.turns, ...queue.waiters, ...queue.staged].some(isMine)) return queue
  const others = (entry: Entry) => !isMine(entry)
  return {
    ...queue,
    turns: queue.turns.filter(others),
    waiters: queue.waiters.filter(others),
    staged: queue.staged.filter(others),
  }
}

/** What became of the job of a silent execution: the turn goes on for a while, or is over. */
export function settleDoubt(queue: DumpQueue, jobRef: string, running: boolean, now: Date): DumpQueue {
  const turns = running
    ? queue.turns.map((turn) => (turn.jobRef === jobRef ? { ...turn, until: later(now, LONGEST_WAIT_SECONDS) } : turn))
    : queue.turns.filter((turn) => turn.jobRef !== jobRef)
  return { ...queue, turns }
}

/** The turn that an execution holds, and whether no other dump writes to the same place. */
export function heldTurn(
  queue: DumpQueue,
  { guest, execution }: Pick<Queuer, 'guest' | 'execution'>,
): { turn: DumpTurn; alone: boolean } | undefined {
  const turn = queue.turns.find((one) => one.guest === guest && one.execution === execution)
  if (turn === undefined) return undefined
  return { turn, alone: !queue.turns.some((other) => other !== turn && other.place === turn.place) }
}

/** Bytes of a place that dumps under way may still take. */
export function promisedBytes(queue: DumpQueue, place: string): number {
  return queue.turns.reduce((sum, turn) => sum + (turn.place === place ? turn.bytes : 0), 0)
}

/** A turn with a job outlives its time as a doubt: the job may run on without its execution. */
function expire(queue: DumpQueue, now: Date): DumpQueue {
  const lives = ({ until }: Entry): boolean => Date.parse(until) > now.getTime()
  return {
    ...queue,
    turns: queue.turns.filter((turn) => turn.jobRef !== undefined || lives(turn)),
    waiters: queue.waiters.filter(lives),
    staged: queue.staged.filter(lives),
  }
}

/** What a silent dump was promised, nobody can count on: what it has written shows in the storage's own figure. */
function promising(queue: DumpQueue, now: Date): DumpQueue {
  return { ...queue, turns: queue.turns.filter(({ until }) => Date.parse(until) > now.getTime()) }
}

function without(queue: DumpQueue, guest: string): DumpQueue {
  const others = (entry: Entry) => entry.guest !== guest
  return {
    ...queue,
    turns: queue.turns.filter(others),
    waiters: queue.waiters.filter(others),
    staged: queue.staged.filter(others),
  }
}

function isEarlier(waiter: Entry, since: string, guest: string): boolean {
  return Date.parse(waiter.since) - Date.parse(since) < 0 || (waiter.since === since && waiter.guest < guest)
}

/**
 * Until the turn of somebody with so many others ahead. The next in line has to be there when the dump ends, or the node
 * stands idle. Those behind needn't be there before they are next: where turns are shorter than they usually are, anyone who
 * asks first has the free node.
 */
function secondsUntilTurn(turn: DumpTurn, ahead: number, turnSeconds: number | undefined, now: Date): number {
  const elapsed = secondsBetween(turn.since, now)
  const told = turn.expectedEndAt === undefined ? undefined : secondsUntil(turn.expectedEndAt, now)
  const left = told ?? (turnSeconds === undefined ? undefined : turnSeconds - elapsed)
  const nextLook = secondsToNextLook(elapsed, left, told === undefined)
  if (ahead === 0) return nextLook
  // None has ended yet: a turn takes no less than this one has by now.
  const each = Math.max(SHORTEST_WAIT_SECONDS, turnSeconds ?? elapsed + Math.max(0, told ?? 0))
  return Math.max(nextLook, left ?? 0) + (ahead - 1) * each + SHORTEST_WAIT_SECONDS
}

/**
 * For the next in line. Goes by the end that the dump tells, else halfway to the one that turns of the node usually have;
 * past either, at intervals that grow with the delay. Where nothing is known, as looks at a dump do.
 */
function secondsToNextLook(elapsed: number, left: number | undefined, guessed: boolean): number {
  const steady = nextWaitSeconds({ elapsedSeconds: elapsed })
  if (left === undefined) return steady
  if (left <= 0) return Math.min(-left / 2, steady)
  return guessed && left > 0.3 * (elapsed + left) ? left / 2 : left + 2
}

function paceOf({ paces = [] }: DumpQueue, node: string): number | undefined {
  return paces.find((pace) => pace.node === node)?.turnSeconds
}

/** A third of the latest turn, two of those before: a large guest among small ones doesn't say much. */
function withTurn(queue: DumpQueue, { node, since }: DumpTurn, now: Date): NonNullable<DumpQueue['paces']> {
  const seconds = secondsBetween(since, now)
  const turnSeconds = Math.round((2 * (paceOf(queue, node) ?? seconds) + seconds) / 3)
  return [...(queue.paces ?? []).filter((pace) => pace.node !== node), { node, turnSeconds }]
}

function secondsUntil(instant: string, now: Date): number {
  return (Date.parse(instant) - now.getTime()) / 1000
}

function secondsBetween(instant: string, now: Date): number {
  return Math.max(0, (now.getTime() - Date.parse(instant)) / 1000)
}

function later(now: Date, seconds: number): string {
  return new Date(now.getTime() + seconds * 1000).toISOString()
}
