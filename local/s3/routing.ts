/** From method, level and query parameters to an operation. What isn't in the table is answered 501, never ignored. */
import { notImplemented, S3Error } from './errors.ts'
import {
  deleteBucketPolicy,
  deleteSetting,
  ENCRYPTION,
  getBucketCors,
  getBucketPolicy,
  getBucketPolicyStatus,
  getSetting,
  LIFECYCLE,
  NOTIFICATION,
  OWNERSHIP,
  PUBLIC_ACCESS_BLOCK,
  putBucketPolicy,
  putSetting,
  TAGGING,
} from './operations/bucket-settings.ts'
import {
  createBucket,
  deleteBucket,
  getBucketLocation,
  getBucketVersioning,
  getObjectLockConfiguration,
  headBucket,
  listBuckets,
  putBucketVersioning,
  putObjectLockConfiguration,
} from './operations/buckets.ts'
import type { Operation } from './operations/call.ts'
import { completeUpload } from './operations/complete-upload.ts'
import { copyObject } from './operations/copy-object.ts'
import { abortUpload, createUpload } from './operations/create-upload.ts'
import { deleteObject, deleteObjects } from './operations/delete-objects.ts'
import { getObject } from './operations/get-object.ts'
import { listObjects, listObjectsV2, listVersions } from './operations/list-objects.ts'
import { listParts, listUploads } from './operations/list-uploads.ts'
import {
  deleteObjectTagging,
  getBucketAcl,
  getObjectAcl,
  getObjectAttributes,
  getObjectLegalHold,
  getObjectRetention,
  getObjectTagging,
  putAcl,
  putObjectLegalHold,
  putObjectRetention,
  putObjectTagging,
} from './operations/object-details.ts'
import { putObject } from './operations/put-object.ts'
import { restoreObject } from './operations/restore-object.ts'
import { uploadPart, uploadPartCopy } from './operations/upload-part.ts'
import type { S3Request } from './protocol/request.ts'

type Level = 'service' | 'bucket' | 'object'

/** `action` is what IAM calls it, where it differs from the operation's name. */
export interface RoutedRequest {
  operation: string
  action: string
  level: Level
  run: Operation
}

interface Entry extends RoutedRequest {
  method: string
  /** Parameters that pick this entry over the plain one. */
  markers: readonly string[]
  parameters: readonly string[]
  copies: boolean
}

const LIST = ['prefix', 'delimiter', 'encoding-type']
const RESPONSE = [
  'content-type',
  'content-language',
  'expires',
  'cache-control',
  'content-disposition',
  'content-encoding',
].map((name) => `response-${name}`)

