/** The evidence of a rehearsal, from the report of its restore; and the book of the last ones. Pure. */
import type { DrillEvidence, RehearsalBook, RehearsedGuest } from '../../contracts/drill.ts'
import type { RestoredArchive } from '../../contracts/restore-record.ts'
import type { RestoreReport } from '../../contracts/restore-report.ts'
import { sameGuest } from '../identity/guest-identity.ts'

/** `undefined` of a restore that is no drill, or a dry run of one. */
export function drillEvidence(
  report: RestoreReport,
  { site, guest, folder, createdAt, fileName, sizeBytes }: RestoredArchive,
  reportKey: string,
): DrillEvidence | undefined {
  const { checks, target, restoreId, startedAt, endedAt, summary, left, seconds } = report
  if (checks === undefined || target === undefined || report.dryRun) return undefined
  const { kind, id, name, identity } = guest
  return {
    version: 1,
    restoreId,
    startedAt,
    endedAt,
    passed: checks.every(({ passed }) => passed),
    summary,
    site,
    guest: { kind, id, name, ...(identity === undefined ? {} : { identity }) },
    archive: { folder, createdAt, fileName, sizeBytes },
    target: { site: target.site, node: target.node, id: target.id },
    checks,
    seconds: Object.fromEntries(
      Object.entries(seconds).flatMap(([step, took]) => (took === undefined ? [] : [[step, took]])),
    ),
    left: left.map(({ what }) => what),
    reportKey,
  }
}

/**
 * The book with one more rehearsal. Evidence that is older than what the book has changes nothing, so that the order in
 * which it comes doesn't matter. What was rehearsed of another guest that had the id is forgotten.
 */
export function withRehearsal(book: RehearsalBook, evidence: DrillEvidence, evidenceKey: string): RehearsalBook {
  const { guest, endedAt: at, passed, summary, archive, seconds } = evidence
  const { kind, id, name, identity } = guest
  const rehearsal = {
    at,
    passed,
    summary,
    archiveCreatedAt: archive.createdAt,
    totalSeconds: seconds['total'] ?? 0,
    evidenceKey,
  }
  const before = book.guests.find((one) => one.kind === kind && one.id === id)
  const others = book.guests.filter((one) => one !== before)
  const known = before !== undefined && sameGuest(before.identity, identity) !== false ? before : undefined
  if (before !== undefined && before.last.at > at && known === undefined) return book
  const last = known !== undefined && known.last.at > at ? known.last : rehearsal
  const passes = [known?.lastPassed, passed ? rehearsal : undefined].filter((one) => one !== undefined)
  const lastPassed = passes.toSorted((one, other) => one.at.localeCompare(other.at)).at(-1)
  const rehearsed: RehearsedGuest = {
    kind,
    id,
    name,
    ...(identity === undefined ? {} : { identity }),
    last,
    ...(lastPassed === undefined ? {} : { lastPassed }),
  }
  const key = (one: RehearsedGuest) => `${one.kind}-${one.id}`
  return { ...book, guests: [...others, rehearsed].toSorted((one, other) => key(one).localeCompare(key(other))) }
}
