import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { crc32 } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import type { HttpsRoute } from '../../../../functions/contracts/route.ts'
import type { FileServerSettings } from '../../../../functions/http-file/https-file.ts'
import { openHttpsRoute } from '../../../../functions/readers/https/https.ts'
import type { Reader, Route } from '../../../../functions/readers/reader.ts'
import {
  askedRange,
  type Fields,
  type HostileServer,
  head,
  identity,
  otherIdentity,
  reset,
  type Script,
  type SeenRequest,
  startHostileServer,
} from './https-hostile-server.ts'

const KIB = 1024
const MIB = 2 ** 20
const body = randomBytes(3 * MIB)
const ETAG = '"5f-1795000000"'
const LAST_MODIFIED = 'Sat, 21 Nov 2026 02:00:00 GMT'
const path = '/var/lib/vz/dump/vzdump-qemu-100-2026_11_22-02_00_00.vma.zst'
const fileName = path.slice(path.lastIndexOf('/') + 1)
const location = { node: 'pve1', path, storage: 'local', volume: `backup/${fileName}` }
const secret = 'correct horse battery'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

async function serve(script: Script): Promise<HostileServer> {
  const server = await startHostileServer(script)
  closing.push(() => server.close())
  return server
}

function routeTo(
  server: { url: string },
  changes: Partial<HttpsRoute> = {},
  settings: Partial<FileServerSettings> = {},
): Route {
  const route = openHttpsRoute(
    'hq',
    {
      type: 'https',
      url: `${server.url}/{storage}/{file}`,
      tls: { mode: 'ca', ca: identity.ca },
      auth: { type: 'basic', username: 'reader', password: secret },
      ...changes,
    },
    { idleMilliseconds: 20_000, connectMilliseconds: 20_000, ...settings },
  )
  return {
    endOf: (node) => route.endOf(node),
    check: (node, place) => route.check(node, place),
    open: async (at) => {
      const reader = await route.open(at)
      closing.push(() => reader.close())
      return reader
    },
  }
}

const whole: Fields = { 'Content-Length': body.length, ETag: ETAG, 'Last-Modified': LAST_MODIFIED }

function partialFields(request: SeenRequest, changes: Fields = {}): Fields {
  const { first, last } = askedRange(request)
  return {
    'Content-Length': last - first + 1,
    'Content-Range': `bytes ${first}-${last}/${body.length}`,
    ETag: ETAG,
    'Last-Modified': LAST_MODIFIED,
    ...changes,
  }
}

function bytesOf(request: SeenRequest): Buffer {
  const { first, last } = askedRange(request)
  return body.subarray(first, last + 1)
}

/** Behaves well: what each test starts from. */
function serveWell(socket: TLSSocket, request: SeenRequest): void {
  if (request.method === 'HEAD') socket.write(head(200, whole))
  else socket.write(Buffer.concat([Buffer.from(head(206, partialFields(request))), bytesOf(request)]))
}

/** Answers HEAD well and leaves GET to the test. */
const gets =
  (script: Script): Script =>
  (socket, request, index) =>
    request.method === 'HEAD' ? serveWell(socket, request) : script(socket, request, index)

/** What becomes of one read from a server that behaves like this. */
async function readFrom(
  script: Script,
  settings: Partial<FileServerSettings> = {},
  sizeBytes = 100 * KIB,
): Promise<{ error: unknown; target: Buffer; server: HostileServer; reader: Reader }> {
  const server = await serve(gets(script))
  const reader = await routeTo(server, {}, settings).open(location)
  const target = Buffer.alloc(sizeBytes, 0xaa)
  const error: unknown = await reader.read(1_000, target).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return { error, target, server, reader }
}

const fact = (name: string, ...texts: string[]) => ({
  name,
  message: expect.stringMatching(
    new RegExp([...texts, 'site hq'].map((text) => `(?=[^]*${text.replace(/[.*+?()[\]/]/g, '\\$&')})`).join('')),
  ),
})

