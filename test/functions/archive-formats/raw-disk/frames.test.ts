import { createHash } from 'node:crypto'
import { crc32, zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  dataFrame,
  entryOf,
  HOLE_BYTES,
  HoleFrames,
  padFrame,
} from '../../../../functions/archive-formats/raw-disk/frames.ts'
import { walkFrames } from '../../../../functions/archive-formats/raw-disk/walk-frames.ts'

async function walked(bytes: Buffer) {
  async function* file() {
    yield bytes
  }
  const frames = []
  for await (const frame of walkFrames(file())) frames.push(frame)
  return frames
}

/** Bytes that no compressor makes fewer. */
function noise(bytes: number): Buffer {
  return createHash('shake256', { outputLength: bytes }).update('noise').digest()
}

const words = Buffer.from('what a disk holds '.repeat(1000))

describe('a data frame', () => {
  it('holds its content, how long that is, and its checksum', async () => {
    const frame = await dataFrame(words, 3)
    const { bytes } = frame
    const checksum = bytes.readUInt32LE(bytes.length - 4)
    expect(frame).toEqual({ bytes, diskBytes: words.length, checksum, crc32: crc32(bytes) })
    expect(await walked(bytes)).toEqual([{ kind: 'data', offset: 0, bytes, contentBytes: words.length, checksum }])
    expect(zstdDecompressSync(bytes).equals(words)).toBe(true)
    expect(bytes.length).toBeLessThan(words.length / 10)
  })

  it('is made as hard as its level says', async () => {
    const mixed = Buffer.from(noise(40_000).map((byte) => byte % 9))
    const [fast, hard] = [await dataFrame(mixed, 1), await dataFrame(mixed, 19)]
    expect(hard.bytes.length).toBeLessThan(fast.bytes.length)
  })

  it('keeps no more memory than its bytes, however many chunks it was made in', async () => {
    const most = [words, noise(300_000)].map((content) => dataFrame(content, 1))
    const [small, large] = await Promise.all(most)
    // Node keeps small buffers together, by 64 KiB.
    expect(small?.bytes.buffer.byteLength).toBeLessThan(100_000)
    expect(large?.bytes.buffer.byteLength).toBe(large?.bytes.length)
  })
})

describe('a hole frame', () => {
  it('holds zeros of any length, and is made once for each', async () => {
    const holes = new HoleFrames()
    for (const sizeBytes of [1, 512, 2 ** 20, 2 ** 20 + 1, 3 * 2 ** 20 - 1]) {
      const frame = await holes.of(sizeBytes)
      const { bytes, checksum } = frame
      expect(zstdDecompressSync(bytes).equals(Buffer.alloc(sizeBytes))).toBe(true)
      expect(frame).toMatchObject({ diskBytes: sizeBytes, crc32: crc32(bytes) })
      expect(await walked(bytes)).toMatchObject([{ kind: 'data', contentBytes: sizeBytes, checksum }])
      expect(await holes.of(sizeBytes)).toBe(frame)
    }
    expect(holes.of(512)).toBe(holes.of(512))
    expect(holes.of(7)).toBe(holes.of(7))
  })

  it('is the same as a data frame of written zeros at the quickest level', async () => {
    expect(await new HoleFrames().of(2 ** 20)).toEqual(await dataFrame(Buffer.alloc(2 ** 20), 1))
  })

  it('is of 64 MiB at most, which the documentation of the format says', () => {
    expect(HOLE_BYTES).toBe(67_108_864)
  })
})

describe('a pad', () => {
  it.each([
    [1, 8],
    [8, 8],
    [9, 9],
    [5000, 5000],
  ])('of %d lacking bytes has %d, and is no part of the disk', async (lacking, there) => {
    const pad = padFrame(lacking)
    expect(pad).toMatchObject({ diskBytes: 0, checksum: 0, crc32: crc32(pad.bytes) })
    expect(pad.bytes).toHaveLength(there)
    expect(pad.bytes.subarray(8).every((byte) => byte === 0)).toBe(true)
    expect(await walked(pad.bytes)).toEqual([{ kind: 'pad', offset: 0, storedBytes: there }])
  })
})

it('is written down with its sizes and sums, and how often it comes', () => {
  const frame = { bytes: Buffer.alloc(7), diskBytes: 70, checksum: 5, crc32: 6 }
  expect(entryOf(frame)).toEqual([7, 70, 5, 6, 1])
  expect(entryOf(frame, 3)).toEqual([7, 70, 5, 6, 3])
})
