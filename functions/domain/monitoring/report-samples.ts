/** What the last reports say, as figures. What no report says has no figure: a 0 would be a claim. Pure. */
import type { CoverageReport } from '../../contracts/coverage.ts'
import type { DrillReport } from '../../contracts/drill.ts'
import type { PruningReport } from '../../contracts/pruning.ts'
import { type RunReport, runOutcomeSchema } from '../../contracts/report.ts'
import type { VerificationReport } from '../../contracts/verification-report.ts'
import { uncoveredCount } from '../coverage/coverage-metrics.ts'
import type { BucketMetric, Sample } from './prometheus.ts'

const seconds = (instant: string): number => Date.parse(instant) / 1000
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

function of(labels: Readonly<Record<string, string>>) {
  return (name: BucketMetric, value: number, more: Readonly<Record<string, string>> = {}): Sample => ({
    name,
    labels: { ...labels, ...more },
    value,
  })
}

/** @param success the last run that archived all of its guests */
export function runSamples(site: string, last: RunReport, success: RunReport | undefined): Sample[] {
  const sample = of({ site })
  const { guests, startedAt, endedAt, outcome } = last
  return [
    sample('guestlift_run_last_start_timestamp_seconds', seconds(startedAt)),
    sample('guestlift_run_last_end_timestamp_seconds', seconds(endedAt)),
    sample('guestlift_run_last_duration_seconds', Math.max(0, seconds(endedAt) - seconds(startedAt))),
    ...runOutcomeSchema.options.map((one) =>
      sample('guestlift_run_last_outcome', one === outcome ? 1 : 0, { outcome: one }),
    ),
    ...(['succeeded', 'failed', 'skipped'] as const).map((one) =>
      sample('guestlift_run_last_guests', guests.filter((guest) => guest.outcome === one).length, { outcome: one }),
    ),
    sample(
      'guestlift_run_last_archived_bytes',
      sum(guests.flatMap(({ artifacts }) => artifacts.map(({ sizeBytes }) => sizeBytes))),
    ),
    sample('guestlift_run_last_sent_bytes', sum(guests.map(({ bytesSent }) => bytesSent))),
    ...(success === undefined
      ? []
      : [sample('guestlift_run_last_success_timestamp_seconds', seconds(success.endedAt))]),
  ]
}

export function coverageSamples({ site, judgedAt, counts, guests }: CoverageReport): Sample[] {
  const sample = of({ site })
  return [
    sample('guestlift_coverage_last_timestamp_seconds', seconds(judgedAt)),
    ...Object.entries(counts).map(([state, count]) => sample('guestlift_coverage_guests', count, { state })),
    sample('guestlift_coverage_uncovered_guests', uncoveredCount(counts)),
    ...guests.flatMap(({ guest, name, sizeBytes, newestAt, lastVerifiedAt, rehearsal }) => {
      const who = { kind: guest.kind, id: guest.id, name }
      const passedAt = rehearsal?.lastPassed?.at
      return [
        sample('guestlift_guest_archived_bytes', sizeBytes, who),
        ...(newestAt === undefined
          ? []
          : [sample('guestlift_guest_newest_archive_timestamp_seconds', seconds(newestAt), who)]),
        ...(lastVerifiedAt === undefined
          ? []
          : [sample('guestlift_guest_last_verified_timestamp_seconds', seconds(lastVerifiedAt), who)]),
        ...(passedAt === undefined
          ? []
          : [sample('guestlift_guest_last_rehearsed_timestamp_seconds', seconds(passedAt), who)]),
      ]
    }),
  ]
}

/** Of one site: a verification may read those of several. */
export function verificationSamples(site: string, { endedAt, archives, unread }: VerificationReport): Sample[] {
  const sample = of({ site })
  const its = archives.filter((archive) => archive.site === site)
  const unverified = [
    ...its.filter(({ result }) => result === 'not-verified'),
    ...unread.filter((one) => one.site === site),
  ]
  return [
    sample('guestlift_verification_last_end_timestamp_seconds', seconds(endedAt)),
    ...(['accepted', 'refused', 'not-verified'] as const).map((result) =>
      sample('guestlift_verification_last_archives', its.filter((one) => one.result === result).length, { result }),
    ),
    sample('guestlift_verification_last_overdue_archives', unverified.filter(({ overdue }) => overdue).length),
  ]
}

export function drillSamples({ site, endedAt, rehearsals }: DrillReport): Sample[] {
  const sample = of({ site })
  const count = (passed: boolean) => rehearsals.filter((one) => one.passed === passed).length
  return [
    sample('guestlift_drill_last_end_timestamp_seconds', seconds(endedAt)),
    sample('guestlift_drill_last_rehearsals', count(true), { outcome: 'passed' }),
    sample('guestlift_drill_last_rehearsals', count(false), { outcome: 'failed' }),
  ]
}

export function pruningSamples({ site, endedAt, removed, removedBytes, troubled }: PruningReport): Sample[] {
  const sample = of({ site })
  return [
    sample('guestlift_pruning_last_end_timestamp_seconds', seconds(endedAt)),
    sample('guestlift_pruning_last_removed_archives', removed),
    sample('guestlift_pruning_last_removed_bytes', removedBytes),
    sample('guestlift_pruning_last_troubled_guests', troubled),
  ]
}
