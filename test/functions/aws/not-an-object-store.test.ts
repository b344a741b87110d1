import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ArchiveStore } from '../../../functions/aws/archive-store.ts'
import { S3ArchiveStore } from '../../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../../functions/aws/s3-client.ts'
import { S3VersionStore } from '../../../functions/aws/s3-version-store.ts'
import type { VersionStore } from '../../../functions/aws/version-store.ts'
import { consolePage, type HostileAnswer, type HostileStore, startHostileStore, strangers } from './hostile-store.ts'

const part = { partNumber: 1, sizeBytes: 3, etag: '"a"', crc32: 1 }

async function drained(list: AsyncIterable<unknown>): Promise<number> {
  let count = 0
  for await (const _ of list) count += 1
  return count
}

/** Every operation of both ports that sends something. */
const operations: Readonly<Record<string, (store: ArchiveStore, versions: VersionStore) => Promise<unknown>>> = {
  createUpload: (store) => store.createUpload('a/b'),
  listUploads: (store) => store.listUploads('a/b'),
  listUploadsBelow: (store) => store.listUploadsBelow('a/'),
  listArrivals: (store) => store.listArrivals('a/b', 'id'),
  listParts: (store) => store.listParts('a/b', 'id'),
  putPart: (store) => store.putPart('a/b', 'id', 1, Buffer.from('abc'), 0x352441c2),
  completeUpload: (store) => store.completeUpload('a/b', 'id', [part], 1),
  abortUpload: (store) => store.abortUpload('a/b', 'id'),
  head: (store) => store.head('a/b'),
  readText: (store) => store.readText('a/b'),
  readRange: (store) => store.readRange('a/b', { firstByte: 0, lastByte: 2, etag: '"a"' }),
  writeText: (store) => store.writeText('a/b', '{}'),
  frozenState: (store) => store.frozenState('a/b'),
  thaw: (store) => store.thaw('a/b', { days: 1, tier: 'bulk' }),
  'writeText if absent': (store) => store.writeText('a/b', '{}', { onlyIf: { absent: true } }),
  'writeText if the same': (store) => store.writeText('a/b', '{}', { onlyIf: { etag: '"a"' } }),
  remove: (store) => store.remove('a/b'),
  listKeys: (store) => store.listKeys('a/'),
  listDatedKeys: (store) => store.listDatedKeys('a/'),
  listObjects: (store) => drained(store.listObjects('a/')),
  listFolders: (store) => store.listFolders('a/'),
  listVersions: (_store, versions) => drained(versions.listVersions('a/')),
  lockOf: (_store, versions) => versions.lockOf('a/b', 'v1'),
  removeVersion: (_store, versions) => versions.removeVersion({ key: 'a/b', versionId: 'v1' }),
}

