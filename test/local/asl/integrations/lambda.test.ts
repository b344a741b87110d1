import { describe, expect, it } from 'vitest'
import { integrations } from '../../../../local/asl/integrations/integrations.ts'
import { functionFailure, lambdaTasks } from '../../../../local/asl/integrations/lambda.ts'
import { loadStateMachine, startExecution, VirtualClock } from '../../../../local/asl/interpreter.ts'
import { machine } from '../harness.ts'

const invoke = 'arn:aws:states:::lambda:invoke'
const direct = 'arn:aws:lambda:eu-central-1:123456789012:function:double:live'

const handlers = lambdaTasks(async (name, payload) => {
  if (name === 'locked') throw Object.assign(new Error('guest 100 is locked'), { name: 'GuestLocked' })
  if (name === 'huge') return 'x'.repeat(7 * 1_048_576)
  return { name, payload, at: new Date(0), nothing: undefined }
})

async function runTask(fields: object, input: unknown = {}) {
  const { supports, tasks } = integrations((resource) => (resource.includes('lambda') ? handlers : undefined))
  const definition = loadStateMachine(machine({ T: { Type: 'Task', End: true, ...fields } }), { supports })
  return startExecution(definition, input, { tasks, clock: new VirtualClock() }).result
}

describe('the Lambda integration', () => {
  it('wraps what the function returns as lambda:invoke does', async () => {
    const result = await runTask(
      { Resource: invoke, Arguments: { FunctionName: 'f', Payload: '{% $states.input %}' } },
      { a: 1 },
    )
    expect(result.output).toEqual({
      ExecutedVersion: '$LATEST',
      Payload: { name: 'f', payload: { a: 1 }, at: '1970-01-01T00:00:00.000Z' },
      SdkHttpMetadata: { HttpStatusCode: 200 },
      StatusCode: 200,
    })
  })

  it('gives the bare answer of a function named by its ARN', async () => {
    const result = await runTask({ Resource: direct }, { a: 1 })
    expect(result.output).toMatchObject({ name: direct, payload: { a: 1 } })
  })

  it('fails with the function’s error name and the runtime’s JSON as cause', async () => {
    const result = await runTask({ Resource: invoke, Arguments: { FunctionName: 'locked' } })
    expect(result.error).toBe('GuestLocked')
    expect(JSON.parse(result.cause ?? '')).toEqual({
      errorType: 'GuestLocked',
      errorMessage: 'guest 100 is locked',
      trace: expect.any(Array),
    })
    expect(JSON.parse(functionFailure('text').failureCause)).toMatchObject({
      errorType: 'string',
      errorMessage: 'text',
    })
  })

  it('refuses an answer over 6 MB as Lambda does', async () => {
    const result = await runTask({ Resource: invoke, Arguments: { FunctionName: 'huge' } })
    expect(result.error).toBe('Function.ResponseSizeTooLarge')
  })

  it('fails for a computed FunctionName that is none', async () => {
    const result = await runTask({ Resource: invoke, Arguments: { FunctionName: '{% 5 %}' } })
    expect(result).toMatchObject({ status: 'FAILED', error: 'States.Runtime' })
  })

  it('refuses a resource without handler when the definition is loaded', async () => {
    await expect(runTask({ Resource: 'arn:aws:states:::sns:publish' })).rejects.toThrow(/There is no handler/)
  })
})
