/** Ranges read past the SDK, over TLS, with an embedded S3 behind it that checks signatures. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { type IncomingMessage, request as forward, type ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createS3Client } from '../../../functions/aws/s3-client.ts'
import { DirectReads } from '../../../functions/aws/s3-direct-read.ts'
import { S3ArchiveStore } from '../../../functions/aws/s3-archive-store.ts'
import { InvalidSite, TlsIdentityMismatch } from '../../../functions/contracts/errors.ts'
import { tlsDialer } from '../../../functions/tls/connect.ts'
import { createIdentity } from '../../../local/labs/shared/certificate.ts'
import { type S3Server, startS3 } from '../../../local/s3/server.ts'

const credentials = { accessKeyId: 'key', secretAccessKey: 'secret-key' }
const facts = {
  identityMismatch: (endpoint: string) => new TlsIdentityMismatch(endpoint),
  unreadableAuthority: () => new InvalidSite('authority'),
}
const identity = createIdentity(['127.0.0.1'], new Date())
const MIB = 2 ** 20
const body = randomBytes(3 * MIB)

let directory: string
let s3: S3Server
let front: Server
let url: string
/** What becomes of an answer on its way. */
let spoil: (answer: IncomingMessage, response: ServerResponse) => boolean
let connections: number
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guestlift-direct-'))
  s3 = await startS3({ directory, ...credentials, buckets: ['archives'] })
  front = createServer({ key: identity.key, cert: identity.cert }, (message, response) => {
    const { hostname, port } = new URL(s3.url)
    const { method, url: path, headers } = message
    const there = forward({ hostname, port, method, path, headers }, (answer) => {
      if (spoil(answer, response)) return
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    message.pipe(there)
  })
  front.on('secureConnection', () => connections++)
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
  url = `https://127.0.0.1:${(front.address() as AddressInfo).port}`
})
beforeEach(() => {
  spoil = () => false
  connections = 0
})
afterEach(() => front.closeAllConnections())
afterAll(async () => {
  front.close()
  await s3.close()
  await rm(directory, { recursive: true })
})

async function openStore(dial = tlsDialer({ mode: 'ca', ca: identity.ca }, facts)) {
  // What the SDK does goes past the front: whatever comes through it was read directly.
  const plain = createS3Client({ endpoint: s3.url, region: 'us-east-1', credentials, maxAttempts: 1 })
  const fronted = createS3Client({ endpoint: url, region: 'us-east-1', credentials, maxAttempts: 1 })
  const direct = new DirectReads(fronted, () => dial)
  const store = new S3ArchiveStore(plain, 'archives', { sleep: async () => undefined, random: () => 0 }, direct)
  const key = `a/${randomBytes(4).toString('hex')}`
  await plain.send(new PutObjectCommand({ Bucket: 'archives', Key: key, Body: body }))
  const { etag = '' } = (await store.head(key)) ?? {}
  return { store, direct, key, etag }
}

