/** Moves parts side by side for the length of one function call, to S3 or to a node. */
import type { CopyOrder, CopyResult } from '../../contracts/pace.ts'
import type { Ports } from '../ports.ts'
import type { PartMover } from './part-mover.ts'

type Needs = Pick<Ports, 'now' | 'remainingMilliseconds' | 'billedMilliseconds' | 'memoryMiB' | 'log'>

/** Time that must be left for starting a part, whatever was measured. */
const LEAST_TIME_MILLISECONDS = 60_000
/** A part may take this much longer than the slowest so far. */
const TIME_SAFETY = 2

/**
 * Move parts in their order until done, past the order's time, or short of the function's own. At least one part is tried
 * in each call, so that a short time can't make rounds without progress. The mover is closed.
 * @param about for the log
 * @throws what the mover throws
 */
export async function moveParts(
  parts: readonly number[],
  order: CopyOrder,
  mover: PartMover,
  about: Readonly<Record<string, unknown>>,
  ports: Needs,
): Promise<CopyResult> {
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
      const partNumber = parts[next]
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
      const { sentBytes: sizeBytes, readBytes } = moved
      // Compressed here, fewer bytes are sent than are read.
      const read = readBytes === sizeBytes ? {} : { readBytes }
      ports.log('part-copied', { ...about, partNumber, sizeBytes, ...read })
    }
  }

  try {
    const lanes = Math.min(order.partsInFlight, parts.length)
    await allOrFirstError(
      Array.from({ length: lanes }, (_, lane) => work(lane)),
      abort,
    )
    if (partsSent > 0) await mover.assertUnchanged(abort.signal)
  } finally {
    await mover.close()
  }
  const { drops, billedReads } = mover
  const seconds = elapsedMilliseconds() / 1000
  // Logging in, listing and closing are billed as well, and last: nothing but the answer follows.
  const billedSeconds = Math.ceil(ports.billedMilliseconds()) / 1000
  const memory = ports.memoryMiB === undefined ? {} : { memoryMiB: ports.memoryMiB }
  const read = bytesRead === bytesSent ? {} : { bytesRead }
  const result = {
    bytesSent,
    ...read,
    ...(billedReads === undefined ? {} : { billedReads }),
    partsSent,
    seconds,
    billedSeconds,
    ...memory,
    throttles,
    drops,
  }
  ports.log('parts-copied', { ...about, ...result, left: parts.length - partsSent })
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
