/** From a request's key and versionId to the version it means. */
import { closeSync, fstatSync } from 'node:fs'
import { invalidArgument, S3Error } from '../errors.ts'
import type { BucketStore } from '../store/bucket-store.ts'
import type { ObjectVersion } from '../store/records.ts'

/** @throws S3Error NoSuchKey, NoSuchVersion, MethodNotAllowed for a delete marker asked for by id */
export function findVersion(bucket: BucketStore, key: string, versionId: string | undefined): ObjectVersion {
  if (versionId === '') throw invalidArgument('Version id cannot be the empty string', ['versionId', ''])
  const version = versionId === undefined ? bucket.keys.get(key)?.versions[0] : bucket.version(key, versionId)
  if (version === undefined) {
    if (versionId === undefined) throw new S3Error('NoSuchKey', { details: [['Key', key]] })
    throw new S3Error('NoSuchVersion', {
      details: [
        ['Key', key],
        ['VersionId', versionId],
      ],
    })
  }
  if (version.deleteMarker !== true) return version
  const headers = { 'x-amz-delete-marker': 'true', 'x-amz-version-id': version.versionId }
  if (versionId === undefined) throw new S3Error('NoSuchKey', { headers, details: [['Key', key]] })
  throw new S3Error('MethodNotAllowed', {
    headers: { ...headers, allow: 'DELETE', 'last-modified': new Date(version.lastModified).toUTCString() },
    details: [
      ['Method', 'GET'],
      ['ResourceType', 'DeleteMarker'],
    ],
  })
}

/** Open a version's bytes; a file that someone has changed by hand is an error, not an answer. */
export function openVersion(bucket: BucketStore, key: string, version: ObjectVersion): number {
  const file = bucket.openBody(key, version)
  const { size } = fstatSync(file)
  if (size === version.sizeBytes) return file
  closeSync(file)
  throw new Error(
    `The file of ${bucket.record.name}/${key} has ${size} bytes on disk, ${version.sizeBytes} were stored: it was changed from outside.`,
  )
}
