/** What pruning needs of the archive bucket, and nothing else does: versions of objects, their locks, their end. */

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

export type VersionRemoval = { outcome: 'removed' } | { outcome: 'locked'; lock: VersionLock }

/** Errors as those of `ArchiveStore`. */
export interface VersionStore {
  readonly bucket: string

  /** All versions and delete markers below a prefix: by key, the newest of each key first, a page at a time. */
  listVersions(prefix: string): AsyncIterable<StoredVersion>

  /** What holds a version now; `undefined` when nothing does, and when it is gone. Not for delete markers. */
  lockOf(key: string, versionId: string): Promise<VersionLock | undefined>

  /** Remove a version or delete marker for good; one that is gone is fine. A lock is an outcome, not an error. */
  removeVersion(key: string, versionId: string): Promise<VersionRemoval>
}
