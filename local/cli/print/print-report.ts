import { styleText } from 'node:util'
import type { GuestOutcome, RunReport } from '../../../functions/contracts/report.ts'
import { gradeText } from '../../../functions/domain/backup/grade.ts'
import { isStored } from '../../../functions/domain/backup/tally.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { byCause, someOf, type Struck } from '../../../functions/domain/words/same-cause.ts'
import { runPrefix } from '../../../functions/domain/books/object-keys.ts'
import { configurationLines } from './print-configuration.ts'
import { receiptLines } from './print-prices.ts'
import { formatSeconds } from './units.ts'

const whoOf = ({ id, name }: GuestOutcome): string => `${id} ${name}`.trim()

function struckOf({ id, name, outcome, verdict, reason }: GuestOutcome): Struck {
  return { cause: `${outcome} ${verdict}: ${reason}`, own: [id, name, 'vm', 'container', 'qemu', 'lxc'] }
}

/** Guests that one cause kept from being archived: with the cause as the first of them tells it. */
function unarchivedLines(guests: readonly GuestOutcome[], logOf: ReportWords['logOf']): string[] {
  const [first] = guests
  if (first === undefined) return []
  const mark = first.outcome === 'skipped' ? styleText('yellow', '–') : styleText('red', '✗')
  const who = guests.length === 1 ? whoOf(first) : `${guests.length} guests (${someOf(guests.map(whoOf))})`
  const log = first.outcome === 'skipped' || logOf === undefined ? [] : [`    Log: ${logOf(first.id)}`]
  return [`${mark} ${who}: ${first.outcome} (${first.verdict})`, `    ${first.reason}`, ...log]
}

export interface ReportWords {
  price?: 'none' | 'short' | 'in full'
  /** Where functions of a run on this machine logged what they did for a guest. */
  logOf?: (id: string) => string
}

/** The report as a person reads it: a line a guest, where its archive lies, what to do about the others, and the price. */
export function reportLines(
  report: Pick<RunReport, 'outcome' | 'summary' | 'notes' | 'guests' | 'receipt'> & Partial<RunReport>,
  bucket: string,
  { price = 'short', logOf }: ReportWords = {},
): string[] {
  const lines = report.notes.map((note) => styleText('dim', `note: ${note}`))
  if (report.siteConfiguration !== undefined) lines.push(...configurationLines(report.siteConfiguration, bucket))
  for (const guest of report.guests) {
    if (!isStored(guest)) continue
    const [mark, what] =
      guest.outcome === 'succeeded'
        ? [styleText('green', '✓'), 'archived']
        : [styleText('red', '✗'), `failed (${guest.verdict}), archived all the same`]
    const grade = guest.grade === undefined ? '' : `, ${gradeText(guest.grade)}`
    lines.push(
      `${mark} ${whoOf(guest)}: ${what} in ${formatSeconds(guest.seconds)}, ${formatBytes(guest.bytesSent)} sent${grade}`,
    )
    for (const { key, sizeBytes, checksum } of guest.artifacts) {
      lines.push(`    s3://${bucket}/${key}  ${formatBytes(sizeBytes)}  ${checksum}`)
    }
    if (guest.reason !== '') lines.push(`    ${guest.reason}`)
  }
  const others = report.guests.filter((guest) => !isStored(guest))
  for (const group of byCause(others, struckOf)) lines.push(...unarchivedLines(group, logOf))
  if (report.receipt !== undefined && price !== 'none') lines.push(...receiptLines(report.receipt, price === 'in full'))
  lines.push(report.summary)
  const { runId, startedAt } = report
  if (report.outcome !== 'succeeded' && runId !== undefined && startedAt !== undefined) {
    lines.push(
      `Once the cause is gone, archive exactly the others: the same command with --again ${runPrefix('', runId, startedAt)} in place of the job.`,
    )
  }
  return lines
}
