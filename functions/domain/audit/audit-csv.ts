/** The report as a table: one line for each archive, and one for each guest without any. Pure. */
import type { AuditArchive, AuditGuest, AuditReport } from '../../contracts/audit.ts'

const COLUMNS = [
  'site',
  'kind',
  'id',
  'name',
  'identity',
  'former',
  'everyHours',
  'guestGaps',
  'guestFailures',
  'archive',
  'at',
  'made',
  'sizeBytes',
  'checksums',
  'consistency',
  'lacks',
  'readings',
  'lastReadAt',
  'lastReading',
  'rehearsals',
  'lastRehearsedAt',
  'lastRehearsal',
  'prunedAt',
  'prunedReason',
  'lockedUntil',
  'there',
  'secondCopy',
] as const

/** Lines as RFC 4180 has them, the head first, each with its end. */
export function* auditCsv({ guests }: Pick<AuditReport, 'guests'>): Generator<string, void, void> {
  yield line(COLUMNS)
  for (const guest of guests) {
    const its = ofGuest(guest)
    if (guest.archives.length === 0) yield line([...its, ...Array<string>(COLUMNS.length - its.length).fill('')])
    for (const archive of guest.archives) yield line([...its, ...ofArchive(archive)])
  }
}

type Cell = string | number | boolean | undefined

function ofGuest({ site, kind, id, name, identity, former, schedule, gaps, failures }: AuditGuest): Cell[] {
  return [site, kind, id, name, identity?.id, former === true, schedule?.everyHours, gaps.length, failures.length]
}

function ofArchive({ folder, at, made, readings, rehearsals, pruned, lock, there, copy }: AuditArchive): Cell[] {
  const read = readings.at(-1)
  const rehearsed = rehearsals.at(-1)
  const lacks = made?.unmet === true ? 'less than required' : made?.grade?.gaps.join(' ')
  const until = lock === undefined ? undefined : (lock.retainUntil ?? 'legal hold')
  return [
    folder,
    at,
    made !== undefined,
    made?.sizeBytes,
    made?.files.map(({ checksum }) => checksum).join(' '),
    made?.grade?.consistency,
    lacks,
    readings.length,
    read?.at,
    read?.result,
    rehearsals.length,
    rehearsed?.at,
    rehearsed === undefined ? undefined : rehearsed.passed ? 'passed' : 'failed',
    pruned?.at,
    pruned?.reason,
    until,
    there,
    copy?.state,
  ]
}

function line(cells: readonly Cell[]): string {
  return `${cells.map(quoted).join(',')}\r\n`
}

/** A name that begins as a formula does would be one in a spreadsheet: it gets an apostrophe in front. */
function quoted(cell: Cell): string {
  if (typeof cell !== 'string') return cell === undefined ? '' : String(cell)
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
