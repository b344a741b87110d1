import { describe, expect, it } from 'vitest'
import {
  DiskReader,
  type FrameIndex,
  indexBySeekTable,
  indexByWalking,
  type RangedObject,
} from '../../../../functions/archive-formats/raw-disk/disk-reader.ts'
import { entryOf, HoleFrames } from '../../../../functions/archive-formats/raw-disk/frames.ts'
import { seekTable } from '../../../../functions/archive-formats/raw-disk/seek-table.ts'
import { inChunks } from '../proxmox/made-archives.ts'
import { BLOCK, diskOf, joined, MIB, packed, randomFrom, times } from './made-disks.ts'

const disk = diskOf(
  [...times(30, 'hole' as const), 'text', 'hole', 'zeros', 'random', ...times(150, 'hole' as const), 'random', 'text'],
  512,
)
const { object } = await packed(disk, 8 * MIB)

/** Counts what is asked for. */
function ranged(bytes: Buffer): RangedObject & { reads: [number, number][] } {
  const reads: [number, number][] = []
  const read = async (firstByte: number, lastByte: number): Promise<Buffer> => {
    reads.push([firstByte, lastByte])
    if (firstByte < 0 || lastByte >= bytes.length || lastByte < firstByte)
      throw new Error(`416: ${firstByte}-${lastByte}`)
    return bytes.subarray(firstByte, lastByte + 1)
  }
  return { sizeBytes: bytes.length, read, reads }
}

const ways: [string, () => Promise<FrameIndex>][] = [
  ['the seek table', () => indexBySeekTable(ranged(object))],
  ['a walk over the file', () => indexByWalking(inChunks(object, 100_000))],
]

describe.each(ways)('reading a range by %s', (_, indexOf) => {
  it('gives the disk’s bytes, wherever the range begins and ends', async () => {
    const reader = new DiskReader(ranged(object), await indexOf())
    expect(reader.sizeBytes).toBe(disk.bytes.length)
    const random = randomFrom(11)
    const edges = [0, 1, BLOCK, 4 * MIB - 1, 4 * MIB, 16 * MIB, 64 * MIB, disk.bytes.length - 1, disk.bytes.length]
    const ranges = edges.flatMap((from) =>
      edges.filter((to) => to >= from && to - from < 20 * MIB).map((to) => ({ from, to })),
    )
    for (let round = 0; round < 20; round += 1) {
      const from = Math.floor(random() * disk.bytes.length)
      ranges.push({ from, to: Math.min(disk.bytes.length, from + Math.floor(random() * 3 * MIB)) })
    }
    for (const { from, to } of ranges) {
      const target = Buffer.alloc(to - from, 0xee)
      await reader.read(from, target)
      expect(target.equals(disk.bytes.subarray(from, to)), `${from} to ${to}`).toBe(true)
    }
  })

  it('reads what was written, written zeros included, and no frame of a hole', async () => {
    const source = ranged(object)
    const reader = new DiskReader(source, await indexOf())
    const got: [number, number][] = []
    for await (const { positionBytes, sizeBytes, bytes } of reader.written(disk.map)) {
      const there = disk.bytes.subarray(positionBytes, positionBytes + sizeBytes)
      expect((bytes ?? Buffer.alloc(sizeBytes)).equals(there)).toBe(true)
      const last = got.at(-1)
      if (last !== undefined && last[1] === positionBytes) last[1] += sizeBytes
      else got.push([positionBytes, positionBytes + sizeBytes])
    }
    expect(got).toEqual([
      [30 * BLOCK, 31 * BLOCK],
      [32 * BLOCK, 34 * BLOCK],
      [184 * BLOCK, disk.bytes.length],
    ])
    // Cells 3, 4 and 23, each once.
    expect(source.reads).toHaveLength(3)
  })
})

