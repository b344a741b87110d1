import {
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type ObjectVersion,
  type S3Client,
} from '@aws-sdk/client-s3'
import { StoreDenied } from '../contracts/errors.ts'
import { allPages } from './s3-pages.ts'
import { errorCode, statusOf, storeFact } from './s3-errors.ts'
import { removeIfSame } from './s3-remove.ts'
import { Replacement } from './s3-replace.ts'
import type { JudgedVersion, StoredVersion, VersionLock, VersionRemoval, VersionStore } from './version-store.ts'

/** `VersionStore` on Amazon S3. A bucket without versioning has one version of each object, called `null`. */
export class S3VersionStore implements VersionStore {
  readonly bucket: string
  readonly #client: S3Client
  readonly #now: () => Date
  readonly #replacement = new Replacement()

  constructor(client: S3Client, bucket: string, now: () => Date) {
    this.#client = client
    this.bucket = bucket
    this.#now = now
  }

  async *listVersions(prefix: string): AsyncGenerator<StoredVersion, void, void> {
    type Marker = { KeyMarker: string; VersionIdMarker?: string }
    const pages = allPages(`The list of versions of s3://${this.bucket}/${prefix}`, async (marker?: Marker) => {
      const page = new ListObjectVersionsCommand({ Bucket: this.bucket, Prefix: prefix, ...marker })
      const answer = await this.#do('list versions of', prefix, () => this.#client.send(page))
      const { NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = answer
      const next =
        KeyMarker === undefined
          ? undefined
          : { KeyMarker, ...(VersionIdMarker === undefined ? {} : { VersionIdMarker }) }
      return { answer, truncated: answer.IsTruncated, next }
    })
    for await (const answer of pages) yield* this.#inOrder(answer)
  }

  /** S3 lists versions and markers in one order; the SDK hands them over as two lists. */
  #inOrder({ Versions = [], DeleteMarkers = [] }: ListObjectVersionsCommandOutput): StoredVersion[] {
    const versions = Versions.map((version) => this.#version(version, false))
    const markers = DeleteMarkers.map((marker) => this.#version(marker, true))
    return [...versions, ...markers].sort((a, b) => {
      const byKey = Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))
      if (byKey !== 0) return byKey
      if (a.latest !== b.latest) return a.latest ? -1 : 1
      return Date.parse(b.writtenAt) - Date.parse(a.writtenAt)
    })
  }

  #version(found: ObjectVersion, deleteMarker: boolean): StoredVersion {
    const { Key: key, VersionId: versionId, IsLatest: latest, LastModified } = found
    const sizeBytes = deleteMarker ? 0 : found.Size
    if (key === undefined || versionId === undefined || LastModified === undefined) {
      throw new StoreDenied(`the store of s3://${this.bucket} lists a version without key, id or time`)
    }
    if (latest === undefined || sizeBytes === undefined) {
      throw new StoreDenied(
        `the store of s3://${this.bucket} lists a version of ${key} without its size or whether it is the latest`,
      )
    }
    return {
      key,
      versionId,
      latest,
      deleteMarker,
      sizeBytes,
      writtenAt: LastModified.toISOString(),
      storageClass: found.StorageClass ?? 'STANDARD',
      ...(found.ETag === undefined ? {} : { etag: found.ETag }),
    }
  }

  async lockOf(key: string, versionId: string): Promise<VersionLock | undefined> {
    try {
      const answer = await this.#client.send(
        new HeadObjectCommand({ Bucket: this.bucket, Key: key, VersionId: versionId }),
      )
      const legalHold = answer.ObjectLockLegalHoldStatus === 'ON'
      const until = answer.ObjectLockRetainUntilDate
      const retained = until !== undefined && until.getTime() > this.#now().getTime()
      if (!legalHold && !retained) return undefined
      return {
        legalHold,
        ...(retained ? { retainUntil: until.toISOString() } : {}),
        ...(retained && answer.ObjectLockMode !== undefined ? { mode: answer.ObjectLockMode } : {}),
      }
    } catch (error) {
      // 405: the version is a delete marker, which nothing locks.
      const status = statusOf(error)
      if ((status === 404 && errorCode(error) !== 'NoSuchBucket') || status === 405) return undefined
      throw storeFact(error, { bucket: this.bucket, key, verb: 'look at a version of' })
    }
  }

  async removeVersion(version: JudgedVersion): Promise<VersionRemoval> {
    const { key, versionId, etag } = version
    try {
      if (versionId === 'null' && etag !== undefined && (await this.#isUnversioned(key))) {
        const judged = { bucket: this.bucket, key, etag }
        return { outcome: (await removeIfSame(this.#client, judged, this.#replacement)) ? 'removed' : 'changed' }
      }
      await this.#client.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key, VersionId: versionId }))
      return { outcome: 'removed' }
    } catch (error) {
      // S3 has one answer for a lock and for a missing right.
      const lock = errorCode(error) === 'AccessDenied' ? await this.lockOf(key, versionId) : undefined
      if (lock !== undefined) return { outcome: 'locked', lock }
      if (errorCode(error) === 'NoSuchVersion') return { outcome: 'removed' }
      throw storeFact(error, { bucket: this.bucket, key, verb: 'remove a version of' })
    }
  }

  /**
   * S3 names a version of each object that it has in a bucket with versioning, also where that was switched off again.
   * There a removal without a version would only hide the object.
   */
  async #isUnversioned(key: string): Promise<boolean> {
    try {
      const answer = await this.#client.send(new HeadObjectCommand({ Bucket: this.bucket, Key: key }))
      return answer.VersionId === undefined
    } catch (error) {
      // Gone, or hidden by a delete marker, which only a bucket with versioning has.
      if (statusOf(error) === 404) return false
      throw error
    }
  }

  async #do<T>(verb: string, key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw storeFact(error, { bucket: this.bucket, key, verb })
    }
  }
}