describe('reading by Range', () => {
  it('returns the CRC-32 and sends exactly one request for each part, on a connection that is kept', async () => {
    const server = await serve(serveWell)
    const reader = await routeTo(server).open(location)
    const target = Buffer.alloc(MIB + 17)
    const sum = await reader.read(12_345, target)
    expect(target.equals(body.subarray(12_345, 12_345 + MIB + 17))).toBe(true)
    expect(sum).toBe(crc32(target))
    expect(await reader.read(0, target.subarray(0, 5))).toBe(crc32(body.subarray(0, 5)))
    expect(server.requests.map(({ method }) => method)).toEqual(['HEAD', 'GET', 'GET'])
    expect(server.connections()).toBe(1)
    expect(server.requests[1]).toMatchObject({
      path: `/local/${fileName}`,
      headers: {
        host: `127.0.0.1:${server.port}`,
        range: `bytes=12345-${12_345 + MIB + 16}`,
        'if-match': ETAG,
        'accept-encoding': 'identity',
        authorization: `Basic ${Buffer.from(`reader:${secret}`).toString('base64')}`,
      },
    })
  })

  it('opens no more connections than there are reads at the same time', async () => {
    const server = await serve(serveWell)
    const reader = await routeTo(server).open(location)
    for (let round = 0; round < 3; round++) {
      await Promise.all(Array.from({ length: 4 }, () => reader.read(0, Buffer.alloc(200 * KIB))))
    }
    expect(server.connections()).toBe(4)
    await reader.close()
    await expect.poll(() => server.open()).toBe(0)
  })

  it('takes an answer cut into pieces of any size, with interim answers before it', async () => {
    const { error, target } = await readFrom(async (socket, request) => {
      const answer = Buffer.concat([
        Buffer.from('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n'),
        Buffer.from(head(206, partialFields(request))),
        bytesOf(request),
      ])
      for (let at = 0; at < answer.length; at += at < 600 ? 7 : 20_011) {
        socket.write(answer.subarray(at, at + (at < 600 ? 7 : 20_011)))
        if (at < 600) await delay(1)
      }
    })
    expect(error).toBeUndefined()
    expect(target.equals(body.subarray(1_000, 1_000 + 100 * KIB))).toBe(true)
  })

  it('reads from an HTTP/1.0 server, over a connection for each answer', async () => {
    const { error, target, server } = await readFrom((socket, request) => {
      socket.write(head('HTTP/1.0 206 Partial Content', partialFields(request)))
      socket.end(bytesOf(request))
    })
    expect(error).toBeUndefined()
    expect(target.equals(body.subarray(1_000, 1_000 + 100 * KIB))).toBe(true)
    expect(server.connections()).toBe(1)
  })

  it('heeds Connection: close', async () => {
    const server = await serve(
      gets((socket, request) => {
        socket.write(head(206, partialFields(request, { Connection: 'close' })))
        socket.end(bytesOf(request))
      }),
    )
    const reader = await routeTo(server).open(location)
    for (let part = 0; part < 3; part++) {
      const target = Buffer.alloc(50 * KIB)
      await reader.read(part * 50 * KIB, target)
      expect(target.equals(body.subarray(part * 50 * KIB, (part + 1) * 50 * KIB))).toBe(true)
    }
    expect(server.requests.filter(({ connection }) => connection === 3)).toHaveLength(1)
    expect(server.requests).toHaveLength(4)
  })

  it('repeats a request once when a kept connection turns out to be closed', async () => {
    const server = await serve((socket, request, index) => {
      // The third request meets a server that has just decided to close: it is read and never answered.
      if (index === 2) socket.destroy()
      else serveWell(socket, request)
    })
    const reader = await routeTo(server).open(location)
    const target = Buffer.alloc(KIB)
    await reader.read(0, target)
    await reader.read(KIB, target)
    expect(target.equals(body.subarray(KIB, 2 * KIB))).toBe(true)
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 1, 1, 2])
  })

  it('repeats it once only', async () => {
    const { error, server } = await readFrom((socket) => void socket.destroy())
    expect(error).toMatchObject(fact('ConnectionDropped', 'closed by the server', path))
    expect(server.requests.filter(({ method }) => method === 'GET')).toHaveLength(2)
  })

  it('opens a new connection when the server closed the kept one between two parts', async () => {
    const server = await serve((socket, request, index) => {
      serveWell(socket, request)
      if (index === 1) socket.end()
    })
    const reader = await routeTo(server).open(location)
    const target = Buffer.alloc(KIB)
    await reader.read(0, target)
    await expect.poll(() => server.open()).toBe(0)
    await reader.read(KIB, target)
    expect(target.equals(body.subarray(KIB, 2 * KIB))).toBe(true)
    expect(server.requests).toHaveLength(3)
  })

  it('reads on where a connection broke that had brought enough, and sums over both', async () => {
    let broken = 0
    const server = await serve(
      gets((socket, request) => {
        if (broken++ === 0) {
          socket.write(head(206, partialFields(request)))
          socket.write(bytesOf(request).subarray(0, MIB + 333), () => socket.destroy())
        } else serveWell(socket, request)
      }),
    )
    const reader = await routeTo(server, {}, { worthReadingOnBytes: 512 * KIB }).open(location)
    const target = Buffer.alloc(2 * MIB)
    const sum = await reader.read(7, target)
    expect(target.equals(body.subarray(7, 7 + 2 * MIB))).toBe(true)
    expect(sum).toBe(crc32(target))
    const ranges = server.requests.flatMap(({ headers }) => headers['range'] ?? [])
    expect(ranges).toHaveLength(2)
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(ranges[1] ?? '') ?? []
    expect(Number(from)).toBeGreaterThan(7 + 512 * KIB)
    expect(Number(to)).toBe(7 + 2 * MIB - 1)
  })
})

