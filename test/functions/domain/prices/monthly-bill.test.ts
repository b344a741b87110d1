import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { storageClassSchema } from '../../../../functions/contracts/prices.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import { BillCounter, type BilledObject } from '../../../../functions/domain/prices/monthly-bill.ts'

const GIB = 2 ** 30

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
