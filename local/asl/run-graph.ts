import type { Graph, State } from './definition.ts'
import { Cancelled, StateFailure } from './errors.ts'
import type { Json } from './json.ts'
import { map } from './states/map.ts'
import { parallel } from './states/parallel.ts'
import { choice, fail, pass, succeed, wait } from './states/simple.ts'
import { task } from './states/task.ts'
import { type Step, Visit } from './visit.ts'
import type { Frame } from './execution-run.ts'

/** Runs a set of states from its StartAt to an end and returns the last output. Throws StateFailure, or Cancelled when its line is cut. */
export async function runGraph(graph: Graph, input: Json, frame: Frame): Promise<Json> {
  let name: string | undefined = graph.startAt
  let value = input
  while (name !== undefined) {
    frame.signal.throwIfAborted()
    const state = graph.states.get(name)
    if (state === undefined) throw new TypeError(`there is no state '${name}'`)
    const step: Step = await enter(state, value, frame)
    name = step.next
    value = step.output
  }
  return value
}

async function enter(state: State, input: Json, frame: Frame): Promise<Step> {
  const visit = new Visit(state, input, frame)
  try {
    const step = await run(state, visit)
    frame.signal.throwIfAborted()
    frame.variables.assign(step.assigned)
    visit.record(`${state.type}StateExited`, {
      name: state.name,
      output: step.output,
      ...(Object.keys(step.assigned).length === 0 ? {} : { assignedVariables: step.assigned }),
    })
    return step
  } catch (error) {
    const canAbort = state.type === 'Task' || state.type === 'Wait' || state.type === 'Parallel' || state.type === 'Map'
    if (error instanceof Cancelled) {
      if (canAbort && !frame.topLevel) visit.record(`${state.type}StateAborted`)
      throw error
    }
    if (!(error instanceof StateFailure)) throw error
    const failure = visit.place(error)
    if (state.type === 'Task' && !frame.topLevel && !failure.terminal) visit.record('TaskStateAborted')
    throw failure
  }
}

function run(state: State, visit: Visit): Promise<Step> {
  switch (state.type) {
    case 'Pass':
      return pass(state, visit)
    case 'Task':
      return task(state, visit)
    case 'Choice':
      return choice(state, visit)
    case 'Wait':
      return wait(state, visit)
    case 'Succeed':
      return succeed(state, visit)
    case 'Fail':
      return fail(state, visit)
    case 'Parallel':
      return parallel(state, visit)
    case 'Map':
    default:
      return map(state, visit)
  }
}
