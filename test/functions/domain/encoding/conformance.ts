/** What every encoding owes to those who plan, copy, complete and read back. */
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type PartEncoder, type ReadSource, Scratch } from '../../../../functions/domain/encoding/part-encoder.ts'
import { inChunks } from '../../archive-formats/proxmox/made-archives.ts'
import {
  allParts,
  assembled,
  joined,
  listed,
  makeParts,
  randomFrom,
  readerOf,
  recordsOf,
  shuffled,
} from '../../archive-formats/raw-disk/made-disks.ts'

export interface EncodingCase {
  name: string
  source: Buffer
  /** A new one each time, as every function call makes its own. */
  open: () => PartEncoder
}

class Killed extends Error {}

/** Dies after so many bytes were read. */
function dyingAfter(bytes: number, read: ReadSource): ReadSource {
  let left = bytes
  return async (positionBytes, target, signal) => {
    left -= target.length
    if (left < 0) throw new Killed()
    return read(positionBytes, target, signal)
  }
}

/** As another process left it: nothing that counts on zeros gets away with it. */
function dirtyScratch(): Scratch {
  const scratch = new Scratch()
  scratch.buffer(16 * 2 ** 20).fill(0xee)
  return scratch
}

export function partEncoderConformance(title: string, cases: readonly EncodingCase[]): void {
  describe.each(cases)(`${title}, $name`, ({ source, open }) => {
    const read = readerOf(source)

    it('cuts the source into parts without a gap, and reads nothing that it need not', () => {
      const encoder = open()
      let at = 0
      for (const partNumber of allParts(encoder)) {
        const part = encoder.partOfSource(partNumber)
        expect(part.positionBytes).toBe(at)
        expect(part.readBytes).toBeLessThanOrEqual(part.sizeBytes)
        at += part.sizeBytes
      }
      expect(at).toBe(source.length)
      expect(encoder.partCount).toBeGreaterThanOrEqual(encoder.sourceParts)
      expect(() => encoder.partOfSource(0)).toThrow(RangeError)
      expect(() => encoder.partOfSource(encoder.sourceParts + 1)).toThrow(RangeError)
    })

    it('gives the source back from parts that were made in any order by workers that die and begin again', async () => {
      const random = randomFrom(7)
      const kept = new Map<
        number,
        Awaited<ReturnType<typeof makeParts>> extends Map<number, infer Part> ? Part : never
      >()
      let deaths = 0
      while (kept.size < open().sourceParts) {
        const worker = open()
        const missing = worker.missing(listed(kept), new Set(recordsOf(kept).keys()))
        expect(missing.toSorted((one, other) => one - other)).toEqual(
          allParts(worker).filter((part) => !kept.has(part)),
        )
        const [part = 0] = shuffled(missing, random)
        const dies = random() < 0.4 ? dyingAfter(random() * worker.partOfSource(part).readBytes, read) : read
        try {
          const encoded = await worker.encode(part, dies, dirtyScratch())
          kept.set(part, { part: encoded, body: Buffer.concat(encoded.slices) })
        } catch (error) {
          deaths += 1
          if (!(error instanceof Killed) || deaths > 1000) throw error
        }
      }
      const { object, assembly } = assembled(open(), kept)
      expect(open().missing(listed(kept), new Set(recordsOf(kept).keys()))).toEqual([])
      expect(assembly.object).toEqual({ sizeBytes: object.length, crc32: crc32(object) })
      expect(assembly.source).toEqual({ sizeBytes: source.length, crc32: crc32(source) })
      for (const chunkBytes of [65_536, 1_000_003]) {
        expect((await joined(open().decode(inChunks(object, chunkBytes)))).equals(source)).toBe(true)
      }
      const inOrder = assembled(open(), await makeParts(open(), read, allParts(open())))
      expect(inOrder.object.equals(object)).toBe(true)
    })

    it('says size and sum of each part as it is sent, in the memory that it promised', async () => {
      const encoder = open()
      for (const [partNumber, { part, body }] of await makeParts(encoder, read, allParts(encoder))) {
        expect(part).toMatchObject({ partNumber, sizeBytes: body.length, crc32: crc32(body) })
        expect(part.record === undefined).toBe(!encoder.keepsRecords)
        const held = [...new Set(part.slices)].reduce((sum, { length }) => sum + length, 0)
        expect(held).toBeLessThanOrEqual(encoder.heldBytes)
      }
    })

    it('sends source bytes as they are, if it says so', async () => {
      const encoder = open()
      if (!encoder.passesThrough) return
      for (const [partNumber, { body }] of await makeParts(encoder, read, allParts(encoder))) {
        const { positionBytes, sizeBytes } = encoder.partOfSource(partNumber)
        expect(body.equals(source.subarray(positionBytes, positionBytes + sizeBytes))).toBe(true)
      }
    })

    it('completes nothing while a part is missing or has another size, and names it', async () => {
      const encoder = open()
      const kept = await makeParts(encoder, read, allParts(encoder))
      const parts = listed(kept)
      for (const broken of [
        parts.slice(1),
        [],
        parts.map((part, index) => (index === 0 ? { ...part, sizeBytes: part.sizeBytes + 1 } : part)),
      ]) {
        const named = broken.length === 0 ? allParts(encoder) : [1]
        const assembly = encoder.assemble(broken, recordsOf(kept))
        expect('missing' in assembly && assembly.missing.map(({ partNumber }) => partNumber)).toEqual(named)
        expect('missing' in assembly && assembly.missing.every(({ reason }) => reason !== '')).toBe(true)
      }
    })

    it('completes nothing with a part that the plan does not have', async () => {
      const encoder = open()
      const kept = await makeParts(encoder, read, allParts(encoder))
      const beyond = { partNumber: encoder.partCount + 1, sizeBytes: 5, crc32: 5 }
      expect(() => encoder.assemble([...listed(kept), beyond], recordsOf(kept))).toThrow(/part \d+, and the plan ends/)
    })

    it('stops when it is told to', async () => {
      const reason = new Error('time is up')
      await expect(open().encode(1, read, new Scratch(), AbortSignal.abort(reason))).rejects.toBe(reason)
    })
  })
}
