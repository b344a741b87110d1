/** CreateMultipartUpload, AbortMultipartUpload, and finding an upload. */
import { randomBytes } from 'node:crypto'
import { invalidRequest, S3Error } from '../errors.ts'
import { checksumType, parseAlgorithm } from '../protocol/checksums.ts'
import { element, renderXml } from '../protocol/xml.ts'
import type { BucketStore } from '../store/bucket-store.ts'
import type { Upload } from '../store/upload-store.ts'
import { bucketOf, type Call, keyOf, type S3Response, xmlAnswer } from './call.ts'
import { encryptionHeaders, readAttributes } from './object-attributes.ts'

export async function createUpload(call: Call): Promise<S3Response> {
  const bucket = bucketOf(call)
  const key = keyOf(call)
  const { request } = call
  const wanted = request.header('x-amz-checksum-algorithm')
  const type = request.header('x-amz-checksum-type')
  if (wanted === undefined && type !== undefined) {
    throw invalidRequest('The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.')
  }
  const algorithm = wanted === undefined ? undefined : parseAlgorithm(wanted)
  const checksum = algorithm && { algorithm, type: checksumType(algorithm, type) }
  const attributes = readAttributes(request, bucket.record, call.now)
  const uploadId = randomBytes(48).toString('base64url')
  await bucket.uploads.create({
    uploadId,
    key,
    initiatedAt: call.now.toISOString(),
    attributes,
    ...(checksum ? { checksum } : {}),
  })
  const headers = encryptionHeaders(attributes.encryption)
  if (checksum) {
    headers['x-amz-checksum-algorithm'] = checksum.algorithm
    headers['x-amz-checksum-type'] = checksum.type
  }
  return xmlAnswer(
    renderXml(
      element('InitiateMultipartUploadResult', [
        element('Bucket', bucket.record.name),
        element('Key', key),
        element('UploadId', uploadId),
      ]),
    ),
    headers,
  )
}

/** @throws S3Error NoSuchUpload */
export function findUpload(call: Call, bucket: BucketStore): Upload {
  const uploadId = call.request.query.get('uploadId') ?? ''
  const upload = bucket.uploads.get(keyOf(call), uploadId)
  if (upload === undefined) throw noSuchUpload(uploadId)
  return upload
}

export function noSuchUpload(uploadId: string): S3Error {
  return new S3Error('NoSuchUpload', { details: [['UploadId', uploadId]] })
}

export async function abortUpload(call: Call): Promise<S3Response> {
  const bucket = bucketOf(call)
  const upload = findUpload(call, bucket)
  // A completion under way has won: its result stays, and the upload is gone either way.
  await upload.completing?.catch(() => undefined)
  if (upload.gone) throw noSuchUpload(upload.record.uploadId)
  bucket.uploads.remove(upload)
  return { status: 204 }
}