const TABLE: readonly Entry[] = [
  entry('GET', 'service', 'ListBuckets', listBuckets, {
    action: 'ListAllMyBuckets',
    parameters: ['max-buckets', 'continuation-token', 'prefix', 'bucket-region'],
  }),

  entry('PUT', 'bucket', 'CreateBucket', createBucket),
  entry('HEAD', 'bucket', 'HeadBucket', headBucket, { action: 'ListBucket' }),
  entry('DELETE', 'bucket', 'DeleteBucket', deleteBucket),
  entry('GET', 'bucket', 'GetBucketLocation', getBucketLocation, { markers: ['location'] }),
  entry('GET', 'bucket', 'ListObjects', listObjects, {
    action: 'ListBucket',
    parameters: [...LIST, 'marker', 'max-keys'],
  }),
  entry('GET', 'bucket', 'ListObjectsV2', listObjectsV2, {
    action: 'ListBucket',
    markers: ['list-type'],
    parameters: [...LIST, 'continuation-token', 'start-after', 'max-keys', 'fetch-owner'],
  }),
  entry('GET', 'bucket', 'ListObjectVersions', listVersions, {
    action: 'ListBucketVersions',
    markers: ['versions'],
    parameters: [...LIST, 'key-marker', 'version-id-marker', 'max-keys'],
  }),
  entry('GET', 'bucket', 'ListMultipartUploads', listUploads, {
    action: 'ListBucketMultipartUploads',
    markers: ['uploads'],
    parameters: [...LIST, 'key-marker', 'upload-id-marker', 'max-uploads'],
  }),
  entry('POST', 'bucket', 'DeleteObjects', deleteObjects, { action: '', markers: ['delete'] }),
  entry('GET', 'bucket', 'GetBucketVersioning', getBucketVersioning, { markers: ['versioning'] }),
  entry('PUT', 'bucket', 'PutBucketVersioning', putBucketVersioning, { markers: ['versioning'] }),
  entry('GET', 'bucket', 'GetObjectLockConfiguration', getObjectLockConfiguration, {
    action: 'GetBucketObjectLockConfiguration',
    markers: ['object-lock'],
  }),
  entry('PUT', 'bucket', 'PutObjectLockConfiguration', putObjectLockConfiguration, {
    action: 'PutBucketObjectLockConfiguration',
    markers: ['object-lock'],
  }),
  entry('GET', 'bucket', 'GetBucketLifecycleConfiguration', getSetting(LIFECYCLE), {
    action: 'GetLifecycleConfiguration',
    markers: ['lifecycle'],
  }),
  entry('PUT', 'bucket', 'PutBucketLifecycleConfiguration', putSetting(LIFECYCLE), {
    action: 'PutLifecycleConfiguration',
    markers: ['lifecycle'],
  }),
  entry('DELETE', 'bucket', 'DeleteBucketLifecycle', deleteSetting(LIFECYCLE), {
    action: 'PutLifecycleConfiguration',
    markers: ['lifecycle'],
  }),
  entry('GET', 'bucket', 'GetBucketEncryption', getSetting(ENCRYPTION), {
    action: 'GetEncryptionConfiguration',
    markers: ['encryption'],
  }),
  entry('PUT', 'bucket', 'PutBucketEncryption', putSetting(ENCRYPTION), {
    action: 'PutEncryptionConfiguration',
    markers: ['encryption'],
  }),
  entry('DELETE', 'bucket', 'DeleteBucketEncryption', deleteSetting(ENCRYPTION), {
    action: 'PutEncryptionConfiguration',
    markers: ['encryption'],
  }),
  entry('GET', 'bucket', 'GetPublicAccessBlock', getSetting(PUBLIC_ACCESS_BLOCK), {
    action: 'GetBucketPublicAccessBlock',
    markers: ['publicAccessBlock'],
  }),
  entry('PUT', 'bucket', 'PutPublicAccessBlock', putSetting(PUBLIC_ACCESS_BLOCK), {
    action: 'PutBucketPublicAccessBlock',
    markers: ['publicAccessBlock'],
  }),
  entry('DELETE', 'bucket', 'DeletePublicAccessBlock', deleteSetting(PUBLIC_ACCESS_BLOCK), {
    action: 'PutBucketPublicAccessBlock',
    markers: ['publicAccessBlock'],
  }),
  entry('GET', 'bucket', 'GetBucketNotificationConfiguration', getSetting(NOTIFICATION), {
    action: 'GetBucketNotification',
    markers: ['notification'],
  }),
  entry('PUT', 'bucket', 'PutBucketNotificationConfiguration', putSetting(NOTIFICATION), {
    action: 'PutBucketNotification',
    markers: ['notification'],
  }),
  entry('GET', 'bucket', 'GetBucketOwnershipControls', getSetting(OWNERSHIP), { markers: ['ownershipControls'] }),
  entry('PUT', 'bucket', 'PutBucketOwnershipControls', putSetting(OWNERSHIP), { markers: ['ownershipControls'] }),
  entry('DELETE', 'bucket', 'DeleteBucketOwnershipControls', deleteSetting(OWNERSHIP), {
    action: 'PutBucketOwnershipControls',
    markers: ['ownershipControls'],
  }),
  entry('GET', 'bucket', 'GetBucketTagging', getSetting(TAGGING), { markers: ['tagging'] }),
  entry('PUT', 'bucket', 'PutBucketTagging', putSetting(TAGGING), { markers: ['tagging'] }),
  entry('DELETE', 'bucket', 'DeleteBucketTagging', deleteSetting(TAGGING), {
    action: 'PutBucketTagging',
    markers: ['tagging'],
  }),
  entry('GET', 'bucket', 'GetBucketPolicy', getBucketPolicy, { markers: ['policy'] }),
  entry('PUT', 'bucket', 'PutBucketPolicy', putBucketPolicy, { markers: ['policy'] }),
  entry('DELETE', 'bucket', 'DeleteBucketPolicy', deleteBucketPolicy, { markers: ['policy'] }),
  entry('GET', 'bucket', 'GetBucketPolicyStatus', getBucketPolicyStatus, { markers: ['policyStatus'] }),
  entry('GET', 'bucket', 'GetBucketAcl', getBucketAcl, { markers: ['acl'] }),
  entry('PUT', 'bucket', 'PutBucketAcl', putAcl, { markers: ['acl'] }),
  entry('GET', 'bucket', 'GetBucketCors', getBucketCors, { action: 'GetBucketCORS', markers: ['cors'] }),

  entry('GET', 'object', 'GetObject', getObject, { parameters: ['versionId', 'partNumber', ...RESPONSE] }),
  entry('HEAD', 'object', 'HeadObject', getObject, {
    action: 'GetObject',
    parameters: ['versionId', 'partNumber', ...RESPONSE],
  }),
  entry('PUT', 'object', 'PutObject', putObject),
  entry('PUT', 'object', 'CopyObject', copyObject, { action: 'PutObject', copies: true }),
  entry('DELETE', 'object', 'DeleteObject', deleteObject, { parameters: ['versionId'] }),
  entry('GET', 'object', 'GetObjectAttributes', getObjectAttributes, {
    markers: ['attributes'],
    parameters: ['versionId'],
  }),
  entry('GET', 'object', 'GetObjectTagging', getObjectTagging, { markers: ['tagging'], parameters: ['versionId'] }),
  entry('PUT', 'object', 'PutObjectTagging', putObjectTagging, { markers: ['tagging'], parameters: ['versionId'] }),
  entry('DELETE', 'object', 'DeleteObjectTagging', deleteObjectTagging, {
    markers: ['tagging'],
    parameters: ['versionId'],
  }),
  entry('GET', 'object', 'GetObjectRetention', getObjectRetention, {
    markers: ['retention'],
    parameters: ['versionId'],
  }),
  entry('PUT', 'object', 'PutObjectRetention', putObjectRetention, {
    markers: ['retention'],
    parameters: ['versionId'],
  }),
  entry('GET', 'object', 'GetObjectLegalHold', getObjectLegalHold, {
    markers: ['legal-hold'],
    parameters: ['versionId'],
  }),
  entry('PUT', 'object', 'PutObjectLegalHold', putObjectLegalHold, {
    markers: ['legal-hold'],
    parameters: ['versionId'],
  }),
  entry('GET', 'object', 'GetObjectAcl', getObjectAcl, { markers: ['acl'], parameters: ['versionId'] }),
  entry('PUT', 'object', 'PutObjectAcl', putAcl, { markers: ['acl'], parameters: ['versionId'] }),
  entry('POST', 'object', 'RestoreObject', restoreObject, { markers: ['restore'], parameters: ['versionId'] }),
  entry('POST', 'object', 'CreateMultipartUpload', createUpload, { action: 'PutObject', markers: ['uploads'] }),
  entry('PUT', 'object', 'UploadPart', uploadPart, { action: 'PutObject', markers: ['uploadId', 'partNumber'] }),
  entry('PUT', 'object', 'UploadPartCopy', uploadPartCopy, {
    action: 'PutObject',
    markers: ['uploadId', 'partNumber'],
    copies: true,
  }),
  entry('GET', 'object', 'ListParts', listParts, {
    action: 'ListMultipartUploadParts',
    markers: ['uploadId'],
    parameters: ['max-parts', 'part-number-marker', 'encoding-type'],
  }),
  entry('POST', 'object', 'CompleteMultipartUpload', completeUpload, { action: 'PutObject', markers: ['uploadId'] }),
  entry('DELETE', 'object', 'AbortMultipartUpload', abortUpload, { markers: ['uploadId'] }),
]

