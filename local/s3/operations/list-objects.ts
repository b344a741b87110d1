/** ListObjectsV2, ListObjects and ListObjectVersions. */
import { invalidArgument } from '../errors.ts'
import { element, optional, renderXml, type XmlElement } from '../protocol/xml.ts'
import type { BucketStore } from '../store/bucket-store.ts'
import type { ObjectVersion, VersionRecord } from '../store/records.ts'
import { OWNER_ID, OWNER_NAME } from '../account.ts'
import { bucketOf, type Call, type S3Response, xmlAnswer } from './call.ts'
import { commonPrefixElements, cutPage, nameEncoding } from './paging.ts'

function* currentObjects(bucket: BucketStore, from: string): Generator<[string, ObjectVersion]> {
  for (const [key, record] of bucket.keys.from(from)) {
    const version = record.versions[0]
    if (version !== undefined && version.deleteMarker !== true) yield [key, version]
  }
}

export function listObjectsV2(call: Call): S3Response {
  const bucket = bucketOf(call)
  const { query } = call.request
  const { encode, type } = nameEncoding(call.request)
  const token = query.get('continuation-token')
  if (token === '') throw invalidArgument('The continuation token provided is incorrect', ['continuation-token', ''])
  const startAfter = query.get('start-after') ?? ''
  const page = {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    limit: query.integer('max-keys', 1000, 0, 1000),
    after: token === undefined ? startAfter : readToken(token),
  }
  const found = cutPage((from) => currentObjects(bucket, from), page)
  const withOwner = query.get('fetch-owner') === 'true'
  return xmlAnswer(
    renderXml(
      element('ListBucketResult', [
        element('Name', bucket.record.name),
        element('Prefix', encode(page.prefix)),
        ...optional('Delimiter', page.delimiter === '' ? undefined : encode(page.delimiter)),
        ...type,
        ...optional('StartAfter', startAfter === '' ? undefined : encode(startAfter)),
        ...optional('ContinuationToken', token),
        element('KeyCount', found.items.length + found.commonPrefixes.length),
        element('MaxKeys', page.limit),
        element('IsTruncated', found.truncated),
        ...optional('NextContinuationToken', found.truncated ? writeToken(found.last) : undefined),
        ...found.items.map(({ key, item }) => contents(encode(key), item, withOwner)),
        ...commonPrefixElements(found.commonPrefixes, encode),
      ]),
    ),
  )
}

function writeToken(key: string): string {
  return `1${Buffer.from(key).toString('base64')}`
}

function readToken(token: string): string {
  const bytes = Buffer.from(token.slice(1), 'base64')
  if (!token.startsWith('1') || bytes.toString('base64') !== token.slice(1)) {
    throw invalidArgument('The continuation token provided is incorrect', ['continuation-token', token])
  }
  return bytes.toString('utf8')
}

export function listObjects(call: Call): S3Response {
  const bucket = bucketOf(call)
  const { query } = call.request
  const { encode, type } = nameEncoding(call.request)
  const marker = query.get('marker') ?? ''
  const page = {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    limit: query.integer('max-keys', 1000, 0, 1000),
    after: marker,
  }
  const found = cutPage((from) => currentObjects(bucket, from), page)
  // S3 names the next marker only with a delimiter; without one it is the last key.
  const next = found.truncated && page.delimiter !== '' ? encode(found.last) : undefined
  return xmlAnswer(
    renderXml(
      element('ListBucketResult', [
        element('Name', bucket.record.name),
        element('Prefix', encode(page.prefix)),
        element('Marker', encode(marker)),
        ...optional('NextMarker', next),
        ...optional('Delimiter', page.delimiter === '' ? undefined : encode(page.delimiter)),
        ...type,
        element('MaxKeys', page.limit),
        element('IsTruncated', found.truncated),
        ...found.items.map(({ key, item }) => contents(encode(key), item, true)),
        ...commonPrefixElements(found.commonPrefixes, encode),
      ]),
    ),
  )
}

export function ownerElement(name = 'Owner'): XmlElement {
  return element(name, [element('ID', OWNER_ID), element('DisplayName', OWNER_NAME)])
}

function describe(version: ObjectVersion): XmlElement[] {
  return [
    element('LastModified', version.lastModified),
    element('ETag', `"${version.etag}"`),
    ...optional('ChecksumAlgorithm', version.checksum?.algorithm),
    ...optional('ChecksumType', version.checksum?.type),
    element('Size', version.sizeBytes),
    element('StorageClass', version.storageClass),
  ]
}

