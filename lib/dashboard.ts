import { Duration, Stack } from 'aws-cdk-lib'
import {
  Dashboard,
  GraphWidget,
  type IMetric,
  MathExpression,
  Metric,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch'
import type { Construct } from 'constructs'
import { tasks } from '../functions/contracts/tasks.ts'
import { UNCOVERED_METRIC } from '../functions/domain/coverage/coverage-metrics.ts'
import type { RunMetric } from '../functions/domain/metrics/run-metrics.ts'
import { metricDimensions, METRICS_NAMESPACE } from '../functions/domain/metrics/site-metrics.ts'
import type { VerificationMetric } from '../functions/domain/verification/verification-metrics.ts'
import { consoleUrl } from './console-url.ts'
import { foreignOwner } from './account-config.ts'
import type { Deployment } from './deployment-config.ts'
import type { Workflow } from './workflow.ts'

interface DashboardProps {
  deployment: Deployment
  bucketName: string
  workflows: readonly Workflow[]
}

/** Of what `coverageMetrics` writes, what is shown. */
type CoverageMetric = typeof UNCOVERED_METRIC | 'GuestsCovered' | 'GuestsStale' | 'OldestNewestArchiveHours'
type Shown = RunMetric | VerificationMetric | CoverageMetric

const WIDTH = 12
const period = Duration.days(1)
/** The names of the dimensions, whatever their values. */
const dimensions = Object.keys(metricDimensions({ deployment: '', site: '' })).join(',')

/** What a deployment did and what it owes, out of figures that its functions and AWS write anyway. */
export function dashboard(scope: Construct, { deployment, bucketName, workflows }: DashboardProps): void {
  const { name } = deployment
  /** A search finds each site, however many there are: a list of them would meet the limits of a dashboard. */
  const bySite = (statistic: string, ...names: Shown[]): IMetric[] =>
    names.map(
      (metricName) =>
        new MathExpression({
          expression: `SEARCH('{${METRICS_NAMESPACE},${dimensions}} MetricName="${metricName}" Deployment="${name}"', '${statistic}', ${period.toSeconds()})`,
          label: metricName,
          period,
        }),
    )
  const ofFunctions = (metricName: 'Errors' | 'Duration', statistic: string): IMetric[] =>
    Object.values(tasks).map(
      ({ stem }) =>
        new Metric({
          namespace: 'AWS/Lambda',
          metricName,
          dimensionsMap: { FunctionName: `guestlift-${name}-${stem}` },
          statistic,
          period,
          label: stem,
        }),
    )
  const ofBucket = (metricName: string, StorageType: string): IMetric =>
    new Metric({
      namespace: 'AWS/S3',
      metricName,
      dimensionsMap: { BucketName: bucketName, StorageType },
      statistic: Stats.AVERAGE,
      period,
      label: StorageType,
    })
  const failed = { period, statistic: Stats.SUM }
  const longest = { period, statistic: Stats.MAXIMUM }
  const graph = (title: string, left: IMetric[]) => new GraphWidget({ title, left, width: WIDTH })

  new Dashboard(scope, 'Dashboard', {
    // Names of dashboards are those of the whole account.
    dashboardName: `guestlift-${name}-${Stack.of(scope).region}`,
    defaultInterval: Duration.days(14),
    widgets: [
      [new TextWidget({ width: 2 * WIDTH, height: 2, markdown: heading(scope, deployment, bucketName) })],
      [
        graph(
          'Guests covered, uncovered and stale',
          bySite('Maximum', 'GuestsCovered', UNCOVERED_METRIC, 'GuestsStale'),
        ),
        graph('Oldest newest archive of a guest, in hours', bySite('Maximum', 'OldestNewestArchiveHours')),
      ],
      [
        graph('Guests per day', bySite('Sum', 'GuestsArchived', 'GuestsFailed', 'GuestsSkipped')),
        graph('Bytes per day', bySite('Sum', 'ArchivedBytes', 'SentBytes')),
      ],
      [
        graph('Longest run, in seconds', bySite('Maximum', 'RunSeconds')),
        graph('Archives read back per day, and those overdue', [
          ...bySite('Sum', 'ArchivesVerified', 'ArchivesRefused', 'ArchivesNotVerified'),
          ...bySite('Maximum', 'ArchivesOverdue'),
        ]),
      ],
      [
        graph(
          'Executions that failed',
          workflows.map(({ machine, name: label }) => machine.metricFailed({ ...failed, label })),
        ),
        graph(
          'Longest execution, in milliseconds',
          workflows.map(({ machine, name: label }) => machine.metricTime({ ...longest, label })),
        ),
      ],
      [
        graph('Errors of functions', ofFunctions('Errors', Stats.SUM)),
        graph('Longest call of a function, in milliseconds', ofFunctions('Duration', Stats.MAXIMUM)),
      ],
      // S3 gives these figures to the owner of a bucket alone.
      ...(foreignOwner(deployment) === undefined ? [ofTheBucket()] : []),
    ],
  })

  function ofTheBucket(): GraphWidget[] {
    return [
      graph('Bytes in the bucket, all versions', [
        ofBucket('BucketSizeBytes', 'StandardStorage'),
        ofBucket('BucketSizeBytes', 'GlacierInstantRetrievalStorage'),
        ofBucket('BucketSizeBytes', 'GlacierStorage'),
        ofBucket('BucketSizeBytes', 'DeepArchiveStorage'),
      ]),
      graph('Objects in the bucket, all versions', [ofBucket('NumberOfObjects', 'AllStorageTypes')]),
    ]
  }
}

function heading(scope: Construct, { name, bucket }: Deployment, bucketName: string): string {
  const reports = ['runs', 'coverage', 'verifications', 'restores', 'drills'].map((folder) => {
    const page = consoleUrl(scope, `s3/buckets/${bucketName}`, '').replace(/#$/, '')
    return `[${folder}](${page}&prefix=${bucket.keyPrefix}${folder}/)`
  })
  return `Guestlift ${name}. Reports in the bucket: ${reports.join(' · ')}`
}
