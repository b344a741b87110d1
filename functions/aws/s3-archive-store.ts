import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  type MultipartUpload,
  type Part,
  PutObjectCommand,
  type PutObjectCommandInput,
  type _Object as S3Object,
  type S3Client,
} from '@aws-sdk/client-s3'
import { ArchiveConflict, ChecksumMismatch, StoreDenied, UploadVanished } from '../contracts/errors.ts'
import type { SignedGet } from '../contracts/signed-get.ts'
import type { RangeSums, SignedPut } from '../contracts/signed-put.ts'
import type { DatedLock } from '../contracts/object-lock.ts'
import { crc32FromBase64, crc32ToBase64 } from '../domain/transfer/crc32.ts'
import type { RetryDeps } from '../domain/transfer/part-retry.ts'
import type {
  ArchiveStore,
  BareUploads,
  ByteRange,
  DatedKey,
  FrozenState,
  ListedObject,
  OneMachine,
  OpenUpload,
  PartArrival,
  SentPart,
  StoredObject,
  StoredPart,
  StoredText,
  ThawAnswer,
  ThawOrder,
  UploadTerms,
} from './archive-store.ts'
import { attemptsOf, errorCode, needsChecksums, statusOf, storeFact } from './s3-errors.ts'
import { lockIn, lockInput, lockRefusal } from './s3-object-lock.ts'
import { allPages } from './s3-pages.ts'
import { listedParts } from './s3-list-parts.ts'
import { sendPart } from './s3-part-upload.ts'
import { S3BareUploads } from './s3-bare-uploads.ts'
import { presignObject, presignPart, presignRange } from './s3-presign.ts'
import { readRange } from './s3-range-read.ts'
import { DirectReads } from './s3-direct-read.ts'
import { removeIfSame } from './s3-remove.ts'
import { Replacement } from './s3-replace.ts'
import { frozenState, thaw } from './s3-thaw.ts'

/** What Complete answers when our sum isn't S3's, or one of the parts' sums isn't what it stored. */
const checksumCodes = new Set(['BadDigest', 'InvalidPart', 'XAmzContentChecksumMismatch'])

/** As in "can't …". */
const LOCKED_UPLOAD = 'open a locked upload for'

/** `ArchiveStore` on Amazon S3 and on stores that follow it closely, checksums included. */
export class S3ArchiveStore implements ArchiveStore {
  readonly bucket: string
  readonly bare: BareUploads
  readonly oneMachine?: OneMachine
  readonly #client: S3Client
  readonly #retry: RetryDeps
  readonly #direct: DirectReads
  readonly #replacement = new Replacement()

  constructor(client: S3Client, bucket: string, retry: RetryDeps, direct = new DirectReads(client)) {
    this.#client = client
    this.bucket = bucket
    this.#retry = retry
    this.#direct = direct
    this.bare = new S3BareUploads(client, bucket, { retry, head: (key) => this.head(key) })
  }

