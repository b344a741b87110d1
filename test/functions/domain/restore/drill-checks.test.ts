import { describe, expect, it } from 'vitest'
import { drillChecks } from '../../../../functions/domain/restore/drill-checks.ts'

type Record = Parameters<typeof drillChecks>[0]
const MADE = { createdAt: '2026-11-24T03:00:00.000Z' }
const SAME = { expected: [], differences: [] }
const RUNS = { name: 'started', passed: true, seen: 'It runs.' } as const
const checksOf = (changes: Partial<Record>, failure: string | null = null) =>
  drillChecks({ steps: {}, ...changes } as Record, failure).map(({ name, passed, seen }) => [name, passed, seen])

describe('what a drill has to show', () => {
  it('fails with what kept the guest from being made, and looks no further', () => {
    expect(checksOf({}, 'The disk is full.')).toEqual([['restored', false, 'The disk is full.']])
    expect(checksOf({})).toEqual([['restored', false, 'The platform did not make the guest.']])
  })

  it('fails when the guest was not compared, and when it was never started', () => {
    const checks = checksOf({ steps: MADE })
    expect(checks.map(([name, passed]) => [name, passed])).toEqual([
      ['restored', true],
      ['as-archived', false],
      ['started', false],
    ])
  })

  it('fails when the guest differs from its archive, and names the first difference', () => {
    const differences = [{ key: 'memory', archived: '512', made: '1024', why: 'It is another value.' }]
    const [, compared] = checksOf({ steps: MADE, comparison: { expected: [], differences }, probes: [RUNS] })
    expect(compared).toEqual([
      'as-archived',
      false,
      'It has 1 difference from its archive. memory: It is another value.',
    ])
  })

  it('fails when the restore failed after everything had been looked at', () => {
    const checks = checksOf({ steps: MADE, comparison: SAME, probes: [RUNS] }, 'The execution was stopped.')
    expect(checks.at(-1)).toEqual(['still-running', false, 'The execution was stopped.'])
  })

  it('passes when all that was looked for was seen', () => {
    const checks = checksOf({ steps: MADE, comparison: SAME, probes: [RUNS] })
    expect(checks.map(([, passed]) => passed)).toEqual([true, true, true])
  })
})
