import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  type MultipartUpload,
  type Part,
  PutObjectCommand,
  type _Object as S3Object,
  type S3Client,
} from '@aws-sdk/client-s3'
import { ArchiveConflict, ChecksumMismatch, StoreDenied, UploadVanished } from '../contracts/errors.ts'
import type { RangeSums, SignedPut } from '../contracts/signed-put.ts'
import { crc32FromBase64, crc32ToBase64 } from '../domain/crc32.ts'
import type { RetryDeps } from '../domain/part-retry.ts'
import type {
  ArchiveStore,
  ByteRange,
  DatedKey,
  ListedObject,
  OpenUpload,
  PartArrival,
  SentPart,
  StoredObject,
  StoredPart,
  StoredText,
} from './archive-store.ts'
import { attemptsOf, errorCode, needsChecksums, statusOf, storeFact } from './s3-errors.ts'
import { sendPart } from './s3-part-upload.ts'
import { presignPart } from './s3-presign.ts'
import { readRange } from './s3-range-read.ts'

/** What Complete answers when our sum isn't S3's, or one of the parts' sums isn't what it stored. */
const checksumCodes = new Set(['BadDigest', 'InvalidPart', 'XAmzContentChecksumMismatch'])

/** `ArchiveStore` on Amazon S3 and on stores that follow it closely, checksums included. */
export class S3ArchiveStore implements ArchiveStore {
  readonly bucket: string
  readonly #client: S3Client
  readonly #retry: RetryDeps

  constructor(client: S3Client, bucket: string, retry: RetryDeps) {
    this.#client = client
    this.bucket = bucket
    this.#retry = retry
  }

