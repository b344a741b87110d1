import type { LockLooks } from './lock-looks.ts'
import type { StoredVersion } from '../../aws/version-store.ts'
import { GuestliftError } from '../../contracts/errors.ts'
import type { Retention } from '../../contracts/retention.ts'
import type { ArchiveDecision, GuestRetention, RetentionEffect } from '../../contracts/retention-report.ts'
import { otherTime } from '../../domain/time/archive-time.ts'
import { earlyRemoval } from '../../domain/retention/early-removal.ts'
import { readFolder } from '../../domain/catalogue/catalogue.ts'
import { guestFolder, type KeyedGuest, retentionReportKey } from '../../domain/books/object-keys.ts'
import { retentionEffect } from '../../domain/retention/retention-effect.ts'
import { type Circumstances, guardRetention, type GuardedDecision } from '../../domain/retention/retention-guards.ts'
import { isGoing, retentionSummary } from '../../domain/retention/retention-summary.ts'
import { retentionShape } from '../books/shapes.ts'
import { writeRecord } from '../books/stored-json.ts'
import { clockConfirmedAt, confirmClock } from './clock-confirmation.ts'
import { type JudgedBy, readGuestArchives, type VersionedArchive } from './guest-archives.ts'
import { inOrder } from '../books/ordered-lookahead.ts'
import { nameOf, pinnedNames } from '../books/pins.ts'
import { type HeldLease, takeLease } from './prune-lease.ts'
import {
  archiveLock,
  isVerdictAlone,
  removeArchive,
  removeVerdictsAlone,
  resumeRemovals,
  untilText,
} from './remove-archive.ts'
import type { RetentionPorts } from './retention-ports.ts'

export interface PruneOrder extends Circumstances {
  site: string
  guest: KeyedGuest
  policy: Retention
  /** Names the pruning or the run, as no other with other rules is named: one of them at a time removes anything. */
  by: string
  /** Why the guest may be gone and may not be, so that everything stays: the end of a sentence. */
  absent?: string
  /** Decide everything and change nothing. */
  dryRun: boolean
  /** Of how many archives a dry run asks S3 for locks: of all when left out. */
  lockLooks?: Pick<LockLooks, 'take'>
}

/** Archives whose locks a dry run looks for at the same time. */
const LOOKS_AT_ONCE = 8
/** Enough for the archive that is under way and for the report. */
const RESERVE_MILLISECONDS = 30_000

const TAKEN_OVER = 'Another pruning of this guest has taken over.'
const PINNED = 'pinned: outside the count'
const DUE_SINCE = 'This is so since this pruning began; the next one removes it.'

/** What lies in the bucket of a guest, and what the rules say of it. */
interface Judgement {
  /** Folders whose removal was begun earlier and has come to its end; in a dry run, would come. */
  ended: string[]
  all: VersionedArchive[]
  decisions: GuardedDecision<VersionedArchive>[]
  warnings: string[]
  /** Something is to be removed, or a removal to be brought to its end. */
  hasWork: boolean
}

/**
 * Apply a policy to one guest's archives, oldest first, and report it below `retention/` where there is anything to
 * tell. Asked again, or after it was cut short, it goes on from what it finds in the bucket.
 * Whether there is anything to do, the index may tell; what goes is decided by the manifests alone, read anew.
 */
export async function pruneGuest(order: PruneOrder, ports: RetentionPorts): Promise<GuestRetention> {
  const { site, guest, by, dryRun } = order
  const seen = await judge(order, 'index', ports)
  if (dryRun) {
    const { archives, locksNotAsked } = await foreseen(seen, order, ports)
    return reported(order, seen, archives, ports, locksNotAsked)
  }
  // Most guests have nothing to remove, and are asked no more.
  if (!seen.hasWork) return reported(order, seen, seen.decisions.map(decided), ports)
  const lease = await takeLease(site, guest, by, ports)
  if ('busy' in lease)
    return reported(order, leftAlone(seen, lease.busy), seen.decisions.map(leftTo(lease.busy)), ports)
  try {
    const { judgement, archives } = await carriedOut(order, lease, ports)
    return await reported(order, judgement, archives, ports)
  } finally {
    await letGo(lease, order, ports)
  }
}

/** A lease that can't be given back lapses by itself. */
async function letGo(lease: HeldLease, { site, guest }: PruneOrder, { log }: RetentionPorts): Promise<void> {
  try {
    await lease.release()
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    log('pruning-lease-left', { site, guest: guest.id, reason: error.message })
  }
}

