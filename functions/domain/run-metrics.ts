/** What a run tells CloudWatch. */
import type { RunReport } from '../contracts/report.ts'
import { siteMetrics } from './site-metrics.ts'

const units = {
  GuestsArchived: 'Count',
  GuestsFailed: 'Count',
  GuestsSkipped: 'Count',
  ArchivedBytes: 'Bytes',
  SentBytes: 'Bytes',
  RunSeconds: 'Seconds',
} as const
export type RunMetric = keyof typeof units

/** A run's figures, by deployment and site; `undefined` for a run that never learnt its site. */
export function runMetrics(deployment: string, report: RunReport): Record<string, unknown> | undefined {
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
  return siteMetrics({ deployment, site }, endedAt, values, (name) => units[name as RunMetric])
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
