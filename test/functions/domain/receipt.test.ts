import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { listPrices } from '../../../functions/domain/list-prices.ts'
import { receipt } from '../../../functions/domain/receipt.ts'

const MIB = 2 ** 20
const GIB = 2 ** 30

const archived = (sizeBytes: number, bytesSent = sizeBytes, seconds = sizeBytes / 70e6) => ({
  outcome: 'succeeded' as const,
  bytesSent,
  seconds,
  artifacts: [{ key: 'k', sizeBytes, checksum: 'CRC32:AAAAAA==' }],
})
const failed = { outcome: 'failed' as const, bytesSent: 0, seconds: 60, artifacts: [] }

describe('the receipt of a run', () => {
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
