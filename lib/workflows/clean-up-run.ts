import { Duration } from 'aws-cdk-lib'
import {
  Choice,
  Condition,
  Fail,
  type IChainable,
  Map as InlineMap,
  Pass,
  ProvideItems,
  Succeed,
  Timeout,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions'
import { CallAwsService } from 'aws-cdk-lib/aws-stepfunctions-tasks'
import type { Construct } from 'constructs'
import type { ExportFunctions } from '../export-functions.ts'
import { lambdaTask } from './lambda-task.ts'
import { plainCause, rethrown } from './rethrown.ts'
import { amongMany, ordinary } from './retry-policies.ts'

/**
 * A function that was called just before the stop goes on to its end. After this long it has either claimed its guest,
 * so that it is found here, or finds the claim changed and leaves the guest alone.
 */
const LET_FUNCTIONS_END_SECONDS = 90
/** Each may wait a minute and a half for the platform; the site's line isn't used. */
const SIDE_BY_SIDE = 10

interface CleanUpRunProps {
  functions: ExportFunctions
  /** ARNs of the executions that may be looked at, with their wildcards. */
  executions: string[]
}

/**
 * Clean up after an execution that was stopped or ran out of time: no state of it runs any more, so its running backups
 * are stopped from here, its claims given back, and its report written. Uploads stay, so that they can be gone on with.
 * Input: `detail` of EventBridge's event about it; whoever knows that no function is left at work may add `settleSeconds`.
 * Output: a sentence.
 */
export function cleanUpRun(scope: Construct, { functions, executions }: CleanUpRunProps): IChainable {
  const stopped = Fail.jsonata(scope, 'Clean-up stopped', rethrown)

  const takeUp = Pass.jsonata(scope, 'Take up event', {
    assign: {
      runId: '{% $states.input.name %}',
      status: '{% $states.input.status %}',
      startedAt: '{% $fromMillis($states.input.startDate) %}',
      settleSeconds: `{% $exists($states.input.settleSeconds) ? $states.input.settleSeconds : ${LET_FUNCTIONS_END_SECONDS} %}`,
      // Absent from the event when it is larger than the event can carry: then it is no plan item.
      request: '{% $type($states.input.input) = "string" ? $parse($states.input.input) : {} %}',
    },
  })

  const find = lambdaTask(scope, functions, 'FindLeftovers', {
    payload: { runId: '{% $runId %}', startedAt: '{% $startedAt %}', request: '{% $request %}' },
    assign: {
      planned: '{% $exists($states.result.Payload.planned) ? $states.result.Payload.planned : {} %}',
      leftovers: '{% [$states.result.Payload.leftovers] %}',
      further: '{% $states.result.Payload.further %}',
    },
    retry: ordinary,
    onError: stopped,
  })

  const cleanEach = InlineMap.jsonata(scope, 'Clean up each guest', {
    items: ProvideItems.jsonata('{% $leftovers %}'),
    maxConcurrency: SIDE_BY_SIDE,
    assign: { guests: '{% [$states.result] %}' },
  })
    .itemProcessor(cleanUpGuest(scope, functions, executions))
    .addCatch(stopped)

  const summary = `$join([
    'The execution ' & $runId & ' ended as ' & $status & '. ',
    $count($guests) = 0 ? 'It had left nothing running.' : $string($count($guests[outcome = 'cleaned'])) & ' of ' & $string($count($guests)) & ' guests cleaned up.',
    $guests.(' Guest ' & id & ': ' & reason),
    $further > 0 ? ' ' & $string($further) & ' further guests were not looked at.' : ''
  ])`

  const sumUp = Pass.jsonata(scope, 'Sum up', {
    assign: { summary: `{% $substring(${summary.replaceAll(/\s*\n\s*/g, ' ')}, 0, 8000) %}` },
  })

  const outcome = Choice.jsonata(scope, 'Everything cleaned up?')
    .when(
      Condition.jsonata("{% $count($guests[outcome != 'cleaned']) = 0 and $further = 0 %}"),
      Succeed.jsonata(scope, 'Run cleaned up', { outputs: '{% $summary %}' }),
    )
    .otherwise(
      Fail.jsonata(scope, 'Clean-up incomplete', { error: 'CleanUpIncomplete', cause: plainCause('$summary') }),
    )

  const report = lambdaTask(scope, functions, 'ReportRun', {
    payload: {
      run: '{% $planned.run %}',
      site: '{% $planned.site %}',
      planKey: '{% $planned.planKey %}',
      notes: '{% [$summary] %}',
      siteConfiguration: '{% null %}',
      configurationError: '{% null %}',
      catalogueError: '{% null %}',
      mapError: '{% null %}',
    },
    retry: ordinary,
    onError: stopped,
  })

  const reportable = Choice.jsonata(scope, 'Was it a run with a plan?')
    .when(Condition.jsonata('{% $exists($planned.run) %}'), report)
    .otherwise(outcome)
  report.next(outcome)

  const settle = Wait.jsonata(scope, 'Let functions end', { time: WaitTime.seconds('{% $settleSeconds %}') })
  return takeUp.next(settle).next(find).next(cleanEach).next(sumUp).next(reportable)
}

/** Input: a leftover; output: `{id, outcome, reason}`, whatever goes wrong. */
function cleanUpGuest(scope: Construct, functions: ExportFunctions, executions: string[]): IChainable {
  const failed = Pass.jsonata(scope, 'Guest not cleaned up', {
    outputs: {
      id: '{% $leftover.item.guest.id %}',
      outcome: 'failed',
      reason: "{% $states.input.Error & ': ' & ($exists($states.input.Cause) ? $states.input.Cause : 'no cause') %}",
    },
  })

  const leave = Pass.jsonata(scope, 'Leave guest alone', {
    outputs: {
      id: '{% $leftover.item.guest.id %}',
      outcome: 'alive',
      reason: "{% 'left alone, since ' & $leftover.execution & ' works on it.' %}",
    },
  })

  const takeUp = Pass.jsonata(scope, 'Take up guest', { assign: { leftover: '{% $states.input %}' } })

  const look = CallAwsService.jsonata(scope, 'Look at its execution', {
    service: 'sfn',
    action: 'describeExecution',
    iamAction: 'states:DescribeExecution',
    iamResources: executions,
    parameters: { ExecutionArn: '{% $leftover.execution %}' },
    taskTimeout: Timeout.duration(Duration.seconds(60)),
    assign: { its: '{% $states.result.Status %}' },
    outputs: '{% {} %}',
  })
    // Throttled, at worst: ten at a time stay far below the quota.
    .addRetry({ interval: Duration.seconds(5), maxAttempts: 4, backoffRate: 2 })
    .addCatch(failed)

  const record = lambdaTask(scope, functions, 'RecordFailure', {
    payload: {
      item: '{% $leftover.item %}',
      execution: '{% $leftover.execution %}',
      // No name of ours: what S3 holds of the archive is kept, to be gone on with.
      error: {
        Error: "{% 'ExecutionEnded' %}",
        Cause:
          "{% 'Its execution ended as ' & $its & ' while it was at work. What still ran was stopped; what S3 has is kept.' %}",
      },
      // The history of all guests together has a limit: what takes long to remove is a sweep's.
      waitedSeconds: '{% null %}',
    },
    output: "{% {'id': $leftover.item.guest.id, 'outcome': 'cleaned', 'reason': $states.result.Payload.reason} %}",
    retry: amongMany,
    onError: failed,
  })

  const alive = Choice.jsonata(scope, 'Is it still at work?')
    // Somebody may have redriven it: then it is at work again.
    .when(Condition.jsonata("{% $its in ['RUNNING', 'PENDING_REDRIVE'] %}"), leave)
    .otherwise(record)

  return takeUp.next(look).next(alive)
}
