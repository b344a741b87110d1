import type { MapState } from '../definition.ts'
import { StateFailure } from '../errors.ts'
import { guarded } from '../guarded.ts'
import type { Step, Visit } from '../visit.ts'
import { mapDistributed } from './map-distributed.ts'
import { mapInline } from './map-inline.ts'

export async function map(state: MapState, visit: Visit): Promise<Step> {
  return guarded(state, visit, async () => {
    try {
      return await (state.distributed === undefined
        ? mapInline(state, visit)
        : mapDistributed(state, state.distributed, visit))
    } catch (error) {
      if (!(error instanceof StateFailure)) throw error
      const failure = visit.place(error)
      visit.record('MapStateFailed', { error: failure.error, cause: failure.failureCause })
      throw failure
    }
  })
}
