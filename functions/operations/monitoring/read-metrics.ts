import type { RunReport } from '../../contracts/report.ts'
import type { Shape } from '../../domain/books/stored-record.ts'
import { dayPath, lastCoverageKey, reportKey } from '../../domain/books/object-keys.ts'
import { type Sample, prometheusText } from '../../domain/monitoring/prometheus.ts'
import {
  coverageSamples,
  drillSamples,
  pruningSamples,
  runSamples,
  verificationSamples,
} from '../../domain/monitoring/report-samples.ts'
import { coverageReportShape, drillReportShape, pruningReportShape, verificationReportShape } from '../books/shapes.ts'
import { readRecord, unlessUnreadable } from '../books/stored-json.ts'
import { knownSites } from '../catalogue/known-sites.ts'
import type { Ports } from '../ports.ts'
import { latestRuns } from '../run/latest-runs.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'toolVersion'>

const DAY_MILLISECONDS = 86_400_000

export interface ReadMetrics {
  text: string
  /** Keys of records that can't be read. */
  unreadable: string[]
}

/**
 * The figures of a bucket, by the last reports of the last days. What can't be read has no figure and is counted.
 * @throws StoreUnavailable, StoreDenied: then there are no figures at all
 */
export async function readMetrics(days: number, ports: Needs): Promise<ReadMetrics> {
  const { store, keyPrefix, now, toolVersion } = ports
  const sites = await knownSites(ports)
  const unreadable: string[] = []
  const read = async <Value>(key: string, shape: Shape<Value>): Promise<Value | undefined> => {
    const found = await unlessUnreadable(readRecord(store, key, shape))
    if (found !== 'unreadable') return found
    unreadable.push(key)
    return undefined
  }
  const runs = await lastRuns(days, unreadable, ports)
  const samples: Sample[] = [...runs]
  for (const site of sites) {
    const coverage = await read(lastCoverageKey(keyPrefix, site), coverageReportShape)
    if (coverage?.site === site) samples.push(...coverageSamples(coverage))
    const verified = await lastOf('verifications', days, verificationReportShape, read, ports, ({ archives, unread }) =>
      [...archives, ...unread].some((one) => one.site === site),
    )
    if (verified !== undefined) samples.push(...verificationSamples(site, verified))
    const drilled = await lastOf('drills', days, drillReportShape, read, ports, (report) => report.site === site)
    if (drilled !== undefined) samples.push(...drillSamples(drilled))
    const isPruned = (report: { site: string; dryRun: boolean }) => report.site === site && !report.dryRun
    const pruned = await lastOf('prunings', days, pruningReportShape, read, ports, isPruned)
    if (pruned !== undefined) samples.push(...pruningSamples(pruned))
  }
  const keys = [...new Set(unreadable)]
  const version = toolVersion.replace('guestlift/', '')
  samples.push(
    { name: 'guestlift_build_info', labels: { version }, value: 1 },
    { name: 'guestlift_metrics_made_timestamp_seconds', labels: {}, value: now().getTime() / 1000 },
    { name: 'guestlift_unreadable_records', labels: {}, value: keys.length },
  )
  return { text: prometheusText(samples), unreadable: keys }
}

async function lastRuns(days: number, unreadable: string[], ports: Needs): Promise<Sample[]> {
  const last = new Map<string, RunReport>()
  const success = new Map<string, RunReport>()
  let without = 0
  for await (const { folder, report } of latestRuns(days, ports)) {
    if (report === undefined) without += 1
    else if (report === 'unreadable') unreadable.push(reportKey(folder))
    else if (report.site !== undefined) {
      if (!last.has(report.site)) last.set(report.site, report)
      if (report.outcome === 'succeeded' && !success.has(report.site)) success.set(report.site, report)
    }
  }
  return [
    { name: 'guestlift_run_without_report', labels: {}, value: without },
    ...[...last].flatMap(([site, report]) => runSamples(site, report, success.get(site))),
  ]
}

/** The report that ended last among those of a kind that fit. */
async function lastOf<Value extends { endedAt: string }>(
  folder: string,
  days: number,
  shape: Shape<Value>,
  read: (key: string, shape: Shape<Value>) => Promise<Value | undefined>,
  { store, keyPrefix, now }: Needs,
  fits: (report: Value) => boolean,
): Promise<Value | undefined> {
  const today = Math.floor(now().getTime() / DAY_MILLISECONDS)
  for (let day = today; day >= today - days; day -= 1) {
    const date = dayPath(new Date(day * DAY_MILLISECONDS).toISOString())
    const found: Value[] = []
    for (const prefix of await store.listFolders(`${keyPrefix}${folder}/${date}`)) {
      if (prefix.endsWith('/verdicts/')) continue
      const report = await read(reportKey(prefix), shape)
      if (report !== undefined && fits(report)) found.push(report)
    }
    const last = found.toSorted((one, other) => Date.parse(one.endedAt) - Date.parse(other.endedAt)).at(-1)
    if (last !== undefined) return last
  }
  return undefined
}