/** By the manifests, it also ends removals that were cut short: whoever goes by them holds the lease. */
async function judge(order: PruneOrder, by: JudgedBy, ports: RetentionPorts): Promise<Judgement> {
  const untouched = by === 'index'
  const { site, guest, policy, gone, confirmed, absent, identity, dryRun } = order
  const resumed = await resumeRemovals(site, guest, untouched, ports)
  const all = await readGuestArchives(site, guest, by, ports)
  const rests = await removeVerdictsAlone(all, untouched, ports)
  const ended = [...resumed.folders, ...rests.folders]
  const found = all.filter((archive) => !resumed.folders.includes(archive.folder) && !isVerdictAlone(archive))
  const clockSeenAt = await clockConfirmedAt(found, order, ports)
  const circumstances = { gone, confirmed, identity, now: ports.now(), clockSeenAt, dryRun }
  const rules = absent === undefined ? policy : keepingAll(policy)
  const unpinned = guardRetention(found, rules, circumstances)
  // Most guests have nothing to remove, and are asked for no pins.
  const pins = unpinned.decisions.some(isRemoval) ? await pinnedNames(site, guest, ports) : NO_PINS
  const plan = pins.size === 0 ? unpinned : guardRetention(found.map(pinnedBy(pins)), rules, circumstances)
  if (plan.clockInDoubt && confirmed && !untouched) await confirmClock(order, ports)
  const told = plan.decisions.map((one) => toldOfPin(one, pins))
  const decisions = absent === undefined ? told : told.map((one) => keptBecause(one, absent))
  return {
    ended,
    all,
    decisions,
    warnings: [...resumed.warnings, ...rests.warnings, ...plan.warnings],
    hasWork: resumed.records > 0 || rests.folders.length > 0 || decisions.some(isRemoval),
  }
}

const NO_PINS: ReadonlySet<string> = new Set()

function isRemoval({ decision }: Pick<GuardedDecision<VersionedArchive>, 'decision'>): boolean {
  return decision === 'remove'
}

/** What a person pinned is protected, and so outside the count. */
function pinnedBy(pins: ReadonlySet<string>): (archive: VersionedArchive) => VersionedArchive {
  return (archive) => (pins.has(nameOf(archive.folder)) ? { ...archive, protected: true } : archive)
}

function toldOfPin(one: GuardedDecision<VersionedArchive>, pins: ReadonlySet<string>): typeof one {
  return one.decision === 'protected' && pins.has(nameOf(one.archive.folder)) ? { ...one, reason: PINNED } : one
}

/** Without a rule that lets anything go, nothing goes. */
function keepingAll({ timeZone, minimumArchives, largestShare }: Retention): Retention {
  return { timeZone, minimumArchives, largestShare, 'keep-all': true }
}

function keptBecause<D extends GuardedDecision<VersionedArchive>>(one: D, absent: string): D {
  return one.decision === 'keep' && one.guard === undefined ? { ...one, reason: `kept: ${absent}` } : one
}

/** Removals one after the other, each after another look: what was decided has to be so still. */
async function carriedOut(
  order: PruneOrder,
  lease: HeldLease,
  ports: RetentionPorts,
): Promise<{ judgement: Judgement; archives: ArchiveDecision[] }> {
  let judgement = await judge(order, 'manifests', ports)
  const { all, decisions } = judgement
  const ended = new Set(judgement.ended)
  // A later look may spare an archive. One that the first spared isn't for this pruning, whatever went meanwhile.
  const wanted = new Set(decisions.flatMap(({ archive, decision }) => (decision === 'remove' ? [archive.folder] : [])))
  const done = new Map<string, ArchiveDecision>()
  for (const folder of wanted) {
    if (!(await lease.holds())) break
    const before = judgement.all.filter(({ folder: its }) => done.get(its)?.outcome !== 'removed')
    if (!(await isUnchanged(before, order, ports))) {
      judgement = await judge(order, 'manifests', ports)
      for (const one of judgement.ended) ended.add(one)
    }
    const one = judgement.decisions.find(({ archive }) => archive.folder === folder)
    if (one?.decision === 'remove') done.set(folder, await removed(one.archive, decided(one), order, ports))
  }
  const spared = judgement.decisions.filter(({ archive }) => !done.has(archive.folder))
  const why = ({ folder }: VersionedArchive) => (wanted.has(folder) ? TAKEN_OVER : DUE_SINCE)
  const archives = [...done.values(), ...spared.map((one) => leftTo(why(one.archive))(one))]
  const places = new Map(decisions.map(({ archive }, place) => [archive.folder, place]))
  const placeOf = ({ folder }: ArchiveDecision) => places.get(folder) ?? places.size
  return {
    judgement: { ...judgement, all, ended: [...ended] },
    archives: archives.toSorted((one, other) => placeOf(one) - placeOf(other)),
  }
}

