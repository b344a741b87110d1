import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { ArchiveConflict, StoreDenied } from '../contracts/errors.ts'
import { backoffMilliseconds, MAX_PART_ATTEMPTS, type RetryDeps } from '../domain/transfer/part-retry.ts'
import type { DirectReads } from './s3-direct-read.ts'
import type { RangeToRead } from './s3-range.ts'
import { errorCode, isPassing, statusOf, storeFact } from './s3-errors.ts'

/** An answer that ended before all of its bytes were there. Its name is one that the SDK's own faults pass under. */
class CutShort extends Error {
  override readonly name = 'IncompleteBody'
}

/** Below it, signing a URL and a connection of its own cost more than they save. */
const LEAST_DIRECT_BYTES = 2 ** 20

/** More than the range asked for: no fault that passes. */
class TooMuch extends Error {}

/**
 * Each piece goes to its place at once: the SDK's own way keeps them all, and then copies them. An iterator over the
 * stream would cost a turn of the event loop for each piece, and TLS gives 65,000 of them per GiB.
 * @returns the bytes that came
 */
async function fill(target: Buffer, body: unknown): Promise<number> {
  // The SDK's type speaks of browsers as well; in Node.js, a body is a stream of buffers.
  if (!(body instanceof Readable)) return 0
  let arrivedBytes = 0
  body.on('data', (piece: Buffer) => {
    if (arrivedBytes + piece.length > target.length) {
      body.destroy(new TooMuch())
      return
    }
    piece.copy(target, arrivedBytes)
    arrivedBytes += piece.length
  })
  await finished(body)
  return arrivedBytes
}

/**
 * Read a range whole. The SDK repeats a request only until its answer begins, so a body that breaks off is asked for
 * again here.
 * @param room at least as long as the range: the bytes lie at its start. Without it, memory of their own
 * @throws ArchiveConflict when the object is no longer the one with the ETag, or is gone
 * @throws StoreUnavailable, StoreDenied
 */
export async function readRange(
  client: S3Client,
  range: RangeToRead,
  { retry, direct, room }: { retry: RetryDeps; direct: DirectReads; room?: Buffer | undefined },
): Promise<Buffer> {
  const { bucket, key, firstByte, lastByte, etag } = range
  const wanted = lastByte - firstByte + 1
  const bytes = room?.subarray(0, wanted) ?? Buffer.allocUnsafeSlow(wanted)
  if (wanted >= LEAST_DIRECT_BYTES && (await direct.read(range, bytes))) return bytes
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await client.send(
        new GetObjectCommand({ Bucket: bucket, Key: key, Range: `bytes=${firstByte}-${lastByte}`, IfMatch: etag }),
      )
      const arrivedBytes = await fill(bytes, answer.Body)
      if (arrivedBytes < wanted) throw new CutShort(`${arrivedBytes} of ${wanted} bytes came`)
      return bytes
    } catch (error) {
      if (error instanceof TooMuch) {
        throw new StoreDenied(`the store of s3://${bucket} gives more than the range asked for`)
      }
      if (errorCode(error) === 'PreconditionFailed' || statusOf(error) === 412) {
        throw new ArchiveConflict(`s3://${bucket}/${key} was replaced while it was read. Read it again.`, {
          cause: error,
        })
      }
      if (errorCode(error) === 'NoSuchKey') {
        throw new ArchiveConflict(`s3://${bucket}/${key} was removed while it was read. Take another archive.`, {
          cause: error,
        })
      }
      if (!isPassing(error) || attempt >= MAX_PART_ATTEMPTS) throw storeFact(error, { bucket, key, verb: 'read' })
      await retry.sleep(backoffMilliseconds(attempt, () => retry.random()))
    }
  }
}
