import { GuestliftError } from '../contracts/errors.ts'
import type { Retention } from '../contracts/retention.ts'
import type { ArchiveDecision, GuestRetention, RetentionEffect } from '../contracts/retention-report.ts'
import { earlyRemoval } from '../domain/early-removal.ts'
import { type KeyedGuest, retentionReportKey } from '../domain/object-keys.ts'
import { retentionEffect } from '../domain/retention-effect.ts'
import { type Circumstances, guardRetention, type GuardedDecision } from '../domain/retention-guards.ts'
import { isGoing, retentionSummary } from '../domain/retention-summary.ts'
import { retentionShape } from './books/shapes.ts'
import { writeRecord } from './books/stored-json.ts'
import { readGuestArchives, type VersionedArchive } from './guest-archives.ts'
import { inOrder } from './ordered-lookahead.ts'
import { archiveLock, removeArchive, resumeRemovals, untilText } from './remove-archive.ts'
import type { RetentionPorts } from './retention-ports.ts'

export interface PruneOrder extends Circumstances {
  site: string
  guest: KeyedGuest
  policy: Retention
  /** Decide everything and change nothing. */
  dryRun: boolean
}

/** Archives whose locks a dry run looks for at the same time. */
const LOOKS_AT_ONCE = 8
/** Enough for the archive that is under way and for the report. */
const RESERVE_MILLISECONDS = 30_000

/**
 * Apply a policy to one guest's archives, oldest first, and report it below `retention/` where there is anything to
 * tell. Asked again, or after it was cut short, it goes on from what it finds in the bucket.
 */
export async function pruneGuest(order: PruneOrder, ports: RetentionPorts): Promise<GuestRetention> {
  const { site, guest, policy, gone, confirmed, dryRun } = order
  const resumed = await resumeRemovals(site, guest, dryRun, ports)
  const pending = new Set(resumed.folders)
  const all = await readGuestArchives(site, guest, ports)
  const found = all.filter(({ folder }) => !pending.has(folder))
  const plan = guardRetention(found, policy, { gone, confirmed })

  const archives: ArchiveDecision[] = []
  // Removals one after the other, each looked at just before it; a dry run only looks.
  const ends = inOrder(plan.decisions, dryRun ? LOOKS_AT_ONCE : 1, (decided) => endOf(decided, order, ports))
  for await (const end of ends) archives.push(end)
  const bare = {
    version: 1 as const,
    site,
    guest: { kind: guest.kind, id: guest.id },
    policy,
    gone,
    dryRun,
    confirmed,
    decidedAt: ports.now().toISOString(),
    archives,
    resumed: resumed.folders,
    effect: effectOf(all, archives, dryRun ? pending : new Set(), dryRun, ports),
    warnings: [...resumed.warnings, ...plan.warnings],
  }
  const report: GuestRetention = { ...bare, ...retentionSummary(bare) }
  if (!dryRun && (report.toRemove > 0 || report.resumed.length > 0 || report.warnings.length > 0)) {
    const key = retentionReportKey(ports.keyPrefix, site, guest, report.decidedAt)
    await writeRecord(ports.store, key, retentionShape, report)
  }
  ports.log('retention-applied', { site, guest: guest.id, dryRun, summary: report.summary })
  return report
}

async function endOf(
  { archive, decision, reason, guard }: GuardedDecision<VersionedArchive>,
  order: PruneOrder,
  ports: RetentionPorts,
): Promise<ArchiveDecision> {
  const { folder, createdAt, sizeBytes, foreignKeys } = archive
  const decided: ArchiveDecision = {
    folder,
    createdAt,
    sizeBytes,
    decision,
    reason,
    ...(guard === undefined ? {} : { guard }),
    ...(foreignKeys.length === 0 ? {} : { foreignKeys }),
  }
  return decision === 'remove' ? removed(archive, decided, order, ports) : decided
}

/** Of what lies in the folders, what goes and what stays. `ending`: folders whose removal was begun and would be ended. */
function effectOf(
  all: readonly VersionedArchive[],
  decisions: readonly ArchiveDecision[],
  ending: ReadonlySet<string>,
  dryRun: boolean,
  { now, prices }: RetentionPorts,
): RetentionEffect {
  const going = new Set(decisions.filter((decision) => isGoing(decision, dryRun)).map(({ folder }) => folder))
  const goes = new Set(
    all.flatMap(({ folder, versions, stored }) => (going.has(folder) ? versions : ending.has(folder) ? stored : [])),
  )
  const billed = all.flatMap(({ stored }) => stored).filter(({ deleteMarker }) => !deleteMarker)
  return retentionEffect(
    { kept: billed.filter((version) => !goes.has(version)), removed: billed.filter((version) => goes.has(version)) },
    now(),
    prices,
  )
}

/** One archive that is to go: what holds it, what it costs, and, unless this is a dry run, its end. */
async function removed(
  archive: VersionedArchive,
  decided: ArchiveDecision,
  { site, guest, dryRun }: PruneOrder,
  ports: RetentionPorts,
): Promise<ArchiveDecision> {
  const left = (trouble: string): ArchiveDecision => ({ ...decided, outcome: 'left', trouble })
  if (!dryRun && ports.remainingMilliseconds() < RESERVE_MILLISECONDS) {
    return left('Time ran out; the next run goes on here.')
  }
  try {
    // Before anything goes: an archive is removed whole or not at all.
    const held = await archiveLock(archive, ports)
    if (held !== undefined) return locked(decided, held)
    const objects = archive.versions.filter(({ deleteMarker }) => !deleteMarker)
    const early = earlyRemoval(objects, ports.now(), ports.prices)
    const priced = early === undefined ? decided : { ...decided, early }
    if (dryRun) return priced
    const stopped = await removeArchive(site, guest, archive, decided.reason, ports)
    return stopped === undefined ? { ...priced, outcome: 'removed' } : locked(decided, stopped)
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    return left(error.message)
  }
}

function locked(decided: ArchiveDecision, lock: { legalHold: boolean; retainUntil?: string }): ArchiveDecision {
  const { legalHold, retainUntil } = lock
  return {
    ...decided,
    outcome: 'locked',
    reason: `${decided.reason}; locked${untilText(lock)}`,
    lock: { legalHold, ...(retainUntil === undefined ? {} : { retainUntil }) },
  }
}
