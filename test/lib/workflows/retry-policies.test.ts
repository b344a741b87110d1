import { describe, expect, it } from 'vitest'
import { errorNames } from '../../../functions/contracts/errors.ts'
import {
  longOutage,
  lostAnswer,
  lostStart,
  neverStarted,
  notYetAsked,
  ordinary,
  passingFaults,
  patient,
  createOnce,
  startOnce,
  totalWaitSeconds,
} from '../../../lib/workflows/retry-policies.ts'

describe('the retry policies', () => {
  it.each([
    ['passingFaults', passingFaults, 5 * 60],
    ['longOutage', longOutage, 125 * 60],
    ['neverStarted', neverStarted, 4 * 3600],
    ['lostAnswer', lostAnswer, 70],
    ['lostStart', lostStart, 5 * 60],
    ['notYetAsked', notYetAsked, 190],
  ])('%s gives up about when its comment says', (_, policy, seconds) => {
    expect(totalWaitSeconds(policy)).toBeGreaterThan(seconds * 0.9)
    expect(totalWaitSeconds(policy)).toBeLessThan(seconds * 1.1)
  })

  it('spend far less than the history’s 25,000 events on waiting, at four events a try', () => {
    for (const policies of [ordinary, patient, startOnce]) {
      const attempts = policies.reduce((sum, policy) => sum + policy.attempts, 0)
      expect(attempts * 4).toBeLessThan(500)
    }
  })

  it.each([
    ['ordinary', ordinary, []],
    ['patient', patient, []],
    // Each leaves out what the other one asks for.
    ['startOnce', startOnce, ['RestoreStartUnclear']],
    ['createOnce', createOnce, ['BackupStartUnclear']],
  ])('%s covers each passing error of ours once', (_, policies, others) => {
    const covered = policies.flatMap(({ errors }) => errors)
    const passing = errorNames('retry').filter((name) => !others.some((other) => other === name))
    expect(covered).toEqual(expect.arrayContaining(passing))
    expect(covered).not.toEqual(expect.arrayContaining(others.length === 0 ? ['none'] : others))
    expect(new Set(covered).size).toBe(covered.length)
  })
})
