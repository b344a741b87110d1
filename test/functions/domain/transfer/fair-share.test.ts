import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Demand, fairShares } from '../../../../functions/domain/transfer/fair-share.ts'

const want = (most: number, least = 1): Demand => ({ least, most })

describe('dividing a limit', () => {
  it('gives equal shares, and what one does not want to the others', () => {
    expect(fairShares([want(9), want(9)], 8, true)).toEqual([4, 4])
    expect(fairShares([want(9), want(1), want(9)], 9, true)).toEqual([4, 1, 4])
    expect(fairShares([want(9), want(9)], 5, false)).toEqual([2.5, 2.5])
  })

  it('leaves no whole one over while somebody wants it', () => {
    expect(fairShares([want(9), want(9), want(9)], 8, true).reduce((sum, share) => sum + share, 0)).toBe(8)
  })

  it('serves from the front where it does not reach for all', () => {
    expect(fairShares([want(9), want(9), want(9)], 2, true)).toEqual([1, 1, 0])
    expect(fairShares([want(100, 30), want(100, 30)], 50, false)).toEqual([50, 0])
  })

  it('gives what one needs at least before equal shares', () => {
    expect(fairShares([want(100, 1), want(100, 60), want(100, 1)], 100, false)).toEqual([20, 60, 20])
  })

  it('gives the first what there is, even when that is less than it needs', () => {
    expect(fairShares([want(100, 30)], 10, false)).toEqual([10])
  })

  it('never gives more than the limit, nor more than one wants, and the first is never left out', () => {
    const demand = fc
      .tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 100 }))
      .map(([least, more]) => ({ least, most: least + more }))
    fc.assert(
      fc.property(
        fc.array(demand, { minLength: 1 }),
        fc.integer({ min: 1, max: 300 }),
        fc.boolean(),
        (all, limit, whole) => {
          const shares = fairShares(all, limit, whole)
          expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThanOrEqual(limit * (1 + 1e-9))
          for (const [index, share] of shares.entries()) expect(share).toBeLessThanOrEqual(all[index]?.most ?? 0)
          expect(shares[0]).toBeGreaterThan(0)
        },
      ),
    )
  })
})
