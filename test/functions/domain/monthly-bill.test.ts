import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { storageClassSchema } from '../../../functions/contracts/prices.ts'
import { listPrices } from '../../../functions/domain/list-prices.ts'
import { BillCounter, type BilledObject, retentionEffect } from '../../../functions/domain/monthly-bill.ts'

const GIB = 2 ** 30
const now = new Date('2026-11-22T00:00:00.000Z')

function billOf(objects: readonly BilledObject[]) {
  const counter = new BillCounter(listPrices)
  for (const object of objects) counter.add(object)
  return counter.bill([])
}

const object = fc.record({
  owner: fc.constantFrom('hq/vm-100', 'hq/vm-101', 'hq/container-102'),
  storageClass: fc.constantFrom(...storageClassSchema.options),
  sizeBytes: fc.integer({ min: 0, max: 2 ** 42 }),
})

describe('the monthly bill', () => {
  it('adds up by guest and class, dearest first', () => {
    const bill = billOf([
      { owner: 'hq/vm-100', storageClass: 'DEEP_ARCHIVE', sizeBytes: 1000 * GIB },
      { owner: 'hq/vm-101', storageClass: 'STANDARD', sizeBytes: 600 * GIB },
      { owner: 'hq/vm-101', storageClass: 'STANDARD', sizeBytes: 400 * GIB },
    ])
    expect(bill.lines.map(({ owner, objects, dollarsPerMonth }) => [owner, objects, dollarsPerMonth])).toEqual([
      ['hq/vm-101', 2, 23],
      ['hq/vm-100', 1, 0.99],
    ])
    expect(bill.mostDollars).toBeCloseTo(23.99, 2)
  })

  it('has each object in exactly one line, and their dollars in the sum', () => {
    fc.assert(
      fc.property(fc.array(object, { maxLength: 60 }), (objects) => {
        const bill = billOf(objects)
        expect(bill.objects).toBe(objects.length)
        expect(bill.sizeBytes).toBe(objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))
        expect(bill.mostDollars).toBeCloseTo(
          bill.lines.reduce((sum, line) => sum + line.dollarsPerMonth, 0),
          5,
        )
        expect(bill.leastDollars).toBe(bill.mostDollars)
        expect(bill.lines.every(({ dollarsPerMonth }) => dollarsPerMonth >= 0)).toBe(true)
      }),
    )
  })
})

describe('what retention does to it', () => {
  const owner = 'hq/vm-100'

  it('saves the removed archives, and bills what is left of their least days', () => {
    const frozen = { owner, storageClass: 'DEEP_ARCHIVE' as const, sizeBytes: 1000 * GIB }
    const effect = retentionEffect(
      { kept: [frozen], removed: [{ ...frozen, storedAt: '2026-08-24T00:00:00.000Z' }] },
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
      { owner, storageClass: 'STANDARD' as const, sizeBytes: GIB, storedAt: '2026-11-21T00:00:00.000Z' },
      { owner, storageClass: 'GLACIER_IR' as const, sizeBytes: GIB, storedAt: '2026-08-24T00:00:00.000Z' },
    ]
    const effect = retentionEffect({ kept: [], removed }, now, listPrices)
    expect(effect).toMatchObject({ earlyDeletionDollars: 0, earlyObjects: 0, afterPerMonth: 0 })
    expect(effect).not.toHaveProperty('freeFrom')
  })

  it('leaves before what is after and saved together, and nothing below zero', () => {
    const aged = fc.tuple(object, fc.integer({ min: -10, max: 400 })).map(([one, days]) => ({
      ...one,
      storedAt: new Date(now.getTime() - days * 86_400_000).toISOString(),
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
})
