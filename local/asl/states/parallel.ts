import type { ParallelState } from '../definition.ts'
import { StateFailure } from '../errors.ts'
import { guarded } from '../guarded.ts'
import { requirePayloadSize } from '../limits.ts'
import { Variables } from '../variables.ts'
import type { Step, Visit } from '../visit.ts'
import { fanOut } from './fan-out.ts'

export async function parallel(state: ParallelState, visit: Visit): Promise<Step> {
  return guarded(state, visit, async () => {
    const input = state.arguments === undefined ? visit.input : await visit.evaluate(state.arguments)
    requirePayloadSize(input, `The state/task '${state.name}' was given arguments`)
    const { frame, run } = visit
    const started = visit.record('ParallelStateStarted')
    try {
      const result = await fanOut({
        count: state.branches.length,
        concurrency: state.branches.length,
        signal: frame.signal,
        letFinish: () => run.interruption.marked,
        part: async (index, _slot, signal) => {
          const branch = state.branches[index]
          if (branch === undefined) throw new RangeError(`no branch ${index}`)
          const thread = { last: started }
          const output = await run.world.runGraph(branch, input, {
            ...frame,
            signal,
            thread,
            topLevel: false,
            variables: new Variables(frame.variables),
          })
          frame.thread.last = thread.last
          return output
        },
      })
      requirePayloadSize(result, `The state/task '${state.name}' returned a result`)
      run.interruption.dealtWith(frame.topLevel)
      run.history.record('ParallelStateSucceeded', frame.thread.last)
      return await visit.leave(state, result, state.next, { result })
    } catch (error) {
      if (!(error instanceof StateFailure)) throw error
      const failure = visit.place(error)
      visit.record('ParallelStateFailed', { error: failure.error, cause: failure.failureCause })
      throw failure
    }
  })
}
