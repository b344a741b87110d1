import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { destinationSchema, storageClassSchema } from '../../../../functions/contracts/prices.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import { archiveRestorePrice, restorePrices } from '../../../../functions/domain/prices/restore-price.ts'

const GIB = 2 ** 30
const archived = { sizeBytes: 1000 * GIB, objects: 2 }

describe('the price of restoring', () => {
  it.each([
    ['STANDARD', 'internet', [90]],
    ['STANDARD', 'same-region', [0]],
    ['STANDARD', 'direct-connect', [20]],
    ['STANDARD_IA', 'internet', [100]],
    ['GLACIER_IR', 'internet', [120]],
    ['GLACIER_IR', 'same-region', [30]],
  ] as const)('1,000 GiB from %s to %s is $%j: retrieval and transfer', (storageClass, destination, dollars) => {
    const ways = restorePrices({ ...archived, storageClass }, destination, listPrices)
    expect(ways.map(({ mostDollars }) => Math.round(mostDollars * 100) / 100)).toEqual(dollars)
    expect(ways.map(({ tier }) => tier)).toEqual(['immediate'])
  })

  it('from GLACIER has three ways, each with its wait, its requests and a copy in STANDARD', () => {
    const ways = restorePrices({ ...archived, storageClass: 'GLACIER' }, 'same-region', listPrices)
    const week = (23 * 7 * 24) / 730
    // Two requests, expedited at 1 cent each.
    expect(ways.map(({ tier, mostDollars }) => [tier, Math.round(mostDollars * 100) / 100])).toEqual([
      ['bulk', Math.round(week * 100) / 100],
      ['standard', Math.round((10 + week) * 100) / 100],
      ['expedited', Math.round((30 + 0.02 + week) * 100) / 100],
    ])
    expect(ways.map(({ takes }) => takes)).toEqual(['5 to 12 hours', '3 to 5 hours', '1 to 5 minutes below 250 MB'])
  })

  it('says that free traffic is not in it, where there is any', () => {
    const [out] = restorePrices({ ...archived, storageClass: 'STANDARD' }, 'internet', listPrices)
    const [inside] = restorePrices({ ...archived, storageClass: 'STANDARD' }, 'same-region', listPrices)
    expect(out?.leavesOut[0]).toMatch(/100 GB/)
    expect(inside?.leavesOut.join()).not.toMatch(/100 GB/)
  })

  it('never falls with bytes or objects, and is never negative', () => {
    const bytes = fc.integer({ min: 0, max: 2 ** 50 })
    const objects = fc.nat(10_000)
    const where = fc.tuple(
      fc.constantFrom(...storageClassSchema.options),
      fc.constantFrom(...destinationSchema.options),
    )
    fc.assert(
      fc.property(bytes, bytes, objects, objects, where, (a, b, c, d, [storageClass, destination]) => {
        const price = (sizeBytes: number, count: number) =>
          restorePrices({ sizeBytes, objects: count, storageClass }, destination, listPrices).map(
            (way) => way.mostDollars,
          )
        const less = price(Math.min(a, b), Math.min(c, d))
        const more = price(Math.max(a, b), Math.max(c, d))
        for (const [index, dollars] of less.entries()) {
          expect(dollars).toBeGreaterThanOrEqual(0)
          expect(more[index]).toBeGreaterThanOrEqual(dollars)
        }
      }),
    )
  })
})

describe('the price of restoring one archive', () => {
  const artifacts = [{ sizeBytes: 600 * GIB }, { sizeBytes: 400 * GIB }]

  it('is that of all its files, each way', () => {
    const { ways, objects } = archiveRestorePrice({ artifacts, storageClass: 'DEEP_ARCHIVE' }, 'internet', listPrices)
    expect(objects).toBe(2)
    expect(ways).toEqual(restorePrices({ ...archived, storageClass: 'DEEP_ARCHIVE' }, 'internet', listPrices))
    expect(ways.map(({ tier }) => tier)).toEqual(['bulk', 'standard'])
  })

  it('is STANDARD’s where a store names no class', () => {
    expect(archiveRestorePrice({ artifacts }, 'internet', listPrices).ways[0]?.mostDollars).toBeCloseTo(90, 3)
  })

  it('is unknown for a class without prices, and says so', () => {
    const { ways, unpriced } = archiveRestorePrice({ artifacts, storageClass: 'SNOW' }, 'internet', listPrices)
    expect(ways).toEqual([])
    expect(unpriced).toBe("What restoring costs isn't known: the price table has no class SNOW.")
  })
})
