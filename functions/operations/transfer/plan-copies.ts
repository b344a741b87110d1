import { LineTooSlow } from '../../contracts/errors.ts'
import type { Pace } from '../../contracts/pace.ts'
import { MAX_STREAMS, type TaskInput, type TaskOutput } from '../../contracts/tasks.ts'
import { readFailure } from '../../domain/backup/failure.ts'
import { judgeRound } from '../../domain/transfer/pace.ts'
import { affordableParts, planChunks } from '../../domain/transfer/part-plan.ts'
import { orderRound, usableBytesPerSecond } from '../../domain/transfer/round-order.ts'
import { judgeLine } from '../../domain/transfer/slowest-line.ts'
import { bandwidthAt, strictest } from '../../domain/transfer/transfer-limits.ts'
import { renewClaim } from '../books/claims.ts'
import { keepStaged } from '../backup/dump-turns.ts'
import { noteProgress } from '../books/guest-progress.ts'
import type { Ports } from '../ports.ts'
import { encoderOf } from './encodings.ts'
import { missingOf, readBytesOf } from './missing-parts.ts'
import { releaseStreams, reserveStreams } from '../books/stream-reservations.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'siteLimits' | 'now' | 'log' | 'sleep'>

/** The claim is renewed each time, and has to live until the next. */
const LONGEST_WAIT_SECONDS = 600

/**
 * Ask S3 what is missing, judge the last round, and deal out the next one within the limits of site and run; or say to
 * wait, that all is there, or that nothing moves any more.
 * @throws UploadVanished, GuestBusy, UnknownSite, InvalidSite and the store's errors
 */
export async function planCopies(input: TaskInput<'PlanCopies'>, ports: Needs): Promise<TaskOutput<'PlanCopies'>> {
  const { item, artifact, upload, execution } = input
  await renewClaim(input, ports)
  await keepStaged(input, ports)
  const limits = await ports.siteLimits(item.site)
  const encoder = await encoderOf(upload, ports)
  const missing = await missingOf(encoder, upload, ports)
  const { partSizeBytes } = encoder
  const missingBytes = readBytesOf(encoder, missing)
  const maxStreams = Math.min(MAX_STREAMS, limits.connectionsPerNode)
  const partsInFlight = Math.min(input.pace.partsInFlight, affordableParts(encoder.heldBytes))
  const { work } = input.pace
  const now = ports.now()
  const copyingSince = input.pace.copyingSince ?? now.toISOString()
  const pace = { ...input.pace, copyingSince, partsInFlight, work: { ...work, plans: work.plans + 1 } }
  const decision = judgeRound(pace, input.results, missing.length, { partSizeBytes, maxStreams })

  const answer = async (pace: Pace, reason: string, rest: Partial<TaskOutput<'PlanCopies'>>) => {
    const planned = { pace, chunks: [], waitSeconds: 0, missingBytes, reason, ...rest }
    const about = { site: item.site, guest: item.guest.id, key: upload.key, streams: planned.chunks.length }
    ports.log('copies-planned', { ...about, missingBytes, waitSeconds: planned.waitSeconds, reason })
    const totalBytes = readBytesOf(encoder)
    await noteProgress(item, { stage: 'copying', reason }, { doneBytes: totalBytes - missingBytes, totalBytes }, ports)
    return planned
  }
  /** Nothing is copied now, so what was reserved is for others. */
  const pause = async (pace: Pace, reason: string, rest: Partial<TaskOutput<'PlanCopies'>> = {}) => {
    await releaseStreams(item.site, execution, ports)
    return answer(pace, reason, rest)
  }
  const wait = (pace: Pace, seconds: number, reason: string) =>
    pause(pace, reason, { waitSeconds: Math.max(1, Math.min(LONGEST_WAIT_SECONDS, Math.ceil(seconds))) })

  if (decision.action === 'done') return pause(decision.pace, 'S3 has every part.')
  if (decision.action === 'wait') return wait(decision.pace, decision.waitSeconds, 'No part arrived in the last round.')
  if (decision.action === 'give-up') {
    const failure = readFailure(decision.error)
    const errorMessage = `${failure.message} ${decision.reason}`
    const gaveUp = { Error: failure.name, Cause: JSON.stringify({ errorType: failure.name, errorMessage }) }
    return pause(decision.pace, decision.reason, { gaveUp })
  }

  const line = judgeLine(decision.pace, missingBytes, now)
  if (line.over) {
    const errorMessage = `Site ${item.site}, guest ${item.guest.id}: ${line.warning ?? ''}`
    const Cause = JSON.stringify({ errorType: LineTooSlow.errorName, errorMessage })
    return pause(decision.pace, errorMessage, { gaveUp: { Error: LineTooSlow.errorName, Cause } })
  }
  if (line.warning !== undefined) ports.log('line-too-slow', { site: item.site, guest: item.guest.id, ...line })
  const site = bandwidthAt(limits, now)
  const run = bandwidthAt(item.limits, now)
  const { closed, changesAt } = strictest(site, run)
  if (closed) {
    const until = changesAt === undefined ? '' : ` until ${changesAt.toISOString()}`
    const seconds = changesAt === undefined ? LONGEST_WAIT_SECONDS : (changesAt.getTime() - now.getTime()) / 1000
    return wait(
      decision.pace,
      seconds,
      `The limits of ${site.closed ? 'the site' : 'the run'} let nothing move${until}.`,
    )
  }
  const granted = await reserveStreams(
    item.site,
    {
      execution,
      runId: item.run.id,
      node: artifact.location.node,
      guest: item.guest.id,
      streams: decision.streams,
      partSizeBytes,
      usableBytesPerSecond: usableBytesPerSecond(decision.pace),
    },
    {
      connectionsPerNode: limits.connectionsPerNode,
      siteBytesPerSecond: site.bytesPerSecond,
      runBytesPerSecond: run.bytesPerSecond,
    },
    ports,
  )
  // Who waits for a turn stays in the ledger, so that the others see it.
  if ('waitSeconds' in granted) {
    return answer(decision.pace, granted.reason, { waitSeconds: granted.waitSeconds })
  }
  const ordered = orderRound(decision.pace, partSizeBytes, granted, now, changesAt)
  if ('waitSeconds' in ordered) return wait(decision.pace, ordered.waitSeconds, 'The limits change in a moment.')
  const chunks = planChunks(missing, granted.streams)
  const round = `${chunks.length} of ${decision.streams} wanted streams for ${ordered.order.seconds} s.`
  const reason = line.warning === undefined ? round : `${round} ${line.warning}`
  return answer(ordered.pace, reason, { chunks, order: ordered.order })
}
