/** What a run tells CloudWatch, as a log line that CloudWatch itself turns into metrics: no call, no permission. */
import type { RunReport } from '../contracts/report.ts'

/** Where the metrics are found, and what the alarms in `lib` are about. */
export const METRICS_NAMESPACE = 'Guestlift'

const units = {
  GuestsArchived: 'Count',
  GuestsFailed: 'Count',
  GuestsSkipped: 'Count',
  ArchivedBytes: 'Bytes',
  SentBytes: 'Bytes',
  RunSeconds: 'Seconds',
} as const
export type RunMetric = keyof typeof units

/**
 * A run's figures in CloudWatch's embedded metric format, by site; `undefined` for a run that never learnt its site.
 * The format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function runMetrics(report: RunReport): Record<string, unknown> | undefined {
  const { site, guests, startedAt, endedAt } = report
  if (site === undefined) return undefined
  const archived = guests.filter(({ outcome }) => outcome === 'succeeded')
  const values: Record<RunMetric, number> = {
    GuestsArchived: archived.length,
    GuestsFailed: guests.filter(({ outcome }) => outcome === 'failed').length,
    GuestsSkipped: guests.filter(({ outcome }) => outcome === 'skipped').length,
    ArchivedBytes: sum(archived.flatMap(({ artifacts }) => artifacts.map(({ sizeBytes }) => sizeBytes))),
    SentBytes: sum(guests.map(({ bytesSent }) => bytesSent)),
    RunSeconds: Math.max(0, (Date.parse(endedAt) - Date.parse(startedAt)) / 1000),
  }
  return {
    _aws: {
      Timestamp: Date.parse(endedAt),
      CloudWatchMetrics: [
        {
          Namespace: METRICS_NAMESPACE,
          Dimensions: [['Site']],
          Metrics: Object.entries(units).map(([Name, Unit]) => ({ Name, Unit })),
        },
      ],
    },
    Site: site,
    ...values,
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
