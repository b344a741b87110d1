import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import { noCopyWork } from '../../../../functions/domain/transfer/copy-work.ts'
import { priceItem } from '../../../../functions/domain/prices/prices.ts'
import { guestReceipt, receipt } from '../../../../functions/domain/prices/receipt.ts'

const MIB = 2 ** 20
const GIB = 2 ** 30

const archived = (sizeBytes: number, bytesSent = sizeBytes, seconds = sizeBytes / 70e6) => ({
  outcome: 'succeeded' as const,
  bytesSent,
  seconds,
  artifacts: [{ key: 'k', sizeBytes, checksum: 'CRC32:AAAAAA==' }],
})
const failed = { outcome: 'failed' as const, bytesSent: 0, seconds: 60, artifacts: [] }

describe('the receipt of a run whose work was not counted', () => {
  it('comes to the $0.4 of the worked example for 1 TB that went at 70 MB/s, as its lower bound', () => {
    const { leastDollars } = receipt([archived(1e12)], listPrices)
    expect(leastDollars).toBeGreaterThan(0.35)
    expect(leastDollars).toBeLessThan(0.45)
  })

  it('counts what was sent, not what S3 had already', () => {
    const { items } = receipt([archived(100 * GIB, 64 * MIB)], listPrices)
    // The opening, the one part, the completion, log, notes and manifest.
    expect(items.map(({ what }) => what)).toContain('6 requests to write archives (STANDARD)')
  })

  it('takes no longer than the guest’s own time for all streams together', () => {
    const { items } = receipt([archived(12e9, 12e9, 100)], listPrices)
    expect(items[0]?.what).toBe('copy functions: 160 to 400 s at 1769 MiB')
  })

  it('says what keeping it costs and which guests are not in it', () => {
    const { leavesOut } = receipt([archived(100 * GIB), failed, failed], listPrices)
    expect(leavesOut[0]).toBe('keeping 100.0 GiB in STANDARD: $2.30 a month')
    expect(leavesOut[1]).toBe('the work on 2 guests of which nothing was archived')
  })

  it('is the run’s own work alone when nothing was archived', () => {
    expect(receipt([failed], listPrices).mostDollars).toBeLessThan(0.01)
  })

  it('says that copying is bounded', () => {
    const { leavesOut } = receipt([archived(GIB), archived(GIB)], listPrices)
    expect(leavesOut).toContain('what copying really took for 2 of 2 guests: it is bounded')
  })

  it('is never negative, and its figures are in order', () => {
    const bytes = fc.integer({ min: 0, max: 2 ** 45 })
    const guest = fc
      .tuple(bytes, bytes, fc.nat(1_000_000))
      .map(([size, sent, seconds]) => archived(size, sent, seconds))
    fc.assert(
      fc.property(fc.array(guest, { maxLength: 6 }), (guests) => {
        for (const { leastDollars, mostDollars } of receipt(guests, listPrices).items) {
          expect(leastDollars).toBeGreaterThanOrEqual(0)
          expect(mostDollars).toBeGreaterThanOrEqual(leastDollars)
        }
      }),
    )
  })
})

describe('the receipt of work that was counted', () => {
  /** 1 TB at 70 MB/s in parts of 128 MiB: four streams in rounds of 600 seconds, after a backup that was looked at 52 times. */
  const work = {
    ...noCopyWork,
    plans: 7,
    rounds: 6,
    copyCalls: 24,
    copySeconds: 1e12 / 70e6,
    partsSent: 7451,
    memoryMiB: 1769,
    backupCalls: 53,
    retention: false,
  }
  const counted = { ...archived(1e12), work }

  it('comes to the $0.33, $0.037 and $0.01 of the worked example for 1 TB, to a cent, and has no range', () => {
    const told = receipt([counted], listPrices)
    const dollars = (what: RegExp) => told.items.find((one) => what.test(one.what))?.leastDollars ?? Number.NaN
    expect(dollars(/^copy functions: 14,286 s at 1769 MiB$/)).toBeCloseTo(0.33, 2)
    expect(dollars(/^7,456 requests to write archives/)).toBeCloseTo(0.037, 3)
    // Polling and map are told to a cent.
    expect(dollars(/state transitions$/)).toBeCloseTo(0.01, 2)
    for (const { leastDollars, mostDollars } of [...told.items, told]) expect(leastDollars).toBe(mostDollars)
    expect(told.mostDollars).toBeGreaterThan(0.35)
    expect(told.mostDollars).toBeLessThan(0.45)
  })

  it('has the blocks that were read where the platform bills them, and says what of it is missing', () => {
    const work = { ...noCopyWork, plans: 2, copyCalls: 1, backupCalls: 3, retention: false }
    const read = receipt([{ ...archived(GIB), work: { ...work, billedReads: 81_920 } }], listPrices)
    expect(read.items).toContainEqual(priceItem('81,920 blocks read', 0.245_76))
    expect(read.leavesOut.join()).toContain('the snapshots that blocks were read from')
    const plain = receipt([{ ...archived(GIB), work }], listPrices)
    expect(JSON.stringify(plain)).not.toContain('blocks')
    const { blocks: _none, ...older } = listPrices
    expect(receipt([{ ...archived(GIB), work: { ...work, billedReads: 1 } }], older).leavesOut.join()).toContain(
      'reading blocks: the price table has no `blocks`',
    )
  })

  it('is the sum of its guests’ receipts and of the run’s own states', () => {
    const small = {
      ...archived(50e6),
      work: { ...work, plans: 2, rounds: 1, copyCalls: 1, copySeconds: 3, partsSent: 1 },
    }
    const sum = receipt([counted, small, failed], listPrices).mostDollars
    const parts = [counted, small].map((guest) => guestReceipt(guest, listPrices).mostDollars)
    const own = receipt([], listPrices).mostDollars
    expect(sum).toBeCloseTo(
      parts.reduce((total, dollars) => total + dollars, own),
      5,
    )
  })

  it('reckons with the memory that Lambda told, and says when nothing told it', () => {
    const large = guestReceipt({ ...counted, work: { ...work, memoryMiB: 3008 } }, listPrices)
    expect(large.items[0]?.mostDollars).toBeCloseTo(((1e12 / 70e6) * 3008 * 0.000_013_333_4) / 1024, 4)
    const { memoryMiB: _, ...silent } = work
    const { leavesOut } = guestReceipt({ ...counted, work: silent }, listPrices)
    expect(leavesOut).toContain('the memory of copy functions, which is not known: 1769 MiB are assumed')
    expect(large.leavesOut.join()).not.toMatch(/memory of copy functions/)
  })

  it('says which copy calls left no figure of their own', () => {
    const { leavesOut } = receipt([{ ...counted, work: { ...work, brokenCalls: 2, untimedCalls: 3 } }], listPrices)
    expect(leavesOut).toContain("how long 2 broken copy calls really ran: the workflow's clock stands in")
    expect(leavesOut).toContain('all of 3 copy calls but their time between first and last byte')
  })

  it('costs no copying where S3 had all of it before', () => {
    const before = { ...noCopyWork, backupCalls: 2, retention: false }
    const { items } = guestReceipt({ ...archived(GIB, 0), work: before }, listPrices)
    expect(items[0]).toMatchObject({ what: 'copy functions: 0 s at 1769 MiB', mostDollars: 0 })
  })
})
