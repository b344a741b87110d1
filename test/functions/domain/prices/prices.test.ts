import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { destinationSchema, priceTableSchema, storageClassSchema } from '../../../../functions/contracts/prices.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import {
  formatDollarRange,
  functionDollars,
  keepingDollars,
  monthlyDollars,
  priced,
  priceItem,
  requestDollars,
  roundDollars,
  standardStorage,
  storageDollars,
  transferOutDollars,
  transitionDollars,
} from '../../../../functions/domain/prices/prices.ts'

const from = new Date('2026-11-01T00:00:00.000Z')
const after = (hours: number): Date => new Date(from.getTime() + hours * 3_600_000)
const GIB = 2 ** 30
const TB = 1e12

describe('the price of storage', () => {
  it('is the list price for one GiB over one month', () => {
    expect(storageDollars(2 ** 30, from, after(730), standardStorage)).toBeCloseTo(0.023, 12)
  })

  it('grows with bytes and with time', () => {
    expect(storageDollars(3 * 2 ** 40, from, after(365), standardStorage)).toBeCloseTo((3 * 1024 * 0.023) / 2, 9)
    expect(storageDollars(2 ** 40, from, after(24), standardStorage)).toBeCloseTo((1024 * 0.023 * 24) / 730, 9)
  })

  it('is never negative, whatever the clocks say', () => {
    expect(storageDollars(2 ** 40, from, after(-1), standardStorage)).toBe(0)
  })

  it('names its source with a date', () => {
    expect(standardStorage.source).toMatch(/20\d\d-\d\d.*https:\/\//)
  })
})

describe('the list prices', () => {
  it('are a valid table with date and source', () => {
    expect(priceTableSchema.parse(listPrices)).toEqual(listPrices)
    expect(listPrices.source).toMatch(/https:\/\//)
  })

  // The worked examples count a GB as 10^9 bytes; AWS bills 2^30, which makes 6.9 % less of the same bytes.
  it.each([
    ['STANDARD', 23],
    ['GLACIER_IR', 4],
    ['DEEP_ARCHIVE', 0.99],
  ] as const)('keep 1 TB in %s for the $%f a month of the worked example, less 6.9 %%', (storageClass, dollars) => {
    const found = monthlyDollars(TB, storageClass, listPrices)
    expect(found / dollars).toBeCloseTo(1e9 / GIB, 3)
    expect(monthlyDollars(1000 * GIB, storageClass, listPrices)).toBeCloseTo(dollars, 3)
  })

  it.each([
    [70, 1024, 0.19],
    [70, 1769, 0.33],
    [75, 3008, 0.52],
    [12, 1769, 1.9],
    [12, 512, 0.56],
  ])(
    'move 1 TB at %f MB/s with %i MiB of memory for the $%f of the worked example, to a cent',
    (rate, memoryMiB, dollars) => {
      const seconds = TB / (rate * 1e6)
      const found = functionDollars({ calls: 20, seconds, memoryMiB }, listPrices)
      // The slow one is quoted to a tenth.
      expect(Math.abs(found - dollars)).toBeLessThan(dollars > 1 ? 0.05 : 0.006)
    },
  )

  it.each([
    ['STANDARD', 0.037],
    ['STANDARD_IA', 0.075],
    ['GLACIER_IR', 0.149],
  ] as const)(
    'take 7,451 parts in %s for the $%f of the worked example, to a tenth of a cent',
    (storageClass, dollars) => {
      expect(requestDollars({ parts: 7451 }, storageClass, listPrices)).toBeCloseTo(dollars, 3)
    },
  )

  it('bill the parts of an upload into the Glacier classes as STANDARD does, and its completion as their own', () => {
    expect(requestDollars({ parts: 1000, puts: 1 }, 'DEEP_ARCHIVE', listPrices)).toBeCloseTo(0.005 + 0.000_05, 12)
  })

  it('poll a dump of four hours 52 times for the $0.0039 of the worked example', () => {
    expect(transitionDollars(52 * 3, listPrices)).toBeCloseTo(0.0039, 9)
  })

  it('let 1,000 GiB out to the internet for the $90 of the worked example, and more of it cheaper', () => {
    expect(transferOutDollars(1000 * GIB, 'internet', listPrices)).toBeCloseTo(90, 9)
    expect(transferOutDollars(20 * 1024 * GIB, 'internet', listPrices)).toBeCloseTo(10_240 * (0.09 + 0.085), 6)
    expect(transferOutDollars(TB, 'same-region', listPrices)).toBe(0)
  })
})

describe('what is billed although nobody keeps it', () => {
  it('is the minimum duration of the class', () => {
    const aDay = keepingDollars(GIB, 1, 'DEEP_ARCHIVE', listPrices)
    expect(aDay).toBe(keepingDollars(GIB, 180, 'DEEP_ARCHIVE', listPrices))
    expect(keepingDollars(GIB, 181, 'DEEP_ARCHIVE', listPrices)).toBeGreaterThan(aDay)
  })

  it('is the smallest object of the class, and the overhead of the Glacier classes', () => {
    expect(monthlyDollars(1, 'STANDARD_IA', listPrices)).toBe(monthlyDollars(128 * 1024, 'STANDARD_IA', listPrices))
    const empty = monthlyDollars(0, 'GLACIER', listPrices)
    expect(empty).toBeCloseTo((32 * 1024 * 0.0036 + 8 * 1024 * 0.023) / GIB, 15)
  })
})

describe('a table of one’s own', () => {
  it.each([
    ['negative prices', { ...listPrices, dollarsPer1000Lists: -1 }],
    ['a missing class', { ...listPrices, storage: { STANDARD: listPrices.storage.STANDARD } }],
    ['another currency', { ...listPrices, currency: 'EUR' }],
    ['no date', { ...listPrices, asOf: 'last year' }],
    [
      'tiers that end',
      { ...listPrices, transferOut: { ...listPrices.transferOut, internet: [{ upToGiB: 1, dollarsPerGiB: 1 }] } },
    ],
    [
      'tiers out of order',
      {
        ...listPrices,
        transferOut: {
          ...listPrices.transferOut,
          internet: [{ upToGiB: 9, dollarsPerGiB: 1 }, { upToGiB: 5, dollarsPerGiB: 1 }, { dollarsPerGiB: 1 }],
        },
      },
    ],
  ])('is refused with %s', (_, table) => {
    expect(priceTableSchema.safeParse(table).success).toBe(false)
  })
})

describe('for all amounts', () => {
  const bytes = fc.integer({ min: 0, max: 2 ** 50 })
  const storageClass = fc.constantFrom(...storageClassSchema.options)
  const destination = fc.constantFrom(...destinationSchema.options)

  it('more never costs less, and nothing is negative', () => {
    fc.assert(
      fc.property(bytes, bytes, fc.nat(4000), fc.nat(4000), storageClass, destination, (a, b, c, d, kept, to) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)]
        const [sooner, later] = [Math.min(c, d), Math.max(c, d)]
        const kept1 = keepingDollars(less, sooner, kept, listPrices)
        expect(kept1).toBeGreaterThanOrEqual(0)
        expect(keepingDollars(more, later, kept, listPrices)).toBeGreaterThanOrEqual(kept1)
        expect(transferOutDollars(more, to, listPrices)).toBeGreaterThanOrEqual(
          transferOutDollars(less, to, listPrices),
        )
        expect(transferOutDollars(less, to, listPrices)).toBeGreaterThanOrEqual(0)
      }),
    )
  })

  it('the sum is that of its items as shown, and its two figures are in order', () => {
    const dollars = fc.double({ min: 0, max: 1e6, noNaN: true })
    fc.assert(
      fc.property(fc.array(fc.tuple(dollars, dollars), { maxLength: 30 }), (pairs) => {
        const items = pairs.map(([one, other]) => priceItem('x', one, other))
        const sum = priced(items, [], listPrices)
        expect(sum.leastDollars).toBeLessThanOrEqual(sum.mostDollars)
        expect(sum.mostDollars).toBeCloseTo(
          items.reduce((total, item) => total + item.mostDollars, 0),
          5,
        )
        for (const { leastDollars, mostDollars } of [...items, sum]) {
          expect(leastDollars).toBe(roundDollars(leastDollars))
          expect(mostDollars).toBe(roundDollars(mostDollars))
        }
      }),
    )
  })
})

describe('a range in words', () => {
  it.each([
    [0, 0, 'less than $0.01'],
    [0.001, 2, 'up to $2.00'],
    [0.1, 1.9, '$0.10 to $1.90'],
    [1.001, 1.004, 'about $1.00'],
  ])('of %f and %f is %s', (leastDollars, mostDollars, words) => {
    expect(formatDollarRange({ leastDollars, mostDollars })).toBe(words)
  })
})
