/** GetObject and HeadObject: whole, a range, or one part. */
import { invalidArgument, invalidRequest, S3Error } from '../errors.ts'
import { checksumHeader } from '../protocol/checksums.ts'
import type { BucketStore } from '../store/bucket-store.ts'
import type { ObjectVersion } from '../store/records.ts'
import { bucketOf, type Call, keyOf, type S3Response } from './call.ts'
import { findVersion, openVersion } from './find-version.ts'
import { checksumHeaders, describeObject } from './object-attributes.ts'
import { checkRead } from './preconditions.ts'
import { requireThawed, restoreHeader } from './restore-object.ts'

interface Selection {
  start: number
  length: number
  partial: boolean
  headers: Record<string, string>
}

export function getObject(call: Call): S3Response {
  const { bucket, version, selection, headers } = describe(call)
  const status = selection.partial ? 206 : 200
  if (call.request.method === 'HEAD') return { status, headers }
  requireThawed(version, call.now)
  const file = openVersion(bucket, keyOf(call), version)
  return { status, headers, body: { file, start: selection.start, length: selection.length } }
}

function describe(call: Call): {
  bucket: BucketStore
  version: ObjectVersion
  selection: Selection
  headers: Record<string, string>
} {
  const { request } = call
  const bucket = bucketOf(call)
  const version = findVersion(bucket, keyOf(call), request.query.get('versionId'))
  checkRead(request, version)
  const selection = select(call, bucket, version)
  const headers: Record<string, string> = {
    ...shownTo(call, describeObject(version, bucket.record)),
    ...restoreHeader(version, call.now),
    ...(request.header('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED' && !selection.partial
      ? checksumHeaders(version)
      : {}),
    ...selection.headers,
    'content-length': String(selection.length),
  }
  if (selection.partial) {
    const end = selection.start + selection.length - 1
    headers['content-range'] = `bytes ${selection.start}-${end}/${version.sizeBytes}`
  }
  for (const [name, value] of request.query.entries) {
    const overridden =
      /^response-(content-type|content-language|expires|cache-control|content-disposition|content-encoding)$/.exec(name)
    if (overridden?.[1]) headers[overridden[1]] = value
  }
  return { bucket, version, selection, headers }
}

/** Without their rights, S3 leaves these headers out and gives the rest. */
function shownTo({ access, request }: Call, headers: Record<string, string>): Record<string, string> {
  const hidden = SHOWN_BY_RIGHT.filter(
    ([name, action]) => Object.keys(headers).some((each) => name.test(each)) && !access.may(action, request.key),
  )
  return Object.fromEntries(Object.entries(headers).filter(([header]) => !hidden.some(([name]) => name.test(header))))
}

const SHOWN_BY_RIGHT = [
  [/^x-amz-object-lock-(mode|retain-until-date)$/, 's3:GetObjectRetention'],
  [/^x-amz-object-lock-legal-hold$/, 's3:GetObjectLegalHold'],
  [/^x-amz-tagging-count$/, 's3:GetObjectTagging'],
] as const

function select(call: Call, bucket: BucketStore, version: ObjectVersion): Selection {
  const { request } = call
  const range = request.header('range')
  const whole = { start: 0, length: version.sizeBytes, partial: false, headers: {} }
  if (request.query.has('partNumber')) {
    if (range !== undefined) throw invalidRequest('Cannot specify both Range header and partNumber query parameter')
    return selectPart(request.query.integer('partNumber', 1, 1, 10_000), call, bucket, version)
  }
  if (range === undefined) return whole
  const parsed = parseRange(range, version.sizeBytes)
  return parsed === undefined ? whole : { ...parsed, partial: true, headers: {} }
}

function selectPart(partNumber: number, call: Call, bucket: BucketStore, version: ObjectVersion): Selection {
  const parts = version.partsCount === undefined ? [] : bucket.parts(version)
  if (parts.length === 0) {
    if (partNumber !== 1) throw new S3Error('InvalidPartNumber', { details: [['ActualPartCount', '1']] })
    return { start: 0, length: version.sizeBytes, partial: version.sizeBytes > 0, headers: {} }
  }
  // Numbers may have gaps before completion; afterwards S3 counts the parts that are there.
  const part = parts[partNumber - 1]
  if (part === undefined) {
    throw new S3Error('InvalidPartNumber', { details: [['ActualPartCount', String(parts.length)]] })
  }
  const start = parts.slice(0, partNumber - 1).reduce((sum, before) => sum + before.sizeBytes, 0)
  const headers: Record<string, string> = { 'x-amz-mp-parts-count': String(parts.length) }
  if (call.request.header('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED' && version.checksum && part.checksum) {
    headers[checksumHeader(version.checksum.algorithm)] = part.checksum
    headers['x-amz-checksum-type'] = version.checksum.type
  }
  return { start, length: part.sizeBytes, partial: part.sizeBytes > 0, headers }
}

/** `undefined` for what isn't one byte range: S3 then sends everything. @throws S3Error InvalidRange */
export function parseRange(text: string, sizeBytes: number): { start: number; length: number } | undefined {
  const match = /^bytes=(\d{0,16})-(\d{0,16})$/.exec(text.trim())
  if (!match || (match[1] === '' && match[2] === '')) return undefined
  const [, first = '', last = ''] = match
  const invalid = (): S3Error =>
    new S3Error('InvalidRange', {
      headers: { 'content-range': `bytes */${sizeBytes}` },
      details: [
        ['RangeRequested', text],
        ['ActualObjectSize', String(sizeBytes)],
      ],
    })
  if (first === '') {
    const length = Math.min(Number(last), sizeBytes)
    if (length === 0) throw invalid()
    return { start: sizeBytes - length, length }
  }
  if (last !== '' && Number(last) < Number(first)) return undefined
  if (Number(first) >= sizeBytes) throw invalid()
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1)
  return { start: Number(first), length: end - Number(first) + 1 }
}

/** For copies the range must be whole and inside. @throws S3Error InvalidArgument, InvalidRange */
export function parseCopyRange(text: string, sizeBytes: number): { start: number; length: number } {
  const match = /^bytes=(\d{1,16})-(\d{1,16})$/.exec(text)
  if (!match || Number(match[2]) < Number(match[1])) {
    throw invalidArgument(
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
      ['x-amz-copy-source-range', text],
    )
  }
  if (Number(match[2]) >= sizeBytes) {
    throw new S3Error('InvalidArgument', {
      message: `Range specified is not valid for source object of size: ${sizeBytes}`,
    })
  }
  return { start: Number(match[1]), length: Number(match[2]) - Number(match[1]) + 1 }
}