function entry(
  method: string,
  level: Level,
  operation: string,
  run: Operation,
  rest: { action?: string; markers?: string[]; parameters?: string[]; copies?: boolean } = {},
): Entry {
  const action = rest.action === '' ? '' : `s3:${rest.action ?? operation}`
  const { markers = [], parameters = [], copies = false } = rest
  return { method, level, operation, run, action, markers, parameters, copies }
}

/** @throws S3Error MethodNotAllowed, NotImplemented */
export function routeOf(request: S3Request): RoutedRequest {
  const level: Level = request.bucket === undefined ? 'service' : request.key === undefined ? 'bucket' : 'object'
  const names = request.query.entries.map(([name]) => name).filter((name) => name !== 'x-id' && !/^x-amz-/i.test(name))
  const copies = request.header('x-amz-copy-source') !== undefined
  const candidates = TABLE.filter(
    (item) =>
      item.method === request.method && item.level === level && item.markers.every((name) => names.includes(name)),
  )
  const most = Math.max(0, ...candidates.map((item) => item.markers.length))
  const found = candidates.find(
    (item) => item.markers.length === most && item.copies === (copies && request.method === 'PUT'),
  )
  if (found === undefined) {
    if (names.length === 0 && !['GET', 'HEAD', 'PUT', 'POST', 'DELETE'].includes(request.method)) {
      throw new S3Error('MethodNotAllowed', { details: [['Method', request.method]] })
    }
    throw notImplemented(
      `${request.method} on ${level === 'object' ? 'an object' : `a ${level}`}${names.length > 0 ? ` with ?${names.join('&')}` : ''}`,
    )
  }
  const stranger = names.find((name) => !found.markers.includes(name) && !found.parameters.includes(name))
  if (stranger !== undefined) throw notImplemented(`the parameter ${stranger} of ${found.operation}`)
  const { operation, run } = found
  const versioned = request.query.has('versionId') && level === 'object'
  return { operation, level, run, action: versioned ? versionedAction(found.action) : found.action }
}

/** IAM knows GetObjectVersion beside GetObject, and so on; retention, legal hold and restoring have no such pair. */
function versionedAction(action: string): string {
  return /Retention|LegalHold|Restore/.test(action) ? action : action.replace(/Object/, 'ObjectVersion')
}
