/** ListMultipartUploads and ListParts. */
import { element, optional, renderXml } from '../protocol/xml.ts'
import { compareKeys } from '../store/key-order.ts'
import { bucketOf, type Call, keyOf, type S3Response, xmlAnswer } from './call.ts'
import { findUpload } from './create-upload.ts'
import { ownerElement } from './list-objects.ts'
import { commonPrefixElements, nameEncoding } from './paging.ts'

export function listUploads(call: Call): S3Response {
  const bucket = bucketOf(call)
  const { query } = call.request
  const { encode, type } = nameEncoding(call.request)
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter') ?? ''
  const keyMarker = query.get('key-marker') ?? ''
  // Without a key marker S3 ignores the upload's.
  const idMarker = keyMarker === '' ? '' : (query.get('upload-id-marker') ?? '')
  const limit = query.integer('max-uploads', 1000, 0, 1000)
  const uploads = bucket.uploads.inOrder().map((upload) => upload.record)
  const marked = uploads.findIndex((upload) => upload.key === keyMarker && upload.uploadId === idMarker)
  const shown: typeof uploads = []
  const commonPrefixes: string[] = []
  let truncated = false
  let last: { key: string; uploadId: string } | undefined
  for (const [at, upload] of uploads.entries()) {
    const { key, uploadId } = upload
    const order = compareKeys(key, keyMarker)
    const passed = keyMarker !== '' && (order < 0 || (order === 0 && (idMarker === '' || at <= marked)))
    if (passed || !key.startsWith(prefix)) continue
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    const common = cut === -1 ? undefined : key.slice(0, cut + delimiter.length)
    if (common !== undefined && (common === commonPrefixes.at(-1) || common === keyMarker)) continue
    if (shown.length + commonPrefixes.length === limit) {
      truncated = limit > 0
      break
    }
    if (common === undefined) shown.push(upload)
    else commonPrefixes.push(common)
    last = common === undefined ? { key, uploadId } : { key: common, uploadId: '' }
  }
  return xmlAnswer(
    renderXml(
      element('ListMultipartUploadsResult', [
        element('Bucket', bucket.record.name),
        element('KeyMarker', encode(keyMarker)),
        element('UploadIdMarker', idMarker),
        ...optional('NextKeyMarker', truncated && last ? encode(last.key) : undefined),
        ...optional('NextUploadIdMarker', truncated ? last?.uploadId : undefined),
        element('Prefix', encode(prefix)),
        ...optional('Delimiter', delimiter === '' ? undefined : encode(delimiter)),
        ...type,
        element('MaxUploads', limit),
        element('IsTruncated', truncated),
        ...shown.map((upload) =>
          element('Upload', [
            element('Key', encode(upload.key)),
            element('UploadId', upload.uploadId),
            ownerElement('Initiator'),
            ownerElement(),
            element('StorageClass', upload.attributes.storageClass),
            element('Initiated', upload.initiatedAt),
            ...optional('ChecksumAlgorithm', upload.checksum?.algorithm),
            ...optional('ChecksumType', upload.checksum?.type),
          ]),
        ),
        ...commonPrefixElements(commonPrefixes, encode),
      ]),
    ),
  )
}

export function listParts(call: Call): S3Response {
  const bucket = bucketOf(call)
  const upload = findUpload(call, bucket)
  const { query } = call.request
  const { encode, type } = nameEncoding(call.request)
  const limit = query.integer('max-parts', 1000, 0, 1000)
  const marker = query.integer('part-number-marker', 0, 0, 2_147_483_647)
  const following = upload.sortedParts().filter((part) => part.partNumber > marker)
  const shown = following.slice(0, limit)
  const truncated = limit > 0 && following.length > shown.length
  const { checksum, attributes, uploadId } = upload.record
  return xmlAnswer(
    renderXml(
      element('ListPartsResult', [
        element('Bucket', bucket.record.name),
        element('Key', encode(keyOf(call))),
        element('UploadId', uploadId),
        ...type,
        ownerElement('Initiator'),
        ownerElement(),
        element('StorageClass', attributes.storageClass),
        ...optional('ChecksumAlgorithm', checksum?.algorithm),
        ...optional('ChecksumType', checksum?.type),
        element('PartNumberMarker', marker),
        element('NextPartNumberMarker', shown.at(-1)?.partNumber ?? 0),
        element('MaxParts', limit),
        element('IsTruncated', truncated),
        ...shown.map((part) =>
          element('Part', [
            element('PartNumber', part.partNumber),
            element('LastModified', part.lastModified),
            element('ETag', `"${part.etag}"`),
            element('Size', part.sizeBytes),
            ...(part.checksum ? [element(`Checksum${part.checksum.algorithm}`, part.checksum.value)] : []),
          ]),
        ),
      ]),
    ),
  )
}