describe('what answers in place of S3', () => {
  let hostile: HostileStore
  let store: S3ArchiveStore
  let versions: S3VersionStore

  beforeEach(async () => {
    hostile = await startHostileStore(() => consolePage)
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
    const client = createS3Client({ endpoint: hostile.url, region: 'us-east-1', credentials, maxAttempts: 2 })
    store = new S3ArchiveStore(client, 'archives', { random: () => 0, sleep: () => Promise.resolve() })
    versions = new S3VersionStore(client, 'archives', () => new Date(0))
  })
  afterEach(() => hostile.close())

  const cases = Object.entries(strangers).flatMap(([name, answer]) =>
    Object.entries(operations).map(([operation, act]) => ({ name, answer, operation, act })),
  )

  it.each(cases)('is known for no S3: $name, asked to $operation', async ({ answer, act }) => {
    hostile.answer = () => answer
    await expect(act(store, versions)).rejects.toMatchObject({
      name: 'NotAnObjectStore',
      group: 'fail-run',
      message: expect.stringContaining(`status ${answer.status}`),
    })
    // Asking again would get the same.
    expect(hostile.count).toBe(1)
  })

  it('is described, with what to check', async () => {
    await expect(store.listKeys('a/')).rejects.toThrow(
      `${hostile.url} (for s3://archives) is no S3: ListObjectsV2 was answered with status 200 (text/html; charset=utf-8, ` +
        'server MinIO Console) and a web page titled "MinIO Console". Check the endpoint: it has to be the port of S3 and not ' +
        'that of its web console, and no proxy or login page may stand in between.',
    )
  })

  it('is quoted short and printable, whatever it is', async () => {
    hostile.answer = () => ({
      status: 200,
      headers: { 'content-type': `x/${'y'.repeat(500)}` },
      body: `\u001B[2J${'ä!'.repeat(9e4)}`,
    })
    const error: unknown = await store.listKeys('a/').catch((thrown: unknown) => thrown)
    expect(String(error)).toMatch(/^[\x20-\x7E]{1,500}$/)
  })

  it.each(Object.entries(operations))('may pass when it says 502 to %s', async (_name, act) => {
    hostile.answer = () => ({
      status: 502,
      headers: { server: 'nginx' },
      body: '<html><title>502 Bad Gateway</title></html>',
    })
    await expect(act(store, versions)).rejects.toMatchObject({ name: 'StoreUnavailable' })
  })

  it('says who answered that S3 is away', async () => {
    hostile.answer = () => ({
      status: 503,
      headers: { server: 'nginx' },
      body: '<html><title>Try later</title></html>',
    })
    await expect(store.listKeys('a/')).rejects.toThrow(
      /can't list s3:\/\/archives\/a\/: 503: .*server nginx.*"Try later"/,
    )
    expect(hostile.count).toBe(2)
  })

  const xml = (body: string, headers: Record<string, string> = {}): HostileAnswer => ({
    status: 200,
    headers: { 'content-type': 'application/xml', ...headers },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}`,
  })
  const objects = (inner: string): HostileAnswer => xml(`<ListBucketResult>${inner}</ListBucketResult>`)
  const uploads = (inner: string): HostileAnswer =>
    xml(`<ListMultipartUploadsResult>${inner}</ListMultipartUploadsResult>`)
  const partsOf = (inner: string): HostileAnswer => xml(`<ListPartsResult>${inner}</ListPartsResult>`)
  const versionsOf = (inner: string): HostileAnswer => xml(`<ListVersionsResult>${inner}</ListVersionsResult>`)
  const below = '<Name>archives</Name><Prefix>a/</Prefix>'
  const ofUploads = '<Bucket>archives</Bucket><Prefix>a/</Prefix>'
  const ofParts = '<Bucket>archives</Bucket><Key>a/b</Key><UploadId>id</UploadId>'
  const ends = '<IsTruncated>false</IsTruncated>'
  const goesOn = '<IsTruncated>true</IsTruncated>'
  const time = '<LastModified>2026-01-01T00:00:00Z</LastModified>'
  const listed = `<Contents><Key>a/1</Key>${time}<ETag>"e"</ETag><Size>1</Size></Contents>`

  it('may list nothing, where it is S3 that says so', async () => {
    hostile.answer = () => objects(below + ends)
    expect(await store.listKeys('a/')).toEqual([])
    hostile.answer = () => uploads(ofUploads + ends)
    expect(await store.listUploadsBelow('a/')).toEqual([])
    hostile.answer = () => partsOf(ofParts + ends)
    expect(await store.listParts('a/b', 'id')).toEqual([])
    hostile.answer = () => versionsOf(below + ends)
    expect(await drained(versions.listVersions('a/'))).toBe(0)
  })

  const { listKeys, listFolders, listObjects, listUploadsBelow, listUploads, listParts, listArrivals, listVersions } =
    operations
  type Act = (typeof operations)[string] | undefined

  it.each<[string, Act, HostileAnswer, RegExp]>([
    ['that is empty', listKeys, objects(''), /without Name/],
    ['without its prefix', listKeys, objects(`<Name>archives</Name>${ends}`), /without Prefix/],
    ['without its end', listKeys, objects(below), /whether it goes on/],
    [
      'of another bucket',
      listKeys,
      objects(`<Name>other</Name><Prefix>a/</Prefix>${ends}`),
      /Name "other".*"archives"/,
    ],
    ['of another prefix', listKeys, objects(`<Name>archives</Name><Prefix>b/</Prefix>${ends}`), /Prefix "b\/"/],
    ['that ignores its prefix', listKeys, objects(`${below}${ends}<Contents><Key>z</Key></Contents>`), /holds "z"/],
    [
      'with fewer keys than it says',
      listKeys,
      objects(`${below}${ends}<KeyCount>2</KeyCount>${listed}`),
      /1 keys.*has 2/,
    ],
    ['of objects without a key', listKeys, objects(`${below}${ends}<Contents></Contents>`), /without Key/],
    ['that ignores its delimiter', listFolders, objects(below + ends), /without Delimiter/],
    ['of uploads of another bucket', listUploadsBelow, uploads(`<Bucket>other</Bucket>${ends}`), /"other"/],
    ['of uploads without its end', listUploadsBelow, uploads(ofUploads), /whether it goes on/],
    ['of uploads that is one of objects', listUploads, objects(below + ends), /status 200/],
    ['of parts of another upload', listParts, partsOf(`${ofParts.replace('id', 'xy')}${ends}`), /UploadId "xy"/],
    ['of parts without its end', listParts, partsOf(ofParts), /whether it goes on/],
    ['of parts that is one of objects', listArrivals, objects(below + ends), /status 200/],
    ['of versions without its end', listVersions, versionsOf(below), /whether it goes on/],
    ['of versions of another prefix', listVersions, versionsOf(`<Name>archives</Name>${ends}`), /without Prefix/],
    ['of versions that is one of objects', listVersions, objects(below + ends), /status 200/],
    ['of objects that breaks off', listKeys, objects(below + goesOn), /breaks off/],
    ['of folders that breaks off', listFolders, objects(`${below}<Delimiter>/</Delimiter>${goesOn}`), /breaks off/],
    ['of uploads that breaks off', listUploadsBelow, uploads(ofUploads + goesOn), /breaks off/],
    ['of parts that breaks off', listParts, partsOf(ofParts + goesOn), /breaks off/],
    ['of versions that breaks off', listVersions, versionsOf(below + goesOn), /breaks off/],
    [
      'of objects that never ends',
      listObjects,
      objects(`${below}${goesOn}<NextContinuationToken>t</NextContinuationToken>`),
      /circles/,
    ],
    [
      'of uploads that never ends',
      listUploadsBelow,
      uploads(`${ofUploads}${goesOn}<NextKeyMarker>k</NextKeyMarker>`),
      /circles/,
    ],
    [
      'of parts that never ends',
      listParts,
      partsOf(`${ofParts}${goesOn}<NextPartNumberMarker>1</NextPartNumberMarker>`),
      /circles/,
    ],
    [
      'of versions that never ends',
      listVersions,
      versionsOf(`${below}${goesOn}<NextKeyMarker>k</NextKeyMarker>`),
      /circles/,
    ],
  ])('is refused for a list %s', async (_name, act, answer, message) => {
    hostile.answer = () => answer
    await expect(act?.(store, versions)).rejects.toMatchObject({
      name: 'NotAnObjectStore',
      message: expect.stringMatching(message),
    })
  })

  it.each<[string, Act, HostileAnswer, RegExp]>([
    ['an object without size', listObjects, objects(`${below}${ends}${listed.replace(/<Size>.*<.Size>/, '')}`), /no size for a\/1/],
    ['an object without ETag', listObjects, objects(`${below}${ends}${listed.replace(/<ETag>.*<.ETag>/, '')}`), /no ETag for a\/1/],
    ['an upload without id', listUploadsBelow, uploads(`${ofUploads}${ends}<Upload><Key>a/1</Key></Upload>`), /no id/],
    ['an upload of that key without id', listUploads, uploads(`<Bucket>archives</Bucket><Prefix>a/b</Prefix>${ends}<Upload><Key>a/b</Key></Upload>`), /no id/],
    ['a part without size', listArrivals, partsOf(`${ofParts}${ends}<Part><PartNumber>1</PartNumber>${time}</Part>`), /no size/],
    ['a version without size', listVersions, versionsOf(`${below}${ends}<Version><Key>a/1</Key><VersionId>v</VersionId><IsLatest>true</IsLatest>${time}</Version>`), /without its size/],
    ['a version that may be the latest', listVersions, versionsOf(`${below}${ends}<Version><Key>a/1</Key><VersionId>v</VersionId><Size>1</Size>${time}</Version>`), /the latest/],
  ])('is refused for %s', async (_name, act, answer, message) => {
    hostile.answer = () => answer
    await expect(act?.(store, versions)).rejects.toMatchObject({ name: 'StoreDenied', message: expect.stringMatching(message) })
  }) // biome-ignore format: a case a line

  it.each<[string, Act]>([
    ['objects', listKeys],
    ['uploads', listUploadsBelow],
    ['parts', listParts],
    ['versions', listVersions],
  ])('asks again for a list of %s whose document breaks off, and says so in the end', async (_name, act) => {
    const whole = {
      objects: objects(below + ends),
      uploads: uploads(ofUploads + ends),
      parts: partsOf(ofParts + ends),
      versions: versionsOf(below + ends),
    }
    const { body = '', headers = {} } = whole[_name as keyof typeof whole]
    hostile.answer = () => ({ status: 200, headers, body: body.slice(0, -20) })
    await expect(act?.(store, versions)).rejects.toMatchObject({
      name: 'StoreUnavailable',
      message: expect.stringMatching(/breaks off/),
    })
    expect(hostile.count).toBe(2)
  })

  it.each([
    'listKeys',
    'listFolders',
    'listUploadsBelow',
    'listParts',
    'listVersions',
    'createUpload',
    'completeUpload',
  ])('finds the error document within a 200 to %s', async (operation) => {
    hostile.answer = () => xml('<Error><Code>AccessDenied</Code><Message>no</Message></Error>')
    await expect(operations[operation]?.(store, versions)).rejects.toMatchObject({ name: 'StoreDenied' })
    hostile.answer = () => xml('   <Error>\n<Code>InternalError</Code><Message>later</Message></Error>\n')
    await expect(operations[operation]?.(store, versions)).rejects.toMatchObject({ name: 'StoreUnavailable' })
  })

  it('is S3 when it says so in the headers alone', async () => {
    hostile.answer = () => ({ status: 404, headers: { 'x-amz-request-id': '1' } })
    expect(await store.head('a/b')).toBeUndefined()
    hostile.answer = () => ({ status: 404, headers: { 'content-type': 'application/xml' } })
    expect(await store.head('a/b')).toBeUndefined()
    hostile.answer = () => ({
      status: 200,
      headers: { 'content-type': 'text/html', 'x-amz-request-id': '1', etag: '"p"' },
      body: '<html>',
    })
    expect(await store.readText('catalogue/index.html')).toEqual({ text: '<html>', etag: '"p"' })
  })
})
