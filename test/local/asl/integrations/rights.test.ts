/** What a state machine's role is asked for as its states run, and how they fail without it. */
import { describe, expect, it } from 'vitest'
import { codeBuildTasks, supportsCodeBuild } from '../../../../local/asl/integrations/codebuild.ts'
import { executionTasks, supportsExecutions } from '../../../../local/asl/integrations/executions.ts'
import { integrations } from '../../../../local/asl/integrations/integrations.ts'
import { lambdaTasks } from '../../../../local/asl/integrations/lambda.ts'
import { loadStateMachine, startExecution, VirtualClock } from '../../../../local/asl/interpreter.ts'
import { machine } from '../harness.ts'

const { supports, tasks } = integrations((resource) =>
  supportsCodeBuild(resource)
    ? codeBuildTasks(async () => 'SUCCEEDED')
    : supportsExecutions(resource)
      ? executionTasks(() => 'RUNNING')
      : lambdaTasks(async () => 'done'),
)

/** Runs one state; refuses one action. Returns how it ended and what was asked for. */
async function runState(state: object, refused?: string) {
  const asked: string[] = []
  const definition = loadStateMachine(machine({ S: { End: true, ...state } }), { supports })
  const { result } = startExecution(
    definition,
    {},
    {
      tasks,
      clock: new VirtualClock(),
      machineName: 'exportRun',
      refuses: (action, resource) => {
        asked.push(`${action} ${resource}`)
        return action === refused ? `not authorized to perform: ${action}` : undefined
      },
    },
  )
  return { ...(await result), asked }
}

const here = (service: string, resource: string) => `arn:aws:${service}:local:000000000000:${resource}`
const call = {
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Arguments: { FunctionName: here('lambda', 'function:f') },
}
const build = { Type: 'Task', Resource: 'arn:aws:states:::codebuild:startBuild.sync', Arguments: { ProjectName: 'p' } }
const look = {
  Type: 'Task',
  Resource: 'arn:aws:states:::aws-sdk:sfn:describeExecution',
  Arguments: { ExecutionArn: here('states', 'execution:exportRun:r') },
}
const map = {
  Type: 'Map',
  Items: [1, 2],
  ItemProcessor: {
    ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
    StartAt: 'P',
    States: { P: { Type: 'Pass', End: true } },
  },
}
const rule = here('events', 'rule/StepFunctionsGetEventForCodeBuildStartBuildRule')

describe('a state needs the rights that its work takes on AWS', () => {
  it.each([
    [
      'a call of a function',
      call,
      'Lambda.AWSLambdaException',
      [`lambda:InvokeFunction ${here('lambda', 'function:f')}`],
    ],
    [
      'a build that is waited for',
      build,
      'CodeBuild.AWSCodeBuildException',
      [
        ...['PutTargets', 'PutRule', 'DescribeRule'].map((action) => `events:${action} ${rule}`),
        ...['StartBuild', 'BatchGetBuilds'].map((action) => `codebuild:${action} ${here('codebuild', 'project/p')}`),
      ],
    ],
    [
      'a look at an execution',
      look,
      'Sfn.SfnException',
      [`states:DescribeExecution ${here('states', 'execution:exportRun:r')}`],
    ],
    [
      'a distributed Map',
      map,
      'StepFunctions.AWSStepFunctionsException',
      [`states:StartExecution ${here('states', 'stateMachine:exportRun')}`],
    ],
  ])('%s', async (_, state, error, rights) => {
    expect(await runState(state)).toMatchObject({ status: 'SUCCEEDED', asked: rights })
    for (const right of rights) {
      const [action = ''] = right.split(' ')
      expect(await runState(state, action)).toMatchObject({
        status: 'FAILED',
        error,
        cause: expect.stringContaining(`not authorized to perform: ${action}`),
      })
    }
  })
})
