import { crc32 } from 'node:zlib'
import type { TaskInput, TaskOutput } from '../contracts/tasks.ts'
import { partRange } from '../domain/part-plan.ts'
import type { Ports } from './ports.ts'
import { SourceSession } from './source-session.ts'

type Needs = Pick<Ports, 'store' | 'route' | 'now' | 'sleep' | 'remainingMilliseconds' | 'log'>

/** Enough for the reading of one part to overlap the sending of others. */
const PARTS_IN_FLIGHT = 4
/** Buffers of all parts in flight together; a single part may be larger and then goes alone. */
const BUFFER_BUDGET_BYTES = 512 * 2 ** 20
/** Time that must be left for starting a part, whatever was measured. */
const LEAST_TIME_MILLISECONDS = 60_000
/** A part may take this much longer than the slowest so far. */
const TIME_SAFETY = 2

/**
 * Copy those parts of a chunk, from `nextPart` on, that S3 lacks, until done or short of time. The lowest part that
 * isn't in S3 is handed back; parts behind it that are there are found again by listing, and not sent again.
 * At least one part is tried in each call, so that a short time limit can't make a loop without progress.
 * @throws SourceChanged, ShortRead, SourceUnreadable, ConnectionDropped, UploadVanished and the store's errors
 */
export async function copyParts(input: TaskInput<'CopyParts'>, ports: Needs): Promise<TaskOutput<'CopyParts'>> {
  const { item, artifact, upload, chunk } = input
  const range = { firstPart: input.nextPart, lastPart: chunk.lastPart }
  const missing = await listMissing(input, ports, range)
  const abort = new AbortController()
  const source = new SourceSession(ports, item.site, artifact, upload.source)
  const unsent = new Set(missing)
  let bytesSent = 0
  let slowestMilliseconds = 0
  let next = 0

  const hasTime = (): boolean => {
    const wanted = Math.max(LEAST_TIME_MILLISECONDS, slowestMilliseconds * TIME_SAFETY)
    return next === 0 || ports.remainingMilliseconds() > wanted
  }

  const copyOne = async (partNumber: number, buffer: Buffer): Promise<void> => {
    const startedAt = ports.now().getTime()
    const { positionBytes, sizeBytes } = partRange(partNumber, upload.partSizeBytes, upload.source.sizeBytes)
    const body = buffer.subarray(0, sizeBytes)
    await source.read(positionBytes, body, abort.signal)
    await ports.store.putPart(upload.key, upload.uploadId, partNumber, body, crc32(body), abort.signal)
    unsent.delete(partNumber)
    bytesSent += sizeBytes
    ports.log('part-copied', { site: item.site, guest: item.guest.id, key: upload.key, partNumber, sizeBytes })
    slowestMilliseconds = Math.max(slowestMilliseconds, ports.now().getTime() - startedAt)
  }

  /** Takes parts in ascending order into a buffer of its own; several of these make reading and sending overlap. */
  const work = async (): Promise<void> => {
    const buffer = Buffer.allocUnsafeSlow(Math.min(upload.partSizeBytes, upload.source.sizeBytes))
    for (;;) {
      const partNumber = missing[next]
      if (partNumber === undefined || abort.signal.aborted || !hasTime()) return
      next++
      await copyOne(partNumber, buffer)
    }
  }

  try {
    await source.assertUnchanged(abort.signal)
    const inFlight = Math.max(1, Math.min(PARTS_IN_FLIGHT, Math.floor(BUFFER_BUDGET_BYTES / upload.partSizeBytes)))
    await allOrFirstError(Array.from({ length: Math.min(inFlight, missing.length) }, work), abort)
    await source.assertUnchanged(abort.signal)
  } finally {
    await source.close()
  }
  const lowest = missing.find((partNumber) => unsent.has(partNumber))
  ports.log('parts-copied', { key: upload.key, bytesSent, sent: missing.length - unsent.size, left: unsent.size })
  return {
    done: lowest === undefined,
    nextPart: lowest ?? chunk.lastPart + 1,
    bytesSent: input.bytesSent + bytesSent,
  }
}

async function listMissing(
  { upload }: TaskInput<'CopyParts'>,
  ports: Needs,
  range: { firstPart: number; lastPart: number },
): Promise<number[]> {
  if (range.firstPart > range.lastPart) return []
  const stored = await ports.store.listParts(upload.key, upload.uploadId, range)
  const sizes = new Map(stored.map((part) => [part.partNumber, part.sizeBytes]))
  return Array.from({ length: range.lastPart - range.firstPart + 1 }, (_, index) => range.firstPart + index).filter(
    (partNumber) =>
      sizes.get(partNumber) !== partRange(partNumber, upload.partSizeBytes, upload.source.sizeBytes).sizeBytes,
  )
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
