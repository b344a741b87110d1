/** What keeping and removing archives needs of the bucket, and nothing else does: versions, their locks and holds, their end. */

/** One version of an object, or a delete marker, as a listing shows it. */
export interface StoredVersion {
  key: string
  /** `null`, as a word, where versioning wasn't on when it was written. */
  versionId: string
  /** It is what readers get; when it is a delete marker, they get nothing. */
  latest: boolean
  deleteMarker: boolean
  sizeBytes: number
  /** ISO instant, by S3's clock. */
  writtenAt: string
  /** Of its content; absent for delete markers. */
  etag?: string
  /** S3's word; `STANDARD` for delete markers. */
  storageClass: string
}

/** What keeps a version from being removed now. */
export interface VersionLock {
  legalHold: boolean
  /** ISO instant until which retention holds it; absent under a legal hold alone, which has no date. */
  retainUntil?: string
  /** `GOVERNANCE` can be bypassed by those with the right to; Guestlift never does. */
  mode?: string
}

/** `changed`: another object has been written in its place, and was left. */
export type VersionRemoval = { outcome: 'removed' } | { outcome: 'locked'; lock: VersionLock } | { outcome: 'changed' }

/** The version that is to go. Its ETag says which object was meant where the bucket isn't versioned. */
export type JudgedVersion = Pick<StoredVersion, 'key' | 'versionId' | 'etag'>

/** Errors as those of `ArchiveStore`. */
export interface VersionStore {
  readonly bucket: string

  /** All versions and delete markers below a prefix: by key, the newest of each key first, a page at a time. */
  listVersions(prefix: string): AsyncIterable<StoredVersion>

  /** What holds a version now; `undefined` when nothing does, and when it is gone. Not for delete markers. */
  lockOf(key: string, versionId: string): Promise<VersionLock | undefined>

  /**
   * Remove a version or delete marker for good; one that is gone is fine. A lock is an outcome, not an error.
   * A version's id means the same content for ever, so no condition is needed, and S3 knows none there. Without versioning
   * the one version of an object is overwritten under the same id `null`: then it goes only while it has its ETag.
   */
  removeVersion(version: JudgedVersion): Promise<VersionRemoval>
}

/**
 * Legal holds: people set and release them with their own rights, and no function may.
 * Errors as those of `ArchiveStore`, and `LockMissing` where the bucket has no Object Lock.
 */
export interface HoldStore {
  /** Whether S3 shows a hold on this version. Who may not see holds gets an error, never `false`. */
  holdOf(key: string, versionId: string): Promise<boolean>

  /** Hold a version, or release it. What is so already stays so. */
  setHold(key: string, versionId: string, on: boolean): Promise<void>
}
