import type { CopyResult } from '../../contracts/pace.ts'
import type { TaskInput } from '../../contracts/tasks.ts'
import { Pacer } from './pacer.ts'
import { renewClaim } from '../books/claims.ts'
import type { PartMover } from './part-mover.ts'
import type { Ports } from '../ports.ts'
import { encoderOf } from './encodings.ts'
import { missingOf } from './missing-parts.ts'
import { PullParts } from './pull-parts.ts'
import { PushParts } from './push-parts.ts'

type Needs = Pick<
  Ports,
  | 'store'
  | 'keyPrefix'
  | 'route'
  | 'now'
  | 'sleep'
  | 'remainingMilliseconds'
  | 'billedMilliseconds'
  | 'memoryMiB'
  | 'log'
>

/** Time that must be left for starting a part, whatever was measured. */
const LEAST_TIME_MILLISECONDS = 60_000
/** A part may take this much longer than the slowest so far. */
const TIME_SAFETY = 2

/**
 * Copy those parts of a chunk that S3 lacks, until done, past the order's time, or short of the function's own. S3's
 * list of parts is the ledger: what is left over is found by the next round, and nothing that is there is sent again.
 * At least one part is tried in each call, so that a short time can't make rounds without progress.
 * @throws SourceChanged, ShortRead, SourceUnreadable, ConnectionDropped, UploadVanished, GuestBusy and the store's errors
 */
export async function copyParts(input: TaskInput<'CopyParts'>, ports: Needs): Promise<CopyResult> {
  const { item, artifact, upload, chunk, order } = input
  await renewClaim(input, ports)
  const encoder = await encoderOf(upload, ports)
  const missing = await missingOf(encoder, upload, ports, chunk)
  const route = await ports.route(item.site)
  const pacer = new Pacer(order.bytesPerSecond, ports)
  const pushes = route.openPusher !== undefined && encoder.passesThrough
  const mover: PartMover = new (pushes ? PushParts : PullParts)(ports, input, encoder, pacer)
  const abort = new AbortController()
  const startedAt = ports.now().getTime()
  const elapsedMilliseconds = (): number => ports.now().getTime() - startedAt
  let [next, partsSent, bytesSent, bytesRead, throttles, slowestMilliseconds] = [0, 0, 0, 0, 0, 0]

  const hasTime = (): boolean => {
    const wanted = Math.max(LEAST_TIME_MILLISECONDS, slowestMilliseconds * TIME_SAFETY)
    return next === 0 || (elapsedMilliseconds() < order.seconds * 1000 && ports.remainingMilliseconds() > wanted)
  }

  /** Takes parts in ascending order; several of these make reading and sending overlap. */
  const work = async (lane: number): Promise<void> => {
    for (;;) {
      const partNumber = missing[next]
      if (partNumber === undefined || abort.signal.aborted || !hasTime()) return
      next++
      const beganAt = elapsedMilliseconds()
      const moved = await mover.move(lane, partNumber, abort.signal)
      // Added after the wait: `+=` over one would lose what other lanes add meanwhile.
      throttles += moved.throttles
      slowestMilliseconds = Math.max(slowestMilliseconds, elapsedMilliseconds() - beganAt)
      partsSent++
      bytesSent += moved.sentBytes
      bytesRead += moved.readBytes
      const about = { site: item.site, guest: item.guest.id, key: upload.key }
      ports.log('part-copied', { ...about, partNumber, sizeBytes: moved.sentBytes })
    }
  }

  try {
    // Opening the source checks that it is the one expected; so does the end.
    const lanes = Math.min(order.partsInFlight, missing.length)
    await allOrFirstError(
      Array.from({ length: lanes }, (_, lane) => work(lane)),
      abort,
    )
    if (partsSent > 0) await mover.assertUnchanged(abort.signal)
  } finally {
    await mover.close()
  }
  const { drops } = mover
  const seconds = elapsedMilliseconds() / 1000
  // Logging in, listing and closing are billed as well, and last: nothing but the answer follows.
  const billedSeconds = Math.ceil(ports.billedMilliseconds()) / 1000
  const memory = ports.memoryMiB === undefined ? {} : { memoryMiB: ports.memoryMiB }
  const read = bytesRead === bytesSent ? {} : { bytesRead }
  const result = { bytesSent, ...read, partsSent, seconds, billedSeconds, ...memory, throttles, drops }
  ports.log('parts-copied', {
    key: upload.key,
    artifact: artifact.fileName,
    ...result,
    left: missing.length - partsSent,
  })
  return result
}

/** The first failure stops the others; it is thrown when they have stopped, for their buffers are in use until then. */
async function allOrFirstError(works: readonly Promise<void>[], abort: AbortController): Promise<void> {
  let first: unknown
  await Promise.all(
    works.map((work) =>
      work.catch((error: unknown) => {
        if (abort.signal.aborted) return
        first = error
        abort.abort(error)
      }),
    ),
  )
  if (abort.signal.aborted) throw first
}
