import { describe, expect, it } from 'vitest'
import { cutAtWord, fittedColumns } from '../../../../local/cli/print/columns.ts'
import { age } from '../../../../local/cli/print/print-guest-list.ts'

describe('columns of a narrow terminal', () => {
  const rows = [
    ['hq/vm-100', 'the web server of the shop in front', '2026-11-21 02:00', 'archived'],
    ['hq/vm-101', 'db', '2026-11-21 02:00', 'archived'],
  ]

  it('are cut in one column, at words, and stay aligned', () => {
    expect(fittedColumns(rows, 1, 60)).toEqual([
      'hq/vm-100  the web server of…  2026-11-21 02:00  archived',
      'hq/vm-101  db                  2026-11-21 02:00  archived',
    ])
    for (const line of fittedColumns(rows, 1, 60)) expect(line.length).toBeLessThanOrEqual(60)
  })

  it('are fewer where cutting is not enough', () => {
    expect(fittedColumns(rows, 1, 36, [3, 2])).toEqual(['hq/vm-100  the web server of the…', 'hq/vm-101  db'])
    expect(fittedColumns(rows, 1, 40, [2, 3])).toEqual([
      'hq/vm-100  the web server of…  archived',
      'hq/vm-101  db                  archived',
    ])
  })

  it('are whole where there is room, and where nobody says how much', () => {
    expect(fittedColumns(rows, 1, 200)).toEqual(fittedColumns(rows, 1, undefined))
    expect(fittedColumns(rows, 1, undefined)[0]).toContain('shop in front')
  })

  it.each([
    ['web', 10, 'web'],
    ['web-server-of-the-shop', 12, 'web-server…'],
    ['extraordinarily', 8, 'extraor…'],
  ])('cut %s to %d characters: %s', (text, width, cut) => {
    expect(cutAtWord(text, width)).toBe(cut)
  })
})

describe('an age', () => {
  it.each([
    [60_000, '1 m'],
    [3 * 3_600_000, '3 h'],
    [9 * 86_400_000, '9 d'],
    [400 * 86_400_000, '13 mo'],
    [-86_400_000, 'future'],
  ])('of %d ms is %s', (milliseconds, words) => {
    expect(age(milliseconds)).toBe(words)
  })
})
