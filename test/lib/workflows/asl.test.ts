import { describe, expect, it } from 'vitest'
import { sorted } from '../sorted.ts'
import { assignedBefore, scopesOf, variablesReadBy } from './asl.ts'

/** A machine whose Catch skips an assignment that a later state relies on. */
const careless = {
  StartAt: 'A',
  States: {
    A: { Type: 'Pass', Assign: { a: 1 }, Next: 'B' },
    B: { Type: 'Task', Assign: { b: 2 }, Catch: [{ ErrorEquals: ['States.ALL'], Next: 'C' }], Next: 'C' },
    C: { Type: 'Choice', Choices: [{ Condition: '{% true %}', Assign: { c: 3 }, Next: 'D' }], Default: 'B' },
    D: { Type: 'Succeed', Output: '{% $a + $b + $c + $sum([$states.input]) %}' },
  },
}

describe('the walk over a definition', () => {
  it('knows which variables are assigned on every way', () => {
    const [scope] = scopesOf(careless)
    const known = scope === undefined ? new Map() : assignedBefore(scope, new Set(['outer']))
    expect(sorted(known.get('C') ?? [])).toEqual(['a', 'outer'])
    expect(sorted(known.get('D') ?? [])).toEqual(['a', 'c', 'outer'])
  })

  it('reads variables, and neither functions nor $states', () => {
    const [scope] = scopesOf(careless)
    const last = scope?.states['D']
    expect(sorted(last === undefined ? [] : variablesReadBy(last))).toEqual(['a', 'b', 'c'])
  })
})
