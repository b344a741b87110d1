import { describe, expect, it } from 'vitest'
import { standardStorage, storageDollars } from '../../../functions/domain/prices.ts'

const from = new Date('2026-11-01T00:00:00.000Z')
const after = (hours: number): Date => new Date(from.getTime() + hours * 3_600_000)

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
