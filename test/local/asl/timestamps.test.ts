import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseTimestamp } from '../../../local/asl/timestamps.ts'

describe('an instant', () => {
  it.each([
    ['2016-03-14T01:59:00Z', Date.UTC(2016, 2, 14, 1, 59)],
    ['2016-03-14T01:59Z', Date.UTC(2016, 2, 14, 1, 59)],
    ['2016-03-14T01:59:00.123456789Z', Date.UTC(2016, 2, 14, 1, 59, 0, 123)],
    ['2016-03-14T01:59:00+02:00', Date.UTC(2016, 2, 13, 23, 59)],
    ['2016-03-14T01:59:00-00:30', Date.UTC(2016, 2, 14, 2, 29)],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['2016-03-14t01:59:00z', Date.UTC(2016, 2, 14, 1, 59)],
  ])('%s is read', (text, expected) => {
    expect(parseTimestamp(text)).toBe(expected)
  })

  it.each([
    '2016-03-14 01:59:00Z',
    '2016-03-14T01:59:00',
    '2016-13-14T01:59:00Z',
    '2016-03-14T25:59:00Z',
    '2016-03-14T24:00:00Z',
    '2016-03-14T01:60:00Z',
    '2016-03-14T01:59:60Z',
    '2023-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2016-03-14T01:59:00+0200',
    '2016-03-14T01:59:00+02',
    '2016-03-14T01:59:00+19:00',
    '14-03-2016T01:59:00Z',
    '2016-3-14T01:59:00Z',
    '2016-03-14',
    '',
    ' 2016-03-14T01:59:00Z',
  ])('%s is refused', (text) => {
    expect(parseTimestamp(text)).toBeUndefined()
  })

  it('agrees with the platform for every instant it writes', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }),
        (date) => {
          expect(parseTimestamp(date.toISOString())).toBe(date.getTime())
        },
      ),
    )
  })
})