describe('answers that are not what was asked for', () => {
  const without = (name: string): Fields => ({ [name]: undefined })
  const asked = `1000-${1_000 + 100 * KIB - 1}`
  const cases: [string, (request: SeenRequest) => string | Buffer, ReturnType<typeof fact>][] = [
    ['200 with the whole file', () => head(200, whole), fact('SourceUnreadable', 'ignores Range')],
    [
      '206 without Content-Range',
      (request) => head(206, partialFields(request, without('Content-Range'))),
      fact('SourceUnreadable', 'Content-Range'),
    ],
    ...[
      'bytes 1000-',
      'bytes */*',
      `bytes ${asked}/*`,
      `lines ${asked}/${body.length}`,
      'bytes 9-3/10',
      `bytes ${asked}/99999999999999999999`,
    ].map((text): (typeof cases)[number] => [
      `206 with Content-Range ${text}`,
      (request) => head(206, partialFields(request, { 'Content-Range': text })),
      fact('SourceUnreadable', 'Content-Range'),
    ]),
    [
      '206 with another range',
      (request) => head(206, partialFields(request, { 'Content-Range': `bytes 0-${100 * KIB - 1}/${body.length}` })),
      fact('SourceUnreadable', `answered bytes 0-${100 * KIB - 1}`),
    ],
    [
      '206 with fewer bytes although the file goes on',
      (request) =>
        head(
          206,
          partialFields(request, { 'Content-Range': `bytes 1000-1999/${body.length}`, 'Content-Length': 1_000 }),
        ),
      fact('SourceUnreadable', 'answered bytes 1000-1999'),
    ],
    [
      '206 of a file of another size',
      (request) => head(206, partialFields(request, { 'Content-Range': `bytes ${asked}/${body.length + 1}` })),
      fact('SourceChanged', 'size'),
    ],
    [
      '206 of a file that ends sooner',
      (request) =>
        head(206, partialFields(request, { 'Content-Range': 'bytes 1000-1999/2000', 'Content-Length': 1_000 })),
      fact('ShortRead', 'ends at 2000 bytes'),
    ],
    [
      '416',
      () => head(416, { 'Content-Range': 'bytes */500', 'Content-Length': 0 }),
      fact('ShortRead', 'ends at 500 bytes'),
    ],
    ...[1, 100 * KIB + 1, undefined].map((length): (typeof cases)[number] => [
      `206 with Content-Length ${length}`,
      (request) => head(206, partialFields(request, { 'Content-Length': length })),
      fact('SourceUnreadable', 'Content-Length'),
    ]),
    [
      '206 with two Content-Lengths',
      (request) => head(206, { 'content-length': 5, ...partialFields(request) }),
      fact('SourceUnreadable', 'content-length'),
    ],
    [
      'a list of Content-Lengths',
      (request) => head(206, partialFields(request, { 'Content-Length': `${100 * KIB}, ${100 * KIB}` })),
      fact('SourceUnreadable', 'Content-Length'),
    ],
    [
      'multipart/byteranges',
      (request) => head(206, partialFields(request, { 'Content-Type': 'multipart/byteranges; boundary=x' })),
      fact('SourceUnreadable', 'multipart'),
    ],
    [
      'Content-Encoding gzip',
      (request) => head(206, partialFields(request, { 'Content-Encoding': 'gzip' })),
      fact('SourceUnreadable', 'Content-Encoding'),
    ],
    [
      'Transfer-Encoding chunked',
      (request) =>
        `${head(206, partialFields(request, { 'Transfer-Encoding': 'chunked', 'Content-Length': undefined }))}5\r\nhello\r\n0\r\n\r\n`,
      fact('SourceUnreadable', 'Transfer-Encoding'),
    ],
    [
      'Transfer-Encoding beside a Content-Length',
      (request) => head(206, partialFields(request, { 'Transfer-Encoding': 'chunked' })),
      fact('SourceUnreadable', 'Transfer-Encoding'),
    ],
    [
      'another ETag',
      (request) => head(206, partialFields(request, { ETag: '"other"' })),
      fact('SourceChanged', 'ETag'),
    ],
    [
      'another Last-Modified',
      (request) => head(206, partialFields(request, { 'Last-Modified': 'Sat, 21 Nov 2026 02:00:01 GMT' })),
      fact('SourceChanged', 'Last-Modified'),
    ],
    [
      'no ETag any more',
      (request) => head(206, partialFields(request, without('ETag'))),
      fact('SourceUnreadable', 'ETag'),
    ],
    ['412', () => head(412, { 'Content-Length': 0 }), fact('SourceChanged')],
    [
      '401',
      () => head(401, { 'WWW-Authenticate': 'Basic realm="x"' }),
      fact('RouteLoginRejected', 'user reader', 'asks for basic'),
    ],
    ['403', () => head(403, {}), fact('SourceUnreadable', '403', "server's own user can read")],
    ['404', () => head(404, {}), fact('SourceUnreadable', '404', 'route.url')],
    ['400', () => head(400, {}), fact('SourceUnreadable', '400')],
    ['204', () => head(204, {}), fact('SourceUnreadable', '204')],
    ...[408, 429, 500, 502, 503].map((status): (typeof cases)[number] => [
      String(status),
      () => head(status, { 'Retry-After': 5 }),
      fact('ConnectionDropped', String(status)),
    ]),
    [
      'a redirect to another host',
      () => head(302, { Location: 'https://elsewhere.example.com:444/login?token=1' }),
      fact('SourceUnreadable', 'redirects to elsewhere.example.com:444', 'route.url'),
    ],
    [
      'a redirect within the host',
      () => head(301, { Location: '/other' }),
      fact('SourceUnreadable', 'another path of its own'),
    ],
    ['another protocol', () => head(101, { Upgrade: 'h2c' }), fact('SourceUnreadable', 'another protocol')],
    ['garbage', () => 'SSH-2.0-OpenSSH_9.2p1\r\n', fact('SourceUnreadable', 'no HTTP/1')],
    ['HTTP/2', () => 'HTTP/2 206\r\n\r\n', fact('SourceUnreadable', 'no HTTP/1')],
    [
      'lines that end in LF alone',
      (request) => head(206, partialFields(request)).replaceAll('\r\n', '\n'),
      fact('SourceUnreadable', 'no HTTP/1'),
    ],
    [
      'a folded header line',
      (request) => head(206, partialFields(request, { 'X-A': 'b\r\n Content-Length: 5' })),
      fact('SourceUnreadable', 'malformed'),
    ],
    [
      'a blank before a colon',
      (request) => head(206, partialFields(request, { 'X-A ': 'b' })),
      fact('SourceUnreadable', 'malformed'),
    ],
    [
      'a header line without a colon',
      (request) => head(206, partialFields(request, { 'X-A': 'b\r\nnonsense' })),
      fact('SourceUnreadable', 'malformed'),
    ],
    [
      'endless interim answers',
      () => 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(1_000),
      fact('SourceUnreadable', 'interim'),
    ],
    [
      'a header bomb in one line',
      () => `HTTP/1.1 206 OK\r\nX: ${'a'.repeat(70 * KIB)}`,
      fact('SourceUnreadable', '64 KiB'),
    ],
    [
      'a header bomb of many lines',
      () => `HTTP/1.1 206 OK\r\n${'X: a\r\n'.repeat(20 * KIB)}\r\n`,
      fact('SourceUnreadable', '64 KiB'),
    ],
  ]

  it.each(cases)('%s is refused, and not a byte of it is taken', async (_, answer, expected) => {
    const { error, target, server } = await readFrom((socket, request) => {
      socket.write(answer(request))
      socket.write(Buffer.alloc(200 * KIB, 0x55))
    })
    expect(error).toMatchObject(expected)
    expect(target.every((byte) => byte === 0xaa)).toBe(true)
    expect(String(error) + JSON.stringify(error)).not.toContain(secret)
    expect(String(error)).not.toContain(Buffer.from(`reader:${secret}`).toString('base64'))
    // The connection isn't used again: what else is on it belongs to nobody.
    await expect.poll(() => server.open()).toBe(0)
  })

  it('a body that goes on after its end is refused', async () => {
    const { error } = await readFrom(
      (socket, request) => {
        socket.write(
          Buffer.concat([Buffer.from(head(206, partialFields(request))), bytesOf(request), Buffer.from('!')]),
        )
      },
      {},
      10 * KIB,
    )
    expect(error).toMatchObject(fact('SourceUnreadable', 'longer than announced'))
  })

  it('bytes that come unasked end the connection before they can be taken for an answer', async () => {
    const server = await serve(
      gets(async (socket, request) => {
        serveWell(socket, request)
        await delay(20)
        socket.write(head(206, partialFields(request)) + 'x'.repeat(KIB))
      }),
    )
    const reader = await routeTo(server).open(location)
    const target = Buffer.alloc(KIB)
    await reader.read(0, target)
    await expect.poll(() => server.open()).toBe(0)
    await reader.read(0, target)
    expect(target.equals(body.subarray(0, KIB))).toBe(true)
  })

  it.each([
    ['a weak ETag that becomes strong is the same version', 'W/"a"', '"a"', crc32(body.subarray(0, 10))],
    ['a weak ETag that changes is another version', 'W/"a"', 'W/"b"', 'SourceChanged'],
  ])('%s', async (_, first, second, expected) => {
    const server = await serve((socket, request) => {
      if (request.method === 'HEAD') socket.write(head(200, { ...whole, ETag: first }))
      else {
        const fields = partialFields(request, { ETag: second })
        socket.write(Buffer.concat([Buffer.from(head(206, fields)), bytesOf(request)]))
      }
    })
    const reader = await routeTo(server).open(location)
    expect((await reader.stat()).validator).toBeUndefined()
    const reading = reader.read(0, Buffer.alloc(10)).catch((error: unknown) => (error as Error).name)
    expect(await reading).toBe(expected)
    // A weak ETag must not be used in If-Match (RFC 9110, 13.1.1): the time stands in.
    expect(server.requests.at(-1)?.headers).toMatchObject({ 'if-unmodified-since': LAST_MODIFIED })
    expect(server.requests.at(-1)?.headers).not.toHaveProperty('if-match')
  })
})

