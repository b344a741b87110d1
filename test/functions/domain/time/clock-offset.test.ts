import { describe, expect, test } from 'vitest'
import { clockOffsetSchema } from '../../../../functions/contracts/evidence.ts'
import {
  clockWarning,
  durationInWords,
  leastOffSeconds,
  measureOffset,
  offsetInWords,
} from '../../../../functions/domain/time/clock-offset.ts'

const asked = Date.parse('2026-11-22T02:00:00.000Z')
const reading = (shown: string, tookMilliseconds: number) => ({
  shownSeconds: Date.parse(shown) / 1000,
  askedAt: new Date(asked),
  answeredAt: new Date(asked + tookMilliseconds),
})

describe('measuring', () => {
  test('a clock that is right may be right, however its second was cut off', () => {
    for (const shown of ['2026-11-22T01:59:59Z', '2026-11-22T02:00:00Z']) {
      const offset = measureOffset(reading(shown, 400))
      expect(leastOffSeconds(offset)).toBeLessThanOrEqual(0.3)
      expect(clockOffsetSchema.parse(offset)).toEqual(offset)
    }
  })

  test('the true offset lies within the uncertainty, however long the answer took', () => {
    for (const trueOffset of [-157_680_000, -61.2, -0.4, 0, 0.9, 59.9, 3600.5]) {
      for (const took of [0, 30, 999, 30_000]) {
        for (const readAfter of [0, took / 2, took]) {
          const shownSeconds = Math.floor((asked + readAfter) / 1000 + trueOffset)
          const offset = measureOffset({ ...reading('2026-11-22T02:00:00Z', took), shownSeconds })
          expect(Math.abs(offset.offsetSeconds - trueOffset)).toBeLessThanOrEqual(offset.uncertaintySeconds + 0.001)
        }
      }
    }
  })

  test('a slow answer makes it uncertain, and what is uncertain is nothing to warn of', () => {
    const slow = measureOffset(reading('2026-11-22T02:00:50Z', 60_000))
    expect(slow).toEqual({
      offsetSeconds: 20.5,
      uncertaintySeconds: 30.5,
      measuredAt: '2026-11-22T02:01:00.000Z',
    })
    expect(leastOffSeconds(slow)).toBe(0)
  })

  test('our own clock set back in between widens the uncertainty', () => {
    expect(measureOffset(reading('2026-11-22T02:00:00Z', -10_000)).uncertaintySeconds).toBe(5.5)
  })
})

describe('warning', () => {
  const off = (offsetSeconds: number) => ({
    offsetSeconds,
    uncertaintySeconds: 0.5,
    measuredAt: '2026-11-22T02:00:00.000Z',
  })

  test('begins at a minute and names node, offset and remedy', () => {
    expect(clockWarning('pve2', off(60))).toBeUndefined()
    expect(clockWarning('pve2', off(-61))).toMatch(/node pve2 was 61 seconds behind .* Set up NTP/)
  })

  test.each([
    [-157_680_000, '5 years behind'],
    [157_680_000, '5 years ahead'],
    [90, '2 minutes ahead'],
    [-119 * 60, '2 hours behind'],
    [1, '1 second ahead'],
  ])('%d seconds are %s', (seconds, words) => {
    expect(offsetInWords(off(seconds))).toBe(words)
  })

  test('a duration is told in the largest unit that fits twice', () => {
    expect([900, 86_400, 172_800, 0].map(durationInWords)).toEqual(['15 minutes', '24 hours', '2 days', '0 seconds'])
  })
})
