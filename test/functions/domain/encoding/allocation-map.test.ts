import { describe, expect, it } from 'vitest'
import type { AllocationMap } from '../../../../functions/contracts/disk-archive.ts'
import {
  AllocationMapBuilder,
  assertMap,
  mapSum,
  writtenBytes,
  writtenIn,
} from '../../../../functions/domain/encoding/allocation-map.ts'

const KIB = 1024
const BLOCK = 512 * KIB
const SIZE = 10 * BLOCK + 512

const map = (runs: [number, number][]): AllocationMap => ({ version: 1, sizeBytes: SIZE, blockBytes: BLOCK, runs })

describe('a map from a platform’s answers', () => {
  it('rounds what was written outwards to blocks, and joins what touches', () => {
    const builder = new AllocationMapBuilder(SIZE, BLOCK)
    builder.add({ from: 4 * BLOCK, to: SIZE }, [{ from: 10 * BLOCK, to: SIZE }])
    builder.add({ from: 0, to: 4 * BLOCK }, [
      { from: 3 * BLOCK - 512, to: 3 * BLOCK },
      { from: 512, to: 1024 },
      { from: BLOCK, to: 2 * BLOCK },
    ])
    expect(builder.build()).toEqual(
      map([
        [0, 3],
        [10, 1],
      ]),
    )
  })

  it('takes an answer twice, and answers that overlap', () => {
    const builder = new AllocationMapBuilder(SIZE, BLOCK)
    builder.add({ from: 0, to: 6 * BLOCK }, [{ from: 0, to: BLOCK }])
    builder.add({ from: 0, to: 6 * BLOCK }, [{ from: 0, to: BLOCK }])
    builder.add({ from: 5 * BLOCK, to: SIZE }, [{ from: 5 * BLOCK, to: 7 * BLOCK }])
    expect(builder.build().runs).toEqual([
      [0, 1],
      [5, 2],
    ])
  })

  it.each([
    ['the end', [[0, 9 * BLOCK]], 9 * BLOCK],
    ['the beginning', [[BLOCK, SIZE]], 0],
    [
      'the middle',
      [
        [0, 2 * BLOCK],
        [3 * BLOCK, SIZE],
      ],
      2 * BLOCK,
    ],
    ['everything', [], 0],
  ] as [string, [number, number][], number][])(
    'takes no range for a hole that no answer was about: %s',
    (_, answered, from) => {
      const builder = new AllocationMapBuilder(SIZE, BLOCK)
      for (const [first, to] of answered) builder.add({ from: first, to }, [])
      expect(() => builder.build()).toThrow(`from byte ${from} on, of ${SIZE}`)
    },
  )

  it.each([
    ['beyond what was asked', { from: 0, to: BLOCK }, { from: BLOCK - 1, to: BLOCK + 1 }],
    ['before it', { from: BLOCK, to: 2 * BLOCK }, { from: 0, to: 2 * BLOCK }],
    ['backwards', { from: 0, to: BLOCK }, { from: 5, to: 5 }],
  ])('refuses an answer %s', (_, answered, written) => {
    expect(() => new AllocationMapBuilder(SIZE, BLOCK).add(answered, [written])).toThrow(/are no answer about/)
  })

  it('refuses a range that is not the disk’s', () => {
    expect(() => new AllocationMapBuilder(SIZE, BLOCK).add({ from: 0, to: SIZE + 1 }, [])).toThrow(
      /not a range of the disk/,
    )
  })

  it.each([1000, 64 * KIB, 3 * 512 * KIB, 8 * 1024 * KIB, 0])('refuses blocks of %d bytes', (blockBytes) => {
    expect(() => new AllocationMapBuilder(SIZE, blockBytes)).toThrow(/multiple of 128 KiB/)
  })
})

describe('a map', () => {
  it.each([
    [
      'backwards',
      [
        [4, 1],
        [2, 1],
      ],
    ],
    [
      'overlapping',
      [
        [0, 3],
        [2, 1],
      ],
    ],
    ['beyond the disk', [[10, 2]]],
  ] as [string, [number, number][]][])('with runs that are %s is refused', (_, runs) => {
    expect(() => assertMap(map(runs))).toThrow(/out of order or beyond/)
  })

  it('takes runs that touch, and one up to the disk’s cut last block', () => {
    expect(() =>
      assertMap(
        map([
          [0, 1],
          [1, 1],
          [10, 1],
        ]),
      ),
    ).not.toThrow()
  })

  it('gives what was written of a range, cut to it and to the disk', () => {
    const some = map([
      [1, 2],
      [5, 1],
      [10, 1],
    ])
    expect([...writtenIn(some, { from: BLOCK + 7, to: 5 * BLOCK + 9 })]).toEqual([
      { from: BLOCK + 7, to: 3 * BLOCK },
      { from: 5 * BLOCK, to: 5 * BLOCK + 9 },
    ])
    expect([...writtenIn(some, { from: 3 * BLOCK, to: 5 * BLOCK })]).toEqual([])
    expect([...writtenIn(some, { from: 9 * BLOCK, to: SIZE })]).toEqual([{ from: 10 * BLOCK, to: SIZE }])
    expect(writtenBytes(some, { from: 0, to: SIZE })).toBe(3 * BLOCK + 512)
  })

  it('that isn’t there means that all of it was written', () => {
    expect([...writtenIn(undefined, { from: 3, to: 9 })]).toEqual([{ from: 3, to: 9 }])
    expect(writtenBytes(undefined, { from: 3, to: 9 })).toBe(6)
  })

  it('has another sum when anything of it differs', () => {
    const sums = [map([[0, 1]]), map([]), map([[1, 1]]), { ...map([[0, 1]]), sizeBytes: SIZE + 1 }].map(mapSum)
    expect(new Set(sums).size).toBe(4)
    expect(mapSum(map([[0, 1]]))).toBe(sums[0])
  })
})
