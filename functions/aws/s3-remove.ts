import { DeleteObjectCommand, HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { errorCode, statusOf, storeFact } from './s3-errors.ts'
import type { Replacement } from './s3-replace.ts'

/** An object, and the ETag that it had when it was judged. */
export interface JudgedObject {
  bucket: string
  key: string
  etag: string
}

/**
 * Remove an object (on a versioned bucket: hide it) while it still is the one that was judged. Returns false when it is
 * another now. One that is gone was removed, by an earlier try of this request or by somebody else.
 */
export async function removeIfSame(
  client: S3Client,
  { bucket, key, etag }: JudgedObject,
  replacement: Replacement,
): Promise<boolean> {
  const object = { Bucket: bucket, Key: key }
  const tryIt = async (ifMatch: string): Promise<{ etag: string } | 'unmet' | 'conflict'> => {
    try {
      await client.send(new DeleteObjectCommand({ ...object, IfMatch: ifMatch }))
    } catch (error) {
      const code = errorCode(error)
      if (code === 'PreconditionFailed') return 'unmet'
      if (code === 'ConditionalRequestConflict') return 'conflict'
      // S3 itself refused the header before September 2025, and other stores may do so still.
      if (code === 'NotImplemented') await client.send(new DeleteObjectCommand(object))
      else if (code !== 'NoSuchKey') throw error
    }
    return { etag }
  }
  const etagNow = async (): Promise<string | undefined> => {
    try {
      return (await client.send(new HeadObjectCommand(object))).ETag
    } catch (error) {
      if (statusOf(error) === 404 && errorCode(error) !== 'NoSuchBucket') return undefined
      throw error
    }
  }
  try {
    return (await replacement.replace({ etag, of: `s3://${bucket}/${key}` }, tryIt, etagNow)) !== undefined
  } catch (error) {
    throw storeFact(error, { bucket, key, verb: 'remove' })
  }
}