describe('connections that fail', () => {
  it('fewer bytes than promised and then the end is a drop, with what was missing', async () => {
    const { error, server } = await readFrom((socket, request) => {
      socket.write(head(206, partialFields(request)))
      socket.end(bytesOf(request).subarray(0, 5_000))
    })
    expect(error).toMatchObject(fact('ConnectionDropped', `${100 * KIB - 5_000} bytes before the end`))
    expect(server.requests.filter(({ method }) => method === 'GET')).toHaveLength(1)
  })

  it.each<[string, Script]>([
    ['before an answer', (socket) => reset(socket)],
    ['inside the headers', (socket) => socket.write('HTTP/1.1 206 Par', () => reset(socket))],
    [
      'inside the body',
      (socket, request) => {
        socket.write(head(206, partialFields(request)))
        socket.write(bytesOf(request).subarray(0, 40 * KIB), () => reset(socket))
      },
    ],
  ])('a reset %s is a drop', async (_, script) => {
    const { error } = await readFrom(script)
    expect(error).toMatchObject(fact('ConnectionDropped', path))
    expect(String(error)).toMatch(/broke: .*ECONNRESET|closed by the server/)
  })

  it.each<[string, Script]>([
    ['without an answer', () => undefined],
    ['inside the headers', (socket) => void socket.write('HTTP/1.1 206 Partial Content\r\nETag: ')],
    [
      'inside the body',
      (socket, request) =>
        void socket.write(Buffer.concat([Buffer.from(head(206, partialFields(request))), body.subarray(0, 5_000)])),
    ],
  ])('silence %s is noticed', async (_, script) => {
    expect((await readFrom(script, { idleMilliseconds: 200 })).error).toMatchObject(fact('ConnectionDropped', '0.2 s'))
  })

  it('headers and bodies that drip a byte at a time count as silence', async () => {
    const drip = async (socket: TLSSocket, text: Buffer): Promise<void> => {
      for (const byte of text) {
        if (socket.destroyed) return
        socket.write(Buffer.from([byte]))
        await delay(5)
      }
    }
    const slowHead = readFrom((socket, request) => drip(socket, Buffer.from(head(206, partialFields(request)))), {
      idleMilliseconds: 300,
    })
    const slowBody = readFrom(
      async (socket, request) => {
        socket.write(head(206, partialFields(request)))
        await drip(socket, bytesOf(request))
      },
      { idleMilliseconds: 300 },
    )
    expect((await slowHead).error).toMatchObject(fact('ConnectionDropped', 'brought nothing'))
    expect((await slowBody).error).toMatchObject(fact('ConnectionDropped', 'brought nothing'))
  })

  it('a body that takes longer than a silence may last is fine as long as it moves', async () => {
    const { error, target } = await readFrom(
      async (socket, request) => {
        socket.write(head(206, partialFields(request)))
        const bytes = bytesOf(request)
        for (let at = 0; at < bytes.length; at += 70 * KIB) {
          socket.write(bytes.subarray(at, at + 70 * KIB))
          await delay(250)
        }
      },
      { idleMilliseconds: 2_000 },
      700 * KIB,
    )
    expect(error).toBeUndefined()
    expect(target.equals(body.subarray(1_000, 1_000 + 700 * KIB))).toBe(true)
  })

  it('nobody listening, a name that does not exist and a handshake that never ends are drops that tell where', async () => {
    const mute = createTcpServer((socket) => socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1')
    await once(mute, 'listening')
    const { port } = mute.address() as AddressInfo
    const open = (url: string, at = 2_000): Promise<unknown> =>
      routeTo({ url }, {}, { connectMilliseconds: at }).open(location)
    await expect(open(`https://127.0.0.1:${port}`, 150)).rejects.toMatchObject(
      fact('ConnectionDropped', 'no connection within 0.15 s'),
    )
    await new Promise((resolve) => mute.close(resolve))
    await expect(open(`https://127.0.0.1:${port}`)).rejects.toMatchObject(
      fact('ConnectionDropped', 'ECONNREFUSED', 'route.url'),
    )
    await expect(open('https://nas.invalid')).rejects.toMatchObject(fact('ConnectionDropped', 'nas.invalid:443'))
  })

  it('a server that speaks no TLS is a drop that says so', async () => {
    const plain: Server = createTcpServer((socket) =>
      socket
        .on('error', () => undefined)
        .resume()
        .end('HTTP/1.1 400 Bad\r\n\r\n'),
    )
    await once(plain.listen(0, '127.0.0.1'), 'listening')
    closing.push(() => new Promise((resolve) => plain.close(resolve)))
    const { port } = plain.address() as AddressInfo
    await expect(routeTo({ url: `https://127.0.0.1:${port}` }).open(location)).rejects.toMatchObject(
      fact('ConnectionDropped', 'web server with TLS'),
    )
  })

  it('an aborted read leaves its buffer alone and disturbs no other', async () => {
    const server = await serve(
      gets(async (socket, request) => {
        socket.write(head(206, partialFields(request)))
        const bytes = bytesOf(request)
        for (let at = 0; at < bytes.length && !socket.destroyed; at += 50 * KIB) {
          socket.write(bytes.subarray(at, at + 50 * KIB))
          await delay(1)
        }
      }),
    )
    const reader = await routeTo(server).open(location)
    const other = Buffer.alloc(2 * MIB)
    const reading = reader.read(0, other)
    const targets = await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const abort = new AbortController()
        const target = Buffer.alloc(2 * MIB)
        const aborted = reader.read(0, target, abort.signal)
        setTimeout(() => abort.abort(new Error(`stop ${index}`)), 5 + 4 * index)
        await expect(aborted).rejects.toThrow(`stop ${index}`)
        target.fill(0xcc)
        return target
      }),
    )
    await reading
    expect(other.equals(body.subarray(0, 2 * MIB))).toBe(true)
    expect(targets.every((target) => target.every((byte) => byte === 0xcc))).toBe(true)
    await reader.read(5, other)
    expect(other.equals(body.subarray(5, 5 + 2 * MIB))).toBe(true)
  })

  it('an abort while connecting ends the attempt', async () => {
    const server = await serve(serveWell)
    const reader = await routeTo(server).open(location)
    const abort = new AbortController()
    const keepBusy = reader.read(0, Buffer.alloc(MIB))
    const waiting = reader.read(0, Buffer.alloc(10), abort.signal)
    abort.abort(new Error('stop'))
    await expect(waiting).rejects.toThrow('stop')
    await keepBusy
  })

  it('closing the reader fails reads under way, also those that are still connecting', async () => {
    const server = await serve(gets(() => undefined))
    const reader = await routeTo(server).open(location)
    const reads = [reader.read(0, Buffer.alloc(10)), reader.read(0, Buffer.alloc(10))].map((read) =>
      expect(read).rejects.toMatchObject({ name: 'ConnectionDropped' }),
    )
    await reader.close()
    await Promise.all(reads)
    await expect.poll(() => server.open()).toBe(0)
  })
})

