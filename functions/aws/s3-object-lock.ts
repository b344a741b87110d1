import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import { LockMissing } from '../contracts/errors.ts'
import { type DatedLock, lockModeSchema } from '../contracts/object-lock.ts'
import type { ObjectLock } from './archive-store.ts'
import { errorCode } from './s3-errors.ts'

/** How S3 is asked for a lock when an object or an upload is begun. */
export function lockInput(lock: DatedLock | undefined): {
  ObjectLockMode?: 'GOVERNANCE' | 'COMPLIANCE'
  ObjectLockRetainUntilDate?: Date
} {
  if (lock === undefined) return {}
  return {
    ObjectLockMode: lock.mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE',
    ObjectLockRetainUntilDate: new Date(lock.until),
  }
}

/** The lock in S3's answer about an object. S3 leaves it out for those who lack the rights to see it. */
export function lockIn(answer: HeadObjectCommandOutput): ObjectLock | undefined {
  const mode = lockModeSchema.safeParse(answer.ObjectLockMode?.toLowerCase())
  const until = answer.ObjectLockRetainUntilDate?.toISOString()
  const legalHold = answer.ObjectLockLegalHoldStatus === 'ON'
  if (until === undefined && !legalHold) return undefined
  return {
    ...(until !== undefined && mode.success ? { mode: mode.data } : {}),
    ...(until === undefined ? {} : { until }),
    ...(legalHold ? { legalHold } : {}),
    ...(answer.LastModified === undefined ? {} : { writtenAt: answer.LastModified.toISOString() }),
  }
}

/**
 * What follows from a refusal of what was to be locked. S3 has no code of its own for a bucket without Object Lock: its
 * message names it (S3 user guide, "Object Lock considerations").
 */
export function lockRefusal(error: unknown, bucket: string, key: string): LockMissing | undefined {
  if (errorCode(error) !== 'InvalidRequest' || !/object ?lock/i.test(String(error))) return undefined
  return new LockMissing(
    `s3://${bucket}/${key} can't be locked: the bucket has no Object Lock, which is switched on when a bucket is made. ` +
      'Leave objectLock out of the job, or use a bucket with Object Lock',
    { cause: error },
  )
}
