/** What a run needs of the archive bucket. `s3-archive-store.ts` implements it; operations know only this. */
import type { DatedLock, ShownLock } from '../contracts/object-lock.ts'
import type { ReadableClass } from '../contracts/prices.ts'
import type { ProofLevel } from '../contracts/proof.ts'
import type { SignedGet } from '../contracts/signed-get.ts'
import type { RangeSums, SignedPut } from '../contracts/signed-put.ts'

/** A part as a store without CRC-32 knows it. `etag` is without quotes, and mostly the MD5 of the part. */
export interface BarePart {
  partNumber: number
  sizeBytes: number
  etag: string
}

/** A part that S3 holds. `crc32` is the unsigned value that S3 compared when it received the part. */
export interface StoredPart {
  partNumber: number
  sizeBytes: number
  etag: string
  crc32: number
}

/** A part that was sent, and how often S3 asked to slow down before it took it. */
export interface SentPart extends StoredPart {
  throttles: number
}

/** What holds an object, and when the object was begun, an ISO instant by S3's clock. */
export interface ObjectLock extends ShownLock {
  writtenAt?: string
}

/** A finished object as S3 describes it. `crc32` is absent where no full-object CRC-32 is stored. */
export interface StoredObject {
  sizeBytes: number
  etag: string
  crc32?: number
  versionId?: string
  /** What S3 shows of its lock: nothing where there is none, and to those who may not see it. */
  lock?: ObjectLock
}

/** A multipart upload that was opened and neither completed nor aborted. */
export interface OpenUpload {
  key: string
  uploadId: string
  /** ISO instant, by S3's clock. */
  openedAt: string
}

/** What a part of an open upload takes up, and since when. ISO instant, by S3's clock. */
export interface PartArrival {
  sizeBytes: number
  arrivedAt: string
}

/** An object's key, and when it was last written: ISO instant, by S3's clock. */
export interface DatedKey {
  key: string
  writtenAt: string
}

/** An object as a listing shows it. `storageClass` is S3's word, absent for Standard. */
export interface ListedObject {
  key: string
  etag: string
  sizeBytes: number
  storageClass?: string
}

/** A small text object and the tag that a conditional write needs. */
export interface StoredText {
  text: string
  etag: string
}

/** Bytes of an object, both ends inclusive and within it; `etag` says of which one. */
export interface ByteRange {
  firstByte: number
  lastByte: number
  etag: string
}

/**
 * Can an object's bytes be read now? `storageClass` is S3's word, STANDARD where it says none. `readableUntil`, an ISO
 * instant, is there for copies that expire.
 */
export interface FrozenState {
  storageClass: string
  state: 'readable' | 'frozen' | 'thawing'
  readableUntil?: string
}

/** How fast S3 makes an object readable: within minutes, hours, or half a day and more. Prices differ tenfold. */
export type ThawTier = 'expedited' | 'standard' | 'bulk'

/** For how many whole days the copy is to stay readable; objects in Intelligent-Tiering stay so for longer. */
export interface ThawOrder {
  days: number
  tier: ThawTier
}

/** `readable`: it was before, and stays so for the days that were asked for at least. */
export type ThawAnswer = 'begun' | 'under-way' | 'readable'

/** Sums of a part for a store without CRC-32. `etagIsMd5`: its ETag has to be the MD5, which is in hexadecimal. */
export interface BareSum {
  md5: string
  etagIsMd5: boolean
}

/** What the object of an upload is to be like. */
export interface UploadTerms {
  /** As S3 names it; the store's usual one where it is absent. */
  storageClass?: ReadableClass | undefined
  /** Of the object that it becomes; the bucket's default where it is absent. */
  lock?: DatedLock | undefined
}

/**
 * Uploads to a store that computes no CRC-32 over a whole object. Nothing is proved here but what the store's own MD5 of
 * each part says: whoever completes has to compare the ETag that the object got, or to read the object back.
 */
export interface BareUploads {
  create(key: string, terms?: UploadTerms): Promise<string>

  /** As `ArchiveStore.listParts`. @throws UploadVanished */
  listParts(key: string, uploadId: string, range?: { firstPart: number; lastPart: number }): Promise<BarePart[]>

  /** Send one part with its MD5, which the store compares. @throws ChecksumMismatch, UploadVanished */
  putPart(
    key: string,
    uploadId: string,
    partNumber: number,
    bodies: readonly Buffer[],
    sum: BareSum,
    signal?: AbortSignal,
  ): Promise<BarePart & { throttles: number }>

  /** As `ArchiveStore.presignPart`. */
  presignPart(
    key: string,
    uploadId: string,
    partNumber: number,
    part: BareSum & { sizeBytes: number },
  ): Promise<SignedPut>

  /**
   * Complete the upload if the key is free. `etag` is what the object's has to be, without quotes, where that is known;
   * the answer's is as the store has it.
   * @throws ArchiveConflict when the key is taken by something else
   * @throws UploadVanished
   */
  complete(key: string, uploadId: string, parts: readonly BarePart[], etag: string | undefined): Promise<StoredObject>
}

/** What one machine does itself, for a store that keeps no conditions on writes. */
export interface OneMachine {
  /** Where its lock files lie. */
  folder: string
  /** The store as it is, whose conditions are its own. */
  raw: ArchiveStore
  /** Whether the store keeps no conditions, as far as this machine knows. */
  isNeeded(): boolean
  /** What the last test of the store found, for all processes of this machine. */
  noted(): NotedStore
  note(found: NotedStore): void
}