describe('reading ranges', () => {
  it('takes two reads for the index, and one for each frame', async () => {
    const source = ranged(object)
    const reader = new DiskReader(source, await indexBySeekTable(source))
    expect(source.reads).toHaveLength(2)
    expect(source.reads[0]).toEqual([object.length - 9, object.length - 1])
    await reader.read(184 * BLOCK, Buffer.alloc(1000))
    expect(source.reads).toHaveLength(3)
  })

  it('refuses ranges beyond the disk, and the map of another disk', async () => {
    const reader = new DiskReader(ranged(object), await indexBySeekTable(ranged(object)))
    await expect(reader.read(disk.bytes.length, Buffer.alloc(1))).rejects.toThrow(RangeError)
    await expect(joined(reader.pieces({ from: -1, to: 5 }))).rejects.toThrow(RangeError)
    expect(() => reader.written({ ...disk.map, sizeBytes: 5 })).toThrow(RangeError)
  })

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a few bytes', Buffer.alloc(5)],
    ['something else', Buffer.alloc(5000, 'x')],
    ['an archive without its end', object.subarray(0, object.length - 1)],
  ])('finds no seek table in %s', async (_, bytes) => {
    await expect(indexBySeekTable(ranged(bytes))).rejects.toThrow(/does not end with a seek table/)
  })

  it('refuses a seek table that is not about the file', async () => {
    const lacking = object.subarray(1000)
    await expect(indexBySeekTable(ranged(lacking))).rejects.toThrow(
      /is about \d+ bytes of frames, and \d+ lie before it/,
    )
    const alone = seekTable([[100, 100, 1, 1, 1]])
    await expect(indexBySeekTable(ranged(alone))).rejects.toThrow(/about 100 bytes of frames, and 0 lie/)
    const broken = Buffer.from(alone)
    broken.writeUInt32LE(9, 4)
    await expect(indexBySeekTable(ranged(Buffer.concat([Buffer.alloc(100), broken])))).rejects.toThrow(/is damaged/)
  })

  it('finds a flipped bit, and a frame that is not the table’s', async () => {
    const index = await indexBySeekTable(ranged(object))
    const frame = [...index.of({ from: 184 * BLOCK, to: 184 * BLOCK + 1 })][0]
    const fileFrom = frame?.fileFrom ?? 0
    const flipped = Buffer.from(object)
    flipped[fileFrom + 3000] = (flipped[fileFrom + 3000] ?? 0) ^ 4
    await expect(new DiskReader(ranged(flipped), index).read(184 * BLOCK, Buffer.alloc(10))).rejects.toThrow(/damaged/)
    const resummed = Buffer.from(object)
    const end = fileFrom + (frame?.storedBytes ?? 0) - 1
    resummed[end] = (resummed[end] ?? 0) ^ 4
    await expect(new DiskReader(ranged(resummed), index).read(184 * BLOCK, Buffer.alloc(10))).rejects.toThrow(
      /is not the one that the seek table is about/,
    )
  })

  it('believes no table that gives another length to a hole that was read before', async () => {
    const hole = await new HoleFrames().of(MIB)
    const table = seekTable([entryOf(hole), entryOf({ ...hole, diskBytes: 2 * MIB })])
    const twice = Buffer.concat([hole.bytes, hole.bytes, table])
    const reader = new DiskReader(ranged(twice), await indexBySeekTable(ranged(twice)))
    await expect(reader.read(0, Buffer.alloc(3 * MIB))).rejects.toThrow(/doesn't hold the 2097152 bytes/)
  })

  it('reads by a table without checksums, as other writers leave them out', async () => {
    const table = Buffer.alloc(8 + 2 * 8 + 9)
    const index = await indexBySeekTable(ranged(object))
    const [first, second] = [...index.of({ from: 0, to: 64 * MIB })]
    expect(first?.checksum).toBeTypeOf('number')
    table.writeUInt32LE(0x184d2a5e)
    table.writeUInt32LE(table.length - 8, 4)
    const two = [first, second].map((one) => [one?.storedBytes ?? 0, one?.diskBytes ?? 0])
    for (const [at, value] of two.flat().entries()) table.writeUInt32LE(value, 8 + at * 4)
    table.writeUInt32LE(2, 24)
    table.writeUInt32LE(0x8f92eab1, 29)
    const framesThere = [first, second].map((one) =>
      object.subarray(one?.fileFrom, (one?.fileFrom ?? 0) + (one?.storedBytes ?? 0)),
    )
    const bare = Buffer.concat([...framesThere, table])
    const reader = new DiskReader(ranged(bare), await indexBySeekTable(ranged(bare)))
    const target = Buffer.alloc(reader.sizeBytes)
    await reader.read(0, target)
    expect(target.equals(disk.bytes.subarray(0, target.length))).toBe(true)
  })
})
