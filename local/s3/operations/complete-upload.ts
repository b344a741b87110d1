/** CompleteMultipartUpload: from a list of parts to an object, under S3's rules. */
import { createHash } from 'node:crypto'
import { invalidArgument, invalidRequest, S3Error } from '../errors.ts'
import {
  badDigest,
  CHECKSUM_ALGORITHMS,
  type ChecksumAlgorithm,
  checksumHeader,
  combineChecksums,
} from '../protocol/checksums.ts'
import { opaqueEtag } from '../lacks.ts'
import { element, optional, parseXml, renderXml, type XmlNode } from '../protocol/xml.ts'
import type { BucketStore } from '../store/bucket-store.ts'
import type { ObjectVersion, PartRecord } from '../store/records.ts'
import type { Upload } from '../store/upload-store.ts'
import { bucketOf, type Call, keyOf, LARGEST_XML_BYTES, type S3Response } from './call.ts'
import { noSuchUpload } from './create-upload.ts'
import { encryptionHeaders, versionHeader } from './object-attributes.ts'
import { type WriteCondition, writeCondition } from './preconditions.ts'

const SMALLEST_PART_BYTES = 5 * 1024 ** 2

interface ListedPart {
  partNumber: number
  etag: string
  checksums: ReadonlyMap<ChecksumAlgorithm, string>
}

export async function completeUpload(call: Call): Promise<S3Response> {
  const bucket = bucketOf(call)
  const key = keyOf(call)
  const uploadId = call.request.query.get('uploadId') ?? ''
  const listed = listedParts(parseXml(await call.body.text(LARGEST_XML_BYTES), 'CompleteMultipartUpload'))
  const upload = bucket.uploads.get(key, uploadId)
  // Another completion of the same upload is awaited: this one then finds its result.
  // oxlint-disable-next-line no-unmodified-loop-condition -- the completion itself clears it
  while (upload?.completing) await upload.completing.catch(() => undefined)
  if (upload === undefined || upload.gone) return repeated(call, bucket, uploadId, listed)
  const condition = writeCondition(call.request, bucket, key)
  try {
    const parts = verify(upload, listed)
    const checksum = verifyChecksum(call, upload, listed, parts)
    verifySize(call, parts)
    const done = finish(bucket, upload, { parts, etag: objectEtag(parts, call.lacks) }, checksum, condition)
    upload.completing = done
    // A completion that must copy is answered before it is done, with spaces to keep the connection alive.
    const { encryption } = upload.record.attributes
    const headers = { 'content-type': 'application/xml', ...encryptionHeaders(encryption) }
    const first = await Promise.race([done, pause(KEEP_ALIVE_AFTER_MS)])
    if (first !== undefined) return answer(bucket, key, first)
    return { status: 200, headers, keepAlive: done.then((version) => resultXml(bucket, key, version)) }
  } catch (cause) {
    condition.stop()
    throw cause
  }
}

/** S3 begins to answer when a completion takes long; clients give up on a silent connection after half a minute. */
const KEEP_ALIVE_AFTER_MS = 10_000

function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms).unref()
  })
}

async function finish(
  bucket: BucketStore,
  upload: Upload,
  { parts, etag }: { parts: readonly PartRecord[]; etag: string },
  checksum: ObjectVersion['checksum'],
  condition: WriteCondition,
): Promise<ObjectVersion> {
  const { key, uploadId, attributes, initiatedAt } = upload.record
  try {
    const file = await upload.assemble(parts)
    const { bodyId, path } = bucket.newBody(key)
    // No await from here to the commit: what was checked still holds.
    condition.check()
    bucket.saveParts(bodyId, parts.map(toObjectPart))
    bucket.uploads.handOver(upload, file, bodyId, path)
    let stored: ObjectVersion
    try {
      stored = bucket.put(key, {
        ...attributes,
        // S3 dates a multipart object from when it was begun (user guide, "System-defined object metadata").
        lastModified: initiatedAt,
        sizeBytes: parts.reduce((sum, part) => sum + part.sizeBytes, 0),
        etag,
        bodyId,
        uploadId,
        partsCount: parts.length,
        ...(checksum ? { checksum } : {}),
      })
    } catch (cause) {
      bucket.uploads.takeBack(upload, file, path)
      throw cause
    }
    await bucket.settleKey(key)
    bucket.uploads.remove(upload)
    return stored
  } finally {
    condition.stop()
    upload.completing = undefined
  }
}

