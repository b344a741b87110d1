/** What request headers say about an object, what the bucket adds, and how both are reported back. */
import { invalidArgument, invalidRequest, notImplemented, S3Error } from '../errors.ts'
import { checksumHeader } from '../protocol/checksums.ts'
import type { S3Request } from '../protocol/request.ts'
import { parseXml } from '../protocol/xml.ts'
import type { BucketRecord, Encryption, ObjectAttributes, ObjectVersion, Pairs, Retention } from '../store/records.ts'
import { parseTagQuery } from './tag-set.ts'

const STANDARD_HEADERS = ['cache-control', 'content-disposition', 'content-language', 'expires'] as const
const STORAGE_CLASSES = [
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'DEEP_ARCHIVE',
  'GLACIER_IR',
]
const LARGEST_METADATA_BYTES = 2048

export function readAttributes(request: S3Request, bucket: BucketRecord, now: Date): ObjectAttributes {
  return {
    headers: standardHeaders(request),
    metadata: userMetadata(request),
    tags: parseTagQuery(request.header('x-amz-tagging') ?? ''),
    storageClass: storageClass(request),
    encryption: wantedEncryption(request, bucket),
    ...lockAttributes(request, bucket, now),
  }
}

function standardHeaders(request: S3Request): Pairs {
  const headers: [string, string][] = [['content-type', request.header('content-type') || 'binary/octet-stream']]
  for (const name of STANDARD_HEADERS) {
    const value = request.header(name)
    if (value !== undefined) headers.push([name, value])
  }
  // aws-chunked is how the body travelled, not how the object is encoded.
  const encoding = (request.header('content-encoding') ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '' && part !== 'aws-chunked')
  return encoding.length === 0 ? headers : [...headers, ['content-encoding', encoding.join(',')]]
}

function userMetadata(request: S3Request): Pairs {
  const pairs = Object.keys(request.source.headers)
    .filter((name) => name.startsWith('x-amz-meta-'))
    .map((name) => [name.slice('x-amz-meta-'.length), request.header(name) ?? ''] as const)
  const size = pairs.reduce((sum, [name, value]) => sum + name.length + Buffer.byteLength(value, 'latin1'), 0)
  if (size > LARGEST_METADATA_BYTES) {
    throw new S3Error('MetadataTooLarge', {
      details: [
        ['Size', String(size)],
        ['MaxSizeAllowed', String(LARGEST_METADATA_BYTES)],
      ],
    })
  }
  return pairs
}

function storageClass(request: S3Request): string {
  const name = request.header('x-amz-storage-class') ?? 'STANDARD'
  if (!STORAGE_CLASSES.includes(name))
    throw new S3Error('InvalidStorageClass', { details: [['StorageClassRequested', name]] })
  return name
}

function wantedEncryption(request: S3Request, bucket: BucketRecord): Encryption {
  const wanted = request.header('x-amz-server-side-encryption')
  const kmsKeyId = request.header('x-amz-server-side-encryption-aws-kms-key-id')
  if (wanted === undefined) {
    if (kmsKeyId !== undefined)
      throw invalidArgument(
        'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
      )
    return defaultEncryption(bucket)
  }
  const algorithm = knownEncryption(wanted)
  if (algorithm === 'AES256') {
    if (kmsKeyId !== undefined)
      throw invalidArgument(
        'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
      )
    return { algorithm }
  }
  const context = request.header('x-amz-server-side-encryption-context')
  const bucketKey = request.header('x-amz-server-side-encryption-bucket-key-enabled')
  return {
    algorithm,
    kmsKeyId: keyArn(kmsKeyId),
    ...(context === undefined ? {} : { context }),
    ...(bucketKey?.toLowerCase() === 'true' ? { bucketKey: true } : {}),
  }
}