function contents(key: string, version: ObjectVersion, withOwner: boolean): XmlElement {
  return element('Contents', [element('Key', key), ...describe(version), ...(withOwner ? [ownerElement()] : [])])
}

interface ListedVersion {
  version: VersionRecord
  latest: boolean
}

export function listVersions(call: Call): S3Response {
  const bucket = bucketOf(call)
  const { query } = call.request
  const { encode, type } = nameEncoding(call.request)
  const keyMarker = query.get('key-marker') ?? ''
  const versionMarker = query.get('version-id-marker')
  if (versionMarker !== undefined && keyMarker === '') {
    throw invalidArgument('A version-id marker cannot be specified without a key marker.', [
      'version-id-marker',
      versionMarker,
    ])
  }
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter') ?? ''
  const limit = query.integer('max-keys', 1000, 0, 1000)
  const rest = versionMarker === undefined ? [] : restOfKey(bucket, keyMarker, versionMarker, prefix)
  const found = cutVersions(bucket, { prefix, delimiter, limit, after: keyMarker }, rest)
  return xmlAnswer(
    renderXml(
      element('ListVersionsResult', [
        element('Name', bucket.record.name),
        element('Prefix', encode(prefix)),
        element('KeyMarker', encode(keyMarker)),
        element('VersionIdMarker', versionMarker ?? ''),
        ...optional('NextKeyMarker', found.truncated ? encode(found.nextKey) : undefined),
        ...optional('NextVersionIdMarker', found.truncated ? found.nextVersion : undefined),
        ...optional('Delimiter', delimiter === '' ? undefined : encode(delimiter)),
        ...type,
        element('MaxKeys', limit),
        element('IsTruncated', found.truncated),
        ...found.versions.map(({ key, listed }) => versionElement(encode(key), listed)),
        ...commonPrefixElements(found.commonPrefixes, encode),
      ]),
    ),
  )
}

function restOfKey(
  bucket: BucketStore,
  key: string,
  versionMarker: string,
  prefix: string,
): { key: string; listed: ListedVersion }[] {
  const versions = bucket.keys.get(key)?.versions ?? []
  const at = versions.findIndex((version) => version.versionId === versionMarker)
  if (at === -1 || !key.startsWith(prefix)) return []
  return versions.slice(at + 1).map((version) => ({ key, listed: { version, latest: false } }))
}

interface VersionPage {
  versions: { key: string; listed: ListedVersion }[]
  commonPrefixes: string[]
  truncated: boolean
  nextKey: string
  nextVersion: string | undefined
}

/** A key may have more versions than a page has room: a page can end, and the next begin, within one. */
function cutVersions(
  bucket: BucketStore,
  page: { prefix: string; delimiter: string; limit: number; after: string },
  rest: { key: string; listed: ListedVersion }[],
): VersionPage {
  const keys = cutPage((from) => bucket.keys.from(from), page)
  const flat: ({ key: string; listed: ListedVersion } | { common: string })[] = [...rest]
  const perKey = keys.items.map(({ key, item }) => ({
    key,
    entries: item.versions.map((version, at) => ({ key, listed: { version, latest: at === 0 } })),
  }))
  const groups = keys.commonPrefixes.map((common) => ({ key: common, entries: [{ common }] }))
  const merged = [...perKey, ...groups].toSorted((a, b) => (a.key < b.key ? -1 : 1))
  for (const { entries } of merged) flat.push(...entries)
  const shown = flat.slice(0, page.limit)
  const last = shown.at(-1)
  return {
    versions: shown.filter((entry) => 'listed' in entry),
    commonPrefixes: shown.flatMap((entry) => ('common' in entry ? [entry.common] : [])),
    truncated: page.limit > 0 && (keys.truncated || flat.length > shown.length),
    nextKey: last === undefined ? '' : 'common' in last ? last.common : last.key,
    nextVersion: last !== undefined && 'listed' in last ? last.listed.version.versionId : undefined,
  }
}

function versionElement(key: string, { version, latest }: ListedVersion): XmlElement {
  const head = [element('Key', key), element('VersionId', version.versionId), element('IsLatest', latest)]
  if (version.deleteMarker === true) {
    return element('DeleteMarker', [...head, element('LastModified', version.lastModified), ownerElement()])
  }
  return element('Version', [...head, ...describe(version), ownerElement()])
}