describe('who the server is', () => {
  const pinned = (fingerprint: string): HttpsRoute['tls'] => ({ mode: 'fingerprint', fingerprints: [fingerprint] })

  it.each<[string, (server: HostileServer) => HttpsRoute['tls']]>([
    ['a public authority', () => ({ mode: 'system' })],
    ["another site's authority", () => ({ mode: 'ca', ca: otherIdentity.ca })],
    ['another fingerprint', () => pinned('AB'.repeat(32))],
  ])('with %s expected, no request is sent, and the error shows what was seen', async (_, tls) => {
    const server = await serve(serveWell)
    const route = routeTo(server, { tls: tls(server) })
    const mismatch = fact('TlsIdentityMismatch', server.fingerprint, 'route.tls')
    mismatch.message = expect.stringMatching(new RegExp(`(?=.*${server.fingerprint})(?=.*Site hq)(?=.*route.tls)`))
    await expect(route.open(location)).rejects.toMatchObject(mismatch)
    await expect(route.check('pve1')).rejects.toMatchObject(mismatch)
    expect(server.requests).toEqual([])
  })

  it('a certificate that changes between two connections is noticed before the second sends anything', async () => {
    const server = await serve((socket, request) => {
      serveWell(socket, request)
      if (request.method === 'GET') socket.end()
    })
    const reader = await routeTo(server, { tls: pinned(server.fingerprint) }).open(location)
    await reader.read(0, Buffer.alloc(10))
    server.setIdentity(otherIdentity)
    await expect.poll(() => server.open()).toBe(0)
    await expect(reader.read(0, Buffer.alloc(10))).rejects.toMatchObject({ name: 'TlsIdentityMismatch' })
    expect(server.requests).toHaveLength(2)
  })

  it('an authority that is no certificate is found before anything is sent', () => {
    const ca = '-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----'
    expect(() => routeTo({ url: 'https://nas' }, { tls: { mode: 'ca', ca } })).toThrow(
      expect.objectContaining({ name: 'InvalidSite' }),
    )
  })
})