  async createUpload(key: string): Promise<string> {
    const answer = await this.#do('open an upload for', key, () =>
      this.#client.send(
        new CreateMultipartUploadCommand({
          ...this.#object(key),
          // Without these, S3 keeps no sum that could be compared with ours.
          ChecksumAlgorithm: 'CRC32',
          ChecksumType: 'FULL_OBJECT',
        }),
      ),
    )
    if (answer.UploadId === undefined) throw new StoreDenied(`the store of s3://${this.bucket} gave no upload id`)
    return answer.UploadId
  }

  async listUploads(key: string): Promise<string[]> {
    const ids: string[] = []
    for await (const upload of this.#listedUploads(key)) {
      // The prefix also matches longer keys.
      if (upload.Key === key && upload.UploadId !== undefined) ids.push(upload.UploadId)
    }
    return ids
  }

  async listUploadsBelow(prefix: string): Promise<OpenUpload[]> {
    const uploads: OpenUpload[] = []
    for await (const { Key: key, UploadId: uploadId, Initiated } of this.#listedUploads(prefix)) {
      if (key === undefined || uploadId === undefined) continue
      uploads.push({ key, uploadId, openedAt: this.#instant(Initiated, `the upload of ${key}`) })
    }
    return uploads
  }

  async *#listedUploads(prefix: string): AsyncGenerator<MultipartUpload, void, void> {
    let marker: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {}
    while (marker !== undefined) {
      const page: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({
        Bucket: this.bucket,
        Prefix: prefix,
        ...marker,
      })
      const answer = await this.#do('list uploads of', prefix, () => this.#client.send(page))
      yield* answer.Uploads ?? []
      marker = answer.IsTruncated
        ? {
            ...(answer.NextKeyMarker === undefined ? {} : { KeyMarker: answer.NextKeyMarker }),
            ...(answer.NextUploadIdMarker === undefined ? {} : { UploadIdMarker: answer.NextUploadIdMarker }),
          }
        : undefined
    }
  }

  async listArrivals(key: string, uploadId: string): Promise<PartArrival[]> {
    const arrivals: PartArrival[] = []
    for await (const { Size, LastModified, PartNumber } of this.#listedParts(key, uploadId)) {
      arrivals.push({ sizeBytes: Size ?? 0, arrivedAt: this.#instant(LastModified, `part ${PartNumber} of ${key}`) })
    }
    return arrivals
  }

  async listParts(
    key: string,
    uploadId: string,
    range?: { firstPart: number; lastPart: number },
  ): Promise<StoredPart[]> {
    const parts: StoredPart[] = []
    for await (const part of this.#listedParts(key, uploadId, range?.firstPart)) {
      if (range !== undefined && (part.PartNumber ?? 0) > range.lastPart) break
      parts.push(this.#storedPart(part))
    }
    return parts
  }

  async *#listedParts(key: string, uploadId: string, firstPart = 1): AsyncGenerator<Part, void, void> {
    let marker = firstPart === 1 ? undefined : String(firstPart - 1)
    for (;;) {
      const page = new ListPartsCommand({ ...this.#object(key), UploadId: uploadId, PartNumberMarker: marker })
      const answer = await this.#do('list parts of', key, () => this.#client.send(page))
      yield* answer.Parts ?? []
      if (answer.IsTruncated !== true || answer.NextPartNumberMarker === undefined) return
      marker = answer.NextPartNumberMarker
    }
  }

  /** Without these times nobody could tell an abandoned upload from one at work. */
  #instant(time: Date | undefined, of: string): string {
    if (time === undefined) throw new StoreDenied(`the store of s3://${this.bucket} gives no time for ${of}`)
    return time.toISOString()
  }

  #storedPart(part: Part): StoredPart {
    const { PartNumber: partNumber, Size: sizeBytes, ETag: etag } = part
    const crc32 = crc32FromBase64(part.ChecksumCRC32 ?? '')
    if (partNumber === undefined || sizeBytes === undefined || etag === undefined || crc32 === undefined) {
      throw new StoreDenied(
        `the store of s3://${this.bucket} lists part ${partNumber} without size, ETag or CRC-32. ` + needsChecksums,
      )
    }
    return { partNumber, sizeBytes, etag, crc32 }
  }

  putPart(
    key: string,
    uploadId: string,
    partNumber: number,
    body: Buffer,
    crc32: number,
    signal?: AbortSignal,
  ): Promise<SentPart> {
    return sendPart(this.#client, { bucket: this.bucket, key, uploadId, partNumber, body, crc32 }, this.#retry, signal)
  }

  presignPart(
    key: string,
    uploadId: string,
    partNumber: number,
    part: RangeSums & { sizeBytes: number },
  ): Promise<SignedPut> {
    return presignPart(this.#client, { bucket: this.bucket, key, uploadId, partNumber, ...part })
  }

  async completeUpload(
    key: string,
    uploadId: string,
    parts: readonly StoredPart[],
    crc32: number,
  ): Promise<StoredObject> {
    const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0)
    try {
      await this.#client.send(
        new CompleteMultipartUploadCommand({
          ...this.#object(key),
          UploadId: uploadId,
          MultipartUpload: {
            Parts: parts.map((part) => ({
              PartNumber: part.partNumber,
              ETag: part.etag,
              ChecksumCRC32: crc32ToBase64(part.crc32),
            })),
          },
          ChecksumCRC32: crc32ToBase64(crc32),
          ChecksumType: 'FULL_OBJECT',
          MpuObjectSize: sizeBytes,
          IfNoneMatch: '*',
        }),
      )
    } catch (error) {
      return this.#afterFailedComplete(error, key, { sizeBytes, crc32 })
    }
    // Asked anew: what counts is what S3 holds, not what it said while it was at it.
    const stored = await this.head(key)
    if (stored === undefined) throw new UploadVanished(`s3://${this.bucket}/${key} was completed, and is not there`)
    return this.#sameOrThrow(stored, key, { sizeBytes, crc32 })
  }

  /**
   * Complete is repeated when its answer is lost, by the SDK or by a new call. The second then finds the upload gone, or
   * the key taken, by the first: if the object is the one that was to be made, that is success.
   */
  async #afterFailedComplete(
    error: unknown,
    key: string,
    wanted: { sizeBytes: number; crc32: number },
  ): Promise<StoredObject> {
    const code = errorCode(error)
    const taken = code === 'PreconditionFailed' || code === 'ConditionalRequestConflict' || statusOf(error) === 412
    if (taken || code === 'NoSuchUpload') {
      const stored = await this.head(key)
      if (stored?.sizeBytes === wanted.sizeBytes && stored.crc32 === wanted.crc32) return stored
      if (stored !== undefined) {
        throw new ArchiveConflict(
          `s3://${this.bucket}/${key} exists with other content (${stored.sizeBytes} bytes) and was not overwritten. ` +
            'Move it away if the archive shall go there',
          { cause: error },
        )
      }
    }
    if (checksumCodes.has(code) || (code === 'InvalidRequest' && /checksum|size/i.test(String(error)))) {
      throw new ChecksumMismatch(
        `S3 refuses to complete s3://${this.bucket}/${key}: size or CRC-32 over its parts isn't ours (${wanted.sizeBytes} bytes, ` +
          `${crc32ToBase64(wanted.crc32)}): ${String(error)}`,
        { cause: error },
      )
    }
    throw storeFact(error, { bucket: this.bucket, key, verb: 'complete' })
  }

  #sameOrThrow(stored: StoredObject, key: string, wanted: { sizeBytes: number; crc32: number }): StoredObject {
    if (stored.crc32 === undefined) {
      throw new StoreDenied(
        `the store of s3://${this.bucket} keeps no full-object CRC-32 for ${key}, so the archive can't be proved. ` +
          needsChecksums,
      )
    }
    if (stored.sizeBytes !== wanted.sizeBytes || stored.crc32 !== wanted.crc32) {
      throw new ChecksumMismatch(
        `s3://${this.bucket}/${key} holds ${stored.sizeBytes} bytes with CRC-32 ${crc32ToBase64(stored.crc32)}; ` +
          `read were ${wanted.sizeBytes} bytes with ${crc32ToBase64(wanted.crc32)}`,
      )
    }
    return stored
  }

  async abortUpload(key: string, uploadId: string): Promise<void> {
    try {
      await this.#client.send(new AbortMultipartUploadCommand({ ...this.#object(key), UploadId: uploadId }))
    } catch (error) {
      if (errorCode(error) !== 'NoSuchUpload') throw storeFact(error, { bucket: this.bucket, key, verb: 'abort' })
    }
  }

  async head(key: string): Promise<StoredObject | undefined> {
    try {
      const answer = await this.#client.send(new HeadObjectCommand({ ...this.#object(key), ChecksumMode: 'ENABLED' }))
      const crc32 = answer.ChecksumType === 'COMPOSITE' ? undefined : crc32FromBase64(answer.ChecksumCRC32 ?? '')
      return {
        sizeBytes: answer.ContentLength ?? 0,
        etag: answer.ETag ?? '',
        ...(crc32 === undefined ? {} : { crc32 }),
        ...(answer.VersionId === undefined || answer.VersionId === 'null' ? {} : { versionId: answer.VersionId }),
      }
    } catch (error) {
      if (statusOf(error) === 404 && errorCode(error) !== 'NoSuchBucket') return undefined
      throw storeFact(error, { bucket: this.bucket, key, verb: 'look at' })
    }
  }

  async readText(key: string): Promise<StoredText | undefined> {
    try {
      const answer = await this.#client.send(new GetObjectCommand(this.#object(key)))
      return { text: (await answer.Body?.transformToString('utf8')) ?? '', etag: answer.ETag ?? '' }
    } catch (error) {
      if (errorCode(error) === 'NoSuchKey') return undefined
      throw storeFact(error, { bucket: this.bucket, key, verb: 'read' })
    }
  }

  readRange(key: string, range: ByteRange): Promise<Buffer> {
    return readRange(this.#client, { bucket: this.bucket, key, ...range }, this.#retry)
  }

  async writeText(
    key: string,
    text: string,
    options: { contentType?: string; onlyIf?: { absent: true } | { etag: string } } = {},
  ): Promise<string | undefined> {
    const { contentType = 'application/json', onlyIf } = options
    try {
      const answer = await this.#client.send(
        new PutObjectCommand({
          ...this.#object(key),
          Body: text,
          ContentType: contentType,
          ...(onlyIf === undefined ? {} : 'etag' in onlyIf ? { IfMatch: onlyIf.etag } : { IfNoneMatch: '*' }),
        }),
      )
      return answer.ETag ?? ''
    } catch (error) {
      const code = errorCode(error)
      const unmet = code === 'PreconditionFailed' || code === 'ConditionalRequestConflict' || code === 'NoSuchKey'
      if (onlyIf === undefined || !unmet) throw storeFact(error, { bucket: this.bucket, key, verb: 'write' })
      // When the SDK repeated the request after a lost answer, it was our own first try that broke the condition.
      if (attemptsOf(error) === 1) return undefined
      const there = await this.readText(key)
      return there?.text === text ? there.etag : undefined
    }
  }

  async remove(key: string): Promise<void> {
    await this.#do('remove', key, () => this.#client.send(new DeleteObjectCommand(this.#object(key))))
  }

  async listKeys(prefix: string): Promise<string[]> {
    const keys: string[] = []
    for await (const { Key } of this.#listedObjects(prefix)) if (Key !== undefined) keys.push(Key)
    return keys
  }

  async listDatedKeys(prefix: string): Promise<DatedKey[]> {
    const keys: DatedKey[] = []
    for await (const { Key: key, LastModified } of this.#listedObjects(prefix)) {
      if (key !== undefined) keys.push({ key, writtenAt: this.#instant(LastModified, key) })
    }
    return keys
  }

  async *listObjects(prefix: string): AsyncGenerator<ListedObject, void, void> {
    for await (const { Key: key, ETag: etag, Size: sizeBytes, StorageClass } of this.#listedObjects(prefix)) {
      if (key === undefined) continue
      const storageClass =
        StorageClass === undefined || StorageClass === 'STANDARD' ? {} : { storageClass: StorageClass }
      yield { key, etag: etag ?? '', sizeBytes: sizeBytes ?? 0, ...storageClass }
    }
  }

  async listFolders(prefix: string): Promise<string[]> {
    const folders: string[] = []
    let token: string | undefined
    do {
      const page: ListObjectsV2Command = new ListObjectsV2Command({
        Bucket: this.bucket,
        Prefix: prefix,
        Delimiter: '/',
        ContinuationToken: token,
      })
      const answer = await this.#do('list folders of', prefix, () => this.#client.send(page))
      for (const { Prefix } of answer.CommonPrefixes ?? []) if (Prefix !== undefined) folders.push(Prefix)
      token = answer.NextContinuationToken
    } while (token !== undefined)
    return folders
  }

  async *#listedObjects(prefix: string): AsyncGenerator<S3Object, void, void> {
    let token: string | undefined
    do {
      const page: ListObjectsV2Command = new ListObjectsV2Command({
        Bucket: this.bucket,
        Prefix: prefix,
        ContinuationToken: token,
      })
      const answer = await this.#do('list', prefix, () => this.#client.send(page))
      yield* answer.Contents ?? []
      token = answer.NextContinuationToken
    } while (token !== undefined)
  }

  #object(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.bucket, Key: key }
  }

  async #do<T>(verb: string, key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw storeFact(error, { bucket: this.bucket, key, verb })
    }
  }
}
