import { Duration } from 'aws-cdk-lib'
import {
  Alarm,
  ComparisonOperator,
  type DimensionsMap,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { Construct } from 'constructs'
import { UNCOVERED_METRIC } from '../functions/domain/coverage/coverage-metrics.ts'
import type { RunMetric } from '../functions/domain/metrics/run-metrics.ts'
import { metricDimensions, METRICS_NAMESPACE } from '../functions/domain/metrics/site-metrics.ts'
import { checkPeriod } from './coverage-checks.ts'
import type { Deployment } from './deployment-config.ts'
import { whatToDo } from './runbook.ts'

interface SiteAlarmsProps {
  deployment: Deployment
  sites: readonly string[]
  topic: ITopic
}

/** What is watched of each site. A run over one that succeeds says nothing of the others. */
export function siteAlarms(scope: Construct, { deployment, sites, topic }: SiteAlarmsProps): void {
  const hours = deployment.alarmAfterHoursWithoutSuccess
  for (const site of sites) {
    if (deployment.coverage.enabled) tell(topic, guestsUncovered(scope, site, deployment))
    if (hours !== undefined) tell(topic, nothingArchived(scope, site, deployment, hours))
  }
}

/** Of the alarm, and that all is well again. */
export function tell(topic: ITopic, alarm: Alarm): void {
  alarm.addAlarmAction(new SnsAction(topic))
  alarm.addOkAction(new SnsAction(topic))
}

/** One period is one check, so the first that finds something alarms; and so does a check that doesn't come. */
function guestsUncovered(scope: Construct, site: string, deployment: Deployment): Alarm {
  return new Alarm(scope, `GuestsUncovered-${site}`, {
    alarmDescription: `Guestlift ${deployment.name}: guests of site ${site} have no recent, whole archive, or nobody checked. The last check is coverage/${site}.json in the archive bucket. ${whatToDo('guestsuncovered')}`,
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
  })
}

function nothingArchived(scope: Construct, site: string, { name }: Deployment, hours: number): Alarm {
  const metricName: RunMetric = 'GuestsArchived'
  return noneCounted(scope, `NothingArchived-${site}`, hours, {
    alarmDescription: `Guestlift ${name}: no guest of site ${site} was archived for ${hours} hours. ${whatToDo('nothingarchived')}`,
    metricName,
    dimensionsMap: metricDimensions({ deployment: name, site }),
  })
}

/** What should be counted now and then was not for so many hours. No figures at all are the worst figures. */
export function noneCounted(
  scope: Construct,
  id: string,
  hours: number,
  { alarmDescription, ...metric }: { alarmDescription: string; metricName: string; dimensionsMap: DimensionsMap },
): Alarm {
  return new Alarm(scope, id, {
    alarmDescription,
    metric: new Metric({
      namespace: METRICS_NAMESPACE,
      ...metric,
      period: Duration.hours(1),
      statistic: Stats.SUM,
    }),
    threshold: 1,
    comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
    evaluationPeriods: hours,
    treatMissingData: TreatMissingData.BREACHING,
  })
}