  async createUpload(key: string, { storageClass, lock }: UploadTerms = {}): Promise<string> {
    const answer = await this.#do(lock === undefined ? 'open an upload for' : LOCKED_UPLOAD, key, () =>
      this.#client.send(
        new CreateMultipartUploadCommand({
          ...this.#object(key),
          ...lockInput(lock),
          // Without these, S3 keeps no sum that could be compared with ours.
          ChecksumAlgorithm: 'CRC32',
          ChecksumType: 'FULL_OBJECT',
          ...(storageClass === undefined ? {} : { StorageClass: storageClass }),
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
      if (upload.Key === key) ids.push(this.#given(upload.UploadId, 'id', `the upload of ${key}`))
    }
    return ids
  }

  async listUploadsBelow(prefix: string): Promise<OpenUpload[]> {
    const uploads: OpenUpload[] = []
    for await (const { Key, UploadId, Initiated } of this.#listedUploads(prefix)) {
      const key = this.#given(Key, 'key', 'an upload')
      const uploadId = this.#given(UploadId, 'id', `the upload of ${key}`)
      uploads.push({ key, uploadId, openedAt: this.#instant(Initiated, `the upload of ${key}`) })
    }
    return uploads
  }

  async *#listedUploads(prefix: string): AsyncGenerator<MultipartUpload, void, void> {
    type Marker = { KeyMarker: string; UploadIdMarker?: string }
    const pages = allPages(`The list of uploads of s3://${this.bucket}/${prefix}`, async (marker?: Marker) => {
      const page = new ListMultipartUploadsCommand({ Bucket: this.bucket, Prefix: prefix, ...marker })
      const answer = await this.#do('list uploads of', prefix, () => this.#client.send(page))
      const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = answer
      const next =
        KeyMarker === undefined ? undefined : { KeyMarker, ...(UploadIdMarker === undefined ? {} : { UploadIdMarker }) }
      return { answer, truncated: answer.IsTruncated, next }
    })
    for await (const { Uploads = [] } of pages) yield* Uploads
  }

  async listArrivals(key: string, uploadId: string): Promise<PartArrival[]> {
    const arrivals: PartArrival[] = []
    for await (const { Size, LastModified, PartNumber } of this.#listedParts(key, uploadId)) {
      const part = `part ${PartNumber} of ${key}`
      arrivals.push({ sizeBytes: this.#given(Size, 'size', part), arrivedAt: this.#instant(LastModified, part) })
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

  #listedParts(key: string, uploadId: string, firstPart?: number): AsyncGenerator<Part, void, void> {
    return listedParts(this.#client, { bucket: this.bucket, key, uploadId }, firstPart)
  }

  /** What a store leaves out is never nothing or zero. */
  #given<Value>(value: Value | undefined, name: string, of: string): Value {
    if (value === undefined) throw new StoreDenied(`the store of s3://${this.bucket} gives no ${name} for ${of}`)
    return value
  }

  /** Without these times nobody could tell an abandoned upload from one at work. */
  #instant(time: Date | undefined, of: string): string {
    return this.#given(time, 'time', of).toISOString()
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

  async putPart(
    key: string,
    uploadId: string,
    partNumber: number,
    body: Buffer | readonly Buffer[],
    crc32: number,
    signal?: AbortSignal,
  ): Promise<SentPart> {
    const bodies = Buffer.isBuffer(body) ? [body] : body
    const part = { bucket: this.bucket, key, uploadId, partNumber, bodies, sum: { crc32 } }
    return { ...(await sendPart(this.#client, part, this.#retry, signal)), crc32 }
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
            'Move it away if the archive belongs there',
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
      const lock = lockIn(answer)
      const crc32 = answer.ChecksumType === 'COMPOSITE' ? undefined : crc32FromBase64(answer.ChecksumCRC32 ?? '')
      return {
        sizeBytes: this.#given(answer.ContentLength, 'size', key),
        etag: this.#given(answer.ETag, 'ETag', key),
        ...(crc32 === undefined ? {} : { crc32 }),
        ...(answer.VersionId === undefined || answer.VersionId === 'null' ? {} : { versionId: answer.VersionId }),
        ...(lock === undefined ? {} : { lock }),
      }
    } catch (error) {
      if (statusOf(error) === 404 && errorCode(error) !== 'NoSuchBucket') return undefined
      throw storeFact(error, { bucket: this.bucket, key, verb: 'look at' })
    }
  }

  async readText(key: string): Promise<StoredText | undefined> {
    try {
      const answer = await this.#client.send(new GetObjectCommand(this.#object(key)))
      const body = this.#given(answer.Body, 'content', key)
      return { text: await body.transformToString('utf8'), etag: this.#given(answer.ETag, 'ETag', key) }
    } catch (error) {
      if (errorCode(error) === 'NoSuchKey') return undefined
      throw storeFact(error, { bucket: this.bucket, key, verb: 'read' })
    }
  }

  readRange(key: string, range: ByteRange, room?: Buffer): Promise<Buffer> {
    return readRange(
      this.#client,
      { bucket: this.bucket, key, ...range },
      { retry: this.#retry, direct: this.#direct, room },
    )
  }

  presignRange(key: string, range: ByteRange): Promise<SignedGet> {
    return presignRange(this.#client, { bucket: this.bucket, key, ...range })
  }

  presignObject(key: string, seconds: number): Promise<string> {
    return presignObject(this.#client, this.bucket, key, seconds)
  }

  frozenState(key: string): Promise<FrozenState | undefined> {
    return frozenState(this.#client, { bucket: this.bucket, key })
  }

  thaw(key: string, order: ThawOrder): Promise<ThawAnswer> {
    return thaw(this.#client, { bucket: this.bucket, key }, order)
  }

  async writeText(
    key: string,
    text: string | Uint8Array,
    options: { contentType?: string; onlyIf?: { absent: true } | { etag: string }; lock?: DatedLock } = {},
  ): Promise<string | undefined> {
    const { contentType = 'application/json', onlyIf, lock } = options
    const object = { ...this.#object(key), Body: text, ContentType: contentType, ...lockInput(lock) }
    if (onlyIf !== undefined && 'etag' in onlyIf) {
      const tryIt = (ifMatch: string) => this.#put({ ...object, IfMatch: ifMatch }, text)
      const what = { etag: onlyIf.etag, of: `s3://${this.bucket}/${key}` }
      return this.#replacement.replace(what, tryIt, async () => (await this.head(key))?.etag)
    }
    const put = await this.#put(onlyIf === undefined ? object : { ...object, IfNoneMatch: '*' }, text)
    return typeof put === 'string' ? undefined : put.etag
  }

  /** `unmet` and `conflict` only where there is a condition. */
  async #put(
    input: PutObjectCommandInput & { Key: string },
    text: string | Uint8Array,
  ): Promise<{ etag: string } | 'unmet' | 'conflict'> {
    const key = input.Key
    try {
      return { etag: this.#given((await this.#client.send(new PutObjectCommand(input))).ETag, 'ETag', key) }
    } catch (error) {
      const code = errorCode(error)
      const unmet = code === 'PreconditionFailed' || code === 'ConditionalRequestConflict' || code === 'NoSuchKey'
      const conditional = input.IfMatch !== undefined || input.IfNoneMatch !== undefined
      if (!conditional || !unmet) throw this.#notWritten(error, key, input.ObjectLockMode !== undefined)
      // When the SDK repeated the request after a lost answer, it was our own first try that broke the condition.
      const there = attemptsOf(error) === 1 ? undefined : await this.readText(key)
      if (there?.text === Buffer.from(text).toString()) return { etag: there.etag }
      return code === 'PreconditionFailed' ? 'unmet' : 'conflict'
    }
  }

  #notWritten(error: unknown, key: string, locked: boolean): Error {
    const refusal = locked ? lockRefusal(error, this.bucket, key) : undefined
    return refusal ?? storeFact(error, { bucket: this.bucket, key, verb: locked ? 'write and lock' : 'write' })
  }

  async remove(key: string, onlyIf?: { etag: string }): Promise<boolean> {
    if (onlyIf !== undefined) {
      return removeIfSame(this.#client, { bucket: this.bucket, key, ...onlyIf }, this.#replacement)
    }
    await this.#do('remove', key, () => this.#client.send(new DeleteObjectCommand(this.#object(key))))
    return true
  }

  async listKeys(prefix: string): Promise<string[]> {
    const keys: string[] = []
    for await (const { Key } of this.#listedObjects(prefix)) keys.push(this.#given(Key, 'key', 'an object'))
    return keys
  }

  async listDatedKeys(prefix: string): Promise<DatedKey[]> {
    const keys: DatedKey[] = []
    for await (const { Key, LastModified } of this.#listedObjects(prefix)) {
      const key = this.#given(Key, 'key', 'an object')
      keys.push({ key, writtenAt: this.#instant(LastModified, key) })
    }
    return keys
  }

  async *listObjects(prefix: string): AsyncGenerator<ListedObject, void, void> {
    for await (const { Key, ETag, Size, StorageClass } of this.#listedObjects(prefix)) {
      const key = this.#given(Key, 'key', 'an object')
      const storageClass =
        StorageClass === undefined || StorageClass === 'STANDARD' ? {} : { storageClass: StorageClass }
      const etag = this.#given(ETag, 'ETag', key)
      yield { key, etag, sizeBytes: this.#given(Size, 'size', key), ...storageClass }
    }
  }

  async listFolders(prefix: string): Promise<string[]> {
    const folders: string[] = []
    for await (const { CommonPrefixes = [] } of this.#objectPages(prefix, '/')) {
      folders.push(...CommonPrefixes.map(({ Prefix }) => this.#given(Prefix, 'name', 'a folder')))
    }
    return folders
  }

  async *#listedObjects(prefix: string): AsyncGenerator<S3Object, void, void> {
    for await (const { Contents = [] } of this.#objectPages(prefix)) yield* Contents
  }

  #objectPages(prefix: string, delimiter?: string): AsyncGenerator<ListObjectsV2CommandOutput, void, void> {
    const [what, verb] = delimiter === undefined ? ['objects', 'list'] : ['folders', 'list folders of']
    return allPages(`The list of ${what} of s3://${this.bucket}/${prefix}`, async (token?: string) => {
      const page = new ListObjectsV2Command({
        Bucket: this.bucket,
        Prefix: prefix,
        Delimiter: delimiter,
        ContinuationToken: token,
      })
      const answer = await this.#do(verb, prefix, () => this.#client.send(page))
      return { answer, truncated: answer.IsTruncated, next: answer.NextContinuationToken }
    })
  }

  #object(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.bucket, Key: key }
  }

  async #do<T>(verb: string, key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      const refusal = verb === LOCKED_UPLOAD ? lockRefusal(error, this.bucket, key) : undefined
      if (refusal !== undefined) throw refusal
      throw storeFact(error, { bucket: this.bucket, key, verb })
    }
  }
}
