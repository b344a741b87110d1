/** What is moved next, to S3 or to a node: judges the last round and deals out the next one within all limits. */
import { LineTooSlow } from '../../contracts/errors.ts'
import { MAX_STREAMS } from '../../contracts/execution.ts'
import type { RunLimits } from '../../contracts/limits.ts'
import type { CopyResult, DealtRound, Pace } from '../../contracts/pace.ts'
import { readFailure } from '../../domain/backup/failure.ts'
import { judgeRound } from '../../domain/transfer/pace.ts'
import { affordableParts, planChunks } from '../../domain/transfer/part-plan.ts'
import { orderRound, usableBytesPerSecond } from '../../domain/transfer/round-order.ts'
import { judgeLine } from '../../domain/transfer/slowest-line.ts'
import { bandwidthAt, strictest } from '../../domain/transfer/transfer-limits.ts'
import type { Ports } from '../ports.ts'
import { releaseStreams, reserveStreams } from '../books/stream-reservations.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'siteLimits' | 'now' | 'log' | 'sleep'>

/** Who renews a claim with each round has to do so before it lapses. */
const LONGEST_WAIT_SECONDS = 600

export interface RoundToDeal {
  site: string
  node: string
  guest: string
  execution: string
  /** Transfers with the same one share `limits`. */
  runId: string
  limits: RunLimits
  pace: Pace
  /** One for each chunk of the last round; none at first and after a wait. */
  results: readonly CopyResult[]
  /** Part numbers in ascending order, and the bytes that are to be read for them. */
  missing: readonly number[]
  missingBytes: number
  partSizeBytes: number
  /** In a function's memory for each part. */
  heldBytes: number
}

/** @throws UnknownSite, InvalidSite and the store's errors */
export async function dealRound(round: RoundToDeal, ports: Needs): Promise<DealtRound> {
  const { site: siteName, execution, guest, missing, missingBytes, partSizeBytes } = round
  const limits = await ports.siteLimits(siteName)
  const maxStreams = Math.min(MAX_STREAMS, limits.connectionsPerNode)
  const partsInFlight = Math.min(round.pace.partsInFlight, affordableParts(round.heldBytes))
  const { work } = round.pace
  const now = ports.now()
  const copyingSince = round.pace.copyingSince ?? now.toISOString()
  const counted = { ...round.pace, copyingSince, partsInFlight, work: { ...work, plans: work.plans + 1 } }
  const decision = judgeRound(counted, round.results, missing.length, { partSizeBytes, maxStreams })
  const { pace } = decision

  const answer = (reason: string, rest: Partial<DealtRound> = {}): DealtRound => {
    return { pace, chunks: [], waitSeconds: 0, reason, ...rest }
  }
  /** Nothing is moved now, so what was reserved is for others. */
  const pause = async (reason: string, rest: Partial<DealtRound> = {}): Promise<DealtRound> => {
    await releaseStreams(siteName, execution, ports)
    return answer(reason, rest)
  }
  const wait = (seconds: number, reason: string) =>
    pause(reason, { waitSeconds: Math.max(1, Math.min(LONGEST_WAIT_SECONDS, Math.ceil(seconds))) })
  const giveUp = (Error: string, errorMessage: string, reason: string) =>
    pause(reason, { gaveUp: { Error, Cause: JSON.stringify({ errorType: Error, errorMessage }) } })

  if (decision.action === 'done') return pause('Every part is there.')
  if (decision.action === 'wait') return wait(decision.waitSeconds, 'No part arrived in the last round.')
  if (decision.action === 'give-up') {
    const { name, message } = readFailure(decision.error)
    return giveUp(name, `${message} ${decision.reason}`, decision.reason)
  }

  const line = judgeLine(pace, missingBytes, now)
  if (line.over) {
    const message = `Site ${siteName}, guest ${guest}: ${line.warning ?? ''}`
    return giveUp(LineTooSlow.errorName, message, message)
  }
  if (line.warning !== undefined) ports.log('line-too-slow', { site: siteName, guest, ...line })
  const site = bandwidthAt(limits, now)
  const run = bandwidthAt(round.limits, now)
  const { closed, changesAt } = strictest(site, run)
  if (closed) {
    const until = changesAt === undefined ? '' : ` until ${changesAt.toISOString()}`
    const seconds = changesAt === undefined ? LONGEST_WAIT_SECONDS : (changesAt.getTime() - now.getTime()) / 1000
    return wait(seconds, `The limits of ${site.closed ? 'the site' : 'the run'} let nothing move${until}.`)
  }
  const granted = await reserveStreams(
    siteName,
    {
      execution,
      runId: round.runId,
      node: round.node,
      guest,
      streams: decision.streams,
      partSizeBytes,
      usableBytesPerSecond: usableBytesPerSecond(pace),
    },
    {
      connectionsPerNode: limits.connectionsPerNode,
      siteBytesPerSecond: site.bytesPerSecond,
      runBytesPerSecond: run.bytesPerSecond,
    },
    ports,
  )
  // Who waits for a turn stays in the ledger, so that the others see it.
  if ('waitSeconds' in granted) return answer(granted.reason, { waitSeconds: granted.waitSeconds })
  const ordered = orderRound(pace, partSizeBytes, granted, now, changesAt)
  if ('waitSeconds' in ordered) return wait(ordered.waitSeconds, 'The limits change in a moment.')
  const chunks = planChunks(missing, granted.streams)
  const dealt = `${chunks.length} of ${decision.streams} wanted streams for ${ordered.order.seconds} s.`
  const reason = line.warning === undefined ? dealt : `${dealt} ${line.warning}`
  return { pace: ordered.pace, chunks, order: ordered.order, waitSeconds: 0, reason }
}
