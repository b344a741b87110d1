/** DeleteObject and DeleteObjects. What Object Lock protects stays; a delete without a version only hides it. */
import { invalidRequest, notImplemented, S3Error } from '../errors.ts'
import { element, optional, parseXml, renderXml, type XmlElement } from '../protocol/xml.ts'
import type { BucketStore } from '../store/bucket-store.ts'
import type { ObjectVersion, VersionRecord } from '../store/records.ts'
import { bucketOf, type Call, keyOf, LARGEST_XML_BYTES, type S3Response, xmlAnswer } from './call.ts'
import { matches, refuseConditions, writeCondition } from './preconditions.ts'

interface Deletion {
  versionId?: string
  markerId?: string
}

function remove(call: Call, bucket: BucketStore, key: string, versionId: string | undefined): Deletion {
  if (versionId === undefined) {
    // S3 answers the same whether there was such an object or not; with versioning on, it makes a marker either way.
    const nothing = bucket.record.versioning === undefined && bucket.keys.get(key) === undefined
    const marker = nothing ? undefined : bucket.deleteCurrent(key, call.now)
    return marker === undefined ? {} : { markerId: marker.versionId }
  }
  const version = bucket.version(key, versionId)
  if (version === undefined) return { versionId }
  refuseLocked(call, version)
  bucket.deleteVersion(key, versionId)
  return version.deleteMarker === true ? { versionId, markerId: versionId } : { versionId }
}

function refuseLocked(call: Call, version: VersionRecord): void {
  if (version.deleteMarker === true) return
  if (version.legalHold === true || retentionHolds(call, version)) {
    throw new S3Error('AccessDenied', { message: 'Access Denied because object protected by object lock.' })
  }
}

export function retentionHolds(call: Call, version: ObjectVersion): boolean {
  const { retention } = version
  if (retention === undefined || Date.parse(retention.retainUntil) <= call.now.getTime()) return false
  return retention.mode === 'COMPLIANCE' || !bypasses(call)
}

function bypasses(call: Call): boolean {
  return call.request.header('x-amz-bypass-governance-retention')?.toLowerCase() === 'true'
}

export async function deleteObject(call: Call): Promise<S3Response> {
  const bucket = bucketOf(call)
  const key = keyOf(call)
  const versionId = call.request.query.get('versionId')
  if (versionId !== undefined) refuseConditions(call.request)
  writeCondition(call.request, bucket, key).stop()
  const done = remove(call, bucket, key, versionId)
  await bucket.settleKey(key)
  const headers: Record<string, string> = {}
  const id = done.versionId ?? done.markerId
  if (id !== undefined) headers['x-amz-version-id'] = id
  if (done.markerId !== undefined) headers['x-amz-delete-marker'] = 'true'
  return { status: 204, headers }
}

export async function deleteObjects(call: Call): Promise<S3Response> {
  const bucket = bucketOf(call)
  if (call.body.declared === undefined && call.request.header('content-md5') === undefined) {
    throw invalidRequest('Missing required header for this request: Content-MD5')
  }
  const root = parseXml(await call.body.text(LARGEST_XML_BYTES), 'Delete')
  root.allowOnly('Object', 'Quiet')
  const wanted = root.all('Object')
  if (wanted.length === 0 || wanted.length > 1000) throw new S3Error('MalformedXML')
  const quiet = root.value('Quiet')?.toLowerCase() === 'true'
  const results: XmlElement[] = []
  for (const node of wanted) {
    node.allowOnly('Key', 'VersionId', 'ETag')
    const key = node.child('Key')?.text
    if (key === undefined || key === '') throw new S3Error('MalformedXML')
    const versionId = node.value('VersionId') || undefined
    const outcome = deleteOne(call, bucket, key, versionId, node.value('ETag'))
    if (outcome.name === 'Error' || !quiet) results.push(outcome)
  }
  for (const folder of new Set(wanted.map((node) => node.child('Key')?.text ?? ''))) await bucket.settleKey(folder)
  return xmlAnswer(renderXml(element('DeleteResult', results)))
}

/** One key's failure doesn't stop the others. */
function deleteOne(
  call: Call,
  bucket: BucketStore,
  key: string,
  versionId: string | undefined,
  etag: string | undefined,
): XmlElement {
  try {
    call.access.require(versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion', key)
    if (bypasses(call)) call.access.require('s3:BypassGovernanceRetention', key)
    if (etag !== undefined) {
      call.access.require('s3:GetObject', key)
      requireTag(bucket, key, versionId, etag)
    }
    const done = remove(call, bucket, key, versionId)
    return element('Deleted', [
      element('Key', key),
      ...optional('VersionId', versionId),
      ...(done.markerId === undefined
        ? []
        : [element('DeleteMarker', true), element('DeleteMarkerVersionId', done.markerId)]),
    ])
  } catch (cause) {
    if (!(cause instanceof S3Error)) throw cause
    return element('Error', [
      element('Key', key),
      ...optional('VersionId', versionId),
      element('Code', cause.code),
      element('Message', cause.message),
    ])
  }
}

/** A condition is about the current version; S3 refuses one beside a version's id. */
function requireTag(bucket: BucketStore, key: string, versionId: string | undefined, etag: string): void {
  if (versionId !== undefined) throw notImplemented('ETag together with VersionId')
  const current = bucket.current(key)
  if (current === undefined) throw new S3Error('NoSuchKey', { details: [['Key', key]] })
  if (!matches(etag, current.etag)) throw new S3Error('PreconditionFailed', { details: [['Condition', 'ETag']] })
}
