import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errorCode, failure, type Fixture, MIB, type RawAnswer, rawRequest, startFixture } from '../fixture.ts'
import { signedChunks, signHeaders } from '../signer.ts'

let fixture: Fixture
let Bucket: string
beforeAll(async () => {
  fixture = await startFixture()
  Bucket = await fixture.bucket()
})
afterAll(() => fixture.close())

const DATA = randomBytes(MIB + 5)
const CHUNKS = [DATA.subarray(0, 65_536), DATA.subarray(65_536, 900_000), DATA.subarray(900_000)]

function crcOf(data: Buffer): string {
  const out = Buffer.alloc(4)
  out.writeUInt32BE(crc32(data))
  return out.toString('base64')
}

interface Streamed {
  kind: string
  body: (seed: string, date: Date) => Buffer
  headers?: Record<string, string>
  length?: number
}

async function put(Key: string, { kind, body, headers = {}, length = DATA.length }: Streamed): Promise<RawAnswer> {
  const url = `${fixture.server.url}/${Bucket}/${Key}`
  const date = new Date()
  const all = { 'x-amz-decoded-content-length': String(length), ...headers }
  const signed = signHeaders({ method: 'PUT', url, payloadHash: kind, date, headers: all })
  return rawRequest(url, { method: 'PUT', headers: signed.headers, body: body(signed.signature, date) })
}

async function stored(Key: string): Promise<boolean> {
  const answer = await fixture.s3.send(new GetObjectCommand({ Bucket, Key }))
  return Buffer.from((await answer.Body?.transformToByteArray()) ?? []).equals(DATA)
}

async function missing(Key: string): Promise<boolean> {
  return (await failure(fixture.s3.send(new GetObjectCommand({ Bucket, Key })))).code === 'NoSuchKey'
}

const SIGNED = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
const TRAILER = ['x-amz-checksum-crc32', crcOf(DATA)] as const
const TRAILER_HEADER = { 'x-amz-trailer': 'x-amz-checksum-crc32' }

describe('signed chunks', () => {
  it('are put together', async () => {
    expect((await put('good', { kind: SIGNED, body: (seed, date) => signedChunks(CHUNKS, seed, date) })).status).toBe(
      200,
    )
    expect(await stored('good')).toBe(true)
  })

  it.each([
    ['a changed byte', (body: Buffer) => body.fill(body[100_000] === 1 ? 2 : 1, 100_000, 100_001)],
    ['a changed chunk signature', (body: Buffer) => body.fill('0', 30, 80)],
  ])('with %s store nothing', async (_, tamper) => {
    const answer = await put('bad', { kind: SIGNED, body: (seed, date) => tamper(signedChunks(CHUNKS, seed, date)) })
    expect([answer.status, errorCode(answer)]).toEqual([403, 'SignatureDoesNotMatch'])
    expect(await missing('bad')).toBe(true)
  })

  it('with one left out store nothing', async () => {
    const frameBytes = '10000;chunk-signature='.length + 64 + 2 + 65_536 + 2
    const answer = await put('bad', {
      kind: SIGNED,
      body: (seed, date) => signedChunks(CHUNKS, seed, date).subarray(frameBytes),
      length: DATA.length - 65_536,
    })
    expect([answer.status, errorCode(answer)]).toEqual([403, 'SignatureDoesNotMatch'])
    expect(await missing('bad')).toBe(true)
  })

  it('must be 8 KiB or more but for the last', async () => {
    const small = [DATA.subarray(0, 100), DATA.subarray(100)]
    const answer = await put('bad', { kind: SIGNED, body: (seed, date) => signedChunks(small, seed, date) })
    expect(errorCode(answer)).toBe('InvalidChunkSizeError')
  })

  it('must add up to the announced length', async () => {
    for (const length of [DATA.length - 1, DATA.length + 1]) {
      const answer = await put('bad', { kind: SIGNED, length, body: (seed, date) => signedChunks(CHUNKS, seed, date) })
      expect([answer.status, errorCode(answer)]).toEqual([400, 'IncompleteBody'])
    }
  })
})

describe('signed chunks with a signed trailer', () => {
  const kind = `${SIGNED}-TRAILER`

  it('are stored when checksum and signature are right', async () => {
    const body = (seed: string, date: Date) => signedChunks(CHUNKS, seed, date, TRAILER)
    const answer = await put('trailer', { kind, headers: TRAILER_HEADER, body })
    expect([answer.status, answer.headers['x-amz-checksum-crc32']]).toEqual([200, TRAILER[1]])
    expect(await stored('trailer')).toBe(true)
  })

  it('are refused with a wrong checksum, a wrong trailer signature, or none', async () => {
    const wrong = await put('bad', {
      kind,
      headers: TRAILER_HEADER,
      body: (seed, date) => signedChunks(CHUNKS, seed, date, [TRAILER[0], 'AAAAAA==']),
    })
    expect(errorCode(wrong)).toBe('BadDigest')
    const forged = await put('bad', {
      kind,
      headers: TRAILER_HEADER,
      body: (seed, date) => {
        const body = signedChunks(CHUNKS, seed, date, TRAILER)
        return body.fill('0', body.length - 30, body.length - 6)
      },
    })
    expect(errorCode(forged)).toBe('SignatureDoesNotMatch')
    const none = await put('bad', {
      kind,
      headers: TRAILER_HEADER,
      body: (seed, date) => signedChunks(CHUNKS, seed, date),
    })
    expect(errorCode(none)).toBe('MalformedTrailerError')
    expect(await missing('bad')).toBe(true)
  })
})

describe('unsigned chunks with a trailer', () => {
  const kind = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
  const body = (value: string) => () =>
    Buffer.concat([
      ...CHUNKS.flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]),
      Buffer.from(`0\r\nx-amz-checksum-crc32:${value}\r\n\r\n`),
    ])

  it('are stored when the checksum is right, else refused', async () => {
    expect((await put('plain', { kind, headers: TRAILER_HEADER, body: body(TRAILER[1]) })).status).toBe(200)
    expect(await stored('plain')).toBe(true)
    expect(errorCode(await put('bad', { kind, headers: TRAILER_HEADER, body: body('AAAAAA==') }))).toBe('BadDigest')
    expect(await missing('bad')).toBe(true)
  })

  it('may not slip in an undeclared trailer', async () => {
    const answer = await put('bad', { kind, body: body(TRAILER[1]) })
    expect(errorCode(answer)).toBe('MalformedTrailerError')
  })
})
