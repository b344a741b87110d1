import { crc32, deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { adler32 } from '../../../../functions/archive-formats/proxmox/adler32.ts'
import { Damage } from '../../../../functions/archive-formats/damage.ts'
import { decompressLzop } from '../../../../functions/archive-formats/proxmox/lzop.ts'
import { inChunks } from './made-archives.ts'

const flag = {
  adler: 0x1,
  adlerOfData: 0x2,
  extra: 0x40,
  crc: 0x100,
  crcOfData: 0x200,
  multipart: 0x400,
  filter: 0x800,
  crcOfHeader: 0x1000,
}
const MIB = 1024 * 1024

const words = (...values: number[]) => {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, index) => bytes.writeUInt32BE(value, 4 * index))
  return bytes
}
/** A byte with one bit flipped. */
const flipped = (bytes: Buffer, at: number) => {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}

/** zlib's own: it ends what it deflates with the sum. */
const adlerByZlib = (bytes: Buffer) => deflateSync(bytes).readUInt32BE(deflateSync(bytes).length - 4)

interface Its {
  flags?: number
  version?: number
  needed?: number
  method?: number
  name?: string
  extra?: Buffer
  extraSum?: number
}

function header({
  flags = 0,
  version = 0x1040,
  needed = 0x0940,
  method = 1,
  name = '',
  extra,
  extraSum,
}: Its = {}): Buffer {
  const fixed = Buffer.alloc(12)
  fixed.writeUInt16BE(version, 0)
  fixed.writeUInt16BE(0x2080, 2)
  fixed.writeUInt16BE(needed, 4)
  fixed.writeUInt8(method, 6)
  fixed.writeUInt8(5, 7)
  fixed.writeUInt32BE(flags, 8)
  const sumOf = (bytes: Buffer) => words((flags & flag.crcOfHeader) === 0 ? adlerByZlib(bytes) : crc32(bytes))
  const filter = (flags & flag.filter) === 0 ? Buffer.alloc(0) : words(1)
  const rest = Buffer.concat([words(0o100644, 1_795_312_800, 0), Buffer.from([name.length]), Buffer.from(name)])
  const under = Buffer.concat([fixed, filter, rest])
  const field = extra === undefined ? Buffer.alloc(0) : Buffer.concat([words(extra.length), extra])
  const sum = extra === undefined ? field : extraSum === undefined ? sumOf(field) : words(extraSum)
  return Buffer.concat([Buffer.from('\x89LZO\0\r\n\x1a\n', 'latin1'), under, sumOf(under), field, sum])
}

/** One literal `a`, 34 bytes again from next to it, the end mark. */
const DATA = Buffer.from([18, 0x61, 32, 1, 0, 0, 17, 0, 0])
const CONTENT = Buffer.alloc(35, 'a')
const STORED = Buffer.from('stored as it is')
const END = words(0)

function block(flags: number, content: Buffer, data: Buffer): Buffer {
  const sums = (bytes: Buffer, adler: number, crc: number) => [
    ...((flags & adler) === 0 ? [] : [words(adlerByZlib(bytes))]),
    ...((flags & crc) === 0 ? [] : [words(crc32(bytes))]),
  ]
  const ofData = content === data ? [] : sums(data, flag.adlerOfData, flag.crcOfData)
  return Buffer.concat([words(content.length, data.length), ...sums(content, flag.adler, flag.crc), ...ofData, data])
}

const whole = (its: Its = {}) => {
  const { flags = 0 } = its
  return Buffer.concat([header(its), block(flags, CONTENT, DATA), block(flags, STORED, STORED), END])
}

