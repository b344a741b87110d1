import { describe, expect, it } from 'vitest'
import { earlyRemoval } from '../../../../functions/domain/retention/early-removal.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'

const GIB = 2 ** 30
const now = new Date('2026-11-20T00:00:00Z')
const object = (storageClass: string, writtenAt: string, sizeBytes = 1000 * GIB) => ({
  storageClass,
  writtenAt,
  sizeBytes,
})

describe('earlyRemoval', () => {
  it('bills the days that are left of the minimum, at the price of keeping', () => {
    // 90 days from 1 October end on 30 December: 40 days, of 365/12 a month, at $0.0036 a GiB.
    const early = earlyRemoval([object('GLACIER', '2026-10-01T00:00:00Z')], now, listPrices)
    expect(early?.until).toBe('2026-12-30T00:00:00.000Z')
    expect(early?.dollars).toBeCloseTo((1000 * 0.0036 * 40) / (365 / 12), 3)
  })

  it('costs nothing for classes without a minimum, once it is over, and for classes nobody knows', () => {
    expect(earlyRemoval([object('STANDARD', '2026-11-19T00:00:00Z')], now, listPrices)).toBeUndefined()
    expect(earlyRemoval([object('DEEP_ARCHIVE', '2026-01-01T00:00:00Z')], now, listPrices)).toBeUndefined()
    expect(earlyRemoval([object('SNOW', '2026-11-19T00:00:00Z')], now, listPrices)).toBeUndefined()
  })

  it('counts from the day on which a rule moved the object, where the rules are known', () => {
    const rules = [{ storageClass: 'GLACIER' as const, afterDays: 30 }]
    const early = earlyRemoval([object('GLACIER', '2026-10-01T00:00:00Z')], now, listPrices, rules)
    expect(early?.until).toBe('2027-01-29T00:00:00.000Z')
    expect(early?.dollars).toBeCloseTo((1000 * 0.0036 * 70) / (365 / 12), 3)
    const other = [{ storageClass: 'DEEP_ARCHIVE' as const, afterDays: 30 }]
    expect(earlyRemoval([object('GLACIER', '2026-10-01T00:00:00Z')], now, listPrices, other)?.until).toBe(
      '2026-12-30T00:00:00.000Z',
    )
    // Written there by somebody, since no rule has moved it yet.
    expect(earlyRemoval([object('GLACIER', '2026-11-01T00:00:00Z')], now, listPrices, rules)?.until).toBe(
      '2027-01-30T00:00:00.000Z',
    )
  })

  it('adds up objects and names the last day', () => {
    const one = earlyRemoval([object('STANDARD_IA', '2026-11-10T00:00:00Z')], now, listPrices)
    const two = earlyRemoval(
      [object('STANDARD_IA', '2026-11-10T00:00:00Z'), object('STANDARD_IA', '2026-11-05T00:00:00Z')],
      now,
      listPrices,
    )
    expect(two?.until).toBe(one?.until)
    expect(two?.dollars).toBeCloseTo((one?.dollars ?? 0) * 1.75, 6)
  })
})
