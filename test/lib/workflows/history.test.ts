/** No execution can fill its history: what is bounded by construction, computed from the definitions themselves. */
import { beforeAll, describe, expect, it } from 'vitest'
import { MAX_STREAMS } from '../../../functions/contracts/execution.ts'
import { MAX_LEFTOVERS } from '../../../functions/contracts/tasks.ts'
import { LEG_EVENTS } from '../../../lib/workflows/legs.ts'
import { type WorkflowKey, workflowNames } from '../../../lib/workflow-names.ts'
import { type Scope, scopesOf, type State, transitionsOf } from './asl.ts'
import { drillRequestSchema } from '../../../functions/contracts/drill.ts'
import { type Synthesised, synthesise } from '../synthesise.ts'

/** Four fifths of what Step Functions allows. */
const BOUND = 20_000
const machines = Object.keys(workflowNames) as WorkflowKey[]

let synthesised: Synthesised
beforeAll(async () => {
  synthesised = await synthesise('smallest')
})

function retriesOf({ Retry = [] }: State): number {
  return Retry.reduce((sum, retrier) => sum + Number(retrier['MaxAttempts'] ?? 3), 0)
}

/** The most events that one visit to a state records; an inline Map's iterations belong to it. */
function mostEvents(state: State, inner: Scope | undefined, items: number): number {
  if (state.Type === 'Task') return 5 + 3 * retriesOf(state)
  if (state.Type !== 'Map') return 2
  return inner === undefined || inner.parent?.mode === 'DISTRIBUTED'
    ? 6 + 4 * retriesOf(state)
    : 4 + items * (2 + sumOf(inner, [], 0))
}

/** Each state of a level once, and no loop counted: what a step of it costs at most. */
function sumOf(scope: Scope, scopes: readonly Scope[], items: number): number {
  return Object.entries(scope.states).reduce((sum, [name, state]) => {
    const inner = scopes.find(({ parent }) => parent?.scope === scope && parent.mapState === name)
    return sum + mostEvents(state, inner, items)
  }, 0)
}

/** Whether a state of this level can come again. */
function hasLoop({ states }: Scope): boolean {
  const reaches = (from: string, seen = new Set<string>()): Set<string> => {
    for (const { to } of transitionsOf(states[from] ?? { Type: 'Fail' })) {
      if (seen.has(to)) continue
      seen.add(to)
      reaches(to, seen)
    }
    return seen
  }
  return Object.keys(states).some((name) => reaches(name).has(name))
}

describe('the histories of the workflows', () => {
  it.each(['Vzdump in legs', 'Snapshots in legs', 'Snapshot in legs', 'Copy in legs'])(
    'hold a whole leg and one more step of it: %s',
    (mapState) => {
      const scopes = scopesOf(synthesised.assembly.machines.exportGuest)
      const scope = scopes.find(({ parent }) => parent?.mapState === mapState)
      if (scope === undefined) throw new Error(`there is no ${mapState}`)
      expect(scope.parent?.mode).toBe('DISTRIBUTED')
      expect(LEG_EVENTS + sumOf(scope, scopes, MAX_STREAMS)).toBeLessThan(BOUND)
    },
  )

  it('go round only in legs, in calls of a quarter of an hour each, or three times', () => {
    const loops = machines.flatMap((machine) =>
      scopesOf(synthesised.assembly.machines[machine])
        .filter(hasLoop)
        .map(({ parent }) => `${machine}: ${parent?.mapState ?? 'itself'}`),
    )
    // The guest's own level goes round once a leg; Transfer each artifact also opens a vanished upload anew, three times.
    const guest = [
      'Transfer each artifact',
      'Vzdump in legs',
      'Snapshots in legs',
      'Snapshot in legs',
      'Frozen disks in legs',
      'Copy in legs',
    ]
    expect(loops.toSorted()).toEqual(
      [
        'exportGuest: itself',
        'exportRun: Export each guest',
        'pruneArchives: itself',
        'restoreGuest: itself',
        'restoreGuest: Thaw in legs',
        'restoreGuest: Deliver in legs',
        'restoreGuest: Guest in legs',
        'restoreGuest: Unpacking in legs',
        'restoreGuest: Fetching in legs',
        ...guest.flatMap((map) => [`exportGuest: ${map}`, `exportRun: ${map}`]),
      ].toSorted(),
    )
  })

  it('hold the clean-up of as many guests as one is given, each retried as often as can be', () => {
    const scopes = scopesOf(synthesised.assembly.machines.cleanUpRun)
    const [outermost] = scopes
    if (outermost === undefined) throw new Error('there is no clean-up')
    expect(sumOf(outermost, scopes, MAX_LEFTOVERS)).toBeLessThan(BOUND)
  })

  it('hold all rehearsals of a drill, each on a node of its own and refused as often as can be', () => {
    const scopes = scopesOf(synthesised.assembly.machines.restoreDrill)
    const rehearse = scopes.map(({ states }) => states['Rehearse guest']).find((state) => state !== undefined)
    if (rehearse === undefined) throw new Error('there is no rehearsal')
    const most = drillRequestSchema.shape.most.unwrap().maxValue ?? Number.POSITIVE_INFINITY
    // Beside it: two iterations and a Map, and the state that a failure goes to.
    expect(most * (mostEvents(rehearse, undefined, 0) + 12)).toBeLessThan(BOUND)
  })

  it('hold all calls of a pruning within its day, where each takes its quarter of an hour', () => {
    const scopes = scopesOf(synthesised.assembly.machines.pruneArchives)
    const [outermost] = scopes
    const { 'Prune archives': prune } = outermost?.states ?? {}
    if (prune === undefined) throw new Error('there is no pruning')
    const calls = Number(synthesised.assembly.machines.pruneArchives['TimeoutSeconds']) / 900
    expect(calls * (mostEvents(prune, undefined, 0) + 2)).toBeLessThan(BOUND)
  })
})
