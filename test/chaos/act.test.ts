import { describe, expect, it } from 'vitest'
import { planRound } from './act.ts'

const plans = Array.from({ length: 500 }, (_, seed) => planRound(seed))

describe('the rounds that seeds give', () => {
  it('are the same for the same seed', () => {
    expect(plans.map(({ seed }) => planRound(seed))).toEqual(plans)
  })

  it('hold every kind of act, in the order in which they happen', () => {
    const kinds = new Set(plans.flatMap(({ acts }) => acts.map(({ kind }) => kind)))
    expect(kinds.size).toBe(17)
    for (const { acts } of plans) {
      expect(acts.length).toBeGreaterThan(0)
      expect(acts).toEqual(acts.toSorted((a, b) => a.atRequest - b.atRequest))
    }
  })

  it('hold dumps of several parts as well as tiny ones, kept on the platform as well as leaving it', () => {
    expect(new Set(plans.map(({ guestMib }) => guestMib))).toEqual(new Set([2, 130]))
    expect(new Set(plans.map(({ deleteSource }) => deleteSource))).toEqual(new Set([true, false]))
    expect(plans.filter(({ guestMib, compress }) => guestMib > 64 && compress !== 'none')).toEqual([])
  })
})