function knownEncryption(name: string): Encryption['algorithm'] {
  if (name === 'AES256' || name === 'aws:kms' || name === 'aws:kms:dsse') return name
  throw invalidArgument('The encryption method specified is not supported', ['x-amz-server-side-encryption', name])
}

/** S3 reports keys by ARN; without one it takes the account's own. */
function keyArn(id: string | undefined): string {
  if (id?.startsWith('arn:')) return id
  return `arn:aws:kms:us-east-1:123456789012:key/${id ?? '00000000-0000-4000-8000-000000000000'}`
}

/** What encrypts an object that asks for nothing else. */
export function defaultEncryption(bucket: BucketRecord): Encryption {
  const stored = bucket.settings['encryption']
  if (stored === undefined) return { algorithm: 'AES256' }
  const rule = parseXml(stored, 'ServerSideEncryptionConfiguration').child('Rule')
  const applied = rule?.child('ApplyServerSideEncryptionByDefault')
  const algorithm = knownEncryption(applied?.value('SSEAlgorithm') ?? 'AES256')
  if (algorithm === 'AES256') return { algorithm }
  const bucketKey = rule?.value('BucketKeyEnabled') === 'true'
  return { algorithm, kmsKeyId: keyArn(applied?.value('KMSMasterKeyID')), ...(bucketKey ? { bucketKey } : {}) }
}

/** Lock headers, else the bucket's default retention. @throws S3Error InvalidRequest on a bucket without Object Lock */
function lockAttributes(
  request: S3Request,
  bucket: BucketRecord,
  now: Date,
): { retention?: Retention; legalHold?: boolean } {
  const mode = request.header('x-amz-object-lock-mode')
  const until = request.header('x-amz-object-lock-retain-until-date')
  const hold = request.header('x-amz-object-lock-legal-hold')
  const asked = mode !== undefined || until !== undefined || hold !== undefined
  if (asked && bucket.objectLock === undefined) throw invalidRequest('Bucket is missing Object Lock Configuration')
  if (hold !== undefined && hold !== 'ON' && hold !== 'OFF')
    throw invalidArgument("Legal Hold must be either of 'ON' or 'OFF'")
  const legalHold = hold === undefined ? {} : { legalHold: hold === 'ON' }
  if ((mode === undefined) !== (until === undefined)) {
    throw invalidArgument('x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied')
  }
  if (mode !== undefined && until !== undefined) return { retention: parseRetention(mode, until, now), ...legalHold }
  const rule = bucket.objectLock
  if (rule?.mode === undefined) return legalHold
  const end = new Date(now)
  if (rule.days !== undefined) end.setUTCDate(end.getUTCDate() + rule.days)
  else end.setUTCFullYear(end.getUTCFullYear() + (rule.years ?? 0))
  return { retention: { mode: rule.mode, retainUntil: end.toISOString() }, ...legalHold }
}

