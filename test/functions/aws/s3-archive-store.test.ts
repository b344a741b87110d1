import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { S3ArchiveStore } from '../../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../../functions/aws/s3-client.ts'
import { Replacement } from '../../../functions/aws/s3-replace.ts'
import { combineAllCrc32 } from '../../../functions/domain/transfer/crc32.ts'
import { startS3 } from '../../../local/s3/server.ts'
import { archiveStoreConformance } from './conformance.ts'
import { type Fault, type FakeRequest, type FakeS3, startFakeS3 } from './fake-s3.ts'

const MIB = 2 ** 20
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

function storeAt(endpoint: string, slept: number[] = [], socketTimeoutMilliseconds = 60_000): S3ArchiveStore {
  const client = createS3Client({
    endpoint,
    region: 'us-east-1',
    credentials,
    maxAttempts: 2,
    socketTimeoutMilliseconds,
  })
  return new S3ArchiveStore(client, 'archives', {
    random: () => 0.5,
    sleep: async (milliseconds) => {
      slept.push(milliseconds)
    },
  })
}

archiveStoreConformance('S3ArchiveStore on a small fake', async () => {
  const fake = await startFakeS3()
  return { store: storeAt(fake.url), smallestPartBytes: 1, close: () => fake.close() }
})

archiveStoreConformance('S3ArchiveStore on the embedded S3', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'guestlift-store-'))
  const server = await startS3({ directory, accessKeyId: 'test', secretAccessKey: 'test' })
  const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials, maxAttempts: 2 })
  await client.send(new CreateBucketCommand({ Bucket: 'archives' }))
  return {
    store: storeAt(server.url),
    smallestPartBytes: 5 * MIB,
    close: async () => {
      client.destroy()
      await server.close()
      await rm(directory, { recursive: true })
    },
  }
})

describe('replacing an object on condition', () => {
  const of = 's3://b/k'
  const never = async () => 'unmet' as const

  it('is carried out and refused by a store that wants the tag without quotes, as Ceph 16 does', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'guestlift-bare-'))
    const server = await startS3({
      directory,
      accessKeyId: 'test',
      secretAccessKey: 'test',
      buckets: ['archives'],
      faults: ({ operation }) => (operation === 'PutObject' ? 'bare-tags' : undefined),
    })
    const store = storeAt(server.url)
    const first = await store.writeText('ledger', 'one', { onlyIf: { absent: true } })
    const second = await store.writeText('ledger', 'two', { onlyIf: { etag: first ?? '' } })
    expect(second).toBeDefined()
    expect(await store.writeText('ledger', 'three', { onlyIf: { etag: first ?? '' } })).toBeUndefined()
    expect(await store.readText('ledger')).toEqual({ text: 'two', etag: second })
    await server.close()
    await rm(directory, { recursive: true })
  })

  it('believes that the object is another only when its tag has changed', async () => {
    const sent: string[] = []
    const tryIt = async (ifMatch: string) => {
      sent.push(ifMatch)
      return 'unmet' as const
    }
    const replacement = new Replacement()
    expect(await replacement.replace({ etag: '"a"', of }, tryIt, async () => '"b"')).toBeUndefined()
    expect(await replacement.replace({ etag: '"a"', of }, tryIt, async () => undefined)).toBeUndefined()
    expect(sent).toEqual(['"a"', '"a"'])
  })

  it('remembers the form of the tag that a store takes', async () => {
    const sent: string[] = []
    const tryIt = async (ifMatch: string) => {
      sent.push(ifMatch)
      return ifMatch === 'a' ? { etag: '"n"' } : ('unmet' as const)
    }
    const replacement = new Replacement()
    for (let time = 0; time < 2; time += 1) {
      expect(await replacement.replace({ etag: '"a"', of }, tryIt, async () => '"a"')).toBe('"n"')
    }
    expect(sent).toEqual(['"a"', 'a', 'a'])
  })

  it('names a store that takes neither form, and not one whose object only changed and changed back', async () => {
    const replacement = new Replacement()
    await expect(replacement.replace({ etag: '"a"', of }, never, async () => '"a"')).rejects.toMatchObject({
      name: 'StoreUnsuitable',
      message: expect.stringMatching(/s3:\/\/b\/k .*though its ETag is the one that it was sent/),
    })
    const seen = ['"a"', '"a"', '"c"']
    expect(await replacement.replace({ etag: '"a"', of }, never, async () => seen.shift())).toBeUndefined()
  })

  it('leaves a conflict with a write at the same moment to whoever tries again', async () => {
    const conflict = async () => 'conflict' as const
    expect(await new Replacement().replace({ etag: '"a"', of }, conflict, async () => '"a"')).toBeUndefined()
  })
})

