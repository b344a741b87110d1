import { describe, expect, it } from 'vitest'
import { Damage } from '../../../../functions/archive-formats/damage.ts'
import {
  DiskReader,
  FrameIndex,
  indexBySeekTable,
  indexByWalking,
} from '../../../../functions/archive-formats/raw-disk/disk-reader.ts'
import { entryOf, type Frame } from '../../../../functions/archive-formats/raw-disk/frames.ts'
import { seekTable } from '../../../../functions/archive-formats/raw-disk/seek-table.ts'
import type { Piece } from '../../../../functions/domain/encoding/part-encoder.ts'
import { archiveOf, smallDisk, smallFrames } from './small-archive.ts'

const archive = archiveOf(smallFrames)
const SIZE = smallDisk.length
/** Where the frames that hold something begin and end on the disk. */
const edges = [0, 200, 300, SIZE]

/** Counts what is asked for. */
function ranged(bytes: Buffer) {
  const reads: [number, number][] = []
  const read = async (firstByte: number, lastByte: number) => {
    reads.push([firstByte, lastByte])
    return bytes.subarray(firstByte, lastByte + 1)
  }
  return { sizeBytes: bytes.length, read, reads }
}

async function* fileOf(bytes: Buffer) {
  yield bytes
}

async function all(pieces: AsyncIterable<Piece>) {
  const seen: [number, string][] = []
  for await (const { positionBytes, sizeBytes, bytes } of pieces) {
    if (bytes !== undefined && bytes.length !== sizeBytes) throw new Error(`${bytes.length} bytes, not ${sizeBytes}`)
    seen.push([positionBytes, bytes === undefined ? `${sizeBytes} zeros` : String(bytes)])
  }
  return seen
}

async function findingOf(index: Promise<FrameIndex>) {
  try {
    await index
  } catch (error) {
    if (error instanceof Damage) return error.finding
    throw error
  }
  return undefined
}

const frameOf = (entry: Partial<Frame>): Frame => ({
  bytes: Buffer.alloc(1),
  diskBytes: 0,
  checksum: 0,
  crc32: 0,
  ...entry,
})

describe('the index of a disk’s frames', () => {
  const stored = smallFrames.map(({ bytes }) => bytes.length)
  const before = (count: number) => stored.slice(0, count).reduce((sum, bytes) => sum + bytes, 0)
  const placed = [0, 2, 3].map((place, index) => ({
    diskFrom: edges[index] ?? 0,
    fileFrom: before(place),
    diskBytes: smallFrames[place]?.diskBytes,
    storedBytes: stored[place],
    checksum: smallFrames[place]?.checksum,
  }))

  it.each([
    ['its seek table', () => indexBySeekTable(ranged(archive))],
    ['a walk over the file', () => indexByWalking(fileOf(archive))],
    ['a walk over a file whose table is gone', () => indexByWalking(fileOf(archive.subarray(0, before(5))))],
  ])('by %s says where each lies, pads aside', async (_, indexOf) => {
    const index = await indexOf()
    expect([index.diskBytes, index.storedBytes]).toEqual([SIZE, before(5)])
    expect([...index.of({ from: 0, to: SIZE })]).toEqual(placed)
  })

  it('finds the frames of any range', async () => {
    const index = await indexBySeekTable(ranged(archive))
    for (const from of [0, 1, 199, 200, 201, 299, 300, 301, SIZE - 1]) {
      for (const to of [1, 199, 200, 201, 299, 300, 301, SIZE - 1, SIZE].filter((end) => end > from)) {
        const expected = placed.filter(({ diskFrom }, at) => diskFrom < to && (edges[at + 1] ?? 0) > from)
        expect([...index.of({ from, to })], `${from} to ${to}`).toEqual(expected)
      }
      expect([...index.of({ from, to: from })], `${from}`).toHaveLength(edges.slice(0, 3).includes(from) ? 0 : 1)
    }
    expect([...index.of({ from: SIZE, to: SIZE })]).toEqual([])
    expect([...new FrameIndex().of({ from: 0, to: 1 })]).toEqual([])
  })

  it('has no checksums where the table has none', () => {
    const index = new FrameIndex([{ storedBytes: 7, diskBytes: 70 }])
    expect([...index.of({ from: 0, to: 70 })]).toEqual([{ diskFrom: 0, fileFrom: 0, diskBytes: 70, storedBytes: 7 }])
  })

  it('takes two small reads, the table’s end and the table', async () => {
    const object = ranged(archive)
    await indexBySeekTable(object)
    expect(object.reads).toEqual([
      [archive.length - 9, archive.length - 1],
      [before(5), archive.length - 1],
    ])
  })

  it('is of nothing where the table is all there is', async () => {
    const index = await indexBySeekTable(ranged(seekTable([])))
    expect([index.diskBytes, index.storedBytes]).toEqual([0, 0])
    expect(seekTable([])).toHaveLength(17)
  })

  it('is not made without a table, or from one that is longer than the file', async () => {
    const missing = (bytes: Buffer) => ({
      code: 'seek-table-missing',
      message: 'The file does not end with a seek table.',
      of: 'file',
      offset: bytes.length,
    })
    const table = seekTable([entryOf(frameOf({}))])
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(8), Buffer.alloc(9), Buffer.alloc(200), table.subarray(1)]) {
      const object = ranged(bytes)
      expect(await findingOf(indexBySeekTable(object))).toEqual(missing(bytes))
      expect(object.reads).toHaveLength(bytes.length < 9 ? 0 : 1)
    }
  })

  it('is not made from a table that is not about the file', async () => {
    const [first, ...others] = smallFrames
    const lacking = archiveOf(others, smallFrames)
    const there = lacking.length - seekTable(smallFrames.map((frame) => entryOf(frame))).length
    expect(await findingOf(indexBySeekTable(ranged(lacking)))).toEqual({
      code: 'seek-table',
      message: `The seek table is about ${there + (first?.bytes.length ?? 0)} bytes of frames, and ${there} lie before it.`,
      of: 'file',
      offset: there,
    })
  })
})

