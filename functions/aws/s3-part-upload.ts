import { Readable } from 'node:stream'
import { type S3Client, UploadPartCommand } from '@aws-sdk/client-s3'
import { ChecksumMismatch, GuestliftError, StoreDenied } from '../contracts/errors.ts'
import { crc32FromBase64, crc32ToBase64 } from '../domain/transfer/crc32.ts'
import { backoffMilliseconds, MAX_PART_ATTEMPTS, type RetryDeps } from '../domain/transfer/part-retry.ts'
import { bareEtag } from '../domain/transfer/etag.ts'
import { errorCode, isPassing, isThrottle, needsChecksums, storeFact } from './s3-errors.ts'

export interface PartToSend {
  bucket: string
  key: string
  uploadId: string
  partNumber: number
  /** In this order, one after the other. */
  bodies: readonly Buffer[]
  sum: PartSum
}

/**
 * What the store compares as the part arrives: a CRC-32, unsigned; or an MD5 in hexadecimal, where it knows no other.
 * `etagIsMd5`: its answer names the MD5 of what it took, and isn't believed without.
 */
export type PartSum = { crc32: number } | { md5: string; etagIsMd5: boolean }

/**
 * One large Buffer costs twice the CPU of slices: the SDK hashes it by SHA-256 for the signature, and TLS copies it.
 * From 256 KiB to 4 MiB they measure alike (64 KiB costs more); beyond this size memory grows.
 */
const SLICE_BYTES = 512 * 1024

function* slices(bodies: readonly Buffer[]): Generator<Buffer> {
  for (const body of bodies) {
    for (let at = 0; at < body.length; at += SLICE_BYTES) yield body.subarray(at, at + SLICE_BYTES)
  }
}

/**
 * The ETag of a part that the store has taken.
 * @throws StoreDenied when the answer doesn't say which bytes it took, ChecksumMismatch when they were others
 */
export function confirmedEtag(
  part: Pick<PartToSend, 'bucket' | 'key' | 'partNumber'> & { crc32: number },
  answer: { etag: string | undefined; crc32: string | undefined },
): string {
  if (answer.crc32 === undefined || answer.etag === undefined) {
    throw new StoreDenied(
      `the store of s3://${part.bucket} took part ${part.partNumber} without confirming its CRC-32. ` + needsChecksums,
    )
  }
  if (crc32FromBase64(answer.crc32) !== part.crc32) {
    throw new ChecksumMismatch(
      `the store of s3://${part.bucket}/${part.key} confirmed part ${part.partNumber} with CRC-32 ${answer.crc32}, ` +
        `sent was ${crc32ToBase64(part.crc32)}`,
    )
  }
  return answer.etag
}

/**
 * The ETag, without quotes, of a part that a store without CRC-32 has taken.
 * @throws StoreDenied when there is none, ChecksumMismatch when it isn't the MD5 that it has to be
 */
export function confirmedMd5(
  part: Pick<PartToSend, 'bucket' | 'key' | 'partNumber'>,
  { md5, etagIsMd5 }: { md5: string; etagIsMd5: boolean },
  given: string | undefined,
): string {
  const where = `the store of s3://${part.bucket}/${part.key}`
  if (given === undefined)
    throw new StoreDenied(`${where} took part ${part.partNumber} without an ETag. ${needsChecksums}`)
  const etag = bareEtag(given)
  if (etagIsMd5 && etag !== md5) {
    throw new ChecksumMismatch(
      `${where} took part ${part.partNumber} with the ETag ${etag}; sent were bytes with MD5 ${md5}`,
    )
  }
  return etag
}

interface TakenPart {
  partNumber: number
  sizeBytes: number
  etag: string
}

async function sendOnce(client: S3Client, part: PartToSend, signal: AbortSignal | undefined): Promise<TakenPart> {
  const sizeBytes = part.bodies.reduce((sum, body) => sum + body.length, 0)
  const body = Readable.from(slices(part.bodies), { objectMode: false, highWaterMark: SLICE_BYTES })
  const answer = await client.send(
    new UploadPartCommand({
      Bucket: part.bucket,
      Key: part.key,
      UploadId: part.uploadId,
      PartNumber: part.partNumber,
      // An empty stream would go out chunked; an empty buffer has a length.
      Body: sizeBytes === 0 ? Buffer.alloc(0) : body,
      ContentLength: sizeBytes,
      ...('crc32' in part.sum
        ? { ChecksumCRC32: crc32ToBase64(part.sum.crc32) }
        : { ContentMD5: Buffer.from(part.sum.md5, 'hex').toString('base64') }),
    }),
    signal === undefined ? {} : { abortSignal: signal },
  )
  const etag =
    'crc32' in part.sum
      ? confirmedEtag({ ...part, ...part.sum }, { etag: answer.ETag, crc32: answer.ChecksumCRC32 })
      : confirmedMd5(part, part.sum, answer.ETag)
  return { partNumber: part.partNumber, sizeBytes, etag }
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
): Promise<TakenPart & { throttles: number }> {
  const action = { bucket: part.bucket, key: part.key, verb: `send part ${part.partNumber} of` }
  let throttles = 0
  for (let attempt = 1; ; attempt++) {
    try {
      return { ...(await sendOnce(client, part, signal)), throttles }
    } catch (error) {
      if (isThrottle(error)) throttles++
      signal?.throwIfAborted()
      if (error instanceof GuestliftError) throw error
      if (isPassing(error) && attempt < MAX_PART_ATTEMPTS) {
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
