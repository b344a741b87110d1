/** Faults on demand: what tests of clients need and no well-behaved server gives. */
import type { S3ErrorCode } from './errors.ts'

/** A request as a fault plan sees it: authenticated and routed, not yet begun. */
export interface FaultSubject {
  /** S3's own name: `UploadPart`, `CompleteMultipartUpload`, … */
  operation: string
  bucket: string | undefined
  key: string | undefined
  partNumber: number | undefined
  uploadId: string | undefined
  /** Counts from 1: the how-manieth request this is with the same operation, bucket, key and part number. */
  count: number
}

/**
 * - an error: answered instead of doing anything
 * - `cut`: the connection breaks in the middle of the request's body, or of the answer's where that is longer
 * - `silent`: the body is taken and no answer ever comes
 * - `lose-answer`: all is done, and the connection breaks before the answer
 * - `corrupt`: a byte of the body arrives as another, in a body of the right length
 * - `bare-tags`: If-Match holds only for an ETag without its quotes, as writes to Ceph 16 have it
 * - `no-conditions`: If-Match and If-None-Match are passed over, as stores did before 2024
 * - `no-checksums`: checksums of a request are passed over, and none is kept
 */
export type Fault = { code: S3ErrorCode; message?: string } | Misbehaviour
export type Misbehaviour = 'cut' | 'silent' | 'lose-answer' | 'corrupt' | 'bare-tags' | 'no-conditions' | 'no-checksums'

export type FaultPlan = (subject: FaultSubject) => Fault | undefined

/** Told of what was done, before the answer goes out; the answer waits for it. */
export type DoneListener = (done: Omit<FaultSubject, 'count'> & { sizeBytes: number }) => Promise<void> | void

export type FaultFinder = (subject: Omit<FaultSubject, 'count'>) => Fault | undefined

export function countingFaults(plan: FaultPlan | undefined): FaultFinder {
  if (plan === undefined) return () => undefined
  const counts = new Map<string, number>()
  return (subject) => {
    const { operation, bucket, key, partNumber } = subject
    const id = JSON.stringify([operation, bucket, key, partNumber])
    const count = (counts.get(id) ?? 0) + 1
    counts.set(id, count)
    return plan({ ...subject, count })
  }
}
