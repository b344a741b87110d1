import { describe, expect, it } from 'vitest'
import { Damage } from '../../../functions/archive-formats/damage.ts'
import { beginsZstdFrame, cutAtFrames } from '../../../functions/archive-formats/zstd-frames.ts'
import { inChunks } from './proxmox/made-archives.ts'

const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
const SUM = Buffer.alloc(4, 0x77)

/** A frame: its descriptor, what the header holds besides, its blocks, its sum. */
const frame = (descriptor: number, header: number[], ...blocks: Buffer[]) =>
  Buffer.concat([MAGIC, Buffer.from([descriptor, ...header]), ...blocks, ...((descriptor & 4) === 0 ? [] : [SUM])])

function block(last: boolean, type: number, size: number, bytes = size): Buffer {
  const head = Buffer.alloc(3)
  head.writeUIntLE((size << 3) | (type << 1) | (last ? 1 : 0), 0, 3)
  // Bytes that would begin a frame if anybody took them for one.
  return Buffer.concat([head, Buffer.alloc(bytes, MAGIC)])
}

function skippable(magic: number, bytes: number): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(magic, 0)
  head.writeUInt32LE(bytes, 4)
  return Buffer.concat([head, Buffer.alloc(bytes, 9)])
}

const [raw, repeated, compressed] = [block(false, 0, 300), block(false, 1, 90_000, 1), block(false, 2, 41)]
const last = block(true, 0, 5)
/** A window of 1 MiB. */
const WINDOW = 10 << 3

async function walk(file: Buffer, chunkBytes = 64) {
  const facts = { frames: 0, framesWithoutChecksum: 0 }
  const ends: number[] = []
  const chunks: Buffer[] = []
  let at = 0
  try {
    for await (const chunk of cutAtFrames(inChunks(file, chunkBytes), facts)) {
      chunks.push(Buffer.from(chunk))
      ends.push((at += chunk.length))
    }
  } catch (error) {
    if (!(error instanceof Damage)) throw error
    return {
      facts,
      ends,
      refused: `${error.finding.code} ${error.finding.offset}`,
      of: error.finding.of,
      message: error.message,
    }
  }
  expect(Buffer.concat(chunks).equals(file)).toBe(true)
  return { facts, ends }
}

describe('a zstd frame', () => {
  it.each([
    ['of one block', frame(0, [WINDOW], last), 1],
    ['of an empty block', frame(0, [WINDOW], block(true, 0, 0)), 1],
    ['of blocks of all kinds', frame(0, [WINDOW], raw, repeated, compressed, last), 1],
    ['that ends with a repeated byte', frame(0, [WINDOW], raw, block(true, 1, 90_000, 1)), 1],
    ['with a sum', frame(0x04, [WINDOW], raw, last), 0],
    ['with a sum after nothing', frame(0x04, [WINDOW], block(true, 0, 0)), 0],
    ['with a dictionary of one byte', frame(0x01, [WINDOW, 7], last), 1],
    ['with a dictionary of two bytes', frame(0x02, [WINDOW, 7, 7], last), 1],
    ['with a dictionary of four bytes', frame(0x03, [WINDOW, 7, 7, 7, 7], last), 1],
    ['of one segment of a byte’s size', frame(0x20, [5], last), 1],
    ['of one segment of two bytes’ size', frame(0x60, [5, 0], last), 1],
    ['of one segment of four bytes’ size', frame(0xa0, [5, 0, 0, 0], last), 1],
    ['of one segment of eight bytes’ size', frame(0xe0, [5, 0, 0, 0, 0, 0, 0, 0], last), 1],
    ['with a window and a size of two bytes', frame(0x40, [WINDOW, 5, 0], last), 1],
    ['with a window and a size of four bytes', frame(0x80, [WINDOW, 5, 0, 0, 0], last), 1],
    ['with a window and a size of eight bytes', frame(0xc0, [WINDOW, 5, 0, 0, 0, 0, 0, 0, 0], last), 1],
    ['with everything', frame(0xc7, [WINDOW, 1, 2, 3, 4, 5, 0, 0, 0, 0, 0, 0, 0], raw, last), 0],
    ['that uses the bit that says nothing', frame(0x10, [WINDOW], last), 1],
  ])('%s ends where it ends', async (_, bytes, without) => {
    for (const chunkBytes of [1, 7, 100_000]) {
      const { ends, facts, refused } = await walk(Buffer.concat([bytes, bytes]), chunkBytes)
      expect(refused).toBeUndefined()
      expect(ends).toContain(bytes.length)
      expect(ends.at(-1)).toBe(2 * bytes.length)
      expect(facts).toEqual({ frames: 2, framesWithoutChecksum: 2 * without })
    }
  })

  it('is handed on at its end and nowhere else within a chunk', async () => {
    const one = frame(0, [WINDOW], last)
    const file = Buffer.concat([one, skippable(0x184d2a50, 3), one])
    expect((await walk(file, file.length)).ends).toEqual([one.length, one.length + 11, file.length])
    expect((await walk(file, 10)).ends).toEqual(
      [10, one.length, 20, one.length + 11, 30, file.length].toSorted((a, b) => a - b),
    )
  })

  it('is cut short wherever it ends before', async () => {
    const before = frame(0, [WINDOW], last)
    const bytes = frame(0x07, [WINDOW, 1, 2, 3, 4], raw, repeated, last)
    expect((await walk(before)).refused).toBeUndefined()
    for (let end = 1; end < bytes.length; end += 1) {
      const { refused, of } = await walk(Buffer.concat([before, bytes.subarray(0, end)]))
      expect(refused).toBe(`zstd-cut-short ${before.length + end}`)
      expect(of).toBe('file')
    }
  })

  it('of a reserved kind is refused, at its place', async () => {
    const before = frame(0, [WINDOW], last)
    const at = before.length
    const reserved = await walk(Buffer.concat([before, frame(0x08, [WINDOW], last)]))
    expect(reserved.refused).toBe(`zstd-header ${at + 4}`)
    expect(reserved.message).toContain(`The zstd frame at byte ${at} uses`)
    const odd = frame(0, [WINDOW], raw, block(true, 3, 0))
    expect((await walk(Buffer.concat([before, odd]))).refused).toBe(`zstd-block ${at + 6 + raw.length}`)
  })

  it('is refused for what no frame begins with, at its place', async () => {
    expect(await walk(Buffer.from('something'))).toMatchObject({
      refused: 'zstd-trailing-data 0',
      message: 'The file does not begin as zstd (byte 0).',
    })
    const one = frame(0, [WINDOW], last)
    expect(await walk(Buffer.concat([one, Buffer.alloc(4)]))).toMatchObject({
      refused: `zstd-trailing-data ${one.length}`,
      message: `What follows is no zstd frame (byte ${one.length}).`,
      facts: { frames: 1 },
    })
  })
})

