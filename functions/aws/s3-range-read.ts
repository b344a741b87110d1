import { Readable } from 'node:stream'
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { ArchiveConflict, GuestliftError, StoreDenied } from '../contracts/errors.ts'
import { backoffMilliseconds, MAX_PART_ATTEMPTS, type RetryDeps } from '../domain/transfer/part-retry.ts'
import type { ByteRange } from './archive-store.ts'
import { errorCode, isPassing, statusOf, storeFact } from './s3-errors.ts'

export interface RangeToRead extends ByteRange {
  bucket: string
  key: string
}

/** An answer that ended before all of its bytes were there. Its name is one that the SDK's own faults pass under. */
class CutShort extends Error {
  override readonly name = 'IncompleteBody'
}

/** The SDK's type speaks of browsers as well; in Node.js, a body is a stream of buffers. */
function piecesOf(body: unknown): AsyncIterable<Buffer> {
  return body instanceof Readable ? body : Readable.from([])
}

/**
 * Read a range whole. The SDK repeats a request only until its answer begins, so a body that breaks off is asked for
 * again here.
 * @throws ArchiveConflict when the object is no longer the one with the ETag, or is gone
 * @throws StoreUnavailable, StoreDenied
 */
export async function readRange(client: S3Client, range: RangeToRead, retry: RetryDeps): Promise<Buffer> {
  const { bucket, key, firstByte, lastByte, etag } = range
  const wanted = lastByte - firstByte + 1
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await client.send(
        new GetObjectCommand({ Bucket: bucket, Key: key, Range: `bytes=${firstByte}-${lastByte}`, IfMatch: etag }),
      )
      const bytes = Buffer.allocUnsafeSlow(wanted)
      let arrivedBytes = 0
      // Each piece goes to its place at once: the SDK's own way keeps them all, and then copies them.
      for await (const piece of piecesOf(answer.Body)) {
        if (arrivedBytes + piece.length > wanted)
          throw new StoreDenied(`the store of s3://${bucket} gives more than the range asked for`)
        piece.copy(bytes, arrivedBytes)
        arrivedBytes += piece.length
      }
      if (arrivedBytes < wanted) throw new CutShort(`${arrivedBytes} of ${wanted} bytes came`)
      return bytes
    } catch (error) {
      if (error instanceof GuestliftError) throw error
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
