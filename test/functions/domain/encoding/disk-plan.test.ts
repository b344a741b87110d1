import { describe, expect, it } from 'vitest'
import { type AllocationMap, diskPlanSchema } from '../../../../functions/contracts/disk-archive.ts'
import { writtenBytes } from '../../../../functions/domain/encoding/allocation-map.ts'
import {
  assertPlan,
  boundsOfPart,
  heldBytes,
  largestPartBytes,
  partsOf,
  planDisk,
} from '../../../../functions/domain/encoding/disk-plan.ts'
import { randomFrom } from '../../archive-formats/raw-disk/made-disks.ts'

const MIB = 2 ** 20
const GIB = 2 ** 30
const TIB = 2 ** 40
const BLOCK = MIB / 2

const mapOf = (sizeBytes: number, runs: [number, number][]): AllocationMap => ({
  version: 1,
  sizeBytes,
  blockBytes: BLOCK,
  runs,
})
/** Runs in MiB. */
const planOf = (sizeBytes: number, runs: [number, number][]) => {
  const map = mapOf(
    sizeBytes,
    runs.map(([first, count]) => [first * 2, count * 2]),
  )
  return { map, plan: planDisk({ sourceRef: 'snap-1', sizeBytes, map }) }
}

describe('the plan of a disk', () => {
  it('closes a part once it has 64 MiB that were written, at the next multiple of 4 MiB', () => {
    const { plan } = planOf(200 * MIB, [[1, 199]])
    expect(plan).toMatchObject({ frameBytes: 4 * MIB, level: 1, allocatedBytes: 199 * MIB })
    // The first cell has 3 MiB: with sixteen cells it lacks one.
    expect(plan.bounds).toEqual([0, 68 * MIB, 132 * MIB, 196 * MIB, 200 * MIB])
  })

  it('never closes a part for a hole: it rides along in the part before it', () => {
    const { plan } = planOf(41 * TIB, [
      [0, 64],
      [40 * 2 ** 20, 70],
    ])
    expect(plan.bounds).toEqual([0, 40 * TIB, 40 * TIB + 64 * MIB, 41 * TIB])
  })

  it('leaves no part to a hole at the end or at the beginning', () => {
    expect(planOf(GIB, [[900, 64]]).plan.bounds).toEqual([0, GIB])
    expect(planOf(GIB, [[0, 64]]).plan.bounds).toEqual([0, GIB])
  })

  it('makes one part of a disk that was never written to', () => {
    expect(planOf(40 * GIB, []).plan).toMatchObject({ bounds: [0, 40 * GIB], allocatedBytes: 0 })
  })

  it('takes all of a disk without a map for written', () => {
    const plan = planDisk({ sourceRef: 'etag', sizeBytes: 130 * MIB + 512 })
    expect(plan).toMatchObject({ allocatedBytes: 130 * MIB + 512, bounds: [0, 64 * MIB, 128 * MIB, 130 * MIB + 512] })
    expect(plan).not.toHaveProperty('mapSum')
  })

  it.each([
    [TIB, 4 * MIB, 108 * MIB],
    [16 * TIB - MIB, 4 * MIB, 1680 * MIB],
    [16 * TIB, 16 * MIB, 1680 * MIB],
    [40 * TIB, 16 * MIB, 4208 * MIB],
  ])('stays within 9,999 parts for %d written bytes', (sizeBytes, frameBytes, firstBytes) => {
    const plan = planDisk({ sourceRef: 'etag', sizeBytes })
    expect(plan.frameBytes).toBe(frameBytes)
    expect(plan.bounds[1]).toBe(firstBytes)
    expect(partsOf(plan)).toBeLessThanOrEqual(9_999)
    expect(diskPlanSchema.safeParse(plan).success).toBe(true)
    expect(JSON.stringify(plan).length).toBeLessThan(170_000)
  })

  it('refuses a disk that may not fit into an object', () => {
    expect(() => planDisk({ sourceRef: 'etag', sizeBytes: 49 * TIB })).toThrow(/may not fit into one object/)
    // Much of it was never written: then it fits.
    expect(partsOf(planOf(60 * TIB, [[0, 2 ** 20]]).plan)).toBeGreaterThan(9_000)
  })

  it.each([0, -1, 1.5, Number.NaN])('refuses a disk of %d bytes', (sizeBytes) => {
    expect(() => planDisk({ sourceRef: 'etag', sizeBytes })).toThrow(/not the size of a disk/)
  })

  it('refuses the map of a disk of another size', () => {
    const map = mapOf(GIB, [])
    expect(() => planDisk({ sourceRef: 'etag', sizeBytes: GIB + 512, map })).toThrow(/of a disk of 1073741824 bytes/)
  })

  it('keeps its promises for maps of all kinds', () => {
    const random = randomFrom(3)
    for (let round = 0; round < 60; round += 1) {
      const runs: [number, number][] = []
      let at = 0
      const count = Math.floor(random() * 40)
      for (let run = 0; run < count; run += 1) {
        at += Math.floor(random() * 600)
        const length = 1 + Math.floor(random() * 400)
        runs.push([at, length])
        at += length
      }
      const sizeBytes = (at + 1 + Math.floor(random() * 100)) * BLOCK + (random() < 0.5 ? 512 : 0)
      const map = mapOf(sizeBytes, runs)
      const plan = planDisk({ sourceRef: 'snap', sizeBytes, map })
      expect(() => assertPlan(plan, map)).not.toThrow()
      const written = Array.from({ length: partsOf(plan) }, (_, index) =>
        writtenBytes(map, boundsOfPart(plan, index + 1)),
      )
      expect(written.reduce((sum, bytes) => sum + bytes, 0)).toBe(plan.allocatedBytes)
      expect(written.slice(0, -1).every((bytes) => bytes >= 64 * MIB && bytes < 68 * MIB)).toBe(true)
      expect(written.every((bytes) => bytes > 0 || plan.allocatedBytes === 0)).toBe(true)
      expect(heldBytes(plan, map)).toBeLessThan(80 * MIB)
    }
  })

  it('bounds a part’s size by what was written, not by its holes', () => {
    const { plan, map } = planOf(41 * TIB, [[0, 64]])
    // 41 TiB of holes: four bytes for each 128 KiB.
    expect(largestPartBytes(plan, map)).toBeLessThan(2 * GIB)
    expect(heldBytes(plan, map)).toBeLessThan(72 * MIB)
  })
})

