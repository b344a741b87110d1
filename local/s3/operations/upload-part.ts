/** UploadPart and UploadPartCopy: a part exists once all of it is on the disk and verified, never before. */
import { createHash } from 'node:crypto'
import { closeSync, constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { invalidArgument, invalidRequest, S3Error } from '../errors.ts'
import { type ChecksumAlgorithm, checksumHeader, startChecksum } from '../protocol/checksums.ts'
import { element, renderXml } from '../protocol/xml.ts'
import { opaqueEtag } from '../lacks.ts'
import { copyRange, PieceWriter } from '../store/durable-file.ts'
import type { PartRecord, UploadRecord } from '../store/records.ts'
import type { PartPlace, Upload } from '../store/upload-store.ts'
import { bucketOf, type Call, type S3Response, xmlAnswer } from './call.ts'
import { openSource } from './copy-source.ts'
import { findUpload, noSuchUpload } from './create-upload.ts'
import { parseCopyRange } from './get-object.ts'
import { encryptionHeaders, requireChecksumForLock } from './object-attributes.ts'
import { refuseConditions } from './preconditions.ts'
import { LARGEST_PUT_BYTES, requireLength } from './put-object.ts'

export async function uploadPart(call: Call): Promise<S3Response> {
  refuseConditions(call.request)
  const bucket = bucketOf(call)
  const upload = findUpload(call, bucket)
  const partNumber = partNumberOf(call)
  requireChecksumForLock(call.request, bucket.record, call.body.declared)
  const sizeBytes = requireLength(call)
  const compute = partAlgorithm(upload.record, call.body.declared)
  const part = await store(upload, partNumber, sizeBytes, call, async (handle, offset) => {
    const writer = new PieceWriter(handle, offset)
    try {
      const received = await call.body.receive((piece) => writer.write(piece), compute)
      await writer.finish()
      return received
    } finally {
      await writer.abandon()
    }
  })
  const headers: Record<string, string> = {
    etag: `"${part.etag}"`,
    ...encryptionHeaders(upload.record.attributes.encryption),
  }
  if (part.checksum) headers[checksumHeader(part.checksum.algorithm)] = part.checksum.value
  return { status: 200, headers }
}

export async function uploadPartCopy(call: Call): Promise<S3Response> {
  const upload = findUpload(call, bucketOf(call))
  const partNumber = partNumberOf(call)
  const source = openSource(call)
  try {
    const rangeText = call.request.header('x-amz-copy-source-range')
    const { start, length } =
      rangeText === undefined
        ? { start: 0, length: source.version.sizeBytes }
        : parseCopyRange(rangeText, source.version.sizeBytes)
    if (length > LARGEST_PUT_BYTES) {
      throw invalidRequest(
        'The specified copy range is larger than the maximum allowable size for a copy source: 5368709120',
      )
    }
    const algorithm = upload.record.checksum?.algorithm
    const part = await store(upload, partNumber, length, call, async (handle, offset) => {
      const md5 = createHash('md5')
      const sum = algorithm && startChecksum(algorithm)
      await copyRange(source.file, start, length, handle, offset, (piece) => {
        md5.update(piece)
        sum?.update(piece)
      })
      await handle.datasync()
      const received = { sizeBytes: length, md5Hex: md5.digest('hex') }
      return algorithm && sum
        ? { ...received, checksum: { algorithm, value: sum.digest().toString('base64') } }
        : received
    })
    const result = element('CopyPartResult', [
      element('LastModified', part.lastModified),
      element('ETag', `"${part.etag}"`),
      ...(part.checksum ? [element(`Checksum${part.checksum.algorithm}`, part.checksum.value)] : []),
    ])
    return xmlAnswer(renderXml(result), {
      ...encryptionHeaders(upload.record.attributes.encryption),
      ...source.versionHeaders,
    })
  } finally {
    closeSync(source.file)
  }
}

function partNumberOf(call: Call): number {
  const text = call.request.query.get('partNumber') ?? ''
  const partNumber = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (partNumber < 1 || partNumber > 10_000) {
    throw invalidArgument('Part number must be an integer between 1 and 10000, inclusive', ['partNumber', text])
  }
  return partNumber
}

/** A part must bring the sum its upload was created with; for a full-object sum S3 computes a missing one itself. */
function partAlgorithm(record: UploadRecord, declared: ChecksumAlgorithm | undefined): ChecksumAlgorithm | undefined {
  const { checksum } = record
  if (checksum === undefined || checksum.algorithm === declared) return declared
  if (declared === undefined && checksum.type === 'FULL_OBJECT') return checksum.algorithm
  throw invalidRequest(
    `Checksum Type mismatch occurred, expected checksum Type: ${checksum.algorithm.toLowerCase()}, actual checksum Type: ${declared?.toLowerCase() ?? 'null'}`,
  )
}

interface WrittenPart {
  sizeBytes: number
  md5Hex: string
  checksum?: { algorithm: ChecksumAlgorithm; value: string }
}

async function store(
  upload: Upload,
  partNumber: number,
  sizeBytes: number,
  { now, lacks }: Pick<Call, 'now' | 'lacks'>,
  write: (handle: FileHandle, offset: number) => Promise<WrittenPart>,
): Promise<PartRecord> {
  const place = upload.place(partNumber, sizeBytes)
  try {
    const written = await writeAt(place, write)
    if (upload.gone) throw noSuchUpload(upload.record.uploadId)
    const part: PartRecord = {
      partNumber,
      sizeBytes: written.sizeBytes,
      etag: lacks.has('part-hashes') ? opaqueEtag(written.md5Hex) : written.md5Hex,
      lastModified: now.toISOString(),
      file: place.file,
      offset: place.offset,
      ...(written.checksum ? { checksum: written.checksum } : {}),
    }
    await upload.addPart(part)
    return part
  } finally {
    place.release()
  }
}

async function writeAt(
  place: PartPlace,
  write: (handle: FileHandle, offset: number) => Promise<WrittenPart>,
): Promise<WrittenPart> {
  let handle: FileHandle
  try {
    // Created if need be and never truncated: other parts live in the same file.
    handle = await open(place.path, constants.O_RDWR | constants.O_CREAT)
  } catch (cause) {
    throw new S3Error('NoSuchUpload', { message: `The upload was removed while this part began: ${String(cause)}` })
  }
  try {
    return await write(handle, place.offset)
  } finally {
    await handle.close()
  }
}