describe('size, time and version of a file', () => {
  const statFrom = async (script: Script, changes: Partial<HttpsRoute> = {}) => {
    const server = await serve(script)
    return (await routeTo(server, changes).open(location)).stat()
  }
  const identityOf = { sizeBytes: body.length, modifiedAt: '2026-11-21T02:00:00.000Z', validator: ETAG }

  it('come from HEAD', async () => {
    expect(await statFrom(serveWell)).toEqual(identityOf)
  })

  it.each<[string, string]>([
    ['refuses HEAD with 405', head(405, { 'Content-Length': 0 })],
    ['does not know HEAD', head(501, { Connection: 'close' })],
    ['leaves out the length', head(200, { ...whole, 'Content-Length': undefined })],
    ['says 0', head(200, { ...whole, 'Content-Length': 0 })],
  ])('come from a range of one byte where a server %s', async (_, answer) => {
    const statted = statFrom((socket, request) => {
      if (request.method === 'HEAD') socket.write(answer)
      else serveWell(socket, request)
    })
    expect(await statted).toEqual(identityOf)
  })

  it('of an empty file come from 416', async () => {
    const statted = statFrom((socket, request) => {
      if (request.method === 'HEAD') socket.write(head(200, { ...whole, 'Content-Length': 0 }))
      else socket.write(head(416, { 'Content-Range': 'bytes */0', 'Content-Length': 0 }))
    })
    expect(await statted).toEqual({ ...identityOf, sizeBytes: 0 })
  })

  it('need no time where there is a strong ETag', async () => {
    const statted = statFrom((socket) => void socket.write(head(200, { ...whole, 'Last-Modified': undefined })))
    expect(await statted).toEqual({ sizeBytes: body.length, modifiedAt: '1970-01-01T00:00:00.000Z', validator: ETAG })
  })

  it.each<[string, Fields, ReturnType<typeof fact>]>([
    [
      'neither ETag nor time',
      { ETag: undefined, 'Last-Modified': undefined },
      fact('SourceUnreadable', 'Last-Modified', 'ETag'),
    ],
    ['a weak ETag alone', { ETag: 'W/"a"', 'Last-Modified': undefined }, fact('SourceUnreadable', 'strong ETag')],
    [
      'an ETag without quotes and a time without a zone',
      { ETag: 'a', 'Last-Modified': 'Sat Nov 21 02:00:00 2026' },
      fact('SourceUnreadable'),
    ],
    ['Content-Encoding', { 'Content-Encoding': 'gzip' }, fact('SourceUnreadable', 'Content-Encoding')],
    ['Accept-Ranges: none', { 'Accept-Ranges': 'none' }, fact('SourceUnreadable', 'Accept-Ranges: none')],
  ])('%s in the answer to HEAD is refused', async (_, fields, expected) => {
    await expect(statFrom((socket) => void socket.write(head(200, { ...whole, ...fields })))).rejects.toMatchObject(
      expected,
    )
  })

  it('are not to be had from a server without HEAD and Range', async () => {
    await expect(
      statFrom((socket, request) => void socket.write(head(request.method === 'HEAD' ? 405 : 200, whole))),
    ).rejects.toMatchObject(fact('SourceUnreadable', 'ignores Range'))
  })

  it('survive a server that sends a body with the answer to HEAD', async () => {
    const server = await serve((socket, request) => {
      serveWell(socket, request)
      if (request.method === 'HEAD') socket.write(body.subarray(0, 50 * KIB))
    })
    const reader = await routeTo(server).open(location)
    const target = Buffer.alloc(KIB)
    await reader.read(77, target)
    expect(target.equals(body.subarray(77, 77 + KIB))).toBe(true)
  })
})

