import { TaskFailure } from '../errors.ts'
import { isObject, type Json } from '../json.ts'
import { START_AND_WAIT, type Supports } from '../load/resources.ts'
import { neighbourArn, requireRight, type TaskContext, type TaskHandler } from '../ports.ts'

/** An execution of another state machine that a Task starts and waits for. */
export interface NestedOrder {
  stateMachineArn: string
  name: string
  input: Json
}

/** How it ended. */
export interface NestedEnd {
  status: string
  output?: Json
  error?: string
  cause?: string
}

/** Runs it to its end. Aborted `context.interrupted`: it is stopped as its parent is, and its end is still waited for. */
export type RunNested = (order: NestedOrder, context: TaskContext) => Promise<NestedEnd>

export const supportsNested: Supports = (resource) => START_AND_WAIT.test(resource)

/**
 * Answers `arn:aws:states:::states:startExecution.sync:2` as AWS does: the execution's description, its output as JSON. Any
 * other end fails the Task with `States.TaskFailed` and the description as its cause, as text.
 */
export function nestedTasks(run: RunNested): TaskHandler {
  return async (resource, args, context) => {
    if (!supportsNested(resource)) throw new TypeError(`${resource} is no execution that is waited for`)
    const { StateMachineArn: stateMachineArn, Name: name, Input: input = {} } = isObject(args) ? args : {}
    if (typeof stateMachineArn !== 'string' || typeof name !== 'string' || name === '') {
      throw new TaskFailure(
        'States.Runtime',
        'The Arguments of states:startExecution must give StateMachineArn and Name as strings',
      )
    }
    requireRights(stateMachineArn, name, context)
    const end = await run({ stateMachineArn, name, input }, context)
    const about = {
      ExecutionArn: executionArn(stateMachineArn, name),
      Name: name,
      StateMachineArn: stateMachineArn,
      Status: end.status,
      Input: input,
    }
    if (end.status === 'SUCCEEDED') return { ...about, Output: end.output ?? null }
    const { error, cause } = end
    const failed = {
      ...about,
      ...(error === undefined ? {} : { Error: error }),
      ...(cause === undefined ? {} : { Cause: cause }),
    }
    throw new TaskFailure('States.TaskFailed', JSON.stringify(failed))
  }
}

/** What starting an execution, being told of its end and stopping it take ("AWS Step Functions" in the guide of Step Functions). */
function requireRights(stateMachineArn: string, name: string, context: TaskContext): void {
  const execution = executionArn(stateMachineArn, name)
  const rule = neighbourArn(context.execution.id, 'events', 'rule/StepFunctionsGetEventsForStepFunctionsExecutionRule')
  for (const [action, resource] of [
    ['events:PutTargets', rule],
    ['events:PutRule', rule],
    ['events:DescribeRule', rule],
    ['states:StartExecution', stateMachineArn],
    ['states:DescribeExecution', execution],
    ['states:StopExecution', execution],
  ] as const) {
    requireRight(context, action, resource, 'StepFunctions.AWSStepFunctionsException')
  }
}

function executionArn(stateMachineArn: string, name: string): string {
  return `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`
}
