import { constants, crc32, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Compression } from '../../../../functions/contracts/verification.ts'
import { Damage } from '../../../../functions/archive-formats/damage.ts'
import { decompress } from '../../../../functions/archive-formats/proxmox/decompress.ts'
import { inChunks } from './made-archives.ts'

const content = Buffer.from(Array.from({ length: 3_000 }, (_, at) => `${at} lines of content\n`).join(''))

async function read(bytes: Buffer | AsyncIterable<Buffer>, compression: Compression) {
  const notes: string[] = []
  const chunks: Buffer[] = []
  const source = Buffer.isBuffer(bytes) ? inChunks(bytes, 1_000) : bytes
  try {
    for await (const chunk of decompress(source, compression, (note) => notes.push(note)))
      chunks.push(Buffer.from(chunk))
  } catch (error) {
    if (!(error instanceof Damage)) throw error
    return { refused: error.finding, notes }
  }
  return { whole: Buffer.concat(chunks).equals(content), notes }
}

/** An lzop file of one stored block, without sums. */
function lzop(bytes: Buffer, withSum = false): Buffer {
  const header = Buffer.alloc(25)
  header.writeUInt16BE(0x1040, 0)
  header.writeUInt16BE(0x2080, 2)
  header.writeUInt16BE(0x0940, 4)
  header.writeUInt8(1, 6)
  header.writeUInt32BE(0x1000 | (withSum ? 0x100 : 0), 8)
  const word = (value: number) => {
    const four = Buffer.alloc(4)
    four.writeUInt32BE(value)
    return four
  }
  const mark = Buffer.from('\x89LZO\0\r\n\x1a\n', 'latin1')
  const sum = withSum ? [word(crc32(bytes))] : []
  return Buffer.concat([
    mark,
    header,
    word(crc32(header)),
    word(bytes.length),
    word(bytes.length),
    ...sum,
    bytes,
    word(0),
  ])
}

describe('what a compressor made', () => {
  const zstd = zstdCompressSync(content)
  const [first, second] = [gzipSync(content.subarray(0, 500)), gzipSync(content.subarray(500))]

  it.each<[string, Compression, Buffer]>([
    ['nothing', 'none', content],
    ['gzip', 'gzip', gzipSync(content)],
    ['gzip in two members', 'gzip', Buffer.concat([first, second])],
    ['gzip, with zeroes behind', 'gzip', Buffer.concat([gzipSync(content), Buffer.alloc(1_500)])],
    ['lzop', 'lzo', lzop(content, true)],
    ['zstd', 'zstd', zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })],
  ])('comes back whole, without a remark: %s', async (_, compression, bytes) => {
    expect(await read(bytes, compression)).toEqual({ whole: true, notes: [] })
  })

  it('holds sums or not, and where not, that is remarked', async () => {
    expect(await read(zstd, 'zstd')).toEqual({
      whole: true,
      notes: ['1 of 1 zstd frames hold no checksum: flipped bits may go unseen.'],
    })
    expect(await read(lzop(content), 'lzo')).toEqual({
      whole: true,
      notes: ['The lzop file holds no checksums of its content: flipped bits may go unseen.'],
    })
  })

  it.each<[Compression, string, Buffer, string, RegExp]>([
    [
      'gzip',
      'cut short',
      gzipSync(content).subarray(0, -9),
      'gzip-cut-short',
      /^The gzip data ends too early, or something else follows its end; it was read up to about byte \d+\.$/,
    ],
    [
      'gzip',
      'damaged',
      Buffer.concat([gzipSync(content).subarray(0, -8), Buffer.alloc(8)]),
      'gzip-data',
      /^The gzip data is damaged \(incorrect data check\);/,
    ],
    ['zstd', 'cut short', zstd.subarray(0, -1), 'zstd-cut-short', /within a frame/],
    ['zstd', 'damaged', Buffer.concat([zstd.subarray(0, 40), Buffer.alloc(zstd.length - 40, 255)]), 'zstd-', /zstd/],
    ['lzo', 'cut short', lzop(content).subarray(0, -1), 'lzop-cut-short', /without its end mark/],
  ])('is refused: %s, %s', async (compression, _, bytes, code, message) => {
    const { refused } = await read(bytes, compression)
    expect(refused).toMatchObject({
      code: expect.stringContaining(code),
      of: 'file',
      message: expect.stringMatching(message),
    })
  })

  it('is refused with something after the zeroes behind gzip, with its place and how much it is', async () => {
    const whole = gzipSync(content)
    const behind = (...parts: Buffer[]) => read(Buffer.concat([whole, ...parts]), 'gzip')
    const refused = (bytes: number) => ({
      notes: [],
      refused: {
        code: 'gzip-trailing-data',
        message: `${bytes} bytes follow the end of the gzip data at byte ${whole.length}.`,
        of: 'file',
        offset: whole.length,
      },
    })
    expect(await behind(Buffer.alloc(1), Buffer.from('x'))).toEqual(refused(2))
    // The first byte of a piece.
    const upToPiece = 1_000 - (whole.length % 1_000)
    expect(await behind(Buffer.alloc(upToPiece), Buffer.from('x'))).toEqual(refused(upToPiece + 1))
    expect(await behind(Buffer.alloc(10), Buffer.from('x'), Buffer.alloc(2_000))).toEqual(refused(2_011))
  })

  it.each([
    ['a byte', 'x', 'ends too early'],
    ['the first byte of another member', '\x1f', 'ends too early'],
    ['a text', 'left over by a tool', 'is damaged (incorrect header check)'],
  ])(
    'is refused with %s directly behind gzip, and the message says that something may follow',
    async (_, text, what) => {
      const { refused } = await read(Buffer.concat([gzipSync(content), Buffer.from(text, 'latin1')]), 'gzip')
      const start = `The gzip data ${what}, or something else follows its end; it was read up to about byte `
      expect(refused?.message).toContain(start)
    },
  )

  it('of gzip may end with a byte that isn’t zero: of 16 MiB the length does', async () => {
    let bytes = 0
    for await (const chunk of decompress(inChunks(gzipSync(Buffer.alloc(2 ** 24))), 'gzip')) bytes += chunk.length
    expect(bytes).toBe(2 ** 24)
  })

  it('is not blamed for a source that fails', async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield gzipSync(content).subarray(0, 100)
      throw new Error('connection reset')
    }
    await expect(read(broken(), 'gzip')).rejects.toThrow('connection reset')
    async function* coded(): AsyncGenerator<Buffer> {
      yield gzipSync(content).subarray(0, 100)
      throw Object.assign(new Error('no route'), { code: 'NOT_Z_DATA' })
    }
    await expect(read(coded(), 'gzip')).rejects.toThrow('no route')
  })
})