async function read(...parts: Buffer[]) {
  const facts = { parts: 0, partsWithoutChecksum: 0 }
  const pieces: Buffer[] = []
  try {
    for await (const piece of decompressLzop(inChunks(Buffer.concat(parts), 7), facts)) pieces.push(Buffer.from(piece))
  } catch (error) {
    if (!(error instanceof Damage)) throw error
    const { code, of, offset } = error.finding
    return {
      facts,
      pieces: pieces.map(String),
      refused: `${code} ${of === 'file' ? offset : of}`,
      message: error.message,
    }
  }
  return { facts, pieces: pieces.map(String) }
}
const refused = async (...parts: Buffer[]) => (await read(...parts)).refused
const pieces = [String(CONTENT), String(STORED)]

describe('an lzop file', () => {
  const { adler, adlerOfData, crc, crcOfData, crcOfHeader } = flag
  const sums = [0, adler, crc, adler | crc, adlerOfData, crcOfData, adlerOfData | crcOfData | adler | crc]

  it.each([...sums, ...sums.map((one) => one | crcOfHeader)])(
    'with the sums that flags %i say gives its content',
    async (flags) => {
      const withoutSum = (flags & (adler | crc)) === 0
      const told = await read(whole({ flags, name: 'disk.vma' }))
      expect(told).toEqual({ facts: { parts: 1, partsWithoutChecksum: withoutSum ? 1 : 0 }, pieces })
    },
  )

  it.each([
    ['the content, Adler-32', adler, 8],
    ['the content, CRC-32', crc, 8],
    ['the data, Adler-32', adlerOfData, 8],
    ['the data, CRC-32', crcOfData, 8],
    ['the content beside another, Adler-32', adler | crc | adlerOfData | crcOfData, 8],
    ['the content beside another, CRC-32', adler | crc | adlerOfData | crcOfData, 12],
    ['the data beside another, Adler-32', adler | crc | adlerOfData | crcOfData, 16],
    ['the data beside another, CRC-32', adler | crc | adlerOfData | crcOfData, 20],
  ])('is refused for a wrong sum of %s', async (what, flags, at) => {
    const start = header({ flags })
    const { refused: code, message } = await read(start, flipped(block(flags, CONTENT, DATA), at), END)
    expect(code).toBe(`lzop-checksum ${start.length}`)
    const who = what.startsWith('the data') ? 'The data of the lzop block at byte' : 'What the lzop block at byte'
    expect(message).toContain(who)
    expect(message).toMatch(/does not fit its checksum\.$/)
  })

  it('is refused for a wrong sum of a block that is stored, at its place', async () => {
    const start = Buffer.concat([header({ flags: adler }), block(adler, CONTENT, DATA)])
    expect(await refused(start, flipped(block(adler, STORED, STORED), 8), END)).toBe(`lzop-checksum ${start.length}`)
  })

  it.each([flag.adler | flag.crcOfData, flag.crcOfHeader | flag.extra])(
    'of flags %i is refused wherever it is cut off, and says where',
    async (flags) => {
      const bytes = whole({ flags, name: 'x', ...((flags & flag.extra) === 0 ? {} : { extra: Buffer.from('more') }) })
      for (let end = 0; end < bytes.length; end += 1) {
        expect(await refused(bytes.subarray(0, end))).toBe(end < 9 ? 'lzop-magic 0' : `lzop-cut-short ${end}`)
      }
    },
  )

  it.each([
    ['no lzop file', Buffer.from('something else'), 'lzop-magic 0'],
    ['zeroes alone', Buffer.alloc(100), 'lzop-magic 0'],
    ['of a version with another layout', header({ version: 0x093f }), 'lzop-version 9'],
    ['a header that does not fit its sum', flipped(header({ name: 'x' }), 20), 'lzop-header-checksum 9'],
    ['of a name that does not fit the sum', flipped(header({ name: 'x' }), 34), 'lzop-header-checksum 9'],
    ['of a version to come', header({ needed: 0x1041 }), 'lzop-unsupported 9'],
    ['of method 0', header({ method: 0 }), 'lzop-unsupported 9'],
    ['of method 4', header({ method: 4 }), 'lzop-unsupported 9'],
    ['with a filter', header({ flags: flag.filter }), 'lzop-unsupported 9'],
    ['of several parts', header({ flags: flag.multipart }), 'lzop-unsupported 9'],
    [
      'an extra field with a wrong sum',
      header({ flags: flag.extra, extra: Buffer.from('more'), extraSum: 1 }),
      'lzop-header-checksum 9',
    ],
    [
      'an extra field of more than 64 MiB',
      Buffer.concat([header({ flags: flag.extra }), words(64 * MIB + 1)]),
      'lzop-header 9',
    ],
    [
      'an extra field of 64 MiB that ends before',
      Buffer.concat([header({ flags: flag.extra }), words(64 * MIB)]),
      'lzop-cut-short 42',
    ],
    ['a block of more than 64 MiB', Buffer.concat([header(), words(64 * MIB + 1, 1)]), 'lzop-block 38'],
    ['a block of 64 MiB that ends before', Buffer.concat([header(), words(64 * MIB, 1)]), 'lzop-cut-short 46'],
    ['a block of more data than content', Buffer.concat([header(), words(4, 5)]), 'lzop-block 38'],
    ['a block without data', Buffer.concat([header(), words(4, 0)]), 'lzop-block 38'],
    ['a block that is no LZO', Buffer.concat([header(), words(40, 9), Buffer.alloc(9, 255)]), 'lzop-data 38'],
  ])('is refused: %s', async (_, bytes, code) => {
    expect(await refused(bytes)).toBe(code)
  })

  it.each([
    ['the oldest of this layout', { version: 0x0940 }],
    ['the newest that is known', { needed: 0x1040 }],
    ['of method 2', { method: 2 }],
    ['of method 3', { method: 3 }],
    ['with an extra field', { flags: flag.extra, extra: Buffer.from('more') }],
    ['with an extra field under CRC-32', { flags: flag.extra | flag.crcOfHeader, extra: Buffer.from('more') }],
  ])('is accepted: %s', async (_, its) => {
    expect(await read(whole(its))).toMatchObject({ pieces })
  })
})

