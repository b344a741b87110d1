import { describe, expect, it } from 'vitest'
import { type Expectation, gapsOf } from '../../../../functions/domain/audit/gaps.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const at = (days: number) => Date.parse('2026-07-01T00:00:00.000Z') + days * DAY
const iso = (days: number) => new Date(at(days)).toISOString()
const daily: Expectation = { from: at(0), every: DAY, grace: 6 * HOUR, chosenBy: ['nightly'] }
const period = { from: at(0), to: at(10) }
const days = (...numbers: number[]) => numbers.map(at)

describe('gaps', () => {
  it('are times longer than interval and grace together, between archives and up to the end', () => {
    const times = days(0.1, 1.1, 3, 4.25)
    expect(gapsOf({ ...period, times, expectations: [daily] })).toEqual([
      { from: iso(1.1), to: iso(3), allowedHours: 30 },
      { from: iso(4.25), to: iso(10), allowedHours: 30 },
    ])
    expect(gapsOf({ ...period, to: at(5.5), times, expectations: [daily] })).toHaveLength(1)
  })

  it('begin with the last archive before the period, or with the period where there is none', () => {
    const times = days(1.2, 2)
    const question = { ...period, to: at(2), times, expectations: [daily] }
    expect(gapsOf({ ...question, before: at(-1) })).toEqual([{ from: iso(-1), to: iso(1.2), allowedHours: 30 }])
    expect(gapsOf({ ...question, before: at(0) })).toEqual([])
    expect(gapsOf({ ...question, times: days(1.3, 2) })).toEqual([{ from: iso(0), to: iso(1.3), allowedHours: 30 }])
  })

  it('are not judged where nobody knows a schedule', () => {
    expect(gapsOf({ ...period, times: days(1), expectations: [] })).toEqual([])
  })

  it('need a time in which an archive is expected: a guest may be parked, and come back', () => {
    const parked: Expectation = { from: at(2), grace: 0, chosenBy: [] }
    const again: Expectation = { ...daily, from: at(6) }
    const question = { ...period, to: at(7), expectations: [daily, parked, again] }
    expect(gapsOf({ ...question, times: days(0.5, 1.5) })).toEqual([])
    expect(gapsOf({ ...question, to: at(8), times: days(0.5, 1.5) })).toEqual([
      { from: iso(6), to: iso(8), allowedHours: 30 },
    ])
  })

  it('of a guest that is new are judged from when it was first seen', () => {
    const expectations = [{ ...daily, from: at(5) }]
    expect(gapsOf({ ...period, to: at(6), times: days(5.5), expectations })).toEqual([])
    expect(gapsOf({ ...period, to: at(7), times: [], expectations })).toEqual([
      { from: iso(5), to: iso(7), allowedHours: 30 },
    ])
  })

  it('are held to the strictest schedule that held meanwhile', () => {
    const weekly: Expectation = { ...daily, every: 7 * DAY }
    expect(gapsOf({ ...period, times: days(0), expectations: [weekly] })).toEqual([
      { from: iso(0), to: iso(10), allowedHours: 174 },
    ])
    const stricter = [weekly, { ...daily, from: at(4) }]
    expect(gapsOf({ ...period, to: at(6), times: days(0), expectations: stricter })).toEqual([
      { from: iso(0), to: iso(6), allowedHours: 30 },
    ])
  })
})