describe('S3ArchiveStore', () => {
  let fake: FakeS3
  let store: S3ArchiveStore
  let slept: number[]
  const body = randomBytes(3 * MIB + 17)
  const sum = crc32(body)
  const isPart = (request: FakeRequest): boolean => request.query.has('partNumber')

  beforeEach(async () => {
    fake = await startFakeS3()
    slept = []
    store = storeAt(fake.url, slept)
  })
  afterEach(() => fake.close())

  /** The fault for the first `times` requests that match; nothing afterwards. */
  function failing(times: number, fault: Fault, matches = isPart): void {
    let left = times
    fake.fault = (request) => (matches(request) && left-- > 0 ? fault : undefined)
  }

  it('sends parts over one kept connection, unhashed, with their CRC-32 and their length', async () => {
    const uploadId = await store.createUpload('a/b')
    for (const partNumber of [1, 2, 3]) await store.putPart('a/b', uploadId, partNumber, body, sum)
    const parts = fake.requests.filter(isPart)
    expect(fake.connections).toBe(1)
    expect(parts).toHaveLength(3)
    for (const { headers } of parts) {
      expect(headers['content-length']).toBe(String(body.length))
      expect(headers['x-amz-content-sha256']).toBe('UNSIGNED-PAYLOAD')
      expect(headers['transfer-encoding']).toBeUndefined()
      expect(headers['expect']).toBeUndefined()
      expect(headers['x-amz-trailer']).toBeUndefined()
    }
  })

  it.each<[string, Fault]>([
    ['answers 500', { status: 500, code: 'InternalError' }],
    ['says SlowDown', { status: 503, code: 'SlowDown' }],
    ['times out', { status: 400, code: 'RequestTimeout' }],
    ['finds the part damaged', { status: 400, code: 'BadDigest' }],
    ['cuts the connection in the middle of the body', { cut: true }],
    ['loses the answer', { lose: true }],
  ])('sends a part again when S3 %s', async (_name, fault) => {
    const uploadId = await store.createUpload('a/b')
    failing(2, fault)
    const part = await store.putPart('a/b', uploadId, 1, body, sum)
    expect(part).toMatchObject({ partNumber: 1, sizeBytes: body.length, crc32: sum })
    expect(fake.uploads.get(uploadId)?.parts.get(1)?.body.equals(body)).toBe(true)
    expect(slept).toEqual([250, 500])
  })

  it('sends a part again when S3 falls silent', async () => {
    store = storeAt(fake.url, slept, 300)
    const uploadId = await store.createUpload('a/b')
    failing(1, { silent: true })
    await expect(store.putPart('a/b', uploadId, 1, body, sum)).resolves.toMatchObject({ partNumber: 1 })
    expect(slept).toHaveLength(1)
  })

  it('gives up on a part after six tries, as an error that may be retried later', async () => {
    const uploadId = await store.createUpload('a/b')
    failing(99, { status: 503, code: 'SlowDown' })
    await expect(store.putPart('a/b', uploadId, 7, body, sum)).rejects.toMatchObject({
      name: 'StoreUnavailable',
      group: 'retry',
      message: expect.stringMatching(/part 7 of s3:\/\/archives\/a\/b.*SlowDown/),
    })
    expect(fake.requests.filter(isPart)).toHaveLength(6)
  })

  it('calls a part that always arrives damaged a checksum mismatch', async () => {
    const uploadId = await store.createUpload('a/b')
    await expect(store.putPart('a/b', uploadId, 1, body, (sum ^ 1) >>> 0)).rejects.toMatchObject({
      name: 'ChecksumMismatch',
    })
  })

  it('refuses a store that confirms no CRC-32, or another one', async () => {
    const uploadId = await store.createUpload('a/b')
    failing(1, { withoutChecksum: true })
    await expect(store.putPart('a/b', uploadId, 1, body, sum)).rejects.toMatchObject({
      name: 'StoreDenied',
      message: expect.stringMatching(/without confirming its CRC-32/),
    })
    failing(1, { wrongChecksum: true })
    await expect(store.putPart('a/b', uploadId, 1, body, sum)).rejects.toMatchObject({ name: 'ChecksumMismatch' })
  })

  it('stops sending when told to', async () => {
    const uploadId = await store.createUpload('a/b')
    const abort = new AbortController()
    failing(99, { silent: true })
    const sending = store.putPart('a/b', uploadId, 1, body, sum, abort.signal)
    setTimeout(() => abort.abort(new Error('enough')), 50)
    await expect(sending).rejects.toThrow('enough')
  })

  it.each([
    [403, 'AccessDenied', /s3:PutObject/],
    [404, 'NoSuchBucket', /no such bucket/],
    [403, 'InvalidAccessKeyId', /access key id is unknown/],
    [403, 'SignatureDoesNotMatch', /secret access key/],
    [403, 'RequestTimeTooSkewed', /clock/],
  ])('says what to do when S3 answers %i %s', async (status, code, advice) => {
    failing(99, { status, code }, () => true)
    await expect(store.createUpload('a/b')).rejects.toMatchObject({
      name: 'StoreDenied',
      group: 'fail-run',
      message: expect.stringMatching(advice),
    })
    await expect(store.createUpload('a/b')).rejects.toThrow(/s3:\/\/archives\/a\/b/)
  })

  it('is unavailable while nothing listens at the endpoint', async () => {
    const listener = createServer()
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    const address = listener.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await new Promise((resolve) => listener.close(resolve))
    await expect(storeAt(`http://127.0.0.1:${port}`).head('a/b')).rejects.toMatchObject({
      name: 'StoreUnavailable',
      message: expect.stringMatching(/ECONNREFUSED.*Check the endpoint/s),
    })
  })

  async function uploaded(key: string): Promise<string> {
    const uploadId = await store.createUpload(key)
    await store.putPart(key, uploadId, 1, body, sum)
    return uploadId
  }

  it('takes the object for completed when the answer to Complete is lost', async () => {
    const uploadId = await uploaded('a/b')
    const parts = await store.listParts('a/b', uploadId)
    failing(1, { lose: true }, (request) => request.method === 'POST')
    await expect(store.completeUpload('a/b', uploadId, parts, sum)).resolves.toMatchObject({ crc32: sum })
    await expect(store.completeUpload('a/b', uploadId, parts, sum)).resolves.toMatchObject({ crc32: sum })
  })

  it('sends size, sum, type and If-None-Match with Complete', async () => {
    const uploadId = await uploaded('a/b')
    await store.completeUpload('a/b', uploadId, await store.listParts('a/b', uploadId), sum)
    const complete = fake.requests.find((request) => request.method === 'POST' && request.query.has('uploadId'))
    expect(complete?.headers).toMatchObject({
      'if-none-match': '*',
      'x-amz-mp-object-size': String(body.length),
      'x-amz-checksum-type': 'FULL_OBJECT',
    })
  })

  it('refuses a store that keeps no full-object CRC-32', async () => {
    const uploadId = await uploaded('a/b')
    const parts = await store.listParts('a/b', uploadId)
    failing(1, { withoutChecksum: true }, (request) => request.method === 'HEAD')
    await expect(store.completeUpload('a/b', uploadId, parts, sum)).rejects.toThrow(/keeps no full-object CRC-32/)
  })

  it('notices when the finished object has another sum', async () => {
    const uploadId = await uploaded('a/b')
    const parts = await store.listParts('a/b', uploadId)
    failing(1, { wrongChecksum: true }, (request) => request.method === 'HEAD')
    await expect(store.completeUpload('a/b', uploadId, parts, sum)).rejects.toMatchObject({ name: 'ChecksumMismatch' })
  })

  it('knows its own conditional write again when the answer was lost', async () => {
    failing(1, { lose: true }, (request) => request.method === 'PUT')
    expect(await store.writeText('claim', 'mine', { onlyIf: { absent: true } })).toBeDefined()
    expect(await store.writeText('claim', 'theirs', { onlyIf: { absent: true } })).toBeUndefined()
  })

  it('takes for removed what its own first try removed when the answer was lost', async () => {
    const etag = (await store.writeText('record', 'mine')) ?? ''
    failing(1, { lose: true }, (request) => request.method === 'DELETE')
    expect(await store.remove('record', { etag })).toBe(true)
    expect(fake.objects.has('record')).toBe(false)
  })

  it('removes without a condition where the store knows none, and not where it refuses for another reason', async () => {
    const etag = (await store.writeText('record', 'mine')) ?? ''
    const conditional = (request: FakeRequest) => request.method === 'DELETE' && 'if-match' in request.headers
    failing(1, { status: 403, code: 'AccessDenied' }, conditional)
    await expect(store.remove('record', { etag })).rejects.toMatchObject({ name: 'StoreDenied' })
    expect(fake.objects.has('record')).toBe(true)
    failing(1, { status: 501, code: 'NotImplemented' }, conditional)
    expect(await store.remove('record', { etag })).toBe(true)
    expect(fake.objects.has('record')).toBe(false)
  })

  it('pages through ten thousand parts and starts at the range that is wanted', async () => {
    const uploadId = await store.createUpload('many')
    const upload = fake.uploads.get(uploadId)
    for (let partNumber = 1; partNumber <= 10_000; partNumber++) {
      upload?.parts.set(partNumber, { sizeBytes: 1, crc32: partNumber, body: Buffer.alloc(0) })
    }
    const all = await store.listParts('many', uploadId)
    expect(all.map((part) => part.partNumber)).toEqual(Array.from({ length: 10_000 }, (_, index) => index + 1))
    fake.requests.length = 0
    const some = await store.listParts('many', uploadId, { firstPart: 5_001, lastPart: 5_010 })
    expect(some.map((part) => part.partNumber)).toEqual(Array.from({ length: 10 }, (_, index) => 5_001 + index))
    expect(fake.requests).toHaveLength(1)
    expect(combineAllCrc32(some)).not.toBe(0)
  })
})
