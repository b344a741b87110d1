import { Duration } from 'aws-cdk-lib'
import { Alarm, ComparisonOperator, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { RUNS_SUCCEEDED_METRIC } from '../functions/domain/metrics/run-metrics.ts'
import { deploymentDimensions } from '../functions/domain/metrics/site-metrics.ts'
import type { Deployment } from './deployment-config.ts'
import { whatToDo } from './runbook.ts'
import { noneCounted, siteAlarms, tell } from './site-alarms.ts'
import type { Workflow } from './workflow.ts'

interface AlarmsProps {
  deployment: Deployment
  topic: ITopic
  /** Every workflow that is told of. */
  workflows: readonly Workflow[]
  /** Those that are watched here. */
  sites: readonly string[]
  /** Where events end that reached nobody, each with what that means. */
  deadLetters: readonly (readonly [Queue, string])[]
}

/** What CloudWatch itself watches: it speaks also where no event arrives and where nothing runs any more. */
export class Alarms extends Construct {
  readonly #topic: ITopic
  readonly #deployment: Deployment

  constructor(scope: Construct, id: string, { deployment, topic, workflows, sites, deadLetters }: AlarmsProps) {
    super(scope, id)
    this.#topic = topic
    this.#deployment = deployment
    for (const workflow of workflows) this.#executionsEndedBadly(workflow)
    for (const [queue, meaning] of deadLetters) {
      tell(
        this.#topic,
        new Alarm(queue, 'NotEmpty', {
          alarmDescription: `Guestlift ${deployment.name}: ${meaning} ${whatToDo('a-queue-is-not-empty')}`,
          metric: queue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(5), statistic: 'Maximum' }),
          threshold: 0,
          comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
          evaluationPeriods: 1,
          treatMissingData: TreatMissingData.NOT_BREACHING,
        }),
      )
    }
    siteAlarms(this, { deployment, sites, topic })
    const hours = deployment.alarmAfterHoursWithoutSuccess
    if (hours === undefined) return
    tell(
      this.#topic,
      noneCounted(this, 'NoSuccess', hours, {
        alarmDescription: `Guestlift ${deployment.name}: no run has succeeded for ${hours} hours. ${whatToDo('nosuccess')}`,
        metricName: RUNS_SUCCEEDED_METRIC,
        dimensionsMap: deploymentDimensions({ deployment: deployment.name }),
      }),
    )
  }

  /**
   * Behind the notices: EventBridge delivers the events that those are made of "best effort", so one may never come. That
   * all is well again is no news here: one execution's end says nothing of the next.
   */
  #executionsEndedBadly({ name, machine }: Workflow): void {
    const period = Duration.minutes(5)
    for (const [ended, metric] of [
      ['Failed', machine.metricFailed({ period, statistic: Stats.SUM })],
      ['TimedOut', machine.metricTimedOut({ period, statistic: Stats.SUM })],
      ['Aborted', machine.metricAborted({ period, statistic: Stats.SUM })],
    ] as const) {
      const alarm = new Alarm(this, `${name}-${ended}`, {
        alarmDescription: `Guestlift ${this.#deployment.name}: an execution of ${name} ended badly (${ended}). A notice with its cause should have arrived as well. ${whatToDo('an-execution-ended-badly')}`,
        metric,
        threshold: 0,
        comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluationPeriods: 1,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      })
      alarm.addAlarmAction(new SnsAction(this.#topic))
    }
  }
}
