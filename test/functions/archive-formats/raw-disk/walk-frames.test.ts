import { describe, expect, it } from 'vitest'
import { Damage } from '../../../../functions/archive-formats/damage.ts'
import { walkFrames } from '../../../../functions/archive-formats/raw-disk/walk-frames.ts'
import { NOT_INSPECTED } from '../../../../functions/contracts/verification.ts'

const MAGIC = Buffer.from('28b52ffd', 'hex')
const SUM = Buffer.from('01020304', 'hex')
const [RAW, RLE, COMPRESSED, RESERVED] = [0, 1, 2, 3]

/** A block as its header says it: of `bytes`, of which it holds all unless it repeats one. */
function block(bytes: number, type = RAW, last = true): Buffer {
  const header = Buffer.alloc(3)
  header.writeUIntLE((bytes << 3) | (type << 1) | (last ? 1 : 0), 0, 3)
  return Buffer.concat([header, Buffer.alloc(type === RLE ? 1 : bytes, 7)])
}

/** A frame with this descriptor and what follows it up to the first block. */
function frame(descriptor: number, fields: string, ...blocks: Buffer[]): Buffer {
  const head = Buffer.concat([MAGIC, Buffer.from([descriptor]), Buffer.from(fields, 'hex')])
  return Buffer.concat([head, ...(blocks.length === 0 ? [block(5)] : blocks), SUM])
}

function skippable(magic: number, content: number, there = content): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(magic)
  head.writeUInt32LE(content, 4)
  return Buffer.concat([head, Buffer.alloc(there)])
}

async function* inChunks(bytes: Buffer, chunkBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
}

async function walk(file: AsyncIterable<Buffer> | Buffer) {
  const seen: object[] = []
  try {
    for await (const one of walkFrames(Buffer.isBuffer(file) ? inChunks(file, 1000) : file)) seen.push(one)
  } catch (error) {
    if (!(error instanceof Damage)) throw error
    const { code, offset, of, message } = error.finding
    return { seen, code, offset, of, message }
  }
  return { seen }
}

const plain = frame(0x24, '05')