/** What is kept on this machine of a store that isn't AWS. */
export interface NotedStore {
  proof: ProofLevel
  conditions: boolean
}

/**
 * Every method throws `StoreUnavailable` for passing faults that outlasted the inner retries and `StoreDenied` where
 * S3 refuses (permission, signature, no such bucket); those that read an object's bytes throw `ObjectFrozen` for one that
 * lies in Glacier. Further errors are named. Keys are whole, prefix included.
 */
export interface ArchiveStore {
  readonly bucket: string

  /** Where one machine uses a store that isn't AWS. */
  readonly oneMachine?: OneMachine | undefined

  /** The same for a store without full-object CRC-32. */
  readonly bare: BareUploads

  /**
   * Open a multipart upload that wants a full-object CRC-32. Returns its id.
   * @throws LockMissing when the bucket can't lock objects
   */
  createUpload(key: string, terms?: UploadTerms): Promise<string>

  /** Ids of all open uploads for exactly this key. */
  listUploads(key: string): Promise<string[]>

  /** All open uploads whose keys begin with the prefix, by key. */
  listUploadsBelow(prefix: string): Promise<OpenUpload[]>

  /** When each part of an upload arrived, whatever checksums it has. @throws UploadVanished */
  listArrivals(key: string, uploadId: string): Promise<PartArrival[]>

  /** All parts of an upload, or those of a range (both ends inclusive), in ascending order. @throws UploadVanished */
  listParts(key: string, uploadId: string, range?: { firstPart: number; lastPart: number }): Promise<StoredPart[]>

  /** Send one part; S3 verifies `crc32` on receipt. Retried inside, since the body is in memory. @throws UploadVanished */
  putPart(
    key: string,
    uploadId: string,
    partNumber: number,
    body: Buffer | readonly Buffer[],
    crc32: number,
    signal?: AbortSignal,
  ): Promise<SentPart>

  /**
   * Allow someone else to send one part: exactly the bytes with this size and these sums, for at most a quarter of an
   * hour. Nothing is sent. Sign anew for each try.
   */
  presignPart(
    key: string,
    uploadId: string,
    partNumber: number,
    part: RangeSums & { sizeBytes: number },
  ): Promise<SignedPut>

  /**
   * Complete the upload with S3 checking size and full-object CRC-32, and only if the key is free.
   * @throws ArchiveConflict when the key is taken
   * @throws ChecksumMismatch when S3's sum differs
   * @throws UploadVanished
   */
  completeUpload(key: string, uploadId: string, parts: readonly StoredPart[], crc32: number): Promise<StoredObject>

  /** Abort an upload; one that is gone is fine. */
  abortUpload(key: string, uploadId: string): Promise<void>

  /** `undefined` when there is no such object. */
  head(key: string): Promise<StoredObject | undefined>

  readText(key: string): Promise<StoredText | undefined>

  /**
   * Exactly these bytes of an object, held in memory; an answer that breaks off is asked for again.
   * @param room may take the bytes, when it is at least as long: fresh memory costs a page fault for each 4 KiB
   * @throws ArchiveConflict when the object is no longer the one with the ETag
   */
  readRange(key: string, range: ByteRange, room?: Buffer): Promise<Buffer>

  /**
   * Allow someone else to read a range: of the object with the ETag, for at most a quarter of an hour. Nothing is sent.
   * Sign anew for each try.
   */
  presignRange(key: string, range: ByteRange): Promise<SignedGet>

  /**
   * Allow someone else to read all of an object, for so many seconds, by an address alone: no header has to be sent.
   * Whoever has it can read the object, so the time is short. Nothing is sent.
   */
  presignObject(key: string, seconds: number): Promise<string>

  /** Whether an object can be read now, or has to be thawed first; `undefined` when there is none. */
  frozenState(key: string): Promise<FrozenState | undefined>

  /**
   * Have an object made readable. Returns at once; `frozenState` tells when it is. Asking again is safe.
   * @throws ArchiveConflict when there is no such object
   * @throws StoreDenied when the tier doesn't exist for the object's class
   * @throws StoreUnavailable when S3 has no room for the tier now
   */
  thaw(key: string, order: ThawOrder): Promise<ThawAnswer>

  /**
   * Write a small object, on a condition if one is given.
   * Returns its ETag, or `undefined` when the condition didn't hold and nothing was written.
   * @throws StoreUnsuitable when the store says that an object is another and it isn't
   */
  writeText(
    key: string,
    text: string | Uint8Array,
    options?: { contentType?: string; onlyIf?: { absent: true } | { etag: string }; lock?: DatedLock },
  ): Promise<string | undefined>

  /**
   * Remove an object (on a versioned bucket: hide it). One that is gone is fine. Returns false when it was left, since it
   * no longer is the one with the tag.
   * @param onlyIf a store that doesn't know the condition removes whatever is there: look right before
   */
  remove(key: string, onlyIf?: { etag: string }): Promise<boolean>

  /** Keys below a prefix, in order. */
  listKeys(prefix: string): Promise<string[]>

  /** The same with the time of each object. */
  listDatedKeys(prefix: string): Promise<DatedKey[]>

  /** Objects below a prefix, in the order of their keys, a page at a time: never all in memory. */
  listObjects(prefix: string): AsyncIterable<ListedObject>

  /** Folders right below a prefix that ends with a slash: whole keys, each with a slash at its end, in order. */
  listFolders(prefix: string): Promise<string[]>
}
