import { Duration, Stack } from 'aws-cdk-lib'
import { Alarm, ComparisonOperator, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events'
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets'
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import { Construct } from 'constructs'
import { UNCOVERED_METRIC } from '../functions/domain/coverage-metrics.ts'
import type { RunMetric } from '../functions/domain/run-metrics.ts'
import { METRICS_NAMESPACE } from '../functions/domain/site-metrics.ts'
import type { CleanUp } from './clean-up.ts'
import { checkPeriod } from './coverage-checks.ts'
import type { Deployment } from './deployment-config.ts'
import { deadLetters, type Schedules } from './schedule.ts'
import type { Workflow } from './workflow.ts'

interface FailureNoticeProps {
  deployment: Deployment
  run: Workflow
  /** Further workflows whose failures are told. */
  others: readonly Workflow[]
  cleanUp: CleanUp
  schedules: Schedules
}

/**
 * Tells people what went wrong, also where our own code can't: Step Functions itself reports an execution that failed,
 * ran out of time or was stopped. Alarms tell of runs that never started.
 */
export class FailureNotice extends Construct {
  readonly topic: Topic

  constructor(scope: Construct, id: string, { deployment, run, others, cleanUp, schedules }: FailureNoticeProps) {
    super(scope, id)
    this.topic = this.encryptedTopic(deployment)
    const undelivered = deadLetters(this, 'Undelivered', 'The queue is itself where undelivered notices end.')

    // Guests of a run are executions of the run's map and don't match here: the run speaks for them.
    new Rule(this, 'ExecutionEnded', {
      description: `Guestlift ${deployment.name}: an execution failed, timed out or was aborted`,
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: {
          status: ['FAILED', 'TIMED_OUT', 'ABORTED'],
          stateMachineArn: [run, ...others, cleanUp.workflow].map(({ machine }) => machine.stateMachineArn),
        },
      },
      targets: [new SnsTopic(this.topic, { message: noticeText(deployment, this), deadLetterQueue: undelivered })],
    })

    // The first notice only says that a run was stopped; this one, what became of what it left running.
    new Rule(this, 'CleanedUp', {
      description: `Guestlift ${deployment.name}: what a stopped execution left behind was cleaned up`,
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { status: ['SUCCEEDED'], stateMachineArn: [cleanUp.workflow.machine.stateMachineArn] },
      },
      targets: [new SnsTopic(this.topic, { message: cleanUpText(deployment), deadLetterQueue: undelivered })],
    })

    for (const [queue, alarmDescription] of [
      [cleanUp.missed, 'A run was stopped and its clean-up could not be started. The queue holds the event.'],
      [schedules.missed, 'A schedule fired and nothing was started. The queue holds what was to be started.'],
      [undelivered, 'A notice about a failed run could not be delivered. The queue holds the event.'],
    ] as const) {
      this.tell(
        new Alarm(queue, 'NotEmpty', {
          alarmDescription: `Guestlift ${deployment.name}: ${alarmDescription}`,
          metric: queue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(5), statistic: 'Maximum' }),
          threshold: 0,
          comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
          evaluationPeriods: 1,
          treatMissingData: TreatMissingData.NOT_BREACHING,
        }),
      )
    }

    if (deployment.coverage.enabled)
      for (const site of deployment.sites) this.tell(this.guestsUncovered(deployment, site))

    const hours = deployment.alarmAfterHoursWithoutSuccess
    if (hours !== undefined) {
      this.tell(
        new Alarm(this, 'NoSuccess', {
          alarmDescription: `Guestlift ${deployment.name}: no run has succeeded for ${hours} hours.`,
          metric: run.machine.metricSucceeded({ period: Duration.hours(1), statistic: 'Sum' }),
          threshold: 1,
          comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
          evaluationPeriods: hours,
          treatMissingData: TreatMissingData.BREACHING,
        }),
      )
      // A run over one site that succeeds says nothing of the others; and no figures at all are the worst figures.
      for (const site of deployment.sites) this.tell(this.nothingArchived(deployment, site, hours))
    }
  }

  /** One period is one check, so the first that finds something alarms; and so does a check that doesn't come. */
  private guestsUncovered(deployment: Deployment, site: string): Alarm {
    return new Alarm(this, `GuestsUncovered-${site}`, {
      alarmDescription: `Guestlift ${deployment.name}: guests of site ${site} are not covered by a young, whole archive, or nobody checked. Look: coverage/${site}.json in the archive bucket.`,
      metric: new Metric({
        namespace: METRICS_NAMESPACE,
        metricName: UNCOVERED_METRIC,
        dimensionsMap: { Site: site },
        period: checkPeriod(deployment),
        statistic: Stats.MAXIMUM,
      }),
      threshold: 0,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.BREACHING,
    })
  }

  private nothingArchived({ name }: Deployment, site: string, hours: number): Alarm {
    const metric: RunMetric = 'GuestsArchived'
    return new Alarm(this, `NothingArchived-${site}`, {
      alarmDescription: `Guestlift ${name}: no guest of site ${site} was archived for ${hours} hours.`,
      metric: new Metric({
        namespace: METRICS_NAMESPACE,
        metricName: metric,
        dimensionsMap: { Site: site },
        period: Duration.hours(1),
        statistic: Stats.SUM,
      }),
      threshold: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: hours,
      treatMissingData: TreatMissingData.BREACHING,
    })
  }

  private encryptedTopic(deployment: Deployment): Topic {
    // Its own key: the AWS-managed one of SNS can't be used by EventBridge and CloudWatch.
    const masterKey = new Key(this, 'Key', {
      description: `Guestlift ${deployment.name}: failure notices`,
      enableKeyRotation: true,
    })
    for (const service of ['events', 'cloudwatch'])
      masterKey.grantEncryptDecrypt(new ServicePrincipal(`${service}.amazonaws.com`))
    const topic = new Topic(this, 'Topic', { displayName: `Guestlift ${deployment.name}`, masterKey, enforceSSL: true })
    for (const address of deployment.notificationEmails) topic.addSubscription(new EmailSubscription(address))
    return topic
  }

  private tell(alarm: Alarm): void {
    alarm.addAlarmAction(new SnsAction(this.topic))
    alarm.addOkAction(new SnsAction(this.topic))
  }
}

/** The e-mail a person reads at night: what, why, where to look. A field that the event lacks stays empty. */
function noticeText(deployment: Deployment, scope: Construct): RuleTargetInput {
  const { region } = Stack.of(scope)
  return RuleTargetInput.fromMultilineText(
    [
      `Guestlift ${deployment.name}: ${field('name')} ended as ${field('status')}.`,
      `Error: ${field('error')}`,
      `Cause: ${field('cause')}`,
      `Look: https://${region}.console.aws.amazon.com/states/home?region=${region}#/v2/executions/details/${field('executionArn')}`,
      'Once the cause is gone, redrive the execution there within 14 days (what S3 has is not sent again), or start a new run.',
    ].join('\n'),
  )
}

/** The output of a clean-up is its summary. */
function cleanUpText(deployment: Deployment): RuleTargetInput {
  return RuleTargetInput.fromText(`Guestlift ${deployment.name}: ${field('output')}`)
}

function field(name: string): string {
  return EventField.fromPath(`$.detail.${name}`)
}
