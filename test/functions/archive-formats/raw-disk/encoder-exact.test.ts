import { createHash } from 'node:crypto'
import { crc32, zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { rawDiskEncoder } from '../../../../functions/archive-formats/raw-disk/encoder.ts'
import { dataFrame, HOLE_BYTES } from '../../../../functions/archive-formats/raw-disk/frames.ts'
import { readSeekTable } from '../../../../functions/archive-formats/raw-disk/seek-table.ts'
import type { AllocationMap, DiskPlan } from '../../../../functions/contracts/disk-archive.ts'
import { mapSum } from '../../../../functions/domain/encoding/allocation-map.ts'
import { Scratch } from '../../../../functions/domain/encoding/part-encoder.ts'
import { crc32ToBase64 } from '../../../../functions/domain/transfer/crc32.ts'
import { allParts, assembled, joined, listed, makeParts, MIB, readerOf, recordsOf } from './made-disks.ts'

const BLOCK = 512
const LEAST = 5 * MIB
/** Written: the second block, the fifth and the sixth, and the ninth, which the disk's end cuts short. */
const runs: AllocationMap['runs'] = [
  [1, 1],
  [4, 2],
  [8, 1],
]
const SIZE = 8 * BLOCK + 300
const map: AllocationMap = { version: 1, sizeBytes: SIZE, blockBytes: BLOCK, runs }
const disk = Buffer.alloc(SIZE)
for (const [first, count] of runs) disk.subarray(first * BLOCK, (first + count) * BLOCK).fill('0123456789')

function planOf(its: AllocationMap, bounds: number[], more: Partial<DiskPlan> = {}): DiskPlan {
  const allocatedBytes = 3 * BLOCK + 300
  const { sizeBytes } = its
  return {
    version: 1,
    encoding: 'raw-disk',
    sourceRef: 'snap-1',
    sizeBytes,
    allocatedBytes,
    mapSum: mapSum(its),
    frameBytes: 1024,
    level: 1,
    bounds,
    ...more,
  }
}

const plan = planOf(map, [0, 2048, SIZE])
const encoder = rawDiskEncoder(plan, map)

/** What was asked for. */
function watched(bytes: Buffer) {
  const reads: [number, number][] = []
  const read = readerOf(bytes)
  const watching = (positionBytes: number, target: Buffer, signal?: AbortSignal) => {
    reads.push([positionBytes, target.length])
    return read(positionBytes, target, signal)
  }
  return Object.assign(watching, { reads })
}

async function* fileOf(bytes: Buffer) {
  yield bytes
}

describe('an encoder of a disk', () => {
  it('says what its parts stand for, and what they take', () => {
    expect(encoder).toMatchObject({ encoding: 'raw-disk', sourceParts: 2, partCount: 3, partSizeBytes: 1324 })
    expect(encoder).toMatchObject({ passesThrough: false, keepsRecords: true, heldBytes: 1024 + LEAST + MIB })
    expect([1, 2].map((part) => encoder.partOfSource(part))).toEqual([
      { positionBytes: 0, sizeBytes: 2048, readBytes: 512 },
      { positionBytes: 2048, sizeBytes: SIZE - 2048, readBytes: 1324 },
    ])
  })

  it('refuses a map that its plan was not made from', () => {
    expect(() => rawDiskEncoder(plan, { ...map, runs: [[1, 1]] })).toThrow(RangeError)
  })

  it('reads what was written, fills the rest of a frame with zeros, and makes holes of the others', async () => {
    const read = watched(disk)
    const scratch = new Scratch()
    scratch.buffer(1024).fill(0xee)
    const first = await encoder.encode(1, read, scratch)
    expect(read.reads).toEqual([[512, 512]])
    const body = Buffer.concat(first.slices)
    expect(first).toMatchObject({ partNumber: 1, sizeBytes: LEAST, crc32: crc32(body) })
    expect(body).toHaveLength(LEAST)
    const [data, hole, pad] = first.slices
    const entryOf = (bytes: Buffer | undefined, diskBytes: number) => [
      bytes?.length,
      diskBytes,
      diskBytes === 0 ? 0 : bytes?.readUInt32LE(bytes.length - 4),
      crc32(bytes ?? ''),
      1,
    ]
    expect(first.record).toEqual({
      version: 1,
      part: 1,
      from: 0,
      to: 2048,
      rawCrc32: crc32(disk.subarray(0, 2048)),
      storedBytes: LEAST,
      storedCrc32: crc32(body),
      allocatedBytes: 512,
      frames: [entryOf(data, 1024), entryOf(hole, 1024), entryOf(pad, 0)],
      sum: expect.any(Number),
    })
    const second = await encoder.encode(2, read, scratch)
    expect(read.reads.slice(1)).toEqual([
      [2048, 1024],
      [4096, 300],
    ])
    expect(second.record?.frames.map(([, diskBytes]) => diskBytes)).toEqual([1024, 1024, 300, 0])
    expect(second.record?.rawCrc32).toBe(crc32(disk.subarray(2048)))
  })

  it('fills with zeros what was not written before, between and behind the blocks of a frame', async () => {
    const its: AllocationMap = {
      ...map,
      sizeBytes: 16 * BLOCK,
      runs: [
        [9, 1],
        [11, 2],
      ],
    }
    const content = Buffer.alloc(its.sizeBytes)
    for (const [first, count] of its.runs) content.subarray(first * BLOCK, (first + count) * BLOCK).fill('abc')
    const frameBytes = 8 * BLOCK
    const more = { allocatedBytes: 3 * BLOCK, frameBytes }
    const scratch = new Scratch()
    scratch.buffer(frameBytes).fill(0xee)
    const making = rawDiskEncoder(planOf(its, [0, its.sizeBytes], more), its).encode(1, readerOf(content), scratch)
    const { slices, record } = await making
    expect(zstdDecompressSync(slices[1] ?? '').equals(content.subarray(frameBytes))).toBe(true)
    expect(record?.rawCrc32).toBe(crc32(content))
  })

  it('adds no pad to a part that has just the size that S3 takes', async () => {
    const noise = createHash('shake256', { outputLength: LEAST }).update('noise').digest()
    const [frameBytes, piece] = [64 * 1024, noise.subarray(0, 1024)]
    const frames = LEAST / frameBytes
    const overhead = (await dataFrame(piece, 1)).bytes.length - piece.length
    const content = noise.subarray(0, LEAST - frames * overhead)
    const { mapSum: _, ...bare } = plan
    const [sizeBytes, bounds] = [content.length, [0, content.length]]
    const its = { ...bare, sizeBytes, allocatedBytes: sizeBytes, frameBytes, bounds }
    const { record } = await rawDiskEncoder(its, undefined).encode(1, readerOf(content), new Scratch())
    expect(record).toMatchObject({ storedBytes: LEAST, frames: { length: frames } })
  })

  it('reads all of a disk without a map, and tells no blocks of it', async () => {
    const { mapSum: _, ...bare } = { ...plan, allocatedBytes: SIZE }
    const all = rawDiskEncoder(bare, undefined)
    const read = watched(disk)
    const { object, assembly } = assembled(all, await makeParts(all, read, [1, 2]))
    expect(read.reads.reduce((sum, [, bytes]) => sum + bytes, 0)).toBe(SIZE)
    expect(assembly.content).toMatchObject({ holeBytes: 0, allocatedBytes: SIZE, frames: 5 })
    expect(assembly.content).not.toHaveProperty('blockBytes')
    expect((await joined(all.decode(fileOf(object)))).equals(disk)).toBe(true)
  })

  it('makes long holes of as many frames of 64 MiB, and one of the rest', async () => {
    const sizeBytes = 4 * HOLE_BYTES + 1
    const empty: AllocationMap = { ...map, sizeBytes, runs: [] }
    const holes = rawDiskEncoder(planOf(empty, [0, 3 * HOLE_BYTES, sizeBytes], { allocatedBytes: 0 }), empty)
    const kept = await makeParts(holes, readerOf(Buffer.alloc(0)), [1, 2])
    const framesOf = (part: number) => kept.get(part)?.part.record?.frames.map(([, bytes, , , times]) => [bytes, times])
    expect(framesOf(1)).toEqual([
      [HOLE_BYTES, 3],
      [0, 1],
    ])
    expect(framesOf(2)).toEqual([
      [HOLE_BYTES, 1],
      [1, 1],
      [0, 1],
    ])
    expect(assembled(holes, kept).assembly.content).toMatchObject({ frames: 5, holeBytes: sizeBytes })
    // No part is of no size, though nothing is read for it.
    expect(holes.partSizeBytes).toBe(1)
  })

  it('stops between two frames when it is told to', async () => {
    const stop = new AbortController()
    const read = watched(disk)
    const stopping = (positionBytes: number, target: Buffer) => {
      stop.abort(new Error('enough'))
      return read(positionBytes, target)
    }
    await expect(encoder.encode(2, stopping, new Scratch(), stop.signal)).rejects.toThrow('enough')
    expect(read.reads).toEqual([[2048, 1024]])
  })

  it('hands on to its reader that it was told to stop', async () => {
    const { signal } = new AbortController()
    const seen: (AbortSignal | undefined)[] = []
    const read = readerOf(disk)
    await encoder.encode(
      1,
      (positionBytes, target, its) => {
        seen.push(its)
        return read(positionBytes, target)
      },
      new Scratch(),
      signal,
    )
    expect(seen).toEqual([signal])
  })

  it('misses parts that S3 doesn’t list, that have no record, or that are smaller than S3 takes', () => {
    const part = (partNumber: number, sizeBytes = LEAST) => ({ partNumber, sizeBytes, crc32: 0 })
    expect(encoder.missing([], new Set([1, 2]))).toEqual([1, 2])
    expect(encoder.missing([part(1), part(2)], new Set())).toEqual([1, 2])
    expect(encoder.missing([part(1), part(2)], new Set([1, 2]))).toEqual([])
    expect(encoder.missing([part(1, LEAST - 1), part(2)], new Set([1, 2]))).toEqual([1])
    expect(encoder.missing([part(1), part(2)], new Set([1]))).toEqual([2])
  })
})

describe('completing a small disk', () => {
  const make = () => makeParts(encoder, readerOf(disk), allParts(encoder))

  it('gives the seek table as the last part, and the sums of object and disk', async () => {
    const kept = await make()
    const { object, assembly } = assembled(encoder, kept)
    const [table] = assembly.closing
    const bytes = table?.slices[0] ?? Buffer.alloc(0)
    expect(assembly).toEqual({
      closing: [{ partNumber: 3, slices: [bytes], sizeBytes: bytes.length, crc32: crc32(bytes) }],
      object: { sizeBytes: object.length, crc32: crc32(object) },
      source: { sizeBytes: SIZE, crc32: crc32(disk) },
      content: {
        format: 'raw-disk',
        compression: 'zstd',
        seekable: true,
        sizeBytes: SIZE,
        allocatedBytes: plan.allocatedBytes,
        holeBytes: 2048,
        crc32: `CRC32:${crc32ToBase64(crc32(disk))}`,
        frames: 5,
        frameBytes: 1024,
        blockBytes: BLOCK,
      },
      frames: { version: 1, frames: [...recordsOf(kept).values()].flatMap(({ frames }) => frames) },
    })
    expect([...readSeekTable(bytes, 0)].map(({ diskBytes }) => diskBytes)).toEqual([1024, 1024, 0, 1024, 1024, 300, 0])
    expect((await joined(encoder.decode(fileOf(object)))).equals(disk)).toBe(true)
  })

  it('finds no hole in a disk of one byte', async () => {
    const { mapSum: _, ...bare } = plan
    const its = { ...bare, sizeBytes: 1, allocatedBytes: 1, bounds: [0, 1] }
    const one = rawDiskEncoder(its, undefined)
    const { assembly } = assembled(one, await makeParts(one, readerOf(Buffer.from('x')), [1]))
    expect(assembly.content).toMatchObject({ sizeBytes: 1, holeBytes: 0, frames: 1 })
  })

  it('names each part that is missing with the reason', async () => {
    const kept = await make()
    expect(encoder.assemble([], recordsOf(kept))).toEqual({
      missing: [
        { partNumber: 1, reason: 'S3 does not list it' },
        { partNumber: 2, reason: 'S3 does not list it' },
      ],
    })
    const records = recordsOf(kept)
    records.delete(1)
    expect(encoder.assemble(listed(kept), records)).toEqual({
      missing: [{ partNumber: 1, reason: 'there is no record of it' }],
    })
  })

  it('takes a seek table that S3 has already, and no part beyond it', async () => {
    const kept = await make()
    const beyond = (partNumber: number) => [...listed(kept), { partNumber, sizeBytes: 100, crc32: 0 }]
    expect(encoder.assemble(beyond(3), recordsOf(kept))).not.toHaveProperty('missing')
    expect(() => encoder.assemble(beyond(4), recordsOf(kept))).toThrow(/part/)
  })
})