function toObjectPart(part: PartRecord): { partNumber: number; sizeBytes: number; etag: string; checksum?: string } {
  const { partNumber, sizeBytes, etag, checksum } = part
  return { partNumber, sizeBytes, etag, ...(checksum ? { checksum: checksum.value } : {}) }
}

function objectEtag(parts: readonly { etag: string }[], lacks: Call['lacks']): string {
  const md5 = createHash('md5')
  for (const part of parts) md5.update(Buffer.from(part.etag, 'hex'))
  const hash = md5.digest('hex')
  return lacks.has('hash-of-hashes') ? opaqueEtag(hash) : `${hash}-${parts.length}`
}

function listedParts(root: XmlNode): ListedPart[] {
  const parts = root.all('Part').map((node): ListedPart => {
    const number = node.value('PartNumber') ?? ''
    const etag = node.value('ETag')
    if (!/^\d{1,6}$/.test(number) || etag === undefined) throw new S3Error('MalformedXML')
    const checksums = new Map<ChecksumAlgorithm, string>()
    for (const name of CHECKSUM_ALGORITHMS) {
      const value = node.value(`Checksum${name}`)
      if (value !== undefined) checksums.set(name, value)
    }
    if (Number(number) < 1 || Number(number) > 10_000) {
      throw invalidArgument('PartNumber must be >= 1 and <= 10000', ['partNumber', number])
    }
    return { partNumber: Number(number), etag: etag.replace(/^"(.*)"$/, '$1'), checksums }
  })
  if (parts.length === 0) throw new S3Error('MalformedXML')
  const unordered = parts.some((part, at) => at > 0 && part.partNumber <= (parts[at - 1]?.partNumber ?? 0))
  if (unordered) throw new S3Error('InvalidPartOrder')
  return parts
}

/** @throws S3Error InvalidPart, EntityTooSmall */
function verify(upload: Upload, listed: readonly ListedPart[]): PartRecord[] {
  const { uploadId } = upload.record
  const parts = listed.map((wanted) => {
    const part = upload.parts.get(wanted.partNumber)
    const claimed = part?.checksum && wanted.checksums.get(part.checksum.algorithm)
    if (
      part === undefined ||
      part.etag !== wanted.etag ||
      (claimed !== undefined && claimed !== part.checksum?.value)
    ) {
      throw new S3Error('InvalidPart', {
        details: [
          ['UploadId', uploadId],
          ['PartNumber', String(wanted.partNumber)],
          ['ETag', wanted.etag],
        ],
      })
    }
    return part
  })
  for (const part of parts.slice(0, -1)) {
    if (part.sizeBytes < SMALLEST_PART_BYTES) {
      throw new S3Error('EntityTooSmall', {
        details: [
          ['ProposedSize', String(part.sizeBytes)],
          ['MinSizeAllowed', String(SMALLEST_PART_BYTES)],
          ['PartNumber', String(part.partNumber)],
          ['ETag', part.etag],
        ],
      })
    }
  }
  return parts
}