describe('reading a range of a disk', () => {
  const reader = async (bytes = archive) => {
    const object = ranged(bytes)
    return { object, reader: new DiskReader(object, await indexByWalking(fileOf(bytes))) }
  }

  it('gives its very bytes, zeros without bytes, and reads the frames that hold it alone', async () => {
    const { object, reader: disk } = await reader()
    expect(disk.sizeBytes).toBe(SIZE)
    expect(await all(disk.pieces({ from: 198, to: 303 }))).toEqual([
      [198, 'xx'],
      [200, '100 zeros'],
      [300, '012'],
    ])
    expect(object.reads).toHaveLength(3)
    expect(await all(disk.pieces({ from: 250, to: 260 }))).toEqual([[250, '10 zeros']])
    expect(await all(disk.pieces({ from: 200, to: 300 }))).toEqual([[200, '100 zeros']])
    expect(object.reads).toHaveLength(5)
  })

  it('fills a buffer from any position, whatever was in it', async () => {
    const { reader: disk } = await reader()
    for (const [from, to] of [
      [0, SIZE],
      [199, 301],
      [210, 290],
      [305, 305],
      [SIZE - 1, SIZE],
    ] as const) {
      const target = Buffer.alloc(to - from, '?')
      await disk.read(from, target)
      expect(target.equals(smallDisk.subarray(from, to)), `${from} to ${to}`).toBe(true)
    }
  })

  it('refuses what lies outside the disk', async () => {
    const { reader: disk } = await reader()
    await expect(all(disk.pieces({ from: -1, to: 5 }))).rejects.toThrow(
      new RangeError(`bytes -1 to 5 of a disk of ${SIZE}`),
    )
    await expect(disk.read(SIZE - 1, Buffer.alloc(2))).rejects.toThrow(RangeError)
    await expect(disk.read(SIZE, Buffer.alloc(0))).resolves.toBeUndefined()
  })

  it('gives what was written, by the map, and reads nothing of the rest', async () => {
    const { object, reader: disk } = await reader()
    const map = {
      version: 1 as const,
      sizeBytes: SIZE,
      blockBytes: 50,
      runs: [
        [3, 1],
        [6, 1],
      ] as [number, number][],
    }
    expect(await all(disk.written(map))).toEqual([
      [150, 'x'.repeat(50)],
      [300, '0123456789'.repeat(5)],
    ])
    expect(object.reads).toHaveLength(2)
    expect(await all(disk.written(map, { from: 190, to: 305 }))).toEqual([
      [190, 'x'.repeat(10)],
      [300, '01234'],
    ])
    expect(() => disk.written({ ...map, sizeBytes: SIZE + 1 })).toThrow(
      new RangeError(`the map of a disk of ${SIZE + 1} bytes, and this one has ${SIZE}`),
    )
  })

  it('gives several pieces of one frame where there is a gap between what was written', async () => {
    const { object, reader: disk } = await reader()
    const map = {
      version: 1 as const,
      sizeBytes: SIZE,
      blockBytes: 50,
      runs: [
        [0, 1],
        [2, 1],
      ] as [number, number][],
    }
    expect(await all(disk.written(map))).toEqual([
      [0, 'x'.repeat(50)],
      [100, 'x'.repeat(50)],
    ])
    expect(object.reads).toHaveLength(1)
  })

  it('takes no other frame for the one that the index is about', async () => {
    const [letters, pad, hole, digits, last] = smallFrames as [Frame, Frame, Frame, Frame, Frame]
    const about = [letters, pad, hole, { ...digits, checksum: 1 }, last]
    const object = ranged(archiveOf(smallFrames, about))
    const disk = new DiskReader(object, await indexBySeekTable(object))
    const at = letters.bytes.length + pad.bytes.length + hole.bytes.length
    await expect(all(disk.pieces({ from: 300, to: 301 }))).rejects.toMatchObject({
      finding: {
        code: 'seek-table',
        message: `The frame at byte ${at} is not the one that the seek table is about.`,
        of: 'file',
        offset: at,
      },
    })
    expect(await all(disk.pieces({ from: 299, to: 300 }))).toEqual([[299, '1 zeros']])
  })
})
