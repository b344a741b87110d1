import { CompleteMultipartUploadCommand, CreateMultipartUploadCommand, type S3Client } from '@aws-sdk/client-s3'
import { ArchiveConflict, ChecksumMismatch, StoreDenied, UploadVanished } from '../contracts/errors.ts'
import type { SignedPut } from '../contracts/signed-put.ts'
import { bareEtag } from '../domain/transfer/etag.ts'
import type { RetryDeps } from '../domain/transfer/part-retry.ts'
import type { BarePart, BareSum, BareUploads, StoredObject, UploadTerms } from './archive-store.ts'
import { leaveOutChecksums } from './s3-checksum-headers.ts'
import { errorCode, statusOf, storeFact } from './s3-errors.ts'
import { lockInput, lockRefusal } from './s3-object-lock.ts'
import { listedParts } from './s3-list-parts.ts'
import { sendPart } from './s3-part-upload.ts'
import { presignBarePart } from './s3-presign.ts'

interface Deps {
  retry: RetryDeps
  /** An object as the store describes it. */
  head(key: string): Promise<StoredObject | undefined>
}

/** `BareUploads` by what S3 had before 2022: Content-MD5 and ETags. */
export class S3BareUploads implements BareUploads {
  readonly #client: S3Client
  readonly #bucket: string
  readonly #deps: Deps

  constructor(client: S3Client, bucket: string, deps: Deps) {
    this.#client = client
    this.#bucket = bucket
    this.#deps = deps
  }

  async create(key: string, { storageClass, lock }: UploadTerms = {}): Promise<string> {
    const order = new CreateMultipartUploadCommand({
      Bucket: this.#bucket,
      Key: key,
      ...lockInput(lock),
      ...(storageClass === undefined ? {} : { StorageClass: storageClass }),
    })
    const { UploadId } = await this.#plainly('open an upload for', key, () =>
      this.#client.send(order).catch((error: unknown) => {
        throw (lock && lockRefusal(error, this.#bucket, key)) ?? error
      }),
    )
    if (UploadId === undefined) throw new StoreDenied(`the store of s3://${this.#bucket} gave no upload id`)
    return UploadId
  }

  async listParts(key: string, uploadId: string, range?: { firstPart: number; lastPart: number }): Promise<BarePart[]> {
    const parts: BarePart[] = []
    for await (const part of listedParts(this.#client, { bucket: this.#bucket, key, uploadId }, range?.firstPart)) {
      const { PartNumber: partNumber, Size: sizeBytes, ETag: etag } = part
      if (range !== undefined && (partNumber ?? 0) > range.lastPart) break
      if (partNumber === undefined || sizeBytes === undefined || etag === undefined) {
        throw new StoreDenied(
          `the store of s3://${this.#bucket} lists part ${partNumber} of ${key} without size or ETag`,
        )
      }
      parts.push({ partNumber, sizeBytes, etag: bareEtag(etag) })
    }
    return parts
  }

  putPart(
    key: string,
    uploadId: string,
    partNumber: number,
    bodies: readonly Buffer[],
    sum: BareSum,
    signal?: AbortSignal,
  ): Promise<BarePart & { throttles: number }> {
    leaveOutChecksums(this.#client)
    const part = { bucket: this.#bucket, key, uploadId, partNumber, bodies, sum }
    return sendPart(this.#client, part, this.#deps.retry, signal)
  }

  presignPart(
    key: string,
    uploadId: string,
    partNumber: number,
    part: BareSum & { sizeBytes: number },
  ): Promise<SignedPut> {
    leaveOutChecksums(this.#client)
    return presignBarePart(this.#client, { bucket: this.#bucket, key, uploadId, partNumber, ...part })
  }

  async complete(
    key: string,
    uploadId: string,
    parts: readonly BarePart[],
    etag: string | undefined,
  ): Promise<StoredObject> {
    leaveOutChecksums(this.#client)
    const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0)
    try {
      await this.#client.send(
        new CompleteMultipartUploadCommand({
          Bucket: this.#bucket,
          Key: key,
          UploadId: uploadId,
          MultipartUpload: { Parts: parts.map((part) => ({ PartNumber: part.partNumber, ETag: `"${part.etag}"` })) },
          IfNoneMatch: '*',
        }),
      )
    } catch (error) {
      return this.#afterFailedComplete(error, key, { sizeBytes, etag })
    }
    const stored = await this.#deps.head(key)
    if (stored === undefined) throw new UploadVanished(`s3://${this.#bucket}/${key} was completed, and is not there`)
    return stored
  }

  /** As with full-object CRC-32: an earlier try of the same may have succeeded. What the object holds is judged later. */
  async #afterFailedComplete(
    error: unknown,
    key: string,
    wanted: { sizeBytes: number; etag: string | undefined },
  ): Promise<StoredObject> {
    const code = errorCode(error)
    const taken = code === 'PreconditionFailed' || code === 'ConditionalRequestConflict' || statusOf(error) === 412
    if (taken || code === 'NoSuchUpload') {
      const stored = await this.#deps.head(key)
      if (stored !== undefined) {
        const same = wanted.etag === undefined || bareEtag(stored.etag) === wanted.etag
        if (stored.sizeBytes === wanted.sizeBytes && same) return stored
        throw new ArchiveConflict(
          `s3://${this.#bucket}/${key} exists with other content (${stored.sizeBytes} bytes) and was not overwritten. ` +
            'Move it away if the archive belongs there',
          { cause: error },
        )
      }
    }
    if (code === 'InvalidPart' || code === 'BadDigest') {
      throw new ChecksumMismatch(
        `the store refuses to complete s3://${this.#bucket}/${key}: a part isn't the one that was sent: ${String(error)}`,
        { cause: error },
      )
    }
    throw storeFact(error, { bucket: this.#bucket, key, verb: 'complete' })
  }

  /** Nothing that such a store might refuse goes along. */
  async #plainly<T>(verb: string, key: string, work: () => Promise<T>): Promise<T> {
    leaveOutChecksums(this.#client)
    try {
      return await work()
    } catch (error) {
      throw storeFact(error, { bucket: this.#bucket, key, verb })
    }
  }
}
