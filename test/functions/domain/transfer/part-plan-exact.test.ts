import { describe, expect, it } from 'vitest'
import {
  affordableParts,
  MAX_OBJECT_BYTES,
  MAX_PART_BYTES,
  MAX_PART_COUNT,
  missingParts,
  partRange,
  planChunks,
  planParts,
} from '../../../../functions/domain/transfer/part-plan.ts'

const MIB = 2 ** 20

describe('the limits of S3', () => {
  it('are 10,000 parts of 5 GiB', () => {
    expect([MAX_PART_COUNT, MAX_PART_BYTES, MAX_OBJECT_BYTES]).toEqual([10_000, 5_368_709_120, 53_687_091_200_000])
  })

  it.each([-1, 0.5, Number.NaN, MAX_OBJECT_BYTES + 1])('hold no object of %d bytes', (sizeBytes) => {
    expect(() => planParts(sizeBytes)).toThrow(RangeError)
  })
})

describe('the size of a part', () => {
  it.each([
    [64 * MIB, 64, 1],
    [64 * MIB + 1, 64, 2],
    [9_500 * 64 * MIB, 64, 9_500],
    [9_500 * 64 * MIB + 1, 65, 9_354],
    [9_500 * 100 * MIB, 100, 9_500],
  ])('of %i bytes is %i MiB: %i parts', (sizeBytes, mib, partCount) => {
    expect(planParts(sizeBytes)).toEqual({ partSizeBytes: mib * MIB, partCount })
  })

  it.each([
    [64, 8],
    [65, 7],
    [256, 2],
    [257, 1],
    [512, 1],
    [5_120, 1],
  ])('of %i MiB lets a function hold %i at once', (mib, parts) => {
    expect(affordableParts(mib * MIB)).toBe(parts)
  })
})

describe('the range of a part', () => {
  it.each([
    [1, 10, 25, { positionBytes: 0, sizeBytes: 10 }],
    [3, 10, 25, { positionBytes: 20, sizeBytes: 5 }],
    [2, 10, 20, { positionBytes: 10, sizeBytes: 10 }],
    [1, 10, 0, { positionBytes: 0, sizeBytes: 0 }],
  ])('%i of %i bytes in %i', (partNumber, partSizeBytes, sizeBytes, range) => {
    expect(partRange(partNumber, partSizeBytes, sizeBytes)).toEqual(range)
  })

  it.each([
    [0, 25],
    [-1, 25],
    [3, 20],
    [4, 25],
    [2, 0],
  ])('%i is none in %i bytes', (partNumber, sizeBytes) => {
    expect(() => partRange(partNumber, 10, sizeBytes)).toThrow(`part ${partNumber} lies outside`)
  })
})

it('parts that are there as planned are not missing, the short last one included', () => {
  const plan = { partSizeBytes: 10, partCount: 3 }
  expect(
    missingParts(plan, 25, [
      { partNumber: 1, sizeBytes: 10 },
      { partNumber: 3, sizeBytes: 5 },
    ]),
  ).toEqual([2])
  expect(missingParts(plan, 25, [{ partNumber: 3, sizeBytes: 10 }])).toEqual([1, 2, 3])
})

describe('chunks', () => {
  it('have the larger shares first, and span what is there already', () => {
    expect(planChunks([1, 2, 5, 6, 9], 2)).toEqual([
      { firstPart: 1, lastPart: 5 },
      { firstPart: 6, lastPart: 9 },
    ])
  })

  it('are no more than there are parts, and none for no streams', () => {
    expect(planChunks([4, 7], 5)).toEqual([
      { firstPart: 4, lastPart: 4 },
      { firstPart: 7, lastPart: 7 },
    ])
    expect(planChunks([4, 7], 0)).toEqual([])
  })
})
