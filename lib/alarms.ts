import { Duration } from 'aws-cdk-lib'
import { Alarm, ComparisonOperator, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import type { Topic } from 'aws-cdk-lib/aws-sns'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { UNCOVERED_METRIC } from '../functions/domain/coverage-metrics.ts'
import { type RunMetric, RUNS_SUCCEEDED_METRIC } from '../functions/domain/run-metrics.ts'
import { deploymentDimensions, metricDimensions, METRICS_NAMESPACE } from '../functions/domain/site-metrics.ts'
import { checkPeriod } from './coverage-checks.ts'
import type { Deployment } from './deployment-config.ts'
import type { Workflow } from './workflow.ts'

interface AlarmsProps {
  deployment: Deployment
  topic: Topic
  /** Every workflow that is told of. */
  workflows: readonly Workflow[]
  /** Where events end that reached nobody, each with what that means. */
  deadLetters: readonly (readonly [Queue, string])[]
}

/** What CloudWatch itself watches: it speaks also where no event arrives and where nothing runs any more. */
export class Alarms extends Construct {
  readonly #topic: Topic
  readonly #deployment: Deployment

  constructor(scope: Construct, id: string, { deployment, topic, workflows, deadLetters }: AlarmsProps) {
    super(scope, id)
    this.#topic = topic
    this.#deployment = deployment
    for (const workflow of workflows) this.#executionsEndedBadly(workflow)
    for (const [queue, meaning] of deadLetters) {
      this.#tell(
        new Alarm(queue, 'NotEmpty', {
          alarmDescription: `Guestlift ${deployment.name}: ${meaning}`,
          metric: queue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(5), statistic: 'Maximum' }),
          threshold: 0,
          comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
          evaluationPeriods: 1,
          treatMissingData: TreatMissingData.NOT_BREACHING,
        }),
      )
    }
    if (deployment.coverage.enabled) for (const site of deployment.sites) this.#guestsUncovered(site)
    const hours = deployment.alarmAfterHoursWithoutSuccess
    if (hours === undefined) return
    this.#tell(
      new Alarm(this, 'NoSuccess', {
        alarmDescription: `Guestlift ${deployment.name}: no run has succeeded for ${hours} hours.`,
        metric: new Metric({
          namespace: METRICS_NAMESPACE,
          metricName: RUNS_SUCCEEDED_METRIC,
          dimensionsMap: deploymentDimensions({ deployment: deployment.name }),
          period: Duration.hours(1),
          statistic: Stats.SUM,
        }),
        threshold: 1,
        comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
        evaluationPeriods: hours,
        treatMissingData: TreatMissingData.BREACHING,
      }),
    )
    // A run over one site that succeeds says nothing of the others; and no figures at all are the worst figures.
    for (const site of deployment.sites) this.#nothingArchived(site, hours)
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
        alarmDescription: `Guestlift ${this.#deployment.name}: an execution of ${name} ended badly (${ended}). A notice with its cause should have come as well; without one, look at the workflow's executions in the Step Functions console.`,
        metric,
        threshold: 0,
        comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluationPeriods: 1,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      })
      alarm.addAlarmAction(new SnsAction(this.#topic))
    }
  }

  /** One period is one check, so the first that finds something alarms; and so does a check that doesn't come. */
  #guestsUncovered(site: string): void {
    const deployment = this.#deployment
    this.#tell(
      new Alarm(this, `GuestsUncovered-${site}`, {
        alarmDescription: `Guestlift ${deployment.name}: guests of site ${site} are not covered by a young, whole archive, or nobody checked. Look: coverage/${site}.json in the archive bucket.`,
        metric: new Metric({
          namespace: METRICS_NAMESPACE,
          metricName: UNCOVERED_METRIC,
          dimensionsMap: metricDimensions({ deployment: deployment.name, site }),
          period: checkPeriod(deployment),
          statistic: Stats.MAXIMUM,
        }),
        threshold: 0,
        comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluationPeriods: 1,
        treatMissingData: TreatMissingData.BREACHING,
      }),
    )
  }

  #nothingArchived(site: string, hours: number): void {
    const metric: RunMetric = 'GuestsArchived'
    this.#tell(
      new Alarm(this, `NothingArchived-${site}`, {
        alarmDescription: `Guestlift ${this.#deployment.name}: no guest of site ${site} was archived for ${hours} hours.`,
        metric: new Metric({
          namespace: METRICS_NAMESPACE,
          metricName: metric,
          dimensionsMap: metricDimensions({ deployment: this.#deployment.name, site }),
          period: Duration.hours(1),
          statistic: Stats.SUM,
        }),
        threshold: 1,
        comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
        evaluationPeriods: hours,
        treatMissingData: TreatMissingData.BREACHING,
      }),
    )
  }

  #tell(alarm: Alarm): void {
    alarm.addAlarmAction(new SnsAction(this.#topic))
    alarm.addOkAction(new SnsAction(this.#topic))
  }
}
