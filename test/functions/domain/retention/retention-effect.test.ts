import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { storageClassSchema } from '../../../../functions/contracts/prices.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import { retentionEffect } from '../../../../functions/domain/retention/retention-effect.ts'

const GIB = 2 ** 30
const now = new Date('2026-11-22T00:00:00.000Z')

const object = fc.record({
  storageClass: fc.constantFrom(...storageClassSchema.options),
  sizeBytes: fc.integer({ min: 0, max: 2 ** 42 }),
})

describe('what retention does to the monthly bill', () => {
  it('saves the removed archives, and bills what is left of their least days', () => {
    const frozen = { storageClass: 'DEEP_ARCHIVE' as const, sizeBytes: 1000 * GIB }
    const effect = retentionEffect(
      { kept: [frozen], removed: [{ ...frozen, writtenAt: '2026-08-24T00:00:00.000Z' }] },
      now,
      listPrices,
    )
    // 90 of 180 days are over.
    expect(effect).toMatchObject({ earlyObjects: 1, freeFrom: '2027-02-20T00:00:00.000Z' })
    expect(effect.earlyDeletionDollars).toBeCloseTo((0.99 * 90 * 24) / 730, 3)
    expect(effect.savedPerMonth).toBeCloseTo(0.99, 3)
    expect(effect.beforePerMonth).toBeCloseTo(1.98, 3)
  })

  it('bills nothing more for classes without a minimum, or after it', () => {
    const removed = [
      { storageClass: 'STANDARD' as const, sizeBytes: GIB, writtenAt: '2026-11-21T00:00:00.000Z' },
      { storageClass: 'GLACIER_IR' as const, sizeBytes: GIB, writtenAt: '2026-08-24T00:00:00.000Z' },
    ]
    const effect = retentionEffect({ kept: [], removed }, now, listPrices)
    expect(effect).toMatchObject({ earlyDeletionDollars: 0, earlyObjects: 0, afterPerMonth: 0 })
    expect(effect).not.toHaveProperty('freeFrom')
  })

  it('leaves before what is after and saved together, and nothing below zero', () => {
    const aged = fc.tuple(object, fc.integer({ min: -10, max: 400 })).map(([one, days]) => ({
      ...one,
      writtenAt: new Date(now.getTime() - days * 86_400_000).toISOString(),
    }))
    fc.assert(
      fc.property(fc.array(object, { maxLength: 20 }), fc.array(aged, { maxLength: 20 }), (kept, removed) => {
        const effect = retentionEffect({ kept, removed }, now, listPrices)
        expect(effect.beforePerMonth).toBeCloseTo(effect.afterPerMonth + effect.savedPerMonth, 6)
        expect(effect.earlyDeletionDollars).toBeGreaterThanOrEqual(0)
        expect(effect.afterPerMonth).toBeGreaterThanOrEqual(0)
      }),
    )
  })

  it('counts nothing for a class without a price', () => {
    const removed = [{ storageClass: 'SNOW', sizeBytes: GIB, writtenAt: '2026-11-21T00:00:00.000Z' }]
    expect(retentionEffect({ kept: [], removed }, now, listPrices)).toMatchObject({
      beforePerMonth: 0,
      earlyObjects: 0,
    })
  })
})
