import { describe, expect, it } from 'vitest'
import { executionTasks, supportsExecutions } from '../../../../local/asl/integrations/executions.ts'
import type { TaskContext } from '../../../../local/asl/ports.ts'

const resource = 'arn:aws:states:::aws-sdk:sfn:describeExecution'
const context: TaskContext = {
  interrupted: new AbortController().signal,
  signal: new AbortController().signal,
  timeoutSeconds: undefined,
  stateName: 'Look',
  retryCount: 0,
  execution: { id: 'arn', name: 'one', startedAt: '2026-11-22T02:00:00.000Z' },
}

describe('a look at an execution', () => {
  it('answers with the status that it is told, in the words of Step Functions', async () => {
    const look = executionTasks((arn) => (arn === 'gone' ? 'ABORTED' : 'RUNNING'))
    expect(await look(resource, { ExecutionArn: 'gone' }, context)).toEqual({ ExecutionArn: 'gone', Status: 'ABORTED' })
    expect(await look(resource, { ExecutionArn: 'here' }, context)).toMatchObject({ Status: 'RUNNING' })
  })

  it('refuses to guess which execution is meant, and serves nothing else', async () => {
    const look = executionTasks(() => 'RUNNING')
    await expect(look(resource, {}, context)).rejects.toThrow(/ExecutionArn as a string/)
    await expect(look('arn:aws:states:::aws-sdk:sfn:stopExecution', {}, context)).rejects.toThrow(/not a look/)
    expect(supportsExecutions('arn:aws-cn:states:::aws-sdk:sfn:describeExecution')).toBe(true)
    expect(supportsExecutions('arn:aws:states:::aws-sdk:sfn:stopExecution')).toBe(false)
  })
})
