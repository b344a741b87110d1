import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { pullProgram } from '../../../functions/writers/pull/pull-agent.ts'
import { openPullDelivery } from '../../../functions/writers/pull/pull.ts'
import type { FileRange, RangeSource, Writer } from '../../../functions/writers/writer.ts'
import type { Fault } from '../../../local/s3/faults.ts'
import { type S3Server, startS3 } from '../../../local/s3/server.ts'
import { type OpenSshServer, sshdPath, startOpenSsh } from '../ssh/openssh-server.ts'
import { rangesOf } from './conformance.ts'
import { BUCKET, KEYS, type StoredSource, storedSource } from './s3-source.ts'
import { loginAt } from './sessions.ts'

const MIB = 2 ** 20
const NAME = 'vzdump-lxc-101-2026_11_22-02_00_07.tar.zst'

describe.skipIf(sshdPath === undefined)('delivery by pull', () => {
  const body = randomBytes(2 * MIB)
  const [first, second] = rangesOf(body) as [FileRange, FileRange]
  let ssh: OpenSshServer
  let s3: S3Server
  let source: StoredSource
  let folder: string
  let number = 0
  let slept: number[]
  let plan: () => Fault | undefined = () => undefined
  let aheadMilliseconds = 0

  beforeAll(async () => {
    ssh = await startOpenSsh()
    s3 = await startS3({
      directory: join(ssh.folder, 's3'),
      ...KEYS,
      buckets: [BUCKET],
      now: () => new Date(Date.now() + aheadMilliseconds),
      faults: ({ operation }) => (operation === 'GetObject' ? plan() : undefined),
    })
  })
  afterAll(async () => {
    await s3.close()
    await ssh.close()
  })
  beforeEach(async () => {
    slept = []
    plan = () => undefined
    aheadMilliseconds = 0
    folder = join(ssh.folder, `dump ${number++}`)
    mkdirSync(folder)
    source = await storedSource(s3.url, `archives/${number}`, body)
  })

  const deps = { random: () => 0.5, sleep: async (milliseconds: number) => void slept.push(milliseconds) }

  async function withWriter<T>(use: (writer: Writer) => Promise<T>): Promise<T> {
    const delivery = openPullDelivery('hq', loginAt(ssh), {}, deps)
    const target = { node: 'pve1', folder, name: NAME, token: 'a1b2c3d4e5f6', sizeBytes: body.length }
    const writer = await delivery.open(target)
    try {
      return await use(writer)
    } finally {
      await writer.close()
    }
  }

  async function refusal(work: Promise<unknown>): Promise<Error> {
    const outcome = await work.catch((error: unknown) => error)
    if (!(outcome instanceof Error)) throw new Error('it succeeded')
    return outcome
  }

  const failing = (times: number, fault: Fault): void => {
    let left = times
    plan = () => (left-- > 0 ? fault : undefined)
  }
  const written = (): Buffer => readFileSync(join(folder, `guestlift-restore-a1b2c3d4e5f6-${NAME}.partial`))

  it.each<[string, Fault, number]>([
    ['answers 500', { code: 'InternalError' }, 0],
    ['says SlowDown', { code: 'SlowDown' }, 2],
    ['cuts the connection in the middle of the range', 'cut', 0],
  ])('has a range fetched again, each time from a new URL, when S3 %s', async (_what, fault, throttles) => {
    failing(2, fault)
    let signed = 0
    const counted: RangeSource = { ...source, sign: (range) => source.sign(range).finally(() => signed++) }
    await withWriter(async (writer) => {
      expect(await writer.bring(first, counted)).toEqual({ throttles, crc32: first.crc32 })
      expect(await writer.holds(first)).toBe(true)
    })
    expect(signed).toBe(3)
    expect(slept).toEqual([250, 500])
    expect(written().equals(body.subarray(0, MIB))).toBe(true)
  })

  it('has a range fetched from a new URL when the old one had expired', async () => {
    let tries = 0
    const late: RangeSource = {
      ...source,
      sign: (range) => {
        aheadMilliseconds = ++tries === 1 ? 20 * 60_000 : 0
        return source.sign(range)
      },
    }
    await withWriter(async (writer) => {
      await writer.bring(first, late)
      expect(tries).toBe(2)
      aheadMilliseconds = 20 * 60_000
      const failure = await refusal(writer.bring(second, source))
      expect(failure).toMatchObject({ name: 'StoreDenied', message: expect.stringMatching(/expired.*clock/) })
      expect(failure.message).not.toMatch(/X-Amz|Signature=/)
    })
  })

  it('says so when the object is replaced or removed meanwhile, and writes none of the other bytes', async () => {
    await withWriter(async (writer) => {
      await writer.bring(first, source)
      await source.replace(randomBytes(body.length))
      expect(await refusal(writer.bring(second, source))).toMatchObject({
        name: 'ArchiveConflict',
        message: expect.stringMatching(/replaced/),
      })
      await source.remove()
      expect(await refusal(writer.bring(second, source))).toMatchObject({
        name: 'ArchiveConflict',
        message: expect.stringMatching(/removed/),
      })
      expect(written().equals(body.subarray(0, MIB))).toBe(true)
    })
  })

  it.each([
    ['InvalidObjectState', 'ObjectFrozen'],
    ['AccessDenied', 'StoreDenied'],
    ['SlowDown', 'StoreUnavailable'],
  ] as const)('calls it by its name when S3 keeps answering %s, and never says a URL', async (code, name) => {
    failing(99, { code })
    await withWriter(async (writer) => {
      const failure = await refusal(writer.bring(first, source))
      expect(failure).toMatchObject({ name })
      expect(`${failure.message} ${String(failure.cause)}`).not.toMatch(/X-Amz|Signature=/)
    })
  })

  /** A server that gives this answer to every request, and a source whose URLs lead there. */
  async function strangerFor(status: number, headers: Record<string, string>) {
    const server: Server = createServer((request, response) => {
      const right = { etag: request.headers['if-match'], 'content-range': `bytes 0-${MIB - 1}/${2 * MIB}` }
      const length = headers['transfer-encoding'] === undefined ? { 'content-length': String(MIB) } : {}
      response.writeHead(status, { ...right, ...length, ...headers } as Record<string, string>)
      response.end(Buffer.alloc(MIB, 1))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const elsewhere = await storedSource(s3.url, 'archives/x', body, `http://127.0.0.1:${port}`)
    const close = (): void => {
      server.closeAllConnections()
      server.close()
    }
    return { elsewhere, close }
  }

  it('proves what lies there, and calls bytes that are others after each try a checksum mismatch', async () => {
    const { elsewhere, close } = await strangerFor(206, {})
    await withWriter(async (writer) => {
      expect(await refusal(writer.bring(first, elsewhere))).toMatchObject({ name: 'ChecksumMismatch' })
      expect(slept).toHaveLength(5)
      expect(await writer.holds(first)).toBe(false)
      await writer.bring(first, source)
      expect(await writer.holds(first)).toBe(true)
    })
    close()
  })

  it.each<[string, number, Record<string, string>, string]>([
    ['a web page', 200, { 'content-type': 'text/html' }, 'NotAnObjectStore'],
    [
      'a redirect to a portal',
      302,
      { location: 'http://portal.invalid/', 'content-type': 'text/html' },
      'NotAnObjectStore',
    ],
    ['another range', 206, { 'content-range': `bytes 7-${MIB + 6}/${2 * MIB}` }, 'StoreUnavailable'],
    ['a range without a length', 206, { 'transfer-encoding': 'chunked' }, 'StoreUnavailable'],
    ['another object', 206, { etag: '"other"' }, 'ArchiveConflict'],
  ])('writes nothing of %s', async (_what, status, headers, name) => {
    const { elsewhere, close } = await strangerFor(status, headers)
    await withWriter(async (writer) => {
      expect(await refusal(writer.bring(first, elsewhere))).toMatchObject({ name })
      expect(written()).toHaveLength(0)
    })
    close()
  })

  it('is clean Perl without warnings, in ASCII', () => {
    const program = pullProgram({ speakSeconds: 5, unheardSeconds: 60 })
    expect(spawnSync('perl', ['-wc'], { input: program }).stderr.toString()).toBe('- syntax OK\n')
    expect(Buffer.from(program, 'latin1').toString('ascii')).toBe(program)
  })
})
