import { Annotations } from 'aws-cdk-lib'
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events'
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'
import { Alarms } from './alarms.ts'
import type { CleanUp } from './clean-up.ts'
import type { Deployment } from './deployment-config.ts'
import { noticeTopic } from './notice-topic.ts'
import { whatToDo } from './runbook.ts'
import { consoleUrl } from './console-url.ts'
import { deadLetters, type Schedules } from './schedule.ts'
import type { Workflow } from './workflow.ts'
import { workflowNames } from './workflow-names.ts'

interface FailureNoticeProps {
  deployment: Deployment
  run: Workflow
  /** Further workflows whose failures are told. */
  others: readonly Workflow[]
  cleanUp: CleanUp
  schedules: Schedules
  /** Those that are watched here. */
  sites: readonly string[]
}

/**
 * Tells people what went wrong, also where our own code can't: Step Functions itself reports an execution that failed,
 * ran out of time or was stopped. Alarms stand behind these events, and tell of runs that never started.
 */
export class FailureNotice extends Construct {
  readonly topic: ITopic

  constructor(
    scope: Construct,
    id: string,
    { deployment, run, others, cleanUp, schedules, sites }: FailureNoticeProps,
  ) {
    super(scope, id)
    this.topic = noticeTopic(this, deployment)
    const undelivered = deadLetters(this, 'Undelivered', 'The queue is itself where undelivered notices end.')
    const workflows = [run, ...others, cleanUp.workflow]

    // Guests of a run are executions of the run's map and don't match here: the run speaks for them. What helps differs:
    // a run knows which of its guests are missing, everything else begins anew with the input that it had.
    for (const [id, told, wayOn] of [
      ['RunEnded', [run], repeatRun(deployment)],
      ['ExecutionEnded', [...others, cleanUp.workflow], startAgain],
    ] as const) {
      new Rule(this, id, {
        description: `Guestlift ${deployment.name}: an execution failed, timed out or was aborted`,
        eventPattern: {
          source: ['aws.states'],
          detailType: ['Step Functions Execution Status Change'],
          detail: {
            status: ['FAILED', 'TIMED_OUT', 'ABORTED'],
            stateMachineArn: told.map(({ machine }) => machine.stateMachineArn),
          },
        },
        targets: [
          new SnsTopic(this.topic, { message: noticeText(deployment, this, wayOn), deadLetterQueue: undelivered }),
        ],
      })
    }

    // The first notice only says that a run was stopped; this one, what became of what it left running.
    new Rule(this, 'CleanedUp', {
      description: `Guestlift ${deployment.name}: what a stopped execution left behind was cleaned up`,
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { status: ['SUCCEEDED'], stateMachineArn: [cleanUp.workflow.machine.stateMachineArn] },
      },
      targets: [new SnsTopic(this.topic, { message: cleanUpText(deployment, this), deadLetterQueue: undelivered })],
    })

    new Alarms(this, 'Alarms', {
      deployment,
      topic: this.topic,
      workflows,
      sites,
      deadLetters: [
        [cleanUp.missed, 'A run was stopped and its clean-up could not be started. The queue holds the event.'],
        [schedules.missed, 'A schedule fired and nothing was started. The queue holds what was to be started.'],
        [undelivered, 'A notice about a failed run could not be delivered. The queue holds the event.'],
      ],
    })
    warnIfNobodyListens(this, deployment)
  }
}

/** What runs by itself fails by itself. */
function warnIfNobodyListens(scope: Construct, deployment: Deployment): void {
  const { notificationEmails, topicArn, schedules, retention, sweep, coverage, verification, drills } = deployment
  const byItself = [...schedules, ...retention, ...drills, sweep, coverage, verification].some(({ enabled }) => enabled)
  if (notificationEmails.length > 0 || topicArn !== undefined || !byItself) return
  Annotations.of(scope).addWarningV2(
    'guestlift:nobody-notified',
    `Deployment ${deployment.name} runs on a schedule and names nobody in notificationEmails: when a run fails, nobody is notified. Add an address, or subscribe to the topic that the output FailureTopicArn names.`,
  )
}

/**
 * The e-mail a person reads at night: what, why, where to look. A field that the event lacks stays empty. What EventBridge
 * puts in it doesn't escape, so that the workflows' causes hold no quotes and no line breaks.
 */
function noticeText(deployment: Deployment, scope: Construct, wayOn: readonly string[]): RuleTargetInput {
  return RuleTargetInput.fromMultilineText(
    [
      `Guestlift ${deployment.name}: ${field('name')} ended as ${field('status')}.`,
      `Error: ${field('error')}`,
      `Cause: ${field('cause')}`,
      `Execution: ${executionPage(scope)}`,
      `Logs: log groups /aws/lambda/guestlift-${deployment.name}-*; a line about a guest has its id as guest.`,
      `${whatToDo('ends-of-executions')}, under the name of the error`,
      ...wayOn,
    ].join('\n'),
  )
}

/**
 * No redrive: a failed execution ends in a Fail state and would fail there again at once, and of a stopped one the
 * clean-up has stopped the backups. Name and start of a run are enough to find what it did not archive.
 */
function repeatRun({ name }: Deployment): string[] {
  const input = JSON.stringify({ again: { run: 'NAME', startedAt: 0 } })
    .replace('NAME', field('name'))
    .replace(':0}', `:${field('startDate')}}`)
  return [
    'Once the cause is gone, archive exactly the guests that were not archived; what S3 has of them is not sent again. Do not redrive the execution: it would fail again at once.',
    `In the Step Functions console: start guestlift-${name}-${workflowNames.exportRun} with this input: ${input}`,
    `From the command line: npx guestlift run --deployment ${name} --again ${field('executionArn')}`,
    'After an execution that was stopped or ran out of time, wait for the notice of its clean-up first.',
  ]
}

/** A guest goes on with its own backup and parts, a verification, sweep, pruning or check looks at what there is. */
const startAgain: readonly string[] = [
  'Once the cause is gone, start it again with the same input; it goes on with what is there. Do not redrive the execution: it would fail again at once.',
  'In the Step Functions console: open the execution and choose New execution, which takes its input over.',
  `From the command line: aws stepfunctions start-execution --state-machine-arn ${field('stateMachineArn')} --input "$(aws stepfunctions describe-execution --execution-arn ${field('executionArn')} --query input --output text)"`,
]

/** What it did is its output, which is JSON: its quotes would end the text of a notice early. */
function cleanUpText(deployment: Deployment, scope: Construct): RuleTargetInput {
  return RuleTargetInput.fromMultilineText(
    [
      `Guestlift ${deployment.name}: what a stopped execution left behind is cleaned up: its backups are stopped and its guests given back.`,
      `What it did, guest by guest: ${executionPage(scope)}`,
      `From the command line: aws stepfunctions describe-execution --execution-arn ${field('executionArn')} --query output --output text`,
      whatToDo('notice-of-a-clean-up'),
    ].join('\n'),
  )
}

function executionPage(scope: Construct): string {
  return consoleUrl(scope, 'states/home', `/v2/executions/details/${field('executionArn')}`)
}

function field(name: string): string {
  return EventField.fromPath(`$.detail.${name}`)
}
