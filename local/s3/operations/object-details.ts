/** Tags, retention, legal hold, attributes and ACL of one object. */
import { OWNER_ID, OWNER_NAME } from '../account.ts'
import { invalidArgument, invalidRequest, S3Error } from '../errors.ts'
import { element, optional, parseXml, renderXml, type XmlElement } from '../protocol/xml.ts'
import type { BucketStore } from '../store/bucket-store.ts'
import type { ObjectVersion } from '../store/records.ts'
import { bucketOf, type Call, keyOf, LARGEST_XML_BYTES, type S3Response, xmlAnswer } from './call.ts'
import { retentionHolds } from './delete-objects.ts'
import { findVersion } from './find-version.ts'
import { parseRetention, versionHeader } from './object-attributes.ts'
import { ownerElement } from './list-objects.ts'
import { parseTagging, taggingElement } from './tag-set.ts'

function target(call: Call): { bucket: BucketStore; version: ObjectVersion; headers: Record<string, string> } {
  const bucket = bucketOf(call)
  const version = findVersion(bucket, keyOf(call), call.request.query.get('versionId'))
  return { bucket, version, headers: versionHeader(bucket.record, version.versionId) }
}

async function amend(call: Call, change: (version: ObjectVersion) => ObjectVersion): Promise<S3Response> {
  const { bucket, version, headers } = target(call)
  bucket.amend(keyOf(call), version.versionId, change)
  await bucket.settleKey(keyOf(call))
  return { status: 200, headers }
}

export function getObjectTagging(call: Call): S3Response {
  const { version, headers } = target(call)
  return xmlAnswer(renderXml(taggingElement(version.tags)), headers)
}

export async function putObjectTagging(call: Call): Promise<S3Response> {
  const tags = parseTagging(parseXml(await call.body.text(LARGEST_XML_BYTES), 'Tagging'), 10)
  return amend(call, (version) => ({ ...version, tags }))
}

export async function deleteObjectTagging(call: Call): Promise<S3Response> {
  return { ...(await amend(call, (version) => ({ ...version, tags: [] }))), status: 204 }
}

function requireLock(bucket: BucketStore): void {
  if (bucket.record.objectLock === undefined) throw invalidRequest('Bucket is missing Object Lock Configuration')
}

export function getObjectRetention(call: Call): S3Response {
  const { bucket, version } = target(call)
  requireLock(bucket)
  if (version.retention === undefined) throw new S3Error('NoSuchObjectLockConfiguration')
  const { mode, retainUntil } = version.retention
  return xmlAnswer(renderXml(element('Retention', [element('Mode', mode), element('RetainUntilDate', retainUntil)])))
}

export async function putObjectRetention(call: Call): Promise<S3Response> {
  const root = parseXml(await call.body.text(LARGEST_XML_BYTES), 'Retention')
  root.allowOnly('Mode', 'RetainUntilDate')
  const { bucket, version } = target(call)
  requireLock(bucket)
  const mode = root.value('Mode')
  const until = root.value('RetainUntilDate')
  if ((mode === undefined) !== (until === undefined)) throw new S3Error('MalformedXML')
  const wanted = mode === undefined || until === undefined ? undefined : parseRetention(mode, until, call.now)
  const old = version.retention
  // Longer is always allowed; shorter, weaker or none needs a bypass, which only GOVERNANCE knows.
  const lengthens =
    old !== undefined &&
    wanted !== undefined &&
    wanted.retainUntil >= old.retainUntil &&
    (wanted.mode === old.mode || old.mode === 'GOVERNANCE')
  if (!lengthens && retentionHolds(call, version)) {
    throw new S3Error('AccessDenied', { message: 'Access Denied because object protected by object lock.' })
  }
  return amend(call, (held) => {
    const { retention: _, ...rest } = held
    return wanted ? { ...rest, retention: wanted } : rest
  })
}

export function getObjectLegalHold(call: Call): S3Response {
  const { bucket, version } = target(call)
  requireLock(bucket)
  if (version.legalHold === undefined) throw new S3Error('NoSuchObjectLockConfiguration')
  return xmlAnswer(renderXml(element('LegalHold', [element('Status', version.legalHold ? 'ON' : 'OFF')])))
}

export async function putObjectLegalHold(call: Call): Promise<S3Response> {
  const status = parseXml(await call.body.text(LARGEST_XML_BYTES), 'LegalHold').value('Status')
  if (status !== 'ON' && status !== 'OFF') throw new S3Error('MalformedXML')
  requireLock(target(call).bucket)
  return amend(call, (version) => ({ ...version, legalHold: status === 'ON' }))
}

