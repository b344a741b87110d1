import { Readable } from 'node:stream'
import { type S3Client, UploadPartCommand } from '@aws-sdk/client-s3'
import { ChecksumMismatch, StoreDenied } from '../contracts/errors.ts'
import { crc32FromBase64, crc32ToBase64 } from '../domain/crc32.ts'
import type { StoredPart } from './archive-store.ts'
import { errorCode, isPassing, needsChecksums, storeFact } from './s3-errors.ts'

export interface PartToSend {
  bucket: string
  key: string
  uploadId: string
  partNumber: number
  body: Buffer
  crc32: number
}

export interface RetryDeps {
  /** 0 ≤ n < 1. */
  random(): number
  sleep(milliseconds: number): Promise<void>
}

/**
 * One large Buffer costs twice the CPU of slices: the SDK hashes it by SHA-256 for the signature, and TLS copies it.
 * Slices between 64 KiB and 1 MiB measure alike.
 */
const SLICE_BYTES = 256 * 1024
const MAX_ATTEMPTS = 6
const FIRST_BACKOFF_MILLISECONDS = 250
const LONGEST_BACKOFF_MILLISECONDS = 16_000

function* slices(body: Buffer): Generator<Buffer> {
  for (let at = 0; at < body.length; at += SLICE_BYTES) yield body.subarray(at, at + SLICE_BYTES)
}

/** Full jitter: functions that were slowed down together don't come back together. */
function backoffMilliseconds(attempt: number, random: () => number): number {
  return random() * Math.min(LONGEST_BACKOFF_MILLISECONDS, FIRST_BACKOFF_MILLISECONDS * 2 ** attempt)
}

async function sendOnce(client: S3Client, part: PartToSend, signal: AbortSignal | undefined): Promise<StoredPart> {
  const checksum = crc32ToBase64(part.crc32)
  const body = Readable.from(slices(part.body), { objectMode: false, highWaterMark: SLICE_BYTES })
  const answer = await client.send(
    new UploadPartCommand({
      Bucket: part.bucket,
      Key: part.key,
      UploadId: part.uploadId,
      PartNumber: part.partNumber,
      // An empty stream would go out chunked; an empty buffer has a length.
      Body: part.body.length === 0 ? part.body : body,
      ContentLength: part.body.length,
      ChecksumCRC32: checksum,
    }),
    signal === undefined ? {} : { abortSignal: signal },
  )
  if (answer.ChecksumCRC32 === undefined || answer.ETag === undefined) {
    throw new StoreDenied(
      `the store of s3://${part.bucket} took part ${part.partNumber} without confirming its CRC-32. ` + needsChecksums,
    )
  }
  if (crc32FromBase64(answer.ChecksumCRC32) !== part.crc32) {
    throw new ChecksumMismatch(
      `the store of s3://${part.bucket}/${part.key} confirmed part ${part.partNumber} with CRC-32 ${answer.ChecksumCRC32}, sent was ${checksum}`,
    )
  }
  return { partNumber: part.partNumber, sizeBytes: part.body.length, etag: answer.ETag, crc32: part.crc32 }
}

/**
 * Send a part until S3 has it. The SDK never repeats a request whose body is a stream, so the repetition is here, with
 * a fresh stream over the same memory.
 * @throws StoreUnavailable, StoreDenied, UploadVanished, ChecksumMismatch, the signal's reason
 */
export async function sendPart(
  client: S3Client,
  part: PartToSend,
  retry: RetryDeps,
  signal?: AbortSignal,
): Promise<StoredPart> {
  const action = { bucket: part.bucket, key: part.key, verb: `send part ${part.partNumber} of` }
  for (let attempt = 1; ; attempt++) {
    try {
      return await sendOnce(client, part, signal)
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof StoreDenied || error instanceof ChecksumMismatch) throw error
      if (isPassing(error) && attempt < MAX_ATTEMPTS) {
        await retry.sleep(backoffMilliseconds(attempt, () => retry.random()))
        continue
      }
      if (errorCode(error) === 'BadDigest') {
        throw new ChecksumMismatch(
          `s3://${part.bucket}/${part.key}: part ${part.partNumber} arrived damaged ${attempt} times. Check the network path and this machine's memory`,
          { cause: error },
        )
      }
      throw storeFact(error, action)
    }
  }
}
