import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  MAX_OBJECT_BYTES,
  MAX_PART_BYTES,
  missingParts,
  partRange,
  planChunks,
  planParts,
} from '../../../../functions/domain/transfer/part-plan.ts'

const MIB = 2 ** 20
const TIB = 2 ** 40
const size = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 31 }),
  fc.integer({ min: 0, max: MAX_OBJECT_BYTES }),
  fc.constantFrom(0, 1, 64 * MIB - 1, 64 * MIB, 64 * MIB + 1, 9_500 * 64 * MIB, 9_500 * 64 * MIB + 1, MAX_OBJECT_BYTES),
)

describe('cutting an object into parts', () => {
  it('covers every byte exactly once within the limits of S3', () => {
    fc.assert(
      fc.property(size, (sizeBytes) => {
        const { partSizeBytes, partCount } = planParts(sizeBytes)
        expect(partSizeBytes % MIB).toBe(0)
        expect(partSizeBytes).toBeGreaterThanOrEqual(64 * MIB)
        expect(partSizeBytes).toBeLessThanOrEqual(MAX_PART_BYTES)
        expect(partCount).toBeLessThanOrEqual(10_000)
        let next = 0
        for (let partNumber = 1; partNumber <= partCount; partNumber++) {
          const range = partRange(partNumber, partSizeBytes, sizeBytes)
          if (range.positionBytes !== next) throw new Error(`hole before part ${partNumber}`)
          if (partNumber < partCount && range.sizeBytes !== partSizeBytes)
            throw new Error(`part ${partNumber} is short`)
          next += range.sizeBytes
        }
        expect(next).toBe(sizeBytes)
        expect(() => partRange(partCount + 1, partSizeBytes, sizeBytes)).toThrow(RangeError)
        expect(() => partRange(0, partSizeBytes, sizeBytes)).toThrow(RangeError)
      }),
      { numRuns: 60 },
    )
  })

  it('has sizes that people know from the documentation', () => {
    expect(planParts(1)).toEqual({ partSizeBytes: 64 * MIB, partCount: 1 })
    expect(planParts(32 * 2 ** 30)).toEqual({ partSizeBytes: 64 * MIB, partCount: 512 })
    expect(planParts(1e12)).toEqual({ partSizeBytes: 101 * MIB, partCount: 9_443 })
  })

  it('has one empty part for an empty object', () => {
    expect(planParts(0)).toEqual({ partSizeBytes: 64 * MIB, partCount: 1 })
    expect(partRange(1, 64 * MIB, 0)).toEqual({ positionBytes: 0, sizeBytes: 0 })
  })

  it('reaches 48.8 TiB and refuses what S3 refuses', () => {
    expect(planParts(MAX_OBJECT_BYTES)).toEqual({ partSizeBytes: MAX_PART_BYTES, partCount: 10_000 })
    expect(planParts(48 * TIB).partCount).toBeLessThanOrEqual(10_000)
    expect(() => planParts(MAX_OBJECT_BYTES + 1)).toThrow(/can't hold/)
  })
})

describe('finding missing parts', () => {
  it('counts a part of the wrong size as missing', () => {
    const plan = { partSizeBytes: 10, partCount: 3 }
    const stored = [
      { partNumber: 1, sizeBytes: 10 },
      { partNumber: 2, sizeBytes: 9 },
      { partNumber: 3, sizeBytes: 5 },
    ]
    expect(missingParts(plan, 25, stored)).toEqual([2])
    expect(missingParts(plan, 26, stored)).toEqual([2, 3])
    expect(missingParts(plan, 25, [])).toEqual([1, 2, 3])
  })
})

describe('cutting missing parts into chunks', () => {
  const missing = fc.uniqueArray(fc.integer({ min: 1, max: 10_000 })).map((parts) => parts.toSorted((a, b) => a - b))

  it('puts every missing part into exactly one chunk, about equally many into each', () => {
    fc.assert(
      fc.property(missing, fc.integer({ min: 1, max: 40 }), (parts, streams) => {
        const chunks = planChunks(parts, streams)
        expect(chunks).toHaveLength(Math.min(parts.length, streams))
        const within = chunks.map((chunk) => parts.filter((part) => part >= chunk.firstPart && part <= chunk.lastPart))
        expect(within.flat()).toEqual(parts)
        const counts = within.map((its) => its.length)
        expect(Math.max(...counts, 0) - Math.min(...counts, 10_000)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('gives each of the wanted functions something to do', () => {
    expect(planChunks([1, 2, 3, 4, 5, 6, 7, 8], 4)).toEqual([
      { firstPart: 1, lastPart: 2 },
      { firstPart: 3, lastPart: 4 },
      { firstPart: 5, lastPart: 6 },
      { firstPart: 7, lastPart: 8 },
    ])
  })

  it('has nothing to do when nothing is missing', () => {
    expect(planChunks([], 4)).toEqual([])
  })
})
