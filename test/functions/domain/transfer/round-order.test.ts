import { describe, expect, it } from 'vitest'
import { type Pace, paceSchema } from '../../../../functions/contracts/pace.ts'
import { orderRound, usableBytesPerSecond } from '../../../../functions/domain/transfer/round-order.ts'

const PART_BYTES = 64 * 2 ** 20
const now = new Date('2026-11-22T02:00:00.000Z')
const after = (seconds: number): Date => new Date(now.getTime() + seconds * 1000)
const pace = (more: Partial<Pace>): Pace => ({ ...paceSchema.parse({}), ...more })
const alone = { streams: 2, shared: false }
const seconds = (given: Partial<Pace>, granted: Parameters<typeof orderRound>[2] = alone, changesAt?: Date): number => {
  const ordered = orderRound(pace(given), PART_BYTES, granted, now, changesAt)
  if ('waitSeconds' in ordered) throw new Error(`waits ${ordered.waitSeconds} s`)
  return ordered.order.seconds
}
const settled = (measuredSeconds: number): Partial<Pace> => ({
  rounds: 9,
  streams: 4,
  home: 4,
  measured: [{ streams: 4, bytesPerSecond: 1e8, seconds: measuredSeconds }],
})

describe('how long a round lasts', () => {
  it('is short while the number of streams is looked for, and ten minutes once it is found', () => {
    expect(seconds({ streams: 2 })).toBe(45)
    expect(seconds({ rounds: 1, streams: 4 })).toBe(90)
    expect(seconds(settled(90))).toBe(180)
    expect(seconds(settled(270))).toBe(600)
    expect(seconds({ ...settled(270), streams: 6 })).toBe(90)
  })

  it('is two minutes at most while others want a share', () => {
    expect(seconds(settled(270), { streams: 2, shared: true })).toBe(120)
  })

  it('lets every stream finish a few parts, but never outlives the function', () => {
    expect(seconds({ streams: 2, partSeconds: 60 })).toBe(180)
    expect(seconds({ ...settled(270), partSeconds: 240 })).toBe(480)
    expect(seconds({ ...settled(270), partSeconds: 5000 })).toBe(60)
  })

  it('ends with the window, the parts begun last included', () => {
    expect(seconds({ ...settled(270), partSeconds: 20 }, alone, after(300))).toBe(280)
  })

  it('is not begun for a few seconds before a change', () => {
    expect(orderRound(pace(settled(270)), PART_BYTES, alone, now, after(8.5))).toEqual({ waitSeconds: 9 })
  })
})

describe("a stream's order", () => {
  it('holds its share of the bandwidth, and the pace remembers the whole', () => {
    const ordered = orderRound(pace({}), PART_BYTES, { streams: 3, bytesPerSecond: 1e8, shared: true }, now, undefined)
    expect(ordered).toMatchObject({
      order: { bytesPerSecond: 33_333_333, partsInFlight: 4 },
      pace: { limitBytesPerSecond: 1e8 },
    })
  })

  it.each([
    [2 ** 20, 1],
    [1.2 * 2 ** 20, 2],
    [100, 1],
  ])('has no more parts in flight than %d bytes per second bring home in time', (bytesPerSecond, partsInFlight) => {
    const ordered = orderRound(pace({}), PART_BYTES, { streams: 1, bytesPerSecond, shared: false }, now, undefined)
    expect(ordered).toMatchObject({ order: { partsInFlight } })
  })

  it('forgets a limit that has ended', () => {
    const ordered = orderRound(pace({ limitBytesPerSecond: 100 }), PART_BYTES, alone, now, undefined)
    expect(ordered).toMatchObject({ order: { seconds: 45 } })
    expect('pace' in ordered && ordered.pace.limitBytesPerSecond).toBeUndefined()
    expect('order' in ordered && 'bytesPerSecond' in ordered.order).toBe(false)
  })
})

describe('what a transfer can use', () => {
  it('is about twice what it reached where its own link is what holds it', () => {
    expect(usableBytesPerSecond(pace(settled(270)))).toBeCloseTo(2.2e8)
  })
  it('is not known while it looks for the number of streams, or is held by a limit', () => {
    expect(usableBytesPerSecond(pace({ streams: 2 }))).toBeUndefined()
    expect(usableBytesPerSecond(pace({ ...settled(270), limited: true }))).toBeUndefined()
  })
})
