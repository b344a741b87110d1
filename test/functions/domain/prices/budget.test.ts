import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { budgetTerms, overBudget } from '../../../../functions/domain/prices/budget.ts'

const known = { id: '100', expected: { sizeBytes: 1, from: 'archive-on-storage' as const } }
const unknown = { id: '101' }
const of = { storageClass: 'STANDARD' as const }
const budget = { dollarsPerRun: 5, confirmed: false }

describe('a budget', () => {
  it('is kept up to its last cent, and not beyond', () => {
    expect(overBudget(budget, { ...of, leastDollars: 1, mostDollars: 5 }, [known])).toBeUndefined()
    expect(overBudget(budget, { ...of, leastDollars: 1, mostDollars: 5.01 }, [known])).toBe(
      'The run with 30 days of its archives in STANDARD may cost $1.00 to $5.01, above its budget of $5.00.',
    )
  })

  it("is judged by the job's own class, which the sentence names", () => {
    expect(budgetTerms({ storageClass: 'GLACIER_IR' })).toMatchObject({ storageClass: 'GLACIER_IR', days: 30 })
    expect(budgetTerms({})).toMatchObject({ storageClass: 'STANDARD' })
    const quote = { storageClass: 'GLACIER_IR' as const, leastDollars: 6, mostDollars: 6 }
    expect(overBudget(budget, quote, [known])).toContain('30 days of its archives in GLACIER_IR may cost about $6.00')
  })

  it('is not kept by guessing: what has no known size counts as too dear', () => {
    expect(overBudget(budget, { ...of, leastDollars: 0, mostDollars: 0 }, [known, unknown])).toBe(
      'Nobody knows how large 101 will be, so the run may cost more than its budget of $5.00.',
    )
  })

  it('stops exactly the runs that may cost more, where all sizes are known', () => {
    const dollars = fc.double({ min: 0, max: 100, noNaN: true })
    fc.assert(
      fc.property(dollars, fc.double({ min: 0.01, max: 100, noNaN: true }), (mostDollars, dollarsPerRun) => {
        const reason = overBudget({ dollarsPerRun, confirmed: false }, { ...of, leastDollars: 0, mostDollars }, [known])
        expect(reason !== undefined).toBe(mostDollars > dollarsPerRun)
      }),
    )
  })
})