describe('behind the end of an lzop file', () => {
  const bytes = whole({ flags: flag.adler })
  const at = bytes.length

  it.each([1, 8, 9, 10, 70_000])('%i zeroes may stand', async (zeroes) => {
    expect(await read(bytes, Buffer.alloc(zeroes))).toEqual({ facts: { parts: 1, partsWithoutChecksum: 0 }, pieces })
  })

  it('nothing else may, and its place is told', async () => {
    expect(await refused(bytes, Buffer.from('x'))).toBe(`lzop-trailing-data ${at}`)
    expect(await refused(bytes, Buffer.alloc(8), Buffer.from('x'))).toBe(`lzop-trailing-data ${at}`)
    expect(await refused(bytes, Buffer.alloc(9), Buffer.from('x'))).toBe(`lzop-trailing-data ${at + 9}`)
    const far = 9 + 65_536
    expect(await refused(bytes, Buffer.alloc(far), Buffer.from('x'))).toBe(`lzop-trailing-data ${at + far}`)
  })

  it('another lzop file is one that a restore takes for an error', async () => {
    const { refused: code, message, facts } = await read(bytes, bytes)
    expect(code).toBe(`lzop-multipart ${at}`)
    expect(message).toContain(`Another lzop file follows at byte ${at}`)
    expect(facts.parts).toBe(1)
  })
})

describe('Adler-32', () => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a word', Buffer.from('Wikipedia')],
    ['the largest bytes, more than one stretch of them', Buffer.alloc(5_552 * 3 + 1, 255)],
    ['exactly one stretch', Buffer.alloc(5_552, 255)],
    ['a megabyte', Buffer.alloc(MIB, 'of all kinds of bytes')],
  ])('of %s is what zlib says', (_, bytes) => {
    expect(adler32(bytes)).toBe(adlerByZlib(bytes))
  })
})