describe('the frames of a file', () => {
  it('are none of an empty one', async () => {
    expect(await walk(Buffer.alloc(0))).toEqual({ seen: [] })
  })

  it.each([1, 2, 3, 7, 1000])(
    'come whole and in order, each with its place, from chunks of %d bytes',
    async (chunk) => {
      const pad = skippable(0x184d2a50, 10)
      const table = skippable(0x184d2a5e, 9)
      const several = frame(0x24, '09', block(2, RAW, false), block(6, RLE, false), block(1, COMPRESSED))
      const empty = skippable(0x184d2a50, 0)
      const at = [plain, pad, several, empty, table].map((_, index, all) => Buffer.concat(all.slice(0, index)).length)
      const { seen } = await walk(inChunks(Buffer.concat([plain, pad, several, empty, table]), chunk))
      const checksum = 0x04030201
      expect(seen).toEqual([
        { kind: 'data', offset: at[0], bytes: plain, contentBytes: 5, checksum },
        { kind: 'pad', offset: at[1], storedBytes: 18 },
        { kind: 'data', offset: at[2], bytes: several, contentBytes: 9, checksum },
        { kind: 'pad', offset: at[3], storedBytes: 8 },
        { kind: 'seek-table', offset: at[4], bytes: table },
      ])
    },
  )

  it.each([
    ['one byte, of a single segment', 0x24, '07', 7],
    ['two bytes, which begin to count at 256', 0x64, '0102', 0x0201 + 256],
    ['two bytes behind a window', 0x44, 'aa0102', 0x0201 + 256],
    ['four bytes', 0xa4, '01020304', 0x04030201],
    ['four bytes behind a window', 0x84, 'aa01020384', 0x84030201],
    ['eight bytes', 0xe4, '0102030400000000', 0x04030201],
    ['eight bytes behind a window', 0xc4, 'aa0000000001000000', 2 ** 32],
  ])('say how long their content is in %s', async (_, descriptor, fields, contentBytes) => {
    const bytes = frame(descriptor, fields)
    expect((await walk(bytes)).seen).toMatchObject([{ contentBytes, bytes }])
  })

  it.each([
    ['without a checksum', 0x20, '05', 'At byte 18 of the file: the frame has no checksum.'],
    [
      'without the size of its content',
      0x04,
      '05',
      "At byte 18 of the file: the frame doesn't say how long its content is.",
    ],
    ['with a dictionary of one byte', 0x25, '0105', 'At byte 18 of the file: the frame needs a dictionary.'],
    ['with a dictionary of two bytes', 0x26, '010205', 'At byte 18 of the file: the frame needs a dictionary.'],
    ['with a dictionary of four bytes', 0x27, '0102030405', 'At byte 18 of the file: the frame needs a dictionary.'],
  ])('are none of a disk’s archive %s', async (_, descriptor, fields, message) => {
    const found = await walk(Buffer.concat([plain, frame(descriptor, fields)]))
    expect(found).toMatchObject({ code: NOT_INSPECTED, offset: 18, of: 'file', message, seen: [{ offset: 0 }] })
  })

  it('have no block of the reserved type', async () => {
    const found = await walk(Buffer.concat([plain, frame(0x24, '05', block(1, RESERVED))]))
    expect(found).toMatchObject({ code: 'zstd-block', offset: 18 })
  })

  it.each([
    ['is passed over, whichever of the sixteen marks it has', 0x184d2a50, 'pad'],
    ['is passed over, whichever of the sixteen marks it has', 0x184d2a5d, 'pad'],
    ['is passed over, whichever of the sixteen marks it has', 0x184d2a5f, 'pad'],
    ['is the seek table by its mark', 0x184d2a5e, 'seek-table'],
  ])('without content: one %s', async (_, magic, kind) => {
    expect((await walk(skippable(magic, 3))).seen).toMatchObject([{ kind }])
  })

  it.each([0x184d2a4f, 0x184d2a60, 0xfd2fb529, 0x987d2a50])('never begin with %d', async (magic) => {
    const found = await walk(Buffer.concat([plain, skippable(magic, 3)]))
    expect(found).toMatchObject({ code: 'zstd-trailing-data', offset: 18, of: 'file' })
  })

  it('are cut short wherever the file ends within one', async () => {
    const table = skippable(0x184d2a5e, 9)
    const parts = [plain, skippable(0x184d2a50, 10), frame(0x44, 'aa0102', block(2, RAW, false), block(6, RLE)), table]
    const whole = Buffer.concat(parts)
    const begins = parts.map((_, index) => Buffer.concat(parts.slice(0, index)).length)
    const ends = Array.from({ length: whole.length }, (_, end) => end)
    for (const end of ends.filter((one) => !begins.includes(one))) {
      const offset = begins.findLast((at) => at < end) ?? 0
      expect(await walk(whole.subarray(0, end)), `${end}`).toMatchObject({
        code: 'zstd-cut-short',
        offset,
        of: 'file',
        message: `The file ends at byte ${end}, within the frame at byte ${offset}.`,
      })
    }
    for (const end of begins) expect(await walk(whole.subarray(0, end)), `${end}`).not.toHaveProperty('code')
  })

  it('are held in memory up to 32 MiB and no further', async () => {
    const most = 2 ** 21 - 1
    const full = block(most, RAW, false)
    const head = Buffer.concat([MAGIC, Buffer.from('2405', 'hex')])
    const left = 32 * 2 ** 20 - head.length - 15 * full.length - 3
    async function* file(last: number): AsyncGenerator<Buffer> {
      yield head
      for (let count = 0; count < 15; count += 1) yield full
      yield block(last)
      yield SUM
    }
    expect((await walk(file(left))).seen).toMatchObject([{ kind: 'data', contentBytes: 5, checksum: 0x04030201 }])
    expect(await walk(file(left + 1))).toMatchObject({ seen: [], code: NOT_INSPECTED, offset: 0 })
  })

  it('are no longer seek tables than the format allows', async () => {
    const most = 2 ** 27 * 12 + 17
    expect(await walk(skippable(0x184d2a5e, most, 9))).toMatchObject({ code: 'zstd-cut-short', offset: 0 })
    expect(await walk(skippable(0x184d2a5e, most + 1, 9))).toMatchObject({ code: 'seek-table', offset: 0 })
  })
})
