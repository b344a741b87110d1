import type { MapState, ParallelState, TaskState } from './definition.ts'
import { StateFailure } from './errors.ts'
import { RetryBudget, takes } from './retry.ts'
import type { Step, Visit } from './visit.ts'

/**
 * Runs a Task, Parallel or Map under its Retry and Catch. An attempt includes the state's Arguments, Output and Assign:
 * their failures are retried and caught like the work's own.
 */
export async function guarded(
  state: TaskState | ParallelState | MapState,
  visit: Visit,
  attempt: () => Promise<Step>,
): Promise<Step> {
  const budget = new RetryBudget(state.retry, visit.run.world.random)
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof StateFailure)) throw error
      let failure = visit.place(error)
      const { interruption } = visit.run
      // An interrupted execution is on its way out: trying again would only fail again.
      const delaySeconds = failure.interrupt || interruption.marked ? undefined : budget.next(failure)
      if (delaySeconds !== undefined) {
        const slept = await visit.sleep(delaySeconds * 1000)
        const interrupt = slept ? undefined : interruption.deliver()
        if (interrupt === undefined) {
          visit.retryCount += 1
          continue
        }
        failure = interrupt
      }
      return await caught(state, visit, failure)
    }
  }
}

async function caught(state: TaskState | ParallelState | MapState, visit: Visit, failure: StateFailure): Promise<Step> {
  const catcher = state.catch.find((candidate) => takes(candidate.errorEquals, failure))
  if (catcher === undefined) throw failure
  const { interruption } = visit.run
  // Inside a Map or Parallel the definition may have turned the interruption into an error of its own: that is still the same stop.
  const cameFromInterrupt = failure.interrupt || (state.type !== 'Task' && interruption.delivered)
  if (visit.frame.topLevel && interruption.marked && cameFromInterrupt) interruption.clear()
  // AWS gives an error output both fields, empty where a failure has none (a timeout has no cause).
  const errorOutput = { Error: failure.error ?? '', Cause: failure.failureCause ?? '' }
  return visit.leave(catcher, errorOutput, catcher.next, { errorOutput })
}