export function parseRetention(mode: string, until: string, now: Date): Retention {
  if (mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') throw invalidArgument('Unknown wormMode directive.')
  const time = Date.parse(until)
  if (Number.isNaN(time)) throw invalidArgument('The retain until date must be provided in ISO 8601 format')
  if (time <= now.getTime()) throw invalidArgument('The retain until date must be in the future!')
  return { mode, retainUntil: new Date(time).toISOString() }
}

/** A lock, asked for or by the bucket's default, needs a body checksum, so that what is locked is what was meant. */
export function requireChecksumForLock(request: S3Request, bucket: BucketRecord, declared: unknown): void {
  const byDefault = bucket.objectLock?.mode !== undefined
  const asked = byDefault || Object.keys(request.source.headers).some((name) => name.startsWith('x-amz-object-lock-'))
  if (!asked || declared !== undefined || request.header('content-md5') !== undefined) return
  throw invalidRequest(
    'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters',
  )
}

export function encryptionHeaders(encryption: Encryption): Record<string, string> {
  const headers: Record<string, string> = { 'x-amz-server-side-encryption': encryption.algorithm }
  if (encryption.kmsKeyId !== undefined) headers['x-amz-server-side-encryption-aws-kms-key-id'] = encryption.kmsKeyId
  if (encryption.context !== undefined) headers['x-amz-server-side-encryption-context'] = encryption.context
  if (encryption.bucketKey) headers['x-amz-server-side-encryption-bucket-key-enabled'] = 'true'
  return headers
}

/** `x-amz-version-id` exists only where versioning has ever been on. */
export function versionHeader(bucket: BucketRecord, versionId: string): Record<string, string> {
  return bucket.versioning === undefined ? {} : { 'x-amz-version-id': versionId }
}

export function checksumHeaders(version: ObjectVersion): Record<string, string> {
  if (version.checksum === undefined) return {}
  return {
    [checksumHeader(version.checksum.algorithm)]: version.checksum.value,
    'x-amz-checksum-type': version.checksum.type,
  }
}

/** All that Get and Head tell of an object but its length. */
export function describeObject(version: ObjectVersion, bucket: BucketRecord): Record<string, string> {
  const { context: _, ...encryption } = version.encryption
  const headers: Record<string, string> = {
    ...Object.fromEntries(version.headers),
    etag: `"${version.etag}"`,
    'last-modified': new Date(version.lastModified).toUTCString(),
    'accept-ranges': 'bytes',
    ...encryptionHeaders(encryption),
    ...versionHeader(bucket, version.versionId),
  }
  for (const [name, value] of version.metadata) headers[`x-amz-meta-${name}`] = value
  if (version.storageClass !== 'STANDARD') headers['x-amz-storage-class'] = version.storageClass
  if (version.tags.length > 0) headers['x-amz-tagging-count'] = String(version.tags.length)
  if (version.retention) {
    headers['x-amz-object-lock-mode'] = version.retention.mode
    headers['x-amz-object-lock-retain-until-date'] = version.retention.retainUntil
  }
  if (version.legalHold !== undefined) headers['x-amz-object-lock-legal-hold'] = version.legalHold ? 'ON' : 'OFF'
  return headers
}

/** Headers that S3 knows and this server would otherwise have to ignore. */
export function refuseUnknownHeaders(request: S3Request): void {
  for (const name of Object.keys(request.source.headers)) {
    if (!name.startsWith('x-amz-') || name.startsWith('x-amz-meta-') || KNOWN_HEADERS.has(name)) continue
    if (name.startsWith('x-amz-grant-')) throw new S3Error('AccessControlListNotSupported')
    throw notImplemented(`the header ${name}`)
  }
  const acl = request.header('x-amz-acl')
  // Buckets have ACLs disabled, as new ones on S3 do; these two are allowed there because they change nothing.
  if (acl !== undefined && acl !== 'private' && acl !== 'bucket-owner-full-control') {
    throw new S3Error('AccessControlListNotSupported')
  }
}

const KNOWN_HEADERS = new Set(
  `acl bucket-object-lock-enabled bypass-governance-retention checksum-algorithm checksum-crc32 checksum-crc32c
  checksum-crc64nvme checksum-mode checksum-sha1 checksum-sha256 checksum-type content-sha256 copy-source
  copy-source-if-match copy-source-if-modified-since copy-source-if-none-match copy-source-if-unmodified-since
  copy-source-range date decoded-content-length expected-bucket-owner max-parts metadata-directive mp-object-size
  object-attributes object-lock-legal-hold object-lock-mode object-lock-retain-until-date object-ownership
  optional-object-attributes part-number-marker request-payer sdk-checksum-algorithm security-token server-side-encryption
  server-side-encryption-aws-kms-key-id server-side-encryption-bucket-key-enabled server-side-encryption-context
  source-expected-bucket-owner storage-class tagging tagging-directive trailer
  transition-default-minimum-object-size user-agent`
    .split(/\s+/)
    .map((name) => `x-amz-${name}`),
)
