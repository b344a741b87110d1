import { styleText } from 'node:util'
import type { SweepReport } from '../../../functions/contracts/sweep.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { formatDollars } from '../../../functions/domain/prices/prices.ts'

const marks = { kept: styleText('dim', '–'), dropped: styleText('green', '✓'), failed: styleText('red', '✗') } as const

/**
 * The report as a person reads it: two lines an upload, then what it comes to.
 * @param priced false: of another store than AWS, whose prices say nothing
 */
export function sweepLines(
  report: Pick<SweepReport, 'uploads' | 'summary'> & Partial<SweepReport>,
  priced = true,
): string[] {
  const dry = report.dryRun === true
  const lines = report.uploads.flatMap(({ key, outcome, sizeBytes, partCount, costDollars, reason }) => [
    `${marks[outcome]} ${dry && outcome === 'dropped' ? 'would be dropped' : outcome}: ${key}`,
    `    ${formatBytes(sizeBytes)} in ${partCount} part${partCount === 1 ? '' : 's'}${priced ? `, ${formatDollars(costDollars)} so far` : ''}. ${reason}`,
  ])
  for (const { folder, state, sizeBytes, dollarsPerMonth, reason } of report.unfinished ?? []) {
    lines.push(
      `${marks.kept} without a manifest (${state}): ${folder}`,
      `    ${formatBytes(sizeBytes)}${priced ? `, ${formatDollars(dollarsPerMonth)} a month` : ''}. ${reason}`,
    )
  }
  const foreign = report.foreignUploads ?? 0
  if (foreign > 0)
    lines.push(styleText('dim', `note: ${foreign} open below archives/ not made by Guestlift: left alone`))
  if (priced && report.price !== undefined && report.uploads.length > 0) {
    const { dollarsPerGiBMonth, source } = report.price
    lines.push(styleText('dim', `note: priced at $${dollarsPerGiBMonth} per GiB-month: ${source}`))
  }
  return [...lines, report.summary]
}
