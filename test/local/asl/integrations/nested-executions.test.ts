import { describe, expect, it } from 'vitest'
import { nestedTasks, supportsNested } from '../../../../local/asl/integrations/nested-executions.ts'
import type { TaskContext } from '../../../../local/asl/ports.ts'

const resource = 'arn:aws:states:::states:startExecution.sync:2'
const machine = 'arn:aws:states:local:1:stateMachine:inner'
const context: TaskContext = {
  interrupted: new AbortController().signal,
  signal: new AbortController().signal,
  timeoutSeconds: undefined,
  stateName: 'Rehearse',
  retryCount: 0,
  execution: { id: 'arn:aws:states:local:1:execution:outer:one', name: 'one', startedAt: '2026-11-22T02:00:00.000Z' },
}
const order = { StateMachineArn: machine, Name: 'two', Input: { a: 1 } }

describe('an execution within an execution', () => {
  it('answers with its description and its output as JSON', async () => {
    const run = nestedTasks(async ({ input }) => ({ status: 'SUCCEEDED', output: input }))
    expect(await run(resource, order, context)).toEqual({
      ExecutionArn: 'arn:aws:states:local:1:execution:inner:two',
      Name: 'two',
      StateMachineArn: machine,
      Status: 'SUCCEEDED',
      Input: { a: 1 },
      Output: { a: 1 },
    })
  })

  it('fails its Task with the description as the cause, however it ended', async () => {
    const run = nestedTasks(async () => ({ status: 'FAILED', error: 'DrillFailed', cause: 'It does not boot.' }))
    const failure: unknown = await Promise.resolve(run(resource, order, context)).catch((error: unknown) => error)
    expect(failure).toMatchObject({ error: 'States.TaskFailed' })
    expect(JSON.parse((failure as { failureCause: string }).failureCause)).toMatchObject({
      Status: 'FAILED',
      Error: 'DrillFailed',
      Cause: 'It does not boot.',
    })
  })

  it('takes every right that AWS asks for', async () => {
    const asked: string[] = []
    const refuses = (action: string, what: string) => {
      asked.push(`${action} on ${what}`)
      return action === 'states:StopExecution' ? 'not allowed' : undefined
    }
    const run = nestedTasks(() => Promise.reject(new Error('it was started')))
    await expect(run(resource, order, { ...context, refuses })).rejects.toMatchObject({
      error: 'StepFunctions.AWSStepFunctionsException',
    })
    expect(asked).toEqual([
      'events:PutTargets on arn:aws:events:local:1:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule',
      'events:PutRule on arn:aws:events:local:1:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule',
      'events:DescribeRule on arn:aws:events:local:1:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule',
      `states:StartExecution on ${machine}`,
      'states:DescribeExecution on arn:aws:states:local:1:execution:inner:two',
      'states:StopExecution on arn:aws:states:local:1:execution:inner:two',
    ])
  })

  it('is not guessed at, and no other way of starting one is served', async () => {
    const run = nestedTasks(async () => ({ status: 'SUCCEEDED' }))
    await expect(run(resource, { StateMachineArn: machine }, context)).rejects.toMatchObject({
      error: 'States.Runtime',
    })
    expect(supportsNested('arn:aws-cn:states:::states:startExecution.sync:2')).toBe(true)
    expect(supportsNested('arn:aws:states:::states:startExecution.sync')).toBe(false)
    expect(supportsNested('arn:aws:states:::states:startExecution')).toBe(false)
  })
})
