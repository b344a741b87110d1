import { describe, expect, it } from 'vitest'
import { longestGapHours } from '../../lib/schedule-interval.ts'

const DAY = 24

describe('the longest time between two firings', () => {
  it.each([
    ['rate(1 minute)', 1 / 60],
    ['rate(90 minutes)', 1.5],
    ['rate(12 hours)', 12],
    ['rate(2 days)', 2 * DAY],
    ['cron(0 2 * * ? *)', DAY],
    ['cron(0/15 * * * ? *)', 0.25],
    ['cron(0 */6 * * ? *)', 6],
    ['cron(0 8-18/2 * * ? *)', 14],
    ['cron(5,35 0,12 * * ? *)', 11.5],
    ['cron(0/15 8 * * ? *)', 23.25],
    // From Friday to Monday, whatever the days are called.
    ['cron(30 1 ? * MON-FRI *)', 3 * DAY],
    ['cron(30 1 ? * 2-6 *)', 3 * DAY],
    ['cron(0 2 ? * sun,wed *)', 4 * DAY],
    ['cron(0 2 ? * 1/2 *)', 2 * DAY],
    ['cron(0 22 ? * L *)', 7 * DAY],
    // The last and the second of their kind in a month: five weeks at most.
    ['cron(0 2 ? * FRIL *)', 35 * DAY],
    ['cron(0 2 ? * 2#1 *)', 35 * DAY],
    ['cron(0 2 ? * MON#5 *)', 119 * DAY],
    ['cron(0 2 1 * ? *)', 31 * DAY],
    ['cron(0 2 L * ? *)', 31 * DAY],
    ['cron(0 2 31 * ? *)', 61 * DAY],
    ['cron(0 2 */10 * ? *)', 10 * DAY],
    ['cron(0 2 15W * ? *)', 32 * DAY],
    ['cron(0 2 1W * ? *)', 33 * DAY],
    ['cron(0 2 LW * ? *)', 33 * DAY],
    ['cron(0 2 31W * ? *)', 63 * DAY],
    // In leap years alone.
    ['cron(0 2 29 2 ? *)', 1461 * DAY],
    ['cron(0 2 1 JAN,JUL ? *)', 184 * DAY],
    ['cron(0 2 1 1 ? 2027/2)', 731 * DAY],
    ['cron(0 0,12 5 6 ? 2027)', 12],
  ])('of %s is %d hours', (expression, hours) => {
    expect(longestGapHours(expression)).toBeCloseTo(hours, 9)
  })

  it.each([
    'cron(0 2 5 6 ? 2027)',
    'cron(0 2 30 2 ? *)',
    'cron(0 2 ? * FRI-MON *)',
    'cron(0 2 ? * 8 *)',
    'cron(0 24 * * ? *)',
    'cron(61 2 * * ? *)',
    'cron(0 2 * FOO ? *)',
    'cron(0 2 1-2-3 * ? *)',
    'cron(0 2 ? * MON-WED#2 *)',
    'cron(0 2 * * ?)',
    'cron(0 2 ? * ? *)',
    'rate(0 days)',
    'at(2026-11-22T02:00:00)',
    '',
  ])('is unknown of what fires once, never, or makes no sense: %s', (expression) => {
    expect(longestGapHours(expression)).toBeUndefined()
  })
})
