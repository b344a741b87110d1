/** What guards archives in their bucket, whoever sets it there: a storage stack, or the owner of an existing bucket. Pure. */
import { bookFolders, contentIndexKey, rootFiles, verificationKey } from './object-keys.ts'

/** Denies everybody `s3:PutObject`. Of both lists of keys, which may hold stars, one is given. */
export interface WriteGuard {
  sid: string
  keys?: readonly string[]
  /** All but these. */
  keysBut?: readonly string[]
  conditions: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/**
 * No matter who may write: nothing below `archives/` is overwritten (S3 user guide, "Enforce conditional writes on Amazon S3
 * buckets"). Opening an upload and sending its parts know no conditions and make no object. Copying into the folder is
 * refused with that, also a copy onto itself that changes the storage class; lifecycle rules may.
 */
export function writtenOnce(keyPrefix: string): WriteGuard[] {
  return [
    {
      sid: 'WriteArchivesOnlyOnCondition',
      keys: [`${keyPrefix}archives/*`],
      conditions: {
        Null: { 's3:if-none-match': 'true', 's3:if-match': 'true' },
        Bool: { 's3:ObjectCreationOperation': 'true' },
      },
    },
    {
      sid: 'ReplaceOnlyRecords',
      // A verdict and an index are replaced by the next reading's, the books and the texts by those who keep them.
      keysBut: [
        verificationKey('archives/*/'),
        contentIndexKey('archives/*/*'),
        ...bookFolders.map((folder) => `${folder}/*`),
        ...rootFiles,
      ].map((key) => `${keyPrefix}${key}`),
      conditions: { Null: { 's3:if-match': 'false' } },
    },
  ]
}

/** A rule of the bucket's lifecycle. */
export interface LifecycleGuard {
  id: string
  /** Absent: of the whole bucket. */
  prefix?: string
  /** Days after which the parts of an upload are dropped that nobody completed. */
  abandonedUploadDays?: number
  /** Days that a version is kept which was replaced. */
  oldVersionDays?: number
}

/** @param abandonedUploadDays counted from the start of an upload */
export function lifecycleGuards(keyPrefix: string, abandonedUploadDays: number): LifecycleGuard[] {
  return [
    // Later than a failed guest can be repeated: anyone who repeats it goes on with the parts that S3 has.
    { id: 'abandoned-uploads', abandonedUploadDays },
    // Under Object Lock, S3 waits with these until the lock of a version has ended.
    // Books are rewritten or short-lived: only their newest version means anything.
    ...[...bookFolders.map((folder) => `${folder}/`), ...rootFiles].map((key) => ({
      id: `old-versions-of-${key.replace(/\/$/, '')}`,
      prefix: `${keyPrefix}${key}`,
      // Disks are as large as archives, and are of use to the restore alone that unpacked them.
      oldVersionDays: key === 'unpacked/' ? 1 : 30,
    })),
  ]
}
