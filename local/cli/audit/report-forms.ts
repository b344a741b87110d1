/** The report as text of a form, in pieces: a quarter of hundreds of guests is never one string in memory. */
import { createHash } from 'node:crypto'
import type { AuditReport } from '../../../functions/contracts/audit.ts'
import { auditCsv } from '../../../functions/domain/audit/audit-csv.ts'
import { auditPage } from '../../../functions/report-page/audit-page.ts'

export const reportForms = ['json', 'csv', 'html'] as const
export type ReportForm = (typeof reportForms)[number]

export function reportPieces(report: AuditReport, form: ReportForm): Iterable<string> {
  if (form === 'csv') return auditCsv(report)
  if (form === 'html') return auditPage(report, (text) => createHash('sha256').update(text).digest('base64'))
  return jsonPieces(report)
}

/** One line of JSON. */
function* jsonPieces({ guests, ...rest }: AuditReport): Generator<string, void, void> {
  yield `${JSON.stringify(rest).slice(0, -1)},"guests":[`
  for (const [index, guest] of guests.entries()) yield `${index === 0 ? '' : ','}${JSON.stringify(guest)}`
  yield ']}\n'
}