describe('a plan that was read', () => {
  const { plan, map } = planOf(200 * MIB, [[0, 200]])

  it.each([
    ['begins elsewhere', { bounds: [4 * MIB, 200 * MIB] }],
    ['ends elsewhere', { bounds: [0, 196 * MIB] }],
    ['goes back', { bounds: [0, 68 * MIB, 64 * MIB, 200 * MIB] }],
    ['has an empty part', { bounds: [0, 64 * MIB, 64 * MIB, 200 * MIB] }],
    ['is off the grid', { bounds: [0, 63 * MIB, 200 * MIB] }],
  ])('is refused when it %s', (_, change) => {
    expect(() => assertPlan({ ...plan, ...change }, map)).toThrow(/don't divide/)
  })

  it('is refused with another map, with none, and with a count that its map does not have', () => {
    const shorter = mapOf(200 * MIB, [[0, 399]])
    expect(() => assertPlan(plan, shorter)).toThrow(/not the one that the parts were planned by/)
    expect(() => assertPlan(plan, undefined)).toThrow(/not the one/)
    expect(() => assertPlan({ ...plan, allocatedBytes: 1 }, map)).toThrow(/counts 1 written bytes/)
    const unmapped = planDisk({ sourceRef: 'etag', sizeBytes: 200 * MIB })
    expect(() => assertPlan(unmapped, map)).toThrow(/not the one/)
  })
})
