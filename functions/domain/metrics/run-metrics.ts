/** What a run tells CloudWatch. */
import type { RunReport } from '../../contracts/report.ts'
import { siteMetrics } from './site-metrics.ts'

const units = {
  /** Archives that are what their job requires. */
  GuestsArchived: 'Count',
  /** Those with an archive that is less than required are among them. */
  GuestsFailed: 'Count',
  GuestsSkipped: 'Count',
  /** Of every archive that the run stored, be it less than required: it lies there, and costs what any other does. */
  ArchivedBytes: 'Bytes',
  SentBytes: 'Bytes',
  RunSeconds: 'Seconds',
} as const
export type RunMetric = keyof typeof units

/**
 * 1 for a run that archived all of its guests, else 0, by deployment. Step Functions' own count of executions that
 * succeeded can't stand for it: a schedule's second delivery succeeds with nothing to do, whatever becomes of the first.
 */
export const RUNS_SUCCEEDED_METRIC = 'RunsSucceeded'

/** A run's figures, by deployment and site; `undefined` for a run that never learnt its site. */
export function runMetrics(deployment: string, report: RunReport): Record<string, unknown> | undefined {
  const { site, guests, startedAt, endedAt } = report
  if (site === undefined) return undefined
  const values: Record<RunMetric, number> = {
    GuestsArchived: guests.filter(({ outcome }) => outcome === 'succeeded').length,
    GuestsFailed: guests.filter(({ outcome }) => outcome === 'failed').length,
    GuestsSkipped: guests.filter(({ outcome }) => outcome === 'skipped').length,
    ArchivedBytes: sum(guests.flatMap(({ artifacts }) => artifacts.map(({ sizeBytes }) => sizeBytes))),
    SentBytes: sum(guests.map(({ bytesSent }) => bytesSent)),
    RunSeconds: Math.max(0, (Date.parse(endedAt) - Date.parse(startedAt)) / 1000),
  }
  const unitOf = (name: string) => units[name as RunMetric] ?? 'Count'
  return siteMetrics({ deployment, site }, endedAt, values, unitOf, {
    [RUNS_SUCCEEDED_METRIC]: report.outcome === 'succeeded' ? 1 : 0,
  })
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
