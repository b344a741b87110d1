/** How the transfers of one site share its line and its nodes: one small object in S3, changed by conditional writes. Pure rules. */
import * as z from 'zod'
import { instantSchema } from '../../contracts/nouns.ts'
import { fairShares } from './fair-share.ts'

const claimantShape = {
  execution: z.string().min(1),
  runId: z.string().min(1),
  node: z.string().min(1),
  guest: z.string().min(1),
  /** Streams that it could use. */
  wanted: z.int().positive(),
  /** Below this much no part would arrive within a function's life. */
  leastBytesPerSecond: z.number().nonnegative(),
  /** More than this is of no use to it: the link is slower, as it measured. Absent when that isn't known. */
  usableBytesPerSecond: z.number().positive().optional(),
  /** Its run's limit when it asked: what a run may not use is left to other runs. */
  runBytesPerSecond: z.number().nonnegative().optional(),
  /** First come, first served. */
  since: instantSchema,
  /** It no longer counts after this: an execution that died takes nothing for longer. */
  until: instantSchema,
}

const reservationSchema = z.strictObject({
  ...claimantShape,
  streams: z.int().positive(),
  /** Of all its streams; absent when there was no limit. */
  bytesPerSecond: z.number().positive().optional(),
})

/** One that got nothing yet. What it waits for is kept free for it; the other good isn't. */
const waiterSchema = z.strictObject({ ...claimantShape, waitsFor: z.enum(['connections', 'bandwidth']) })

export const streamLedgerSchema = z.strictObject({
  version: z.literal(1),
  reservations: z.array(reservationSchema),
  waiters: z.array(waiterSchema),
})
export type StreamLedger = z.output<typeof streamLedgerSchema>
type Reservation = z.output<typeof reservationSchema>
type Waiter = z.output<typeof waiterSchema>
type Claimant = z.output<z.ZodObject<typeof claimantShape>>

export interface StreamRequest {
  execution: string
  runId: string
  node: string
  guest: string
  /** Streams wanted, from `judgeRound`. */
  streams: number
  partSizeBytes: number
  /** From `usableBytesPerSecond(pace)`: leaves to others what this transfer can't use. */
  usableBytesPerSecond?: number | undefined
}

/** Limits at this moment, in bytes per second; `undefined`: none. */
export interface StreamLimits {
  connectionsPerNode: number
  siteBytesPerSecond: number | undefined
  runBytesPerSecond: number | undefined
}

export type StreamAnswer =
  | { streams: number; bytesPerSecond?: number; shared: boolean }
  /** `reason`: a sentence for the log. */
  | { waitSeconds: number; reason: string }

/** A round's functions live 900 s, and starting them takes a while. Rounds that end sooner renew or release. */
export const RESERVATION_SECONDS = 960
/** A waiter that doesn't ask again by this long after it should has died. */
const WAITER_GRACE_SECONDS = 120
const FIRST_WAIT_SECONDS = 15
const LONGEST_WAIT_SECONDS = 120
/** A part has to fit well into a function's life, 900 s. */
const PART_SECONDS = 300
/** With less than this of its due a newcomer waits for the others to shrink. */
const WORTHWHILE_SHARE = 0.25

export function emptyLedger(): StreamLedger {
  return { version: 1, reservations: [], waiters: [] }
}

/** Give back what an execution holds or waits for. */
export function release(ledger: StreamLedger, execution: string): StreamLedger {
  return {
    ...ledger,
    reservations: ledger.reservations.filter((entry) => entry.execution !== execution),
    waiters: ledger.waiters.filter((entry) => entry.execution !== execution),
  }
}

/**
 * Ask for a round's streams and bandwidth, in place of what the execution held. Shares are equal between transfers,
 * except that nobody gets more than it wants; what others reserved stays theirs until they ask again, when they see
 * who waits. Those who wait come first, in order; when there are more than can be served, a transfer that ran goes to
 * the end, so everyone's turn comes.
 */
export function reserve(
  ledger: StreamLedger,
  request: StreamRequest,
  limits: StreamLimits,
  now: Date,
): { ledger: StreamLedger; granted: StreamAnswer } {
  const alive = expire(ledger, now)
  const waited = alive.waiters.find(({ execution }) => execution === request.execution)
  const others = release(alive, request.execution)
  const me: Claimant = {
    execution: request.execution,
    runId: request.runId,
    node: request.node,
    guest: request.guest,
    wanted: request.streams,
    leastBytesPerSecond: request.partSizeBytes / PART_SECONDS,
    ...(request.usableBytesPerSecond === undefined ? {} : { usableBytesPerSecond: request.usableBytesPerSecond }),
    ...(limits.runBytesPerSecond === undefined ? {} : { runBytesPerSecond: limits.runBytesPerSecond }),
    since: waited?.since ?? now.toISOString(),
    until: later(now, RESERVATION_SECONDS),
  }
  const ran = alive.reservations.some(({ execution }) => execution === request.execution)
  const queue = inOrder(others, me, ran)
  const wait = (waitsFor: Waiter['waitsFor'], reason: string) => {
    const ahead = queue.findIndex(({ execution }) => execution === me.execution)
    const waitSeconds = Math.min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * (ahead + 1))
    const waiter = { ...me, waitsFor, until: later(now, waitSeconds + WAITER_GRACE_SECONDS) }
    return { ledger: { ...others, waiters: [...others.waiters, waiter] }, granted: { waitSeconds, reason } }
  }

  const onNode = queue.filter(({ node }) => node === me.node)
  const connections = available(onNode, me, limits.connectionsPerNode, others.reservations, connectionsOf)
  if (connections.free < 1) {
    return wait('connections', `All ${limits.connectionsPerNode} connections to node ${me.node} are taken or promised.`)
  }
  const asking = queue.filter((entry) => !isWaiter(entry) || entry.waitsFor === 'bandwidth')
  const mine = asking.filter(({ runId }) => runId === me.runId)
  const bandwidths = [
    { limit: limits.siteBytesPerSecond, whose: 'the site', members: asking, good: withinRuns(asking) },
    { limit: limits.runBytesPerSecond, whose: `run ${me.runId}`, members: mine, good: bandwidthOf },
  ]
  let bytesPerSecond: number | undefined
  for (const { limit, whose, members, good } of bandwidths) {
    if (limit === undefined) continue
    const share = available(members, me, limit, others.reservations, good)
    if (share.free <= 0 || share.free < share.due * WORTHWHILE_SHARE) {
      return wait('bandwidth', `The bandwidth of ${whose} is taken or promised to others.`)
    }
    bytesPerSecond = Math.min(bytesPerSecond ?? Number.POSITIVE_INFINITY, share.free)
  }
  const fitting =
    bytesPerSecond === undefined ? me.wanted : Math.max(1, Math.floor(bytesPerSecond / me.leastBytesPerSecond))
  const streams = Math.min(me.wanted, connections.free, fitting)
  const reservation: Reservation = {
    ...me,
    since: now.toISOString(),
    streams,
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
  }
  const limited = bytesPerSecond !== undefined
  const shared = onNode.length > 1 || (limited && queue.length > 1)
  return {
    ledger: { ...others, reservations: [...others.reservations, reservation] },
    granted: { streams, shared, ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }) },
  }
}

