/**
 * Figures in the text format of Prometheus, as its textfile collector takes them: no timestamps, each name once.
 * https://prometheus.io/docs/instrumenting/exposition_formats/ Pure.
 */

/** Every figure there is. The names are part of the product: dashboards and alarms rely on them. */
export const bucketMetrics = {
  guestlift_build_info: 'The version that made these figures, as a label.',
  guestlift_metrics_made_timestamp_seconds: 'When these figures were made.',
  guestlift_unreadable_records: "Records that can't be read: what they say is missing here.",
  guestlift_run_without_report: 'Runs of the last days without a report: under way, or dead.',
  guestlift_run_last_start_timestamp_seconds: 'When the last run with a report began.',
  guestlift_run_last_end_timestamp_seconds: 'When the last run with a report ended.',
  guestlift_run_last_duration_seconds: 'How long the last run took.',
  guestlift_run_last_outcome: '1 for the outcome of the last run, 0 for the others.',
  guestlift_run_last_guests: 'Guests of the last run by what became of them.',
  guestlift_run_last_archived_bytes: 'Bytes of the archives that the last run stored.',
  guestlift_run_last_sent_bytes: 'Bytes that the last run sent.',
  guestlift_run_last_success_timestamp_seconds:
    'When the last run ended that archived every guest. Absent where none did in the last days.',
  guestlift_coverage_last_timestamp_seconds: 'When the coverage of the site was last checked.',
  guestlift_coverage_guests: 'Guests by state, as the last check of coverage saw them.',
  guestlift_coverage_uncovered_guests: 'Guests that no archive covers, as the last check saw them.',
  guestlift_guest_newest_archive_timestamp_seconds: 'Time of the newest whole archive of a guest.',
  guestlift_guest_archived_bytes: 'Bytes of all archives of a guest.',
  guestlift_guest_last_verified_timestamp_seconds:
    'When the newest archive of a guest was last read back whole, and accepted.',
  guestlift_guest_last_rehearsed_timestamp_seconds: 'When a rehearsed restore of a guest last passed.',
  guestlift_verification_last_end_timestamp_seconds: 'When the last verification with archives of the site ended.',
  guestlift_verification_last_archives: 'Archives of the last verification by result.',
  guestlift_verification_last_overdue_archives: 'Archives that are overdue and were not read.',
  guestlift_drill_last_end_timestamp_seconds: 'When the last drill ended.',
  guestlift_drill_last_rehearsals: 'Rehearsals of the last drill by what became of them.',
  guestlift_pruning_last_end_timestamp_seconds: 'When the last pruning of the whole site ended.',
  guestlift_pruning_last_removed_archives: 'Archives that the last pruning removed.',
  guestlift_pruning_last_removed_bytes: 'Bytes that the last pruning removed.',
  guestlift_pruning_last_troubled_guests: 'Guests of the last pruning that a person has to look at.',
} as const
export type BucketMetric = keyof typeof bucketMetrics

export interface Sample {
  name: BucketMetric
  labels: Readonly<Record<string, string>>
  value: number
}

/** All samples, by name; what has no sample isn't named. Ends with a line feed, which the format asks for. */
export function prometheusText(samples: readonly Sample[]): string {
  const names = Object.keys(bucketMetrics) as BucketMetric[]
  return names
    .flatMap((name) => {
      const its = samples.filter((sample) => sample.name === name)
      if (its.length === 0) return []
      return [`# HELP ${name} ${helpText(bucketMetrics[name])}`, `# TYPE ${name} gauge`, ...its.map(line)]
    })
    .map((text) => `${text}\n`)
    .join('')
}

function line({ name, labels, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${labelText(text)}"`)
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`
}

const helpText = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
const labelText = (text: string): string => helpText(text).replaceAll('"', String.raw`\"`)