describe('the memory that a zstd frame needs', () => {
  const code = (exponent: number, eighths: number) => ((exponent - 10) << 3) | eighths

  it.each([
    ['a window of 128 MiB', frame(0, [code(27, 0)], last), undefined],
    ['a window of an eighth more', frame(0, [code(27, 1)], last), [144, 28]],
    ['a window of seven eighths more', frame(0, [code(26, 7)], last), undefined],
    ['a window of 2 GiB', frame(0, [code(31, 0)], last), [2_048, 31]],
    ['a small window and a large size', frame(0xc0, [WINDOW, 0, 0, 0, 0, 9, 0, 0, 0], last), undefined],
    ['a segment of 128 MiB', frame(0xa0, [0, 0, 0, 8], last), undefined],
    ['a segment of one byte more', frame(0xa0, [1, 0, 0, 8], last), [129, 28]],
    ['a segment of 4 GiB', frame(0xe0, [0, 0, 0, 0, 1, 0, 0, 0], last), [4_096, 32]],
    ['a segment of 128 MiB and a dictionary', frame(0xa3, [255, 255, 255, 255, 0, 0, 0, 8], last), undefined],
    ['a segment of more and a dictionary', frame(0xa1, [0, 0, 0, 0, 16], last), [256, 28]],
  ])('for %s is counted', async (_, bytes, expected) => {
    const { refused, message } = await walk(bytes)
    expect(refused).toBe(expected === undefined ? undefined : 'zstd-window 5')
    if (expected === undefined) return
    expect(message).toContain(`Reading it takes ${expected[0]} MiB of memory`)
    expect(message).toContain(`"zstd -d --long=${expected[1]}"`)
  })
})

describe('a skippable frame', () => {
  it.each([0x184d2a50, 0x184d2a57, 0x184d2a5f])('of the mark %i is passed over and not counted', async (magic) => {
    const one = frame(0, [WINDOW], last)
    const file = Buffer.concat([skippable(magic, 0), skippable(magic, 1_000), one, skippable(magic, 5)])
    expect(await walk(file, 100)).toMatchObject({ facts: { frames: 1, framesWithoutChecksum: 1 } })
    expect((await walk(file.subarray(0, -1), 100)).refused).toBe(`zstd-cut-short ${file.length - 1}`)
  })

  it('and a frame are known by their first bytes, and nothing else is', () => {
    expect([0xfd2fb528, 0x184d2a50, 0x184d2a5f].map(beginsZstdFrame)).toEqual([true, true, true])
    expect([0x184d2a4f, 0x184d2a60, 0xfd2fb529, 0, 0x084d2a50].map(beginsZstdFrame)).toEqual([
      false,
      false,
      false,
      false,
      false,
    ])
  })
})
