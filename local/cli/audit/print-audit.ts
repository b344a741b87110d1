import { styleText } from 'node:util'
import type { AuditFinding, AuditGuest, AuditReport } from '../../../functions/contracts/audit.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { fittedColumns, plain, withoutEmpty } from '../print/columns.ts'
import { ownTime } from '../print/own-time.ts'
import { terminalWidth } from '../print/terminal.ts'

/** A terminal shows so many findings; the files have all. */
const SHOWN_FINDINGS = 20

/** A line for each guest, what to look at first, and what all come to. */
export function auditLines({ guests, findings, furtherFindings, summary, from, to }: AuditReport): string[] {
  const rows = withoutEmpty([HEAD, ...guests.map(row)])
  const shown = findings.slice(0, SHOWN_FINDINGS)
  const left = findings.length - shown.length + furtherFindings
  return [
    `Evidence from ${ownTime(from)} to ${ownTime(to)}`,
    ...(guests.length === 0 ? [] : tableOf(rows)),
    ...shown.map(findingLine),
    ...(left > 0 ? [`… and ${left} more findings: --json has them.`] : []),
    plain(summary),
  ]
}

/** In a narrow terminal these go first, in this order: what is bad stays. */
const SPARE = ['size', 'skipped', 'pruned', 'rehearsed', 'verified']

function tableOf(rows: readonly (readonly string[])[]): string[] {
  const head = rows[0] ?? []
  const spare = SPARE.map((name) => head.indexOf(name)).filter((index) => index !== -1)
  return fittedColumns(rows, head.indexOf('name'), terminalWidth(), spare)
}

const HEAD = [
  'guest',
  'name',
  'archived',
  'size',
  'verified',
  'refused',
  'rehearsed',
  'failed',
  'skipped',
  'pruned',
  'gaps',
]

function row({ site, kind, id, name, former, counts }: AuditGuest): string[] {
  const { archived, archivedBytes, verified, refused, rehearsalsPassed, rehearsalsFailed } = counts
  const some = (count: number) => (count === 0 ? '' : String(count))
  const bad = (count: number, text = some(count)) => (count === 0 ? text : styleText('red', text))
  const rehearsed = rehearsalsFailed > 0 ? `${rehearsalsPassed}, ${rehearsalsFailed} failed` : some(rehearsalsPassed)
  return [
    `${site}/${kind}-${id}`,
    plain(former === true ? `${name} (former)` : name),
    String(archived),
    archived === 0 ? '' : formatBytes(archivedBytes),
    some(verified),
    bad(refused),
    bad(rehearsalsFailed, rehearsed),
    bad(counts.failed),
    some(counts.skipped),
    some(counts.pruned),
    bad(counts.gaps),
  ]
}

function findingLine({ weight, message, key }: AuditFinding): string {
  const line = `${weight}: ${plain(message)}${key === undefined ? '' : ` (${plain(key)})`}`
  return weight === 'unproved' ? styleText('red', line) : line
}
