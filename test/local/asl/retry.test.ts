import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Retrier } from '../../../local/asl/definition.ts'
import { StateFailure } from '../../../local/asl/errors.ts'
import { RetryBudget, retryDelaySeconds } from '../../../local/asl/retry.ts'

const retrier = fc.record({
  errorEquals: fc.constant(['E']),
  intervalSeconds: fc.integer({ min: 1, max: 1000 }),
  maxAttempts: fc.integer({ min: 0, max: 20 }),
  backoffRate: fc.double({ min: 1, max: 10, noNaN: true }),
  maxDelaySeconds: fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined }),
  jitter: fc.constantFrom('FULL', 'NONE'),
}) satisfies fc.Arbitrary<Retrier>

describe('the wait before a retry', () => {
  it('grows without jitter, never exceeds the cap, and starts at the interval', () => {
    fc.assert(
      fc.property(retrier, fc.integer({ min: 0, max: 50 }), (one, attempt) => {
        const plain = { ...one, jitter: 'NONE' as const }
        const delay = retryDelaySeconds(plain, attempt, () => 0)
        const cap = one.maxDelaySeconds ?? Number.POSITIVE_INFINITY
        expect(delay).toBeLessThanOrEqual(cap)
        expect(retryDelaySeconds(plain, attempt + 1, () => 0)).toBeGreaterThanOrEqual(delay)
        expect(retryDelaySeconds(plain, 0, () => 0)).toBe(Math.min(one.intervalSeconds, cap))
      }),
    )
  })

  it('lies between nothing and the capped wait with full jitter', () => {
    fc.assert(
      fc.property(
        retrier,
        fc.integer({ min: 0, max: 20 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (one, attempt, chance) => {
          const most = retryDelaySeconds({ ...one, jitter: 'NONE' }, attempt, () => chance)
          const spread = retryDelaySeconds({ ...one, jitter: 'FULL' }, attempt, () => chance)
          expect(spread).toBeCloseTo(most * chance)
          expect(spread).toBeLessThanOrEqual(most)
        },
      ),
    )
  })

  it('is granted exactly MaxAttempts times', () => {
    fc.assert(
      fc.property(retrier, (one) => {
        const budget = new RetryBudget([one], () => 0)
        let granted = 0
        while (budget.next(new StateFailure('E', undefined)) !== undefined) granted += 1
        expect(granted).toBe(one.maxAttempts)
        expect(budget.next(new StateFailure('Other', undefined))).toBeUndefined()
      }),
    )
  })
})
