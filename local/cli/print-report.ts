import { styleText } from 'node:util'
import type { RunReport } from '../../functions/contracts/report.ts'
import { gradeText } from '../../functions/domain/grade.ts'
import { isStored } from '../../functions/domain/tally.ts'
import { formatBytes } from '../../functions/domain/byte-size.ts'
import { againFolder } from './again-option.ts'
import { receiptLines } from './print-prices.ts'
import { formatSeconds } from './units.ts'

/** The report as a person reads it: a line a guest, where its archive lies, what to do about the others, and the price. */
export function reportLines(
  report: Pick<RunReport, 'outcome' | 'summary' | 'notes' | 'guests' | 'receipt'> & Partial<RunReport>,
  bucket: string,
): string[] {
  const lines = report.notes.map((note) => styleText('dim', `note: ${note}`))
  for (const guest of report.guests) {
    const who = `${guest.id} ${guest.name}`.trim()
    if (isStored(guest)) {
      const good = guest.outcome === 'succeeded'
      const [mark, what] = good
        ? [styleText('green', '✓'), 'archived']
        : [styleText('red', '✗'), `failed (${guest.verdict}), archived all the same`]
      const grade = guest.grade === undefined ? '' : `, ${gradeText(guest.grade)}`
      lines.push(
        `${mark} ${who}: ${what} in ${formatSeconds(guest.seconds)}, ${formatBytes(guest.bytesSent)} sent${grade}`,
      )
      for (const { key, sizeBytes, checksum } of guest.artifacts) {
        lines.push(`    s3://${bucket}/${key}  ${formatBytes(sizeBytes)}  ${checksum}`)
      }
      if (guest.reason !== '') lines.push(`    ${guest.reason}`)
    } else {
      const mark = guest.outcome === 'skipped' ? styleText('yellow', '–') : styleText('red', '✗')
      lines.push(`${mark} ${who}: ${guest.outcome} (${guest.verdict})`, `    ${guest.reason}`)
    }
  }
  if (report.receipt !== undefined) lines.push(...receiptLines(report.receipt))
  lines.push(report.summary)
  const { runId, startedAt } = report
  if (report.outcome !== 'succeeded' && runId !== undefined && startedAt !== undefined) {
    lines.push(
      `Once the cause is gone, archive exactly the others: the same command with --again ${againFolder({ runId, startedAt })} in place of the job.`,
    )
  }
  return lines
}
