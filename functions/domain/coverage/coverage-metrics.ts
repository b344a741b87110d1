/** What a check of a site's coverage tells CloudWatch, in a log line as a run's figures are. */
import type { CoverageReport } from '../../contracts/coverage.ts'
import { uncoveredStates } from './coverage.ts'
import { siteMetrics } from '../metrics/site-metrics.ts'

/** Guests that no archive covers: the sum over `uncoveredStates`, and what the alarm is about. */
export const UNCOVERED_METRIC = 'GuestsUncovered'

const HOUR_MILLISECONDS = 3_600_000

/** A site's figures: a count for each state, whatever states there are. */
export function coverageMetrics(
  deployment: string,
  report: Pick<CoverageReport, 'site' | 'judgedAt' | 'counts' | 'guests'>,
): Record<string, unknown> {
  const { site, judgedAt, counts, guests } = report
  const expected = guests.filter(({ state }) => state !== 'gone' && state !== 'absent' && state !== 'parked')
  const oldest = expected.flatMap(({ newestAt }) => newestAt ?? []).toSorted()[0]
  const values: Record<string, number> = {
    ...Object.fromEntries(Object.entries(counts).map(([state, count]) => [metricOf(state), count])),
    [UNCOVERED_METRIC]: uncoveredCount(counts),
    GuestsUnscheduled: expected.filter(({ chosenBy }) => chosenBy?.length === 0).length,
    ...(oldest === undefined
      ? {}
      : { OldestNewestArchiveHours: Math.max(0, Date.parse(judgedAt) - Date.parse(oldest)) / HOUR_MILLISECONDS }),
  }
  // No hours in CloudWatch's units.
  return siteMetrics({ deployment, site }, judgedAt, values, (name) => (name.endsWith('Hours') ? 'None' : 'Count'))
}

export function uncoveredCount(counts: Readonly<Record<string, number>>): number {
  return uncoveredStates.reduce((sum, state) => sum + (counts[state] ?? 0), 0)
}

/** `stale` → `GuestsStale`. */
function metricOf(state: string): string {
  if (state === 'never') return 'GuestsNeverArchived'
  return `Guests${state.charAt(0).toUpperCase()}${state.slice(1)}`
}