describe('checking the way to a node', () => {
  const checkWith = async (status: number, changes: Partial<HttpsRoute> = {}): Promise<SeenRequest[]> => {
    const server = await serve((socket) => void socket.write(head(status, { 'Content-Length': 0 })))
    await routeTo(server, changes).check('pve1')
    return server.requests
  }

  it('asks for a file that is not there, with the credentials', async () => {
    const [request, ...others] = await checkWith(404)
    expect(others).toEqual([])
    expect(request).toMatchObject({ method: 'GET', path: '/guestlift-route-check/guestlift-route-check' })
    expect(request?.headers).toHaveProperty('authorization')
    expect(request?.headers).toHaveProperty('range', 'bytes=0-0')
  })

  it('asks in the folder where archives will be', async () => {
    const server = await serve((socket) => void socket.write(head(404, { 'Content-Length': 0 })))
    const route = routeTo(server, { url: `${server.url}/{node}/{storage}/{path}` })
    await route.check('pve1', { storage: 'nas', folder: '/mnt/pve/nas/dump', withinMilliseconds: 5_000 })
    expect(server.requests[0]?.path).toBe('/pve1/nas/mnt/pve/nas/dump/guestlift-route-check')
  })

  it('is one with all nodes where the URL does not name the node', async () => {
    const server = await serve(() => undefined)
    const shared = routeTo(server, { url: `${server.url}/{file}` })
    expect(shared.endOf('pve1')).toBe(shared.endOf('pve2'))
    const apart = routeTo(server, { url: `${server.url}/{node}/{file}` })
    expect(apart.endOf('pve1')).not.toBe(apart.endOf('pve2'))
  })

  it.each([400, 404, 410, 416])('is content with %i', async (status) => {
    await expect(checkWith(status)).resolves.toHaveLength(1)
  })

  it.each([
    [401, 'RouteLoginRejected'],
    [403, 'RouteLoginRejected'],
    [302, 'SourceUnreadable'],
    // A web page for whatever is asked: no file server, or one that doesn't know ranges.
    [200, 'SourceUnreadable'],
    [503, 'ConnectionDropped'],
  ])('is not content with %i', async (status, name) => {
    await expect(checkWith(status)).rejects.toMatchObject(fact(name, 'node pve1', String(status)))
  })

  it('says that a login is missing where the server wants one and the route has none', async () => {
    const server = await serve((socket) => void socket.write(head(401, { 'WWW-Authenticate': 'Digest realm="x"' })))
    const route = openHttpsRoute('hq', {
      type: 'https',
      url: `${server.url}/{file}`,
      tls: { mode: 'ca', ca: identity.ca },
    })
    await expect(route.check('pve1')).rejects.toMatchObject(fact('RouteLoginRejected', 'no auth', 'asks for digest'))
    expect(server.requests[0]?.headers).not.toHaveProperty('authorization')
  })

  it('knows a login page by its type', async () => {
    const server = await serve(
      (socket) => void socket.write(head(200, { 'Content-Type': 'text/html', 'Content-Length': 6 }) + '<html>'),
    )
    await expect(routeTo(server).check('pve1')).rejects.toMatchObject(
      fact('SourceUnreadable', 'text/html', 'no web page or login page'),
    )
  })
})
