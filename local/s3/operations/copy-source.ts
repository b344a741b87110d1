/** The source of a copy: `x-amz-copy-source: /bucket/key?versionId=…`, url-encoded. */
import { S3Error, invalidArgument } from '../errors.ts'
import { decode } from '../protocol/request.ts'
import type { S3Request } from '../protocol/request.ts'
import type { BucketStore } from '../store/bucket-store.ts'
import type { ObjectVersion } from '../store/records.ts'
import type { Call } from './call.ts'
import { findVersion, openVersion } from './find-version.ts'
import { checkRead } from './preconditions.ts'
import { isFrozen } from './restore-object.ts'

/** `file` is open; anyone who asked for it closes it. */
export interface CopySource {
  bucket: BucketStore
  key: string
  version: ObjectVersion
  file: number
  versionHeaders: Record<string, string>
}

/** Which object is copied. @throws S3Error InvalidArgument */
export function readCopySource(request: S3Request): { bucket: string; key: string; versionId: string | undefined } {
  const text = request.header('x-amz-copy-source') ?? ''
  const mark = text.indexOf('?')
  const path = decode((mark === -1 ? text : text.slice(0, mark)).replaceAll('+', ' ')).replace(/^\//, '')
  const slash = path.indexOf('/')
  if (slash < 1 || slash === path.length - 1) {
    throw invalidArgument('Copy Source must mention the source bucket and key: sourcebucket/sourcekey', [
      'x-amz-copy-source',
      text,
    ])
  }
  const parameters = new URLSearchParams(mark === -1 ? '' : text.slice(mark + 1))
  return {
    bucket: path.slice(0, slash),
    key: path.slice(slash + 1),
    versionId: parameters.get('versionId') ?? undefined,
  }
}

/** @throws S3Error InvalidArgument, NoSuchBucket, NoSuchKey, NoSuchVersion, PreconditionFailed, ObjectNotInActiveTierError */
export function openSource(call: Call): CopySource {
  const { key, versionId, ...source } = readCopySource(call.request)
  const bucket = call.store.bucket(source.bucket)
  const version = sourceVersion(bucket, key, versionId)
  checkRead(call.request, version, 'x-amz-copy-source-')
  if (isFrozen(version, call.now)) throw new S3Error('ObjectNotInActiveTierError')
  return {
    bucket,
    key,
    version,
    file: openVersion(bucket, key, version),
    versionHeaders: bucket.record.versioning === undefined ? {} : { 'x-amz-copy-source-version-id': version.versionId },
  }
}

function sourceVersion(bucket: BucketStore, key: string, versionId: string | undefined): ObjectVersion {
  try {
    return findVersion(bucket, key, versionId)
  } catch (cause) {
    if (cause instanceof S3Error && cause.code === 'MethodNotAllowed') {
      throw new S3Error('InvalidRequest', {
        message: 'The source of a copy request may not specifically refer to a delete marker by version id.',
      })
    }
    throw cause
  }
}