const ATTRIBUTES = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize']

export function getObjectAttributes(call: Call): S3Response {
  const { bucket, version, headers } = target(call)
  const wanted = (call.request.header('x-amz-object-attributes') ?? '').split(',').map((name) => name.trim())
  if (wanted.some((name) => !ATTRIBUTES.includes(name))) throw invalidArgument('Invalid attribute name specified.')
  const content: XmlElement[] = []
  if (wanted.includes('ETag')) content.push(element('ETag', version.etag))
  if (wanted.includes('Checksum') && version.checksum) {
    const { algorithm, value, type } = version.checksum
    content.push(element('Checksum', [element(`Checksum${algorithm}`, value), element('ChecksumType', type)]))
  }
  if (wanted.includes('ObjectParts') && version.partsCount !== undefined)
    content.push(objectParts(call, bucket, version))
  if (wanted.includes('StorageClass')) content.push(element('StorageClass', version.storageClass))
  if (wanted.includes('ObjectSize')) content.push(element('ObjectSize', version.sizeBytes))
  return xmlAnswer(renderXml(element('GetObjectAttributesResponse', content)), {
    'last-modified': new Date(version.lastModified).toUTCString(),
    ...headers,
  })
}

/** S3 lists the parts one by one only for an object that was uploaded with checksums. */
function objectParts(call: Call, bucket: BucketStore, version: ObjectVersion): XmlElement {
  const { checksum } = version
  const count = element('PartsCount', version.partsCount ?? 0)
  if (checksum === undefined) return element('ObjectParts', [count])
  const limit = headerInteger(call, 'x-amz-max-parts', 1000)
  const marker = headerInteger(call, 'x-amz-part-number-marker', 0)
  const following = bucket.parts(version).filter((part) => part.partNumber > marker)
  const shown = following.slice(0, Math.min(limit, 1000))
  return element('ObjectParts', [
    count,
    element('PartNumberMarker', marker),
    element('NextPartNumberMarker', shown.at(-1)?.partNumber ?? 0),
    element('MaxParts', Math.min(limit, 1000)),
    element('IsTruncated', following.length > shown.length),
    ...shown.map((part) =>
      element('Part', [
        element('PartNumber', part.partNumber),
        element('Size', part.sizeBytes),
        ...optional(`Checksum${checksum.algorithm}`, part.checksum),
      ]),
    ),
  ])
}

function headerInteger(call: Call, name: string, fallback: number): number {
  const text = call.request.header(name)
  if (text === undefined) return fallback
  if (!/^\d{1,9}$/.test(text))
    throw invalidArgument(`Provided ${name} not an integer or within integer range`, [name, text])
  return Number(text)
}

function ownerAcl(): string {
  const grantee = element(
    'Grantee',
    [element('ID', OWNER_ID), element('DisplayName', OWNER_NAME)],
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"',
  )
  const grant = element('Grant', [grantee, element('Permission', 'FULL_CONTROL')])
  return renderXml(element('AccessControlPolicy', [ownerElement(), element('AccessControlList', [grant])]))
}

export function getObjectAcl(call: Call): S3Response {
  return xmlAnswer(ownerAcl(), target(call).headers)
}

export function getBucketAcl(call: Call): S3Response {
  bucketOf(call)
  return xmlAnswer(ownerAcl())
}

/**
 * ACLs are disabled, as on new buckets of S3: only one that says what holds anyway is accepted, and changes nothing.
 * s3cmd sends such a one after each copy.
 */
export async function putAcl(call: Call): Promise<S3Response> {
  if (call.request.key === undefined) bucketOf(call)
  else target(call)
  const text = await call.body.text(LARGEST_XML_BYTES)
  if (text === '') {
    if (call.request.header('x-amz-acl') === undefined) throw new S3Error('MissingRequestBodyError')
    return { status: 200 }
  }
  const grants = parseXml(text, 'AccessControlPolicy').child('AccessControlList')?.all('Grant') ?? []
  const ours = grants.every(
    (grant) => grant.child('Grantee')?.value('ID') === OWNER_ID && grant.value('Permission') === 'FULL_CONTROL',
  )
  if (grants.length === 0 || !ours) throw new S3Error('AccessControlListNotSupported')
  return { status: 200 }
}
