/** Uploads to stores without CRC-32, over real sockets: also by somebody else, with a signed URL. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { S3ArchiveStore } from '../../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../../functions/aws/s3-client.ts'
import type { Lack } from '../../../local/s3/lacks.ts'
import { startS3 } from '../../../local/s3/server.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test-secret' }
const ended: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).toReversed()) await end()
})

async function storeThatLacks(...lacks: Lack[]) {
  const directory = await mkdtemp(join(tmpdir(), 'guestlift-bare-'))
  ended.push(() => rm(directory, { recursive: true }))
  const headers: string[] = []
  const server = await startS3({ directory, ...credentials, buckets: ['archives'], lacks })
  ended.push(() => server.close())
  const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials, maxAttempts: 2 })
  ended.push(async () => client.destroy())
  client.middlewareStack.add(
    (next) => async (args) => {
      headers.push(...Object.keys((args.request as { headers: object }).headers))
      return next(args)
    },
    { step: 'finalizeRequest', priority: 'low' },
  )
  const deps = { random: () => 0, sleep: async () => undefined }
  return { store: new S3ArchiveStore(client, 'archives', deps), client, headers }
}

const md5 = (body: Buffer | string) => createHash('md5').update(body).digest('hex')
const isChecksum = (name: string) => /^x-amz-(sdk-)?checksum|^x-amz-trailer/.test(name)

describe('an upload to a store without CRC-32', () => {
  it('sends no header of a checksum but Content-MD5', async () => {
    const { store, headers } = await storeThatLacks('checksum-headers')
    const uploadId = await store.bare.create('key')
    const body = Buffer.from('a part')
    const part = await store.bare.putPart('key', uploadId, 1, [body], { md5: md5(body), etagIsMd5: true })
    expect(part).toEqual({ partNumber: 1, sizeBytes: 6, etag: md5(body), throttles: 0 })
    await store.bare.complete('key', uploadId, [part], undefined)
    expect(headers.filter((name) => isChecksum(name) && name !== 'x-amz-checksum-mode')).toEqual([])
    expect(headers).toContain('content-md5')
  })

  it('lets somebody else send a part, and only the bytes with its MD5', async () => {
    const { store } = await storeThatLacks('checksum-headers')
    const uploadId = await store.bare.create('key')
    const body = Buffer.from('from the node')
    const part = { md5: md5(body), sizeBytes: body.length, etagIsMd5: true }
    const signed = await store.bare.presignPart('key', uploadId, 1, part)
    expect(new URL(signed.url).search).not.toMatch(/checksum/i)
    const send = async (bytes: Buffer) => {
      const { 'content-length': _length, ...headers } = signed.headers
      const answer = await fetch(signed.url, { method: 'PUT', headers, body: new Uint8Array(bytes) })
      const text = await answer.text()
      return signed.judge({ status: answer.status, headers: Object.fromEntries(answer.headers), body: text })
    }
    expect(await send(Buffer.from('from who else'))).toMatchObject({ stored: false, damaged: true })
    expect(await store.bare.listParts('key', uploadId)).toEqual([])
    expect(await send(body)).toEqual({ stored: true })
    expect(await store.bare.listParts('key', uploadId)).toMatchObject([{ partNumber: 1, etag: md5(body) }])
  })

  it('believes no part that was taken with another ETag than its MD5, where that is what it has to be', async () => {
    const { store } = await storeThatLacks('checksums', 'part-hashes')
    const uploadId = await store.bare.create('key')
    const body = Buffer.from('a part')
    await expect(
      store.bare.putPart('key', uploadId, 1, [body], { md5: md5(body), etagIsMd5: true }),
    ).rejects.toMatchObject({ name: 'ChecksumMismatch', message: expect.stringMatching(/sent were bytes with MD5/) })
    const signed = await store.bare.presignPart('key', uploadId, 1, { md5: md5(body), sizeBytes: 6, etagIsMd5: true })
    expect(signed.judge({ status: 200, headers: { etag: '"other"' }, body: '' })).toMatchObject({
      stored: false,
      again: false,
      error: { name: 'ChecksumMismatch' },
    })
  })
})

describe('small objects in a store that refuses the headers of checksums', () => {
  it('are written, read and looked at after one refusal each way, and none after that', async () => {
    const { store, headers } = await storeThatLacks('checksum-headers')
    expect(await store.writeText('a', 'text', { onlyIf: { absent: true } })).toBeDefined()
    expect((await store.readText('a'))?.text).toBe('text')
    expect(await store.head('a')).toMatchObject({ sizeBytes: 4 })
    headers.length = 0
    await store.writeText('b', 'more')
    await store.head('b')
    await store.readText('b')
    expect(headers.filter(isChecksum)).toEqual([])
    expect(headers).toContain('content-md5')
  })

  it('say what is wrong when something else is refused, and are sent with checksums as before', async () => {
    const { store, headers } = await storeThatLacks()
    expect(await store.head('nothing')).toBeUndefined()
    const elsewhere = store.writeText('k'.repeat(2000), 'too long a key')
    await expect(elsewhere).rejects.toMatchObject({ name: 'StoreDenied' })
    headers.length = 0
    await store.writeText('a', 'text')
    expect(headers.filter(isChecksum)).not.toEqual([])
  })
})
