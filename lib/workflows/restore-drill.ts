import {
  Choice,
  Condition,
  Fail,
  type IChainable,
  IntegrationPattern,
  type IStateMachine,
  Map as InlineMap,
  Pass,
  ProvideItems,
  Succeed,
  TaskInput as Payload,
  Timeout,
} from 'aws-cdk-lib/aws-stepfunctions'
import { StepFunctionsStartExecution } from 'aws-cdk-lib/aws-stepfunctions-tasks'
import type { Construct } from 'constructs'
import type { ExportFunctions } from '../export-functions.ts'
import { lambdaTask } from './lambda-task.ts'
import { plainCause, rethrown } from './rethrown.ts'
import { LONGEST_RESTORE } from './restore-guest.ts'
import { asRetry, executionNeverStarted, ordinary } from './retry-policies.ts'

/** Shown in the console beside the workflow. */
export const sampleDrill = { site: 'hq', guests: { all: true }, most: 2, ids: '9900-9949' }

/**
 * Rehearse restores: choose the guests that waited longest, bring each back with Restore guest under a scratch id and
 * without network, look whether it works, remove it, and report by the evidence that is left. On one node, one at a time.
 */
export function restoreDrill(scope: Construct, functions: ExportFunctions, restoreGuest: IStateMachine): IChainable {
  const stopped = Fail.jsonata(scope, 'Drill stopped', rethrown)

  const plan = lambdaTask(scope, functions, 'PlanDrill', {
    payload: {
      drillId: '{% $states.context.Execution.Name %}',
      startedAt: '{% $states.context.Execution.StartTime %}',
      request: '{% $states.input %}',
    },
    assign: { planKey: '{% $states.result.Payload.planKey %}' },
    retry: ordinary,
    onError: stopped,
  })

  const report = lambdaTask(scope, functions, 'ReportDrill', {
    payload: { planKey: '{% $planKey %}' },
    retry: ordinary,
    onError: stopped,
  })

  const rehearse = StepFunctionsStartExecution.jsonata(scope, 'Rehearse guest', {
    stateMachine: restoreGuest,
    integrationPattern: IntegrationPattern.RUN_JOB,
    name: '{% $states.input.name %}',
    input: Payload.fromText('{% $states.input.request %}'),
    outputs: '{% {} %}',
    taskTimeout: Timeout.duration(LONGEST_RESTORE),
  })
  rehearse.addRetry(asRetry(executionNeverStarted))
  // What became of it is in the bucket: its evidence decides, and the next guest is rehearsed all the same.
  rehearse.addCatch(Pass.jsonata(scope, 'Rehearsal failed', { outputs: '{% {} %}' }))

  const oneByOne = InlineMap.jsonata(scope, 'One after the other', {
    items: ProvideItems.jsonata('{% $states.input %}'),
    maxConcurrency: 1,
    outputs: '{% {} %}',
  })
    .itemProcessor(rehearse)
    .addCatch(Pass.jsonata(scope, 'Node given up', { outputs: '{% {} %}' }))

  const onEachNode = InlineMap.jsonata(scope, 'Rehearse on each node', {
    items: ProvideItems.jsonata('{% $states.input.lanes %}'),
    jsonataMaxConcurrency: '{% $count($states.input.lanes) %}',
    outputs: '{% {} %}',
  })
    .itemProcessor(oneByOne)
    // However it ended, what was rehearsed is reported, and what wasn't counts as failed.
    .addCatch(report)

  report.next(
    Choice.jsonata(scope, 'Did all pass?')
      .when(
        Condition.jsonata("{% $states.input.outcome = 'succeeded' %}"),
        Succeed.jsonata(scope, 'Drill passed', { outputs: '{% $states.input %}' }),
      )
      .otherwise(
        Fail.jsonata(scope, 'Drill failed', { error: 'DrillFailed', cause: plainCause('$states.input.summary') }),
      ),
  )
  return plan.next(
    Choice.jsonata(scope, 'Is any guest due?')
      .when(Condition.jsonata('{% $states.input.count > 0 %}'), onEachNode.next(report))
      .otherwise(report),
  )
}
