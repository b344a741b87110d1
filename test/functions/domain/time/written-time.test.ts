import { describe, expect, it } from 'vitest'
import { shownDay, shownTime } from '../../../../functions/domain/time/wall-clock.ts'
import { readDuration, readTime } from '../../../../functions/domain/time/written-time.ts'

/** A Monday: 00:30 on Tuesday in Vienna. */
const now = Date.parse('2026-11-23T23:30:00.000Z')
const read = (text: string, edge: 'begin' | 'end' = 'begin', timeZone = 'UTC') => {
  const at = readTime(text, edge, { now, timeZone })
  return at === undefined ? undefined : new Date(at).toISOString()
}

describe('a time as people write it', () => {
  it.each([
    ['now', '2026-11-23T23:30:00.000Z'],
    ['24h', '2026-11-22T23:30:00.000Z'],
    ['7d', '2026-11-16T23:30:00.000Z'],
    ['7 days ago', '2026-11-16T23:30:00.000Z'],
    ['1h30m', '2026-11-23T22:00:00.000Z'],
    ['today', '2026-11-23T00:00:00.000Z'],
    ['yesterday', '2026-11-22T00:00:00.000Z'],
    ['monday', '2026-11-23T00:00:00.000Z'],
    ['Tuesday', '2026-11-17T00:00:00.000Z'],
    ['wednesday', '2026-11-18T00:00:00.000Z'],
    ['thursday', '2026-11-19T00:00:00.000Z'],
    ['friday', '2026-11-20T00:00:00.000Z'],
    [' saturday ', '2026-11-21T00:00:00.000Z'],
    ['sun', '2026-11-22T00:00:00.000Z'],
    ['2026-11-24', '2026-11-24T00:00:00.000Z'],
    ['2026-11-24 02:00', '2026-11-24T02:00:00.000Z'],
    ['2026-11-24T02:00:05', '2026-11-24T02:00:05.000Z'],
    ['2026-11-24T02:00:05.123Z', '2026-11-24T02:00:05.123Z'],
    ['2026-11-24t02:00z', '2026-11-24T02:00:00.000Z'],
    [' 2026-11-24 23:59:59.2509 ', '2026-11-24T23:59:59.250Z'],
    ['2026-11-24 02:00:05+01:00', '2026-11-24T01:00:05.000Z'],
    ['2026-11-24T02:00-0330', '2026-11-24T05:30:00.000Z'],
  ])('%s', (text, at) => {
    expect(read(text)).toBe(at)
  })

  it.each([
    '',
    'soon',
    '2026-13-01',
    '2026-02-30',
    '24',
    '7y',
    'tu',
    '2026-11-24 24:00',
    '0d',
    'd',
    '2026-11-24T',
    '2026-11-31',
    '2026-11-24 10:60',
    '2026-11-24 10:00:60',
    '2026-11-24 10:00 x',
    'x2026-11-24',
    'x2026-11-24 10:00',
    '7d ago x',
    '2026-11-24 10:00+99:00',
  ])('is not %j', (text) => {
    expect(read(text)).toBeUndefined()
  })

  it('is a day to its end where that is meant', () => {
    expect(read('2026-11-24', 'end')).toBe('2026-11-24T23:59:59.999Z')
    expect(read('yesterday', 'end')).toBe('2026-11-22T23:59:59.999Z')
  })

  it('is by the clock of a time zone', () => {
    expect(read('today', 'begin', 'Europe/Vienna')).toBe('2026-11-23T23:00:00.000Z')
    expect(read('yesterday', 'end', 'Europe/Vienna')).toBe('2026-11-23T22:59:59.999Z')
    expect(read('monday', 'begin', 'Europe/Vienna')).toBe('2026-11-22T23:00:00.000Z')
    expect(read('2026-11-24 02:00', 'begin', 'America/New_York')).toBe('2026-11-24T07:00:00.000Z')
  })

  it('is right on the days on which clocks change', () => {
    expect(read('2026-03-29', 'begin', 'Europe/Vienna')).toBe('2026-03-28T23:00:00.000Z')
    expect(read('2026-03-29', 'end', 'Europe/Vienna')).toBe('2026-03-29T21:59:59.999Z')
    expect(read('2026-10-25', 'end', 'Europe/Vienna')).toBe('2026-10-25T22:59:59.999Z')
    // Skipped, and there twice.
    expect(read('2026-03-29 02:30', 'begin', 'Europe/Vienna')).toBe('2026-03-29T01:30:00.000Z')
    expect(read('2026-10-25 02:30', 'begin', 'Europe/Vienna')).toBe('2026-10-25T00:30:00.000Z')
  })
})

describe('a duration as people write it', () => {
  it.each([
    ['90m', 5_400_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
    ['45 s', 45_000],
    [' 2D ', 172_800_000],
    ['1h 30min', 5_400_000],
    ['36 hours', 129_600_000],
  ])('%s', (text, milliseconds) => {
    expect(readDuration(text)).toBe(milliseconds)
  })

  it.each(['', '7', 'd', '-1d', '1.5h', '7d!', '0h'])('is not %j', (text) => {
    expect(readDuration(text)).toBeUndefined()
  })
})

describe('a time that is shown', () => {
  it('has its zone, and is one that options take', () => {
    expect(shownTime('2026-11-22T02:00:00.000Z', 'UTC')).toBe('2026-11-22 02:00:00Z')
    const vienna = shownTime('2026-11-22T23:30:00.000Z', 'Europe/Vienna')
    expect(vienna).toBe('2026-11-23 00:30:00+01:00')
    expect(read(vienna)).toBe('2026-11-22T23:30:00.000Z')
    expect(shownTime('2026-07-01T00:00:00.000Z', 'America/St_Johns')).toBe('2026-06-30 21:30:00-02:30')
    expect(shownDay('2026-11-22T23:30:00.000Z', 'Europe/Vienna')).toBe('2026-11-23')
  })
})