describe('a range that is read directly', () => {
  it('lies whole in the memory that was given, and connections are kept', async () => {
    const { store, key, etag } = await openStore()
    const room = Buffer.alloc(2 * MIB)
    for (const firstByte of [0, 5, MIB]) {
      const range = { firstByte, lastByte: firstByte + 2 * MIB - 1, etag }
      const bytes = await store.readRange(key, range, room)
      expect(bytes.buffer).toBe(room.buffer)
      expect(bytes.equals(body.subarray(firstByte, firstByte + 2 * MIB))).toBe(true)
    }
    expect(connections).toBe(1)
  })

  it('is left to the SDK below a mebibyte', async () => {
    const { store, key, etag } = await openStore()
    expect((await store.readRange(key, { firstByte: 1, lastByte: 4, etag })).equals(body.subarray(1, 5))).toBe(true)
    expect(connections).toBe(0)
  })

  it('is refused by the store when the object is another', async () => {
    const { store, key } = await openStore()
    const range = { firstByte: 0, lastByte: 2 * MIB - 1, etag: '"another"' }
    await expect(store.readRange(key, range)).rejects.toMatchObject({ name: 'ArchiveConflict' })
  })

  const spoilers: Record<string, typeof spoil> = {
    'is cut in the middle': (answer, response) => {
      response.writeHead(206, answer.headers)
      answer.once('data', (piece: Buffer) => {
        response.write(piece)
        response.destroy()
      })
      return true
    },
    'is the whole object': (answer, response) => {
      const { 'content-range': _, ...headers } = answer.headers
      response.writeHead(200, headers)
      answer.pipe(response)
      return true
    },
    'is of another object': (answer, response) => {
      response.writeHead(206, { ...answer.headers, etag: '"another"' })
      answer.pipe(response)
      return true
    },
    'is another range': (answer, response) => {
      response.writeHead(206, { ...answer.headers, 'content-range': `bytes 7-${2 * MIB + 6}/${3 * MIB}` })
      answer.pipe(response)
      return true
    },
    'is a web page': (answer, response) => {
      answer.resume()
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end('<html>log in</html>')
      return true
    },
    'asks to slow down': (answer, response) => {
      answer.resume()
      response.writeHead(503, { 'content-type': 'application/xml' })
      response.end('<Error><Code>SlowDown</Code></Error>')
      return true
    },
  }
  it.each(Object.entries(spoilers))('is read by the SDK when the answer %s', async (_name, spoiler) => {
    const { store, direct, key, etag } = await openStore()
    spoil = spoiler
    const range = { firstByte: 3, lastByte: 2 * MIB + 2, etag }
    expect(await direct.read({ bucket: 'archives', key, ...range }, Buffer.alloc(2 * MIB))).toBe(false)
    expect((await store.readRange(key, range)).equals(body.subarray(3, 2 * MIB + 3))).toBe(true)
  })

  it('is read by the SDK, and not tried again, when nobody answers or somebody else does', async () => {
    const stranger = tlsDialer({ mode: 'system' }, facts)
    const { store, key, etag } = await openStore(stranger)
    const range = { firstByte: 0, lastByte: 2 * MIB - 1, etag }
    for (let time = 0; time < 2; time++) {
      expect((await store.readRange(key, range)).equals(body.subarray(0, 2 * MIB))).toBe(true)
    }
    expect(connections).toBeLessThanOrEqual(1)
  })

  it('is no longer tried after three answers in a row that did not give it, and goes on after fewer', async () => {
    const { direct, key, etag } = await openStore()
    const range = { bucket: 'archives', key, firstByte: 0, lastByte: 2 * MIB - 1, etag }
    const outcomes: boolean[] = []
    const read = async () => outcomes.push(await direct.read(range, Buffer.alloc(2 * MIB)))
    let asked = 0
    const refuse: typeof spoil = (answer, response) => {
      asked++
      answer.resume()
      response.writeHead(403, { 'content-type': 'application/xml' }).end('<Error><Code>AccessDenied</Code></Error>')
      return true
    }
    for (const spoiler of [refuse, refuse, () => false, refuse, refuse, refuse, refuse]) {
      spoil = spoiler
      await read()
    }
    expect(outcomes).toEqual([false, false, true, false, false, false, false])
    expect(asked).toBe(5)
  })

  it('is left to the SDK without TLS, and without credentials', async () => {
    const plain = createS3Client({ endpoint: s3.url, region: 'us-east-1', credentials })
    const range = { bucket: 'archives', key: 'a', firstByte: 0, lastByte: MIB, etag: '"x"' }
    expect(await new DirectReads(plain).read(range, Buffer.alloc(MIB + 1))).toBe(false)
    const nobody = createS3Client({ endpoint: url, region: 'us-east-1' })
    nobody.config.credentials = () => Promise.reject(new Error('no credentials'))
    expect(await new DirectReads(nobody).read(range, Buffer.alloc(MIB + 1))).toBe(false)
    expect(connections).toBe(0)
  })
})
