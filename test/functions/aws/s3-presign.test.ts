import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { S3ArchiveStore } from '../../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../../functions/aws/s3-client.ts'
import type { PutAnswer, RangeSums, SignedPut } from '../../../functions/contracts/signed-put.ts'
import { errorCode, type Fixture, KEYS, type RawAnswer, rawRequest, startFixture } from '../../local/s3/fixture.ts'

const body = Buffer.from('the bytes of this part and no others')
const retry = { random: () => 0.5, sleep: async () => undefined }

function sumsOf(bytes: Buffer): RangeSums & { sizeBytes: number } {
  return {
    crc32: crc32(bytes),
    md5: createHash('md5').update(bytes).digest('base64'),
    sizeBytes: bytes.length,
  }
}

describe('a signed part', () => {
  let fixture: Fixture
  let store: S3ArchiveStore
  let uploadId: string
  let put: SignedPut
  let aheadMilliseconds = 0
  const key = 'archives/ü+&= (1)/file.vma.zst'

  beforeAll(async () => {
    fixture = await startFixture({ now: () => new Date(Date.now() + aheadMilliseconds) })
    const bucket = await fixture.bucket()
    const client = createS3Client({ endpoint: fixture.server.url, region: 'us-east-1', credentials: KEYS })
    store = new S3ArchiveStore(client, bucket, retry)
    uploadId = await store.createUpload(key)
    put = await store.presignPart(key, uploadId, 3, sumsOf(body))
  })
  afterAll(() => fixture.close())

  const send = (changes: { url?: string; method?: string; headers?: Record<string, string>; body?: Buffer } = {}) =>
    rawRequest(changes.url ?? put.url, {
      method: changes.method ?? 'PUT',
      headers: changes.headers ?? put.headers,
      body: changes.body ?? body,
    })
  const answerOf = (raw: RawAnswer): PutAnswer => ({
    status: raw.status,
    headers: Object.fromEntries(Object.entries(raw.headers).map(([name, value]) => [name, String(value)])),
    body: raw.text,
  })

  it('is taken once its bytes are sent as signed, and its answer counts as confirmed', async () => {
    const answer = await send()
    expect(put.judge(answerOf(answer))).toEqual({ stored: true })
    expect(await store.listParts(key, uploadId)).toMatchObject([
      { partNumber: 3, sizeBytes: body.length, crc32: crc32(body) },
    ])
  })

  it('is of no use for other bytes of the same length', async () => {
    const other = Buffer.from(body).fill('x')
    const answer = await send({ body: other })
    expect(errorCode(answer)).toBe('BadDigest')
    expect(put.judge(answerOf(answer))).toMatchObject({ stored: false, again: true, damaged: true })
    // Nor with their own sums.
    const { headers } = await store.presignPart(key, uploadId, 3, sumsOf(other))
    expect(errorCode(await send({ body: other, headers }))).toBe('SignatureDoesNotMatch')
  })

  it('is of no use for another length', async () => {
    const headers = { ...put.headers, 'content-length': '3' }
    expect(errorCode(await send({ body: Buffer.from('the'), headers }))).toBe('SignatureDoesNotMatch')
  })

  it.each(['content-md5', 'x-amz-checksum-crc32'])('is of no use without %s', async (name) => {
    const { [name]: _, ...headers } = put.headers
    expect((await send({ headers })).status).toBe(403)
  })

  it.each<[string, (url: string) => string]>([
    ['another part', (url) => url.replace('partNumber=3', 'partNumber=4')],
    ['another upload', (url) => url.replace(/uploadId=./, 'uploadId=_')],
    ['another key', (url) => url.replace('file.vma.zst', 'file.vma.lzo')],
    ['a longer life', (url) => url.replace('X-Amz-Expires=900', 'X-Amz-Expires=9000')],
  ])('is of no use for %s', async (_what, change) => {
    const url = change(put.url)
    expect(url).not.toBe(put.url)
    expect(errorCode(await send({ url }))).toBe('SignatureDoesNotMatch')
  })

  it('is of no use for reading or deleting', async () => {
    for (const method of ['GET', 'DELETE']) expect((await send({ method })).status).toBe(403)
    expect(await store.listParts(key, uploadId)).toHaveLength(1)
  })

  it('is of no use after a quarter of an hour; a new one is', async () => {
    aheadMilliseconds = 16 * 60_000
    const answer = await send()
    aheadMilliseconds = 0
    expect(answer.text).toContain('expired')
    expect(put.judge(answerOf(answer))).toMatchObject({ stored: false, again: true, damaged: false })
  })

  it('goes to the bucket itself on AWS, over TLS, with the session of a function', async () => {
    const client = createS3Client({ region: 'eu-central-1', credentials: { ...KEYS, sessionToken: 'a+token/' } })
    const url = new URL(
      (await new S3ArchiveStore(client, 'archives', retry).presignPart(key, 'u', 1, sumsOf(body))).url,
    )
    expect(url.origin).toBe('https://archives.s3.eu-central-1.amazonaws.com')
    expect(url.searchParams.get('X-Amz-Security-Token')).toBe('a+token/')
    expect(url.searchParams.get('X-Amz-SignedHeaders')).toBe('content-length;content-md5;host;x-amz-checksum-crc32')
  })

  const xml = (code: string, message = ''): string => `<Error><Code>${code}</Code><Message>${message}</Message></Error>`
  it.each<[number, string, Record<string, unknown>]>([
    [503, xml('SlowDown'), { again: true, slowDown: true, error: { name: 'StoreUnavailable' } }],
    [503, '', { again: true, slowDown: true, error: { name: 'StoreUnavailable' } }],
    [500, xml('InternalError'), { again: true, slowDown: false, error: { name: 'StoreUnavailable' } }],
    [400, xml('RequestTimeout'), { again: true, slowDown: false, error: { name: 'StoreUnavailable' } }],
    [400, xml('ExpiredToken'), { again: true, error: { name: 'StoreDenied' } }],
    [403, xml('AccessDenied', 'Access Denied'), { again: false, error: { name: 'StoreDenied' } }],
    [403, xml('SignatureDoesNotMatch'), { again: false, error: { name: 'StoreDenied' } }],
    [404, xml('NoSuchUpload'), { again: false, error: { name: 'UploadVanished' } }],
    [301, xml('PermanentRedirect'), { again: false, error: { name: 'StoreDenied' } }],
    [200, '', { again: false, error: { name: 'StoreDenied' } }],
    [200, '<!DOCTYPE html><title>Welcome</title>', { again: false, error: { name: 'NotAnObjectStore' } }],
    [403, '<html><title>Blocked</title>', { again: false, error: { name: 'NotAnObjectStore' } }],
    [404, '404 page not found', { again: false, error: { name: 'NotAnObjectStore' } }],
    [502, '<html><title>Bad Gateway</title>', { again: true, error: { name: 'StoreUnavailable' } }],
  ])('judges an answer %i %s', (status, text, verdict) => {
    expect(put.judge({ status, headers: {}, body: text })).toMatchObject({ stored: false, ...verdict })
  })

  it('repeats little of what an answer says, and nothing unprintable', () => {
    const verdict = put.judge({ status: 400, headers: {}, body: xml('Odd', `a\u001b[31m${'b'.repeat(900)}`) })
    const message = verdict.stored ? '' : verdict.error.message
    expect(message).toMatch(/^[\x20-\x7Eü]*$/)
    expect(message.length).toBeLessThan(500)
  })
})