function expire(ledger: StreamLedger, now: Date): StreamLedger {
  const lives = ({ until }: Claimant): boolean => Date.parse(until) > now.getTime()
  return { ...ledger, reservations: ledger.reservations.filter(lives), waiters: ledger.waiters.filter(lives) }
}

function later(now: Date, seconds: number): string {
  return new Date(now.getTime() + seconds * 1000).toISOString()
}

function isWaiter(entry: Claimant): entry is Waiter {
  return 'waitsFor' in entry
}

/** Who waits, longest first; a newcomer behind them; who runs now; and last the one who has just run. */
function inOrder(others: StreamLedger, me: Claimant, ran: boolean): Claimant[] {
  const bySince = (one: Claimant, two: Claimant): number =>
    Date.parse(one.since) - Date.parse(two.since) || (one.execution < two.execution ? -1 : 1)
  const running = others.reservations.toSorted(bySince)
  return ran
    ? [...others.waiters.toSorted(bySince), ...running, me]
    : [...[...others.waiters, me].toSorted(bySince), ...running]
}

/** A good that is shared out: the least that is of use, the most, and what a reservation holds of it. */
interface Good {
  least(entry: Claimant): number
  most(entry: Claimant): number
  held(entry: Reservation): number
  /** Smallest unit. */
  whole: boolean
}

const connectionsOf: Good = {
  least: () => 1,
  most: ({ wanted }) => wanted,
  held: ({ streams }) => streams,
  whole: true,
}
const bandwidthOf: Good = {
  least: ({ leastBytesPerSecond }) => leastBytesPerSecond,
  most: ({ leastBytesPerSecond, usableBytesPerSecond }) =>
    Math.max(leastBytesPerSecond, usableBytesPerSecond ?? Number.MAX_VALUE),
  // Reserved when there was no limit: it may take everything until it asks again.
  held: ({ bytesPerSecond }) => bytesPerSecond ?? Number.POSITIVE_INFINITY,
  whole: false,
}

/** Bandwidth of the site, of which nobody can use more than its share of its run's own limit. */
function withinRuns(queue: readonly Claimant[]): Good {
  const most = new Map<string, number>()
  for (const [runId, members] of Map.groupBy(queue, (entry) => entry.runId)) {
    const limits = members.map(({ runBytesPerSecond }) => runBytesPerSecond).filter((limit) => limit !== undefined)
    if (limits.length === 0) continue
    // They differ for a moment when a window of the run has just begun or ended.
    const demands = members.map((entry) => ({ least: bandwidthOf.least(entry), most: bandwidthOf.most(entry) }))
    const shares = fairShares(demands, Math.max(...limits), false)
    for (const [index, entry] of members.entries()) most.set(`${runId} ${entry.execution}`, shares[index] ?? 0)
  }
  const mostOf = (entry: Claimant): number => most.get(`${entry.runId} ${entry.execution}`) ?? bandwidthOf.most(entry)
  return { ...bandwidthOf, least: (entry) => Math.min(bandwidthOf.least(entry), mostOf(entry)), most: mostOf }
}

/** What `me` is due of a good, and how much of that is free: not reserved by others nor due to waiters ahead. */
function available(
  queue: readonly Claimant[],
  me: Claimant,
  limit: number,
  holding: readonly Reservation[],
  good: Good,
) {
  const demands = queue.map((entry) => ({ least: good.least(entry), most: good.most(entry) }))
  const dues = fairShares(demands, limit, good.whole)
  const mine = queue.findIndex(({ execution }) => execution === me.execution)
  const due = dues[mine] ?? 0
  const held = holding
    .filter(({ execution }) => queue.some((entry) => entry.execution === execution))
    .reduce((total, entry) => total + good.held(entry), 0)
  const promised = queue
    .slice(0, mine)
    .reduce((total, entry, index) => total + (isWaiter(entry) ? (dues[index] ?? 0) : 0), 0)
  return { due, free: Math.max(0, Math.min(due, limit - held - promised)) }
}
