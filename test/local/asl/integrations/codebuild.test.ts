import { describe, expect, it } from 'vitest'
import {
  type BuildOrder,
  type BuildStatus,
  codeBuildTasks,
  supportsCodeBuild,
} from '../../../../local/asl/integrations/codebuild.ts'
import { integrations } from '../../../../local/asl/integrations/integrations.ts'
import { loadStateMachine, startExecution, VirtualClock } from '../../../../local/asl/interpreter.ts'
import { machine } from '../harness.ts'

const resource = 'arn:aws:states:::codebuild:startBuild.sync'
const variable = { Name: 'WORK', Type: 'PLAINTEXT', Value: '{% $states.input.work %}' }

async function runBuild(
  status: BuildStatus,
  args: unknown = { ProjectName: 'p', EnvironmentVariablesOverride: [variable] },
) {
  const orders: BuildOrder[] = []
  const handler = codeBuildTasks(async (order) => {
    orders.push(order)
    return status
  })
  const { supports, tasks } = integrations((name) => (supportsCodeBuild(name) ? handler : undefined))
  const state = { Type: 'Task', Resource: resource, Arguments: args, End: true }
  const definition = loadStateMachine(machine({ T: state }), { supports })
  const { result } = startExecution(definition, { work: 'read' }, { tasks, clock: new VirtualClock() })
  return { orders, result: await result }
}

describe('the CodeBuild integration', () => {
  it('runs a build with the variables of the call, and answers as CodeBuild does', async () => {
    const { orders, result } = await runBuild('SUCCEEDED')
    expect(orders).toEqual([{ projectName: 'p', environment: { WORK: 'read' } }])
    expect(result).toMatchObject({
      status: 'SUCCEEDED',
      output: { Build: { BuildStatus: 'SUCCEEDED', ProjectName: 'p' } },
    })
  })

  it.each(['FAILED', 'TIMED_OUT', 'STOPPED'] as const)(
    'fails the task with the build as cause when it ends as %s',
    async (status) => {
      const { result } = await runBuild(status)
      expect(result).toMatchObject({ status: 'FAILED', error: 'States.TaskFailed' })
      expect(JSON.parse(result.cause ?? '')).toMatchObject({ Build: { BuildStatus: status } })
    },
  )

  it.each([{}, { ProjectName: 'p', EnvironmentVariablesOverride: [{ Name: 'WORK' }] }])('refuses %j', async (args) => {
    const { orders, result } = await runBuild('SUCCEEDED', args)
    expect([orders, result.status]).toEqual([[], 'FAILED'])
  })

  it('is supported only where there is a handler for it', () => {
    const state = { Type: 'Task', Resource: resource, Arguments: { ProjectName: 'p' }, End: true }
    expect(() => loadStateMachine(machine({ T: state }))).toThrow(/\.sync is not supported/)
  })
})