/** @throws S3Error InvalidRequest, BadDigest, and InternalError for gaps in the part numbers, as S3 documents it */
function verifyChecksum(
  call: Call,
  upload: Upload,
  listed: readonly ListedPart[],
  parts: readonly PartRecord[],
): ObjectVersion['checksum'] {
  const { checksum } = upload.record
  const wantedType = call.request.header('x-amz-checksum-type')?.toUpperCase()
  const claims = CHECKSUM_ALGORITHMS.flatMap((name) => {
    const value = call.request.header(checksumHeader(name))
    return value === undefined ? [] : [{ name, value }]
  })
  if (claims.length > 1) {
    throw invalidRequest('Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.')
  }
  const claim = claims[0]
  if (checksum === undefined) {
    if (claim !== undefined || wantedType !== undefined) {
      throw invalidRequest(
        `Checksum Type mismatch occurred, expected checksum Type: null, actual checksum Type: ${claim?.name.toLowerCase() ?? wantedType ?? 'null'}`,
      )
    }
    return undefined
  }
  if (wantedType !== undefined && wantedType !== checksum.type) {
    throw invalidRequest(
      `The upload was created using the ${checksum.type} checksum mode. The complete request must use the same checksum mode.`,
    )
  }
  const lower = checksum.algorithm.toLowerCase()
  if (claim !== undefined && claim.name !== checksum.algorithm) {
    throw invalidRequest(
      `Checksum Type mismatch occurred, expected checksum Type: ${lower}, actual checksum Type: ${claim.name.toLowerCase()}`,
    )
  }
  const bare = listed.find((part) => !part.checksums.has(checksum.algorithm))
  if (checksum.type === 'COMPOSITE' && bare) {
    throw invalidRequest(
      `The upload was created using a ${lower} checksum. The complete request must include the checksum for each part. It was missing for part ${bare.partNumber} in the request.`,
    )
  }
  if (parts.some((part, at) => part.partNumber !== at + 1)) throw new S3Error('InternalError')
  const sums = parts.map((part) => ({ value: part.checksum?.value ?? '', sizeBytes: part.sizeBytes }))
  const whole = combineChecksums(checksum.algorithm, checksum.type, sums)
  // Clients send a composite value with or without the count behind it.
  const agrees = claim === undefined || claim.value === whole.value || claim.value === whole.value.replace(/-\d+$/, '')
  if (!agrees) throw badDigest(checksum.algorithm)
  return whole
}

function verifySize(call: Call, parts: readonly PartRecord[]): void {
  const text = call.request.header('x-amz-mp-object-size')
  if (text === undefined) return
  if (!/^\d{1,16}$/.test(text)) throw invalidRequest('Value for x-amz-mp-object-size header is invalid.')
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0)
  if (Number(text) === sizeBytes) return
  throw invalidRequest(
    `The provided 'x-amz-mp-object-size' header value ${text} does not match what was computed: ${sizeBytes}`,
  )
}

/** A repeat of a completion that succeeded gets the same answer, as long as its result is there. */
function repeated(call: Call, bucket: BucketStore, uploadId: string, listed: readonly ListedPart[]): S3Response {
  const key = keyOf(call)
  const made = bucket.keys
    .get(key)
    ?.versions.find((version) => version.deleteMarker !== true && version.uploadId === uploadId)
  const same =
    made !== undefined &&
    made.deleteMarker !== true &&
    listed.every((part) => /^[0-9a-f]{32}$/i.test(part.etag)) &&
    objectEtag(listed, call.lacks) === made.etag
  if (!same) throw noSuchUpload(uploadId)
  return answer(bucket, key, made)
}

function answer(bucket: BucketStore, key: string, version: ObjectVersion): S3Response {
  return {
    status: 200,
    headers: {
      'content-type': 'application/xml',
      ...encryptionHeaders(version.encryption),
      ...versionHeader(bucket.record, version.versionId),
    },
    body: resultXml(bucket, key, version),
  }
}

function resultXml(bucket: BucketStore, key: string, version: ObjectVersion): string {
  return renderXml(
    element('CompleteMultipartUploadResult', [
      element('Location', `/${bucket.record.name}/${encodeURI(key)}`),
      element('Bucket', bucket.record.name),
      element('Key', key),
      element('ETag', `"${version.etag}"`),
      ...(version.checksum ? [element(`Checksum${version.checksum.algorithm}`, version.checksum.value)] : []),
      ...optional('ChecksumType', version.checksum?.type),
    ]),
  )
}