/** Whether exactly these versions lie in the guest's folder: all that a decision depends on, but for the time, is there. */
async function isUnchanged(
  archives: readonly VersionedArchive[],
  { site, guest }: PruneOrder,
  { versions, keyPrefix }: RetentionPorts,
): Promise<boolean> {
  const known = new Set(archives.flatMap(({ stored }) => stored.map(sameVersion)))
  let seen = 0
  for await (const version of versions.listVersions(guestFolder(keyPrefix, site, guest))) {
    if (readFolder(keyPrefix, version.key) === undefined) continue
    if (!known.has(sameVersion(version))) return false
    seen += 1
  }
  return seen === known.size
}

function sameVersion({ key, versionId, latest, deleteMarker, sizeBytes, writtenAt }: StoredVersion): string {
  return [key, versionId, latest, deleteMarker, sizeBytes, writtenAt].join('\n')
}

async function foreseen(
  { decisions }: Judgement,
  order: PruneOrder,
  ports: RetentionPorts,
): Promise<{ archives: ArchiveDecision[]; locksNotAsked: number }> {
  const archives: ArchiveDecision[] = []
  const going = decisions.filter(({ decision }) => decision === 'remove')
  const looks = await (order.lockLooks?.take(going.length) ?? going.length)
  const asked = new Set(going.slice(0, looks))
  const ends = inOrder(decisions, LOOKS_AT_ONCE, async (one) => {
    if (one.decision !== 'remove') return decided(one)
    return asked.has(one) ? removed(one.archive, decided(one), order, ports) : priced(one.archive, decided(one), ports)
  })
  for await (const end of ends) archives.push(end)
  return { archives, locksNotAsked: going.length - asked.size }
}

/** What couldn't be done now is the next pruning's: nobody has to look at it. */
function leftTo(because: string): (one: GuardedDecision<VersionedArchive>) => ArchiveDecision {
  return (one) => {
    const all = decided(one)
    return one.decision === 'remove' ? { ...all, outcome: 'left', reason: `${all.reason}; left: ${because}` } : all
  }
}

function leftAlone(judgement: Judgement, because: string): Judgement {
  return { ...judgement, ended: [], warnings: [...judgement.warnings, because] }
}

async function reported(
  { site, guest, policy, gone, confirmed, dryRun, absent }: PruneOrder,
  { ended, all, warnings }: Judgement,
  archives: ArchiveDecision[],
  ports: RetentionPorts,
  locksNotAsked = 0,
): Promise<GuestRetention> {
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
    resumed: ended,
    effect: effectOf(all, archives, dryRun ? new Set(ended) : new Set(), dryRun, ports),
    ...(locksNotAsked === 0 ? {} : { locksNotAsked }),
    warnings: absent === undefined ? warnings : [...warnings, `Nothing was removed: ${absent}`],
  }
  const report: GuestRetention = { ...bare, ...retentionSummary(bare) }
  if (!dryRun && (report.toRemove > 0 || report.resumed.length > 0 || report.warnings.length > 0)) {
    const key = retentionReportKey(ports.keyPrefix, site, guest, report.decidedAt)
    await writeRecord(ports.store, key, retentionShape, report)
  }
  ports.log('retention-applied', { site, guest: guest.id, dryRun, summary: report.summary })
  return report
}

function decided({
  archive,
  decision,
  reason,
  guard,
  formerGuest,
}: GuardedDecision<VersionedArchive>): ArchiveDecision {
  const { folder, createdAt, sizeBytes, foreignKeys } = archive
  const at = otherTime(archive)
  return {
    folder,
    createdAt,
    ...(at === undefined ? {} : { at }),
    ...(formerGuest === undefined ? {} : { formerGuest }),
    sizeBytes,
    decision,
    reason,
    ...(guard === undefined ? {} : { guard }),
    ...(foreignKeys.length === 0 ? {} : { foreignKeys }),
  }
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
    // A person may have pinned it since it was judged.
    if (!dryRun && (await pinnedNames(site, guest, ports)).has(nameOf(archive.folder))) {
      return { ...decided, decision: 'protected', reason: PINNED }
    }
    // Before anything goes: an archive is removed whole or not at all.
    const held = await archiveLock(archive, ports)
    if (held !== undefined) return locked(decided, held)
    const billed = priced(archive, decided, ports)
    if (dryRun) return billed
    const stopped = await removeArchive(site, guest, archive, decided.reason, ports)
    return stopped === undefined ? { ...billed, outcome: 'removed' } : locked(decided, stopped)
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    return left(error.message)
  }
}

/** With what is billed for it though it goes. */
function priced(
  { versions }: Pick<VersionedArchive, 'versions'>,
  decided: ArchiveDecision,
  { now, prices, transitions }: RetentionPorts,
): ArchiveDecision {
  const objects = versions.filter(({ deleteMarker }) => !deleteMarker)
  const early = earlyRemoval(objects, now(), prices, transitions)
  return early === undefined ? decided : { ...decided, early }
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
