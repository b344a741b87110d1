import type { CoverageReport } from '../../contracts/coverage.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { coverageMetrics, uncoveredCount } from '../../domain/coverage/coverage-metrics.ts'
import { coverageReportKey, lastCoverageKey } from '../../domain/books/object-keys.ts'
import { coverageReportShape } from '../books/shapes.ts'
import { writeRecord } from '../books/stored-json.ts'
import { type Coverage, judgeCoverage } from './judge-coverage.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider' | 'now' | 'log' | 'deployment'>

const HOUR_MILLISECONDS = 3_600_000
const DAY_MILLISECONDS = 24 * HOUR_MILLISECONDS

/**
 * Judge how a site's guests are covered, tell CloudWatch, and keep the report. Asked again after a lost answer, it judges
 * anew: that changes nothing but the time of the judgement.
 * @throws the errors of a site that can't be asked, and the store's
 */
export async function reportCoverage(
  { coverageId, startedAt, site, rules, schedules }: TaskInput<'JudgeCoverage'>,
  ports: Needs,
): Promise<TaskOutput<'JudgeCoverage'>> {
  const { everyHours, graceHours, wholeSite, rehearsedDays, ...others } = rules
  const limits = {
    ...others,
    everyMilliseconds: everyHours * HOUR_MILLISECONDS,
    graceMilliseconds: graceHours * HOUR_MILLISECONDS,
    ...(rehearsedDays === undefined ? {} : { rehearsedMilliseconds: rehearsedDays * DAY_MILLISECONDS }),
  }
  const provider = await ports.provider(site)
  const coverage = await judgeCoverage(site, limits, { ...ports, provider, schedules, record: true })
  const { judgedAt, counts, guests, unknown, doubted } = coverage
  const uncovered = uncoveredCount(counts)
  const certain = !doubted && (unknown.length === 0 || !wholeSite)
  const report: CoverageReport = {
    version: 1,
    coverageId,
    site,
    outcome: uncovered > 0 ? 'failed' : certain ? 'succeeded' : 'partial',
    summary: summaryOf(site, coverage, uncovered),
    startedAt,
    judgedAt,
    rules,
    schedules: schedules.map(({ name, everyHours }) => ({ name, ...(everyHours === undefined ? {} : { everyHours }) })),
    counts,
    guests: guests.map((guest) => ({ ...guest })),
    unknown,
  }
  const reportKey = coverageReportKey(ports.keyPrefix, coverageId, startedAt)
  for (const key of [reportKey, lastCoverageKey(ports.keyPrefix, site)]) {
    await writeRecord(ports.store, key, coverageReportShape, report)
  }
  ports.log('coverage-metrics', coverageMetrics(ports.deployment, report))
  const summary = [report.summary, ...unknown].join(' ')
  return { outcome: report.outcome, summary, uncovered, certain, bucket: ports.store.bucket, reportKey }
}

function summaryOf(site: string, { counts, guests }: Coverage, uncovered: number): string {
  const each = Object.entries(counts).flatMap(([state, count]) => (count === 0 ? [] : [`${count} ${state}`]))
  const verdict = uncovered === 0 ? 'no guest is uncovered' : `${uncovered} of ${guests.length} guests not covered`
  return `Site ${site}: ${verdict} (${each.length === 0 ? 'no guest at all' : each.join(', ')}).`
}
