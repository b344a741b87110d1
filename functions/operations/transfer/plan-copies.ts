import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { renewClaim } from '../books/claims.ts'
import { keepStaged } from '../backup/dump-turns.ts'
import { noteProgress } from '../books/guest-progress.ts'
import type { Ports } from '../ports.ts'
import { dealRound } from './deal-round.ts'
import { encoderOf } from './encodings.ts'
import { missingOf, readBytesOf } from './missing-parts.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'siteLimits' | 'now' | 'log' | 'sleep'>

/**
 * Ask S3 what is missing, judge the last round, and deal out the next one within the limits of site and run; or say to
 * wait, that all is there, or that nothing moves any more.
 * @throws UploadVanished, GuestBusy, UnknownSite, InvalidSite and the store's errors
 */
export async function planCopies(input: TaskInput<'PlanCopies'>, ports: Needs): Promise<TaskOutput<'PlanCopies'>> {
  const { item, artifact, upload, execution, pace, results } = input
  await renewClaim(input, ports)
  await keepStaged(input, ports)
  const encoder = await encoderOf(upload, ports)
  const missing = await missingOf(encoder, upload, ports)
  const missingBytes = readBytesOf(encoder, missing)
  const dealt = await dealRound(
    {
      site: item.site,
      node: artifact.location.node,
      guest: item.guest.id,
      execution,
      runId: item.run.id,
      limits: item.limits,
      pace,
      results,
      missing,
      missingBytes,
      partSizeBytes: encoder.partSizeBytes,
      heldBytes: encoder.heldBytes,
    },
    ports,
  )
  const { chunks, waitSeconds, reason } = dealt
  const about = { site: item.site, guest: item.guest.id, key: upload.key, streams: chunks.length }
  ports.log('copies-planned', { ...about, missingBytes, waitSeconds, reason })
  const totalBytes = readBytesOf(encoder)
  await noteProgress(item, { stage: 'copying', reason }, { doneBytes: totalBytes - missingBytes, totalBytes }, ports)
  return { ...dealt, missingBytes, totalBytes }
}
