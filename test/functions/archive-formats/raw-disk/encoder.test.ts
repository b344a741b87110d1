import { zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { rawDiskEncoder } from '../../../../functions/archive-formats/raw-disk/encoder.ts'
import { HOLE_BYTES, HoleFrames, padFrame } from '../../../../functions/archive-formats/raw-disk/frames.ts'
import type { PartRecord } from '../../../../functions/contracts/disk-archive.ts'
import { planDisk } from '../../../../functions/domain/encoding/disk-plan.ts'
import { Scratch } from '../../../../functions/domain/encoding/part-encoder.ts'
import { signRecord } from '../../../../functions/domain/encoding/part-record.ts'
import {
  allParts,
  assembled,
  diskOf,
  joined,
  listed,
  makeParts,
  MIB,
  packed,
  planWith,
  readerOf,
  recordsOf,
  times,
} from './made-disks.ts'

const mixed = diskOf(
  [...times(8, 'hole' as const), 'text', 'zeros', ...times(9, 'hole' as const), 'random', 'text'],
  512,
)

describe('making parts of a disk', () => {
  it('reads what was written and nothing else', async () => {
    const { plan, map, read } = { plan: planWith(mixed, 4 * MIB), map: mixed.map, read: readerOf(mixed.bytes) }
    const encoder = rawDiskEncoder(plan, map)
    await makeParts(encoder, read, allParts(encoder))
    expect(read.readBytes).toBe(4 * MIB * 0.5 + 512)
    expect(allParts(encoder).map((part) => encoder.partOfSource(part).readBytes)).toEqual([0, MIB, MIB + 512])
  })

  it('never reads a disk that was never written to, and makes 5 MB of 40 GiB', async () => {
    const sizeBytes = 40 * 2 ** 30
    const map = { version: 1 as const, sizeBytes, blockBytes: 512 * 1024, runs: [] }
    const encoder = rawDiskEncoder(planDisk({ sourceRef: 'snap-1', sizeBytes, map }), map)
    const read = readerOf(Buffer.alloc(0))
    const { object, assembly } = assembled(encoder, await makeParts(encoder, read, allParts(encoder)))
    expect(read.readBytes).toBe(0)
    expect(object.length).toBe(5_250_589)
    expect(assembly).toMatchObject({
      source: { sizeBytes },
      content: { frames: 640, holeBytes: sizeBytes, allocatedBytes: 0, seekable: true },
    })
    // One hole frame is decompressed, the other 639 are known by it.
    let [restored, withBytes] = [0, 0]
    for await (const piece of encoder.decode(readable(object))) {
      restored += piece.sizeBytes
      withBytes += piece.bytes?.length ?? 0
    }
    expect([restored, withBytes]).toEqual([sizeBytes, 0])
  })

  it('holds one hole frame, however often it comes, and says so in its record once', async () => {
    const sizeBytes = 64 * 2 ** 40
    const map = { version: 1 as const, sizeBytes, blockBytes: 512 * 1024, runs: [] }
    const encoder = rawDiskEncoder(planDisk({ sourceRef: 'snap-1', sizeBytes, map }), map)
    const part = await encoder.encode(1, readerOf(Buffer.alloc(0)), new Scratch())
    expect(new Set(part.slices).size).toBe(1)
    expect(part.slices.length).toBe(sizeBytes / HOLE_BYTES)
    expect(part.record?.frames).toHaveLength(1)
    expect(part.record?.frames[0]?.[4]).toBe(sizeBytes / HOLE_BYTES)
    expect(encoder.heldBytes).toBeLessThan(11 * MIB)
  })

  it('fills each part up to what S3 takes, also the last one, which the seek table follows', async () => {
    const { kept, object, encoder } = await packed(mixed, 4 * MIB)
    expect([...kept.values()].every(({ body }) => body.length >= 5 * MIB)).toBe(true)
    expect((await joined(encoder.decode(readable(object)))).equals(mixed.bytes)).toBe(true)
  })

  it.each([5 * MIB, 9, 8, 7, 1])('pads by %d bytes, or by the eight that a pad has at least', (lacking) => {
    expect(padFrame(lacking).bytes.length).toBe(Math.max(8, lacking))
  })

  it('makes the same bytes for the same plan, and others for another level', async () => {
    const one = await packed(mixed)
    const same = await packed(mixed)
    const other = await packed(mixed, 8 * MIB, (plan) => rawDiskEncoder({ ...plan, level: 6 }, mixed.map))
    expect(same.object.equals(one.object)).toBe(true)
    expect(other.object.equals(one.object)).toBe(false)
    expect((await joined(other.encoder.decode(readable(other.object)))).equals(mixed.bytes)).toBe(true)
  })

  it('refuses a map that the plan was not made from', () => {
    const lacking = { ...mixed.map, runs: mixed.map.runs.slice(1) }
    expect(() => rawDiskEncoder(planWith(mixed, 4 * MIB), lacking)).toThrow(
      /not the one that the parts were planned by/,
    )
  })

  it('makes hole frames of any length that hold zeros and prove themselves', async () => {
    const holes = new HoleFrames()
    for (const sizeBytes of [1, 512, 4 * MIB, 4 * MIB + 512, HOLE_BYTES]) {
      const frame = await holes.of(sizeBytes)
      expect(zstdDecompressSync(frame.bytes).equals(Buffer.alloc(sizeBytes))).toBe(true)
      expect(await holes.of(sizeBytes)).toBe(frame)
      expect((frame.bytes[4] ?? 0) & 4).toBe(4)
    }
  })
})

it('gives no disk out as whole whose end is missing, though each frame is', async () => {
  const { encoder, kept } = await packed(mixed, 4 * MIB)
  const first = kept.get(1)?.body ?? Buffer.alloc(0)
  await expect(joined(encoder.decode(readable(first)))).rejects.toThrow(/without its seek table: its end is missing/)
})

describe('completing a disk', () => {
  const make = async () => {
    const plan = planWith(mixed, 4 * MIB)
    const encoder = rawDiskEncoder(plan, mixed.map)
    return { plan, encoder, kept: await makeParts(encoder, readerOf(mixed.bytes), allParts(encoder)) }
  }

  /** What completion says when the record of part 2 is this one. */
  async function with2(change: (record: PartRecord) => PartRecord | undefined) {
    const { encoder, kept } = await make()
    const records = recordsOf(kept)
    const changed = change(structuredClone(records.get(2)) as PartRecord)
    if (changed === undefined) records.delete(2)
    else records.set(2, changed)
    return encoder.assemble(listed(kept), records)
  }

  it('does not believe a record in which any single digit was changed', async () => {
    const { encoder, kept } = await make()
    const text = JSON.stringify(recordsOf(kept).get(2))
    const digits = [...text.matchAll(/\d/g)].map(({ index }) => index).filter((at) => at > '{"version":1'.length)
    expect(digits.length).toBeGreaterThan(100)
    for (const at of digits) {
      const flipped = `${text.slice(0, at)}${(Number(text[at]) + 1) % 10}${text.slice(at + 1)}`.replace(
        /([[,:])0(?=\d)/g,
        '$1',
      )
      const records = recordsOf(kept).set(2, JSON.parse(flipped) as PartRecord)
      const assembly = encoder.assemble(listed(kept), records)
      expect(assembly, flipped).toMatchObject({ missing: [{ partNumber: 2 }] })
    }
  })

  it.each([
    ['no record', () => undefined, /no record/],
    ['a record that was changed', (record: PartRecord) => ({ ...record, rawCrc32: 1 }), /was changed/],
    ['a record of another range', (record: PartRecord) => signRecord({ ...record, from: 0 }), /another range/],
    ['a record of another part', (record: PartRecord) => signRecord({ ...record, part: 1 }), /another range/],
    [
      'a record made from another map',
      (record: PartRecord) => signRecord({ ...record, allocatedBytes: 5 }),
      /other bytes as written/,
    ],
    [
      'a record whose frames are another disk’s',
      (record: PartRecord) => signRecord({ ...record, frames: record.frames.slice(1) }),
      /don't make up/,
    ],
    ['a record of other bytes', (record: PartRecord) => signRecord({ ...record, storedCrc32: 1 }), /don't make up/],
  ])('makes a part again that has %s', async (_, change, reason) => {
    const assembly = await with2(change)
    expect(assembly).toEqual({ missing: [{ partNumber: 2, reason: expect.stringMatching(reason) }] })
  })

  it('notices that two workers made a part with other settings, and the record is the one’s and the part the other’s', async () => {
    const { plan, encoder, kept } = await make()
    const other = await makeParts(rawDiskEncoder({ ...plan, level: 3 }, mixed.map), readerOf(mixed.bytes), [2])
    const zombie = new Map([...recordsOf(kept), ...recordsOf(other)])
    expect(encoder.assemble(listed(kept), zombie)).toEqual({
      missing: [{ partNumber: 2, reason: 'S3 holds other bytes than its record says' }],
    })
    const both = new Map([...kept, ...other])
    expect(encoder.assemble(listed(both), recordsOf(both))).not.toHaveProperty('missing')
  })

  it('counts a part as missing that is listed and has no record, or is too small for S3', async () => {
    const { encoder, kept } = await make()
    expect(encoder.missing(listed(kept), new Set([1, 3]))).toEqual([2])
    const small = listed(kept).map((part) => (part.partNumber === 3 ? { ...part, sizeBytes: 5 * MIB - 1 } : part))
    expect(encoder.missing(small, new Set([1, 2, 3]))).toEqual([3])
  })

  it('takes an upload that has the seek table already from an earlier try', async () => {
    const { encoder, kept } = await make()
    const first = encoder.assemble(listed(kept), recordsOf(kept))
    const table = 'missing' in first ? undefined : first.closing[0]
    expect(table?.partNumber).toBe(4)
    const again = [...listed(kept), { partNumber: 4, sizeBytes: table?.sizeBytes ?? 0, crc32: table?.crc32 ?? 0 }]
    expect(encoder.assemble(again, recordsOf(kept))).toEqual(first)
  })
})

async function* readable(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 256 * 1024) yield bytes.subarray(at, at + 256 * 1024)
}
