import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Priced, storageClassSchema } from '../../../../functions/contracts/prices.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import { type QuotedGuest, quoteRun, type QuoteTerms } from '../../../../functions/domain/prices/quote.ts'
import { expectReading } from '../../../../functions/domain/prices/expected-reading.ts'
import { guestWork, pollCount, ROUNDS } from '../../../../functions/domain/prices/run-work.ts'

const TB = 1e12
const GIB = 2 ** 30
const usual: QuoteTerms = { storageClass: 'STANDARD', days: 365 / 12, memoryMiB: 1769, streams: 4 }

const known = (sizeBytes: number, id = '100'): QuotedGuest => ({
  id,
  expected: { sizeBytes, from: 'archive-in-bucket' },
})
const bounded = (sizeBytes: number, id = '101'): QuotedGuest => ({ id, expected: { sizeBytes, from: 'disk-sizes' } })

function item({ items }: Priced, pattern: RegExp) {
  const found = items.find(({ what }) => pattern.test(what))
  if (found === undefined) throw new Error(`no item ${pattern} among ${items.map(({ what }) => what).join('; ')}`)
  return found
}

describe('the quote of a run', () => {
  it('has what moving 1 TB comes to in the worked example: about $0.4 at best, $1.9 for functions on a slow line', () => {
    const quote = quoteRun([known(TB)], usual, listPrices)
    const kept = item(quote, /in STANDARD for/)
    const moving = quote.leastDollars - kept.leastDollars
    // The example is told to one digit: 0.33 for functions at 70 MB/s, 0.037 to 0.075 for parts, 0.01 for the rest.
    expect(moving).toBeGreaterThan(0.35)
    expect(moving).toBeLessThan(0.45)
    expect(item(quote, /^copy functions/).mostDollars).toBeCloseTo(1.92, 2)
  })

  it('has the month of storage of the worked example, $23 for 1,000 GiB', () => {
    const quote = quoteRun([known(1000 * GIB)], usual, listPrices)
    expect(item(quote, /in STANDARD for/)).toMatchObject({ leastDollars: 23, mostDollars: 23 })
  })

  it('follows archives through the classes that the bucket moves them to, and prices their restore from the last', () => {
    const transitions = [
      { storageClass: 'GLACIER_IR' as const, afterDays: 30 },
      { storageClass: 'DEEP_ARCHIVE' as const, afterDays: 90 },
    ]
    const quote = quoteRun([known(1000 * GIB)], { ...usual, days: 365, transitions }, listPrices)
    const month = 365 / 12
    expect(item(quote, /in STANDARD for 30 days$/).mostDollars).toBeCloseTo((23 * 30) / month, 2)
    // 60 days of a class with at least 90.
    expect(item(quote, /in GLACIER_IR for 60 days, billed as the class's least of 90$/).mostDollars).toBeCloseTo(
      (4 * 90) / month,
      2,
    )
    expect(item(quote, /in DEEP_ARCHIVE for 275 days$/).mostDollars).toBeCloseTo((0.99 * 275) / month, 2)
    expect(quote.restore.map(({ tier }) => tier)).toEqual(['bulk', 'standard'])
  })

  it('leaves out moves after the last day, and to classes that are no colder', () => {
    const transitions = [
      { storageClass: 'STANDARD_IA' as const, afterDays: 30 },
      { storageClass: 'GLACIER' as const, afterDays: 400 },
    ]
    const terms = { ...usual, storageClass: 'GLACIER_IR' as const, days: 365, transitions }
    const quote = quoteRun([known(1000 * GIB)], terms, listPrices)
    expect(quote).toEqual(quoteRun([known(1000 * GIB)], { ...terms, transitions: [] }, listPrices))
  })

  it('prices reading all of it back, outside the sum: $90 for 1,000 GiB to the internet', () => {
    const quote = quoteRun([known(1000 * GIB)], usual, listPrices)
    expect(quote.restore).toHaveLength(1)
    expect(quote.restore[0]?.leastDollars).toBeCloseTo(90, 2)
    expect(quote.mostDollars).toBeLessThan(90)
  })

  it('offers each way out of the Glacier classes with its wait', () => {
    const quote = quoteRun([known(1000 * GIB)], { ...usual, storageClass: 'DEEP_ARCHIVE' }, listPrices)
    expect(quote.restore.map(({ tier, takes }) => [tier, takes])).toEqual([
      ['bulk', 'up to 48 hours'],
      ['standard', 'up to 12 hours'],
    ])
    // 2.50 or 20 of retrieval, 90 of transfer, and a week of 1,000 GiB in STANDARD.
    const week = (23 * 7 * 24) / 730
    expect(quote.restore[0]?.mostDollars).toBeCloseTo(2.5 + 90 + week, 2)
    expect(quote.restore[1]?.mostDollars).toBeCloseTo(20 + 90 + week, 2)
  })

  it('bills the least days of a class, and says so', () => {
    const terms: QuoteTerms = { ...usual, storageClass: 'DEEP_ARCHIVE', days: 7 }
    const kept = item(quoteRun([known(1000 * GIB)], terms, listPrices), /in DEEP_ARCHIVE for/)
    expect(kept.what).toContain('7 days, billed as the class')
    expect(kept.mostDollars).toBeCloseTo((0.99 * 180 * 24) / 730, 2)
  })

  it('spans from nothing to the disks where only these are known', () => {
    const quote = quoteRun([bounded(100 * GIB)], usual, listPrices)
    expect(item(quote, /in STANDARD for/)).toMatchObject({ leastDollars: 0, mostDollars: 2.3 })
  })

  it('has the blocks and snapshots of the worked example of EC2: $0.25 for 40 GiB of a disk of 100 GiB', () => {
    const reads = { blockBytes: 524_288, leastBytes: 40 * GIB, mostBytes: 100 * GIB }
    const quote = quoteRun([{ ...known(16 * GIB), reads }, known(GIB, '102')], usual, listPrices)
    const read = item(quote, /blocks of 512\.0 KiB, read once each$/)
    expect(read.what).toContain('81,920 to 204,800 blocks')
    expect(read.leastDollars).toBeCloseTo(0.2458, 3)
    expect(read.mostDollars).toBeCloseTo(0.6144, 3)
    const snapshots = item(quote, /^the snapshots they are read from, for 1 to 24 hours$/)
    expect(snapshots.leastDollars).toBeCloseTo((40 * 0.05) / 730, 5)
    expect(quote.leavesOut).toContain('$0.02 a GiB where the bucket is in another region than the guest')
    const { blocks: _none, ...older } = listPrices
    expect(quoteRun([{ ...known(GIB), reads }], usual, older).leavesOut.join()).toContain('no `blocks`')
    expect(quoteRun([known(GIB)], usual, listPrices).items.some(({ what }) => what.includes('blocks'))).toBe(false)
  })

  it('expects to read as much as the last archive has, and no more than the disks that are not left out', () => {
    const disks = [
      { sizeBytes: 8 * GIB, included: true },
      { sizeBytes: 100 * GIB, included: false },
    ]
    const archived = expectReading({ sizeBytes: 2 * GIB, from: 'archive-in-bucket' }, disks)
    expect(archived).toEqual({ leastBytes: 2 * GIB, mostBytes: 8 * GIB })
    const blind = { leastBytes: 0, mostBytes: 8 * GIB }
    expect(expectReading({ sizeBytes: 8 * GIB, from: 'disk-sizes' }, disks)).toEqual(blind)
    expect(expectReading(undefined, disks)).toEqual(blind)
  })

  it('has what leaves a platform that bills it, for all guests together: $3.74 for 40 GiB of Azure', () => {
    const billed = { platform: 'Microsoft Azure', dollarsPerGB: 0.087, asOf: '2026-11' }
    const one = { ...billed, leastBytes: 40 * GIB, mostBytes: 40 * GIB }
    const [only, both] = [[one], [one, { ...billed, leastBytes: 0, mostBytes: 10 * GIB }]].map((all) =>
      item(
        quoteRun(
          all.map((egress) => ({ ...known(16 * GIB), egress })),
          usual,
          listPrices,
        ),
        /leave Microsoft Azure/,
      ),
    )
    expect(only?.what).toBe('40.0 GiB that leave Microsoft Azure, by its list price of 2026-11')
    expect([only?.leastDollars, only?.mostDollars].map((dollars) => dollars?.toFixed(2))).toEqual(['3.74', '3.74'])
    expect(both?.what).toContain('40.0 GiB to 50.0 GiB that leave')
    expect(both?.mostDollars).toBeCloseTo(4.67, 2)
  })

  it('names guests of unknown size among what it leaves out', () => {
    const quote = quoteRun([known(GIB), { id: '102' }, { id: '105' }], usual, listPrices)
    expect(quote.leavesOut[0]).toBe('the bytes of guests whose size is unknown: 102, 105')
  })

  it('pays for functions that wait for a limited line', () => {
    const limited = quoteRun([known(TB)], { ...usual, bandwidth: { lowest: 4e6, highest: 4e6 } }, listPrices)
    // Four streams at 1 MB/s each.
    expect(item(limited, /^copy functions/).mostDollars).toBeCloseTo((TB / 1e6) * (1769 / 1024) * 0.000_013_333_4, 1)
  })

  it('costs nothing for no guest', () => {
    expect(quoteRun([], usual, listPrices)).toMatchObject({ leastDollars: 0, mostDollars: 0, leastBytes: 0 })
  })

  const size = fc.integer({ min: 0, max: 20 * 2 ** 40 })
  const guest = fc.oneof(
    size.map((bytes) => known(bytes)),
    size.map((bytes) => bounded(bytes)),
    fc.constant({ id: '9' }),
  )
  const terms = fc.record({
    storageClass: fc.constantFrom(...storageClassSchema.options),
    days: fc.nat(4000),
    memoryMiB: fc.integer({ min: 512, max: 10_240 }),
    streams: fc.integer({ min: 1, max: 40 }),
  })

  it('is in order, adds up, and never falls with a further guest, whatever is asked', () => {
    fc.assert(
      fc.property(fc.array(guest, { maxLength: 8 }), guest, terms, (guests, further, asked) => {
        const quote = quoteRun(guests, asked, listPrices)
        const more = quoteRun([...guests, further], asked, listPrices)
        for (const { leastDollars, mostDollars } of [...quote.items, quote]) {
          expect(leastDollars).toBeGreaterThanOrEqual(0)
          expect(mostDollars).toBeGreaterThanOrEqual(leastDollars)
        }
        expect(quote.mostDollars).toBeCloseTo(
          quote.items.reduce((sum, one) => sum + one.mostDollars, 0),
          5,
        )
        expect(more.leastDollars).toBeGreaterThanOrEqual(quote.leastDollars)
        expect(more.mostDollars).toBeGreaterThanOrEqual(quote.mostDollars)
      }),
    )
  })
})

describe('the work on a guest', () => {
  it('is what the workflow does for a small one: the states it passes, and one part', () => {
    const course = { sizeBytes: 1, dumpSeconds: 0, streams: 4, bytesPerSecondOfStream: 70e6, rounds: ROUNDS.few }
    expect(guestWork(course)).toMatchObject({ transitions: 35, copyCalls: 1, smallCalls: 10, parts: 2, puts: 4 })
  })

  it('looks at a dump of four hours often enough to notice its end, and seldom enough for cents', () => {
    expect(pollCount(4 * 3600)).toBeGreaterThan(52)
    expect(pollCount(4 * 3600) * 3 * 0.000_025).toBeLessThan(0.02)
  })
})
