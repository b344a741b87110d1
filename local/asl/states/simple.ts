import type { ChoiceState, FailState, PassState, SucceedState, WaitState } from '../definition.ts'
import { evaluationFailure, StateFailure } from '../errors.ts'
import { unexpectedType } from '../expressions.ts'
import { LIMITS } from '../limits.ts'
import { parseTimestamp } from '../timestamps.ts'
import type { Step, Visit } from '../visit.ts'

export async function pass(state: PassState, visit: Visit): Promise<Step> {
  return visit.leave(state, visit.input, state.next)
}

export async function succeed(state: SucceedState, visit: Visit): Promise<Step> {
  return visit.leave({ output: state.output, assign: undefined }, visit.input, undefined)
}

/** Always throws: the failure that the state describes. Neither field is required. */
export async function fail(state: FailState, visit: Visit): Promise<never> {
  const text = async (template: FailState['error']): Promise<string | undefined> => {
    if (template === undefined) return undefined
    const value = await visit.evaluate(template)
    if (typeof value !== 'string') throw unexpectedType(template, 'string', value)
    return value
  }
  throw new StateFailure(await text(state.error), await text(state.cause), { terminal: false })
}

/** The first rule whose condition holds decides, with its own Output and Assign; the state's own belong to Default. */
export async function choice(state: ChoiceState, visit: Visit): Promise<Step> {
  for (const rule of state.rules) {
    const holds = await visit.evaluate(rule.condition)
    if (typeof holds !== 'boolean') throw unexpectedType(rule.condition, 'boolean', holds)
    if (holds) return visit.leave(rule, visit.input, rule.next)
  }
  if (state.default !== undefined) return visit.leave(state, visit.input, state.default)
  // The guide speaks of States.NoChoiceMatched; executions in AWS end with this name and these words.
  throw new StateFailure(
    'States.Runtime',
    'Failed to transition out of the state. The state does not point to a next state.',
    { naming: true },
  )
}

export async function wait(state: WaitState, visit: Visit): Promise<Step> {
  const { field, value } = state.until
  const wanted = await visit.evaluate(value)
  let milliseconds: number
  if (field === 'Seconds') {
    if (typeof wanted !== 'number') throw unexpectedType(value, 'number', wanted)
    if (!Number.isInteger(wanted) || wanted < 0 || wanted > LIMITS.count) {
      throw evaluationFailure(
        `The Seconds field must be an integer between 0 and ${LIMITS.count} but was: ${wanted}`,
        value.location,
      )
    }
    milliseconds = wanted * 1000
  } else {
    if (typeof wanted !== 'string') throw unexpectedType(value, 'string', wanted)
    const instant = parseTimestamp(wanted)
    if (instant === undefined) {
      throw evaluationFailure(
        `The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: ${wanted}`,
        value.location,
      )
    }
    milliseconds = instant - visit.run.world.clock.now()
  }
  if (milliseconds > 0) await visit.sleep(milliseconds)
  return visit.leave(state, visit.input, state.next)
}
