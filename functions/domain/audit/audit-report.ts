/** From what the records of a period say to the report: each guest by itself, with its gaps, and what all come to. Pure. */
import type { AuditArchive, AuditCounts, AuditFinding, AuditGuest, AuditReport } from '../../contracts/audit.ts'
import { byId } from '../identity/compare-ids.ts'
import { sameGuest } from '../identity/guest-identity.ts'
import { type Lineage, lineagesOf } from '../identity/lineage.ts'
import { formatBytes } from '../words/byte-size.ts'
import { counted } from '../words/counted.ts'
import { type Expectation, gapsOf } from './gaps.ts'
import { type AuditedGuest, guestKeyOf, type HeldArchive } from './held-archive.ts'
import type { AuditLedger, HeldFailure } from './ledger.ts'

export interface AuditAbout {
  tool: string
  madeAt: string
  bucket: string
  keyPrefix: string
  /** Holds for all guests in place of what checks of coverage saw. Milliseconds. */
  every?: { every: number; grace: number } | undefined
  locksAsked?: boolean
}

/** All that is known of one id. */
interface OfId {
  guest: AuditedGuest
  archives: HeldArchive[]
  failures: HeldFailure[]
}

type Item = HeldArchive | HeldFailure

/** The report. What is missing in the bucket although no record removed it becomes a finding first. */
export function auditReport(ledger: AuditLedger, about: AuditAbout): AuditReport {
  const { every, locksAsked, ...told } = about
  const to = Math.min(Date.parse(ledger.period.to), Date.parse(about.madeAt))
  for (const archive of ledger.archives.values()) {
    if (archive.made === undefined || archive.listed === true || archive.pruned !== undefined) continue
    if (archive.prunedLater === true) continue
    ledger.find('unproved', 'gone-without-record', 'It was archived, is gone, and no record says why.', archive.folder)
  }
  const ids = byGuest(ledger)
  const sites = new Set([...ids.values()].map(({ guest }) => guest.site))
  for (const site of every === undefined ? sites : []) {
    if (ledger.sitesChecked.has(site)) continue
    const message = `Gaps of site ${site} are not judged: no check of its coverage lies in the period, and --every was not given.`
    ledger.find('noted', 'no-schedule', message)
  }
  const guests = [...ids.values()]
    .toSorted((one, other) => compareText(one.guest.site, other.guest.site) || byId(one.guest, other.guest))
    .flatMap((ofId) => guestsOfId(ofId, ledger, every, to))
  const totals = {
    guests: guests.length,
    ...sumOf(guests.map(({ counts }) => counts)),
    restores: ledger.restores.length,
    runs: ledger.runs,
  }
  const { from, to: until, site } = ledger.period
  return {
    version: 1,
    ...told,
    from,
    to: until,
    ...(site === undefined ? {} : { site }),
    whole: ledger.unproved === 0,
    summary: summaryOf(totals, ledger.unproved),
    totals,
    guests,
    restores: ledger.restores.toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at)),
    findings: ledger.findings.toSorted((one, other) => weightOf(one) - weightOf(other)),
    furtherFindings: ledger.furtherFindings,
    ...(locksAsked === true ? { locksAsked } : {}),
    read: ledger.read,
  }
}

const weightOf = ({ weight }: AuditFinding): number => (weight === 'unproved' ? 0 : 1)

const compareText = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)

function summaryOf(totals: AuditReport['totals'], unproved: number): string {
  const { archived, archivedBytes, guests, verified, refused, rehearsalsPassed, gaps, pruned } = totals
  const held =
    `${counted(archived, 'archive')} of ${counted(guests, 'guest')} (${formatBytes(archivedBytes)}): ` +
    `${verified} verified, ${refused} refused, ${counted(rehearsalsPassed, 'rehearsal')} passed, ` +
    `${counted(gaps, 'gap')}, ${pruned} pruned.`
  if (unproved === 0) return held
  const records = unproved === 1 ? '1 finding says' : `${unproved} findings say`
  return `${held} It may lack events: ${records} that something can't be read or is missing.`
}

function byGuest({ archives, failures, names }: AuditLedger): Map<string, OfId> {
  const ids = new Map<string, OfId>()
  const of = (guest: AuditedGuest): OfId => {
    const key = guestKeyOf(guest)
    const known = ids.get(key) ?? { guest, archives: [], failures: [] }
    ids.set(key, known)
    return known
  }
  for (const archive of archives.values()) of(archive.guest).archives.push(archive)
  for (const failure of failures) of(failure.guest).failures.push(failure)
  for (const { guest } of names.values()) of(guest)
  return ids
}

/** Each guest that had the id, the present one last. */
function guestsOfId(ofId: OfId, ledger: AuditLedger, every: AuditAbout['every'], to: number): AuditGuest[] {
  const items: Item[] = [...ofId.archives, ...ofId.failures].toSorted(
    (one, other) => Date.parse(one.at) - Date.parse(other.at),
  )
  const { lineages, strays } = lineagesOf(items, (item) =>
    item.trace === undefined ? undefined : { ...traceOf(item.trace), writtenAt: item.at },
  )
  const name = ledger.names.get(guestKeyOf(ofId.guest))?.name ?? ''
  const known: Lineage<Item>[] = joined(lineages)
  const present = known.at(-1)
  const empty: Lineage<Item> = { name, writtenAt: '', archives: [] }
  const last = { ...(present ?? empty), archives: [...(present?.archives ?? []), ...strays] }
  const all = [...known.slice(0, -1), last]
  const formerEnd = Math.max(...known.slice(0, -1).map(({ writtenAt }) => Date.parse(writtenAt)))
  return all.map((lineage) => auditGuest(lineage, lineage === last, ofId.guest, { ledger, every, to, formerEnd }))
}

/** Failures without an identity begin lineages of their own: they belong to the guest of the same name beside them. */
function joined(lineages: Lineage<Item>[]): Lineage<Item>[] {
  return lineages.reduce<Lineage<Item>[]>((kept, lineage) => {
    const before = kept.at(-1)
    const isSame =
      before !== undefined &&
      before.name === lineage.name &&
      sameGuest(before.identity, lineage.identity) === undefined &&
      (isOnlyFailures(lineage) || isOnlyFailures(before))
    if (!isSame) return [...kept, lineage]
    const archives = [...before.archives, ...lineage.archives]
    return [...kept.slice(0, -1), { ...before, ...lineage, archives }]
  }, [])
}

const isOnlyFailures = ({ archives }: Lineage<Item>): boolean => archives.every((item) => !('folder' in item))

function traceOf({ name, identity }: NonNullable<Item['trace']>) {
  return { name, ...(identity === undefined ? {} : { identity }) }
}

interface Judging {
  ledger: AuditLedger
  every: AuditAbout['every']
  to: number
  formerEnd: number
}

function auditGuest(
  { name, identity, archives: items }: Lineage<Item>,
  isPresent: boolean,
  guest: AuditedGuest,
  judging: Judging,
): AuditGuest {
  const archives = items.filter((item): item is HeldArchive => 'folder' in item)
  const failures = items.filter((item): item is HeldFailure => !('folder' in item))
  const key = guestKeyOf(guest)
  const expectations = expectationsOf(key, items, isPresent, judging)
  const times = archives.filter(isArchived).map(({ at }) => Date.parse(at))
  const isFirst = Number.isFinite(judging.formerEnd)
  const before = isFirst ? undefined : judging.ledger.before.get(key)
  const from = Math.max(Date.parse(judging.ledger.period.from), isFirst ? judging.formerEnd : 0)
  const gaps = gapsOf({ times: times.toSorted((a, b) => a - b), before, expectations, from, to: judging.to })
  const expected = expectations.findLast(({ every }) => every !== undefined)
  const shown = archives.toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at)).map(shownArchive)
  return {
    ...guest,
    name,
    ...(identity === undefined ? {} : { identity }),
    ...(isPresent ? {} : { former: true as const }),
    ...(expected?.every === undefined
      ? {}
      : { schedule: { everyHours: expected.every / 3_600_000, chosenBy: [...expected.chosenBy] } }),
    counts: countsOf(shown, failures, gaps.length),
    archives: shown,
    failures: failures.map(({ guest: _guest, trace: _trace, ...failure }) => failure),
    gaps,
  }
}

/** Who had the id before owes no further archive. */
function expectationsOf(
  key: string,
  items: readonly Item[],
  isPresent: boolean,
  { ledger, every }: Judging,
): readonly Expectation[] {
  if (!isPresent) return []
  if (every === undefined) return ledger.expectations.get(key) ?? []
  const first = Math.min(...items.map(({ at }) => Date.parse(at)), Date.parse(ledger.period.to))
  return [{ from: first, ...every, chosenBy: [] }]
}

/** Made in the period, and as good as its job asked for. */
function isArchived({ made }: Pick<AuditArchive, 'made'>): boolean {
  return made !== undefined && made.unmet !== true
}

function shownArchive({
  guest: _guest,
  trace: _trace,
  prunedLater: _later,
  listed: _listed,
  ...archive
}: HeldArchive): AuditArchive {
  const byTime = (one: { at: string }, other: { at: string }) => Date.parse(one.at) - Date.parse(other.at)
  return { ...archive, readings: archive.readings.toSorted(byTime), rehearsals: archive.rehearsals.toSorted(byTime) }
}

function countsOf(archives: readonly AuditArchive[], failures: readonly HeldFailure[], gaps: number): AuditCounts {
  const made = archives.filter(isArchived)
  const readings = archives.flatMap((archive) => archive.readings).filter(({ result }) => result !== 'not-verified')
  const rehearsals = archives.flatMap((archive) => archive.rehearsals)
  const pruned = archives.flatMap((archive) => archive.pruned ?? [])
  const withReading = (wanted: string) =>
    archives.filter((archive) => archive.readings.some(({ result }) => result === wanted)).length
  return {
    archived: made.length,
    archivedBytes: sum(made.map((archive) => archive.made?.sizeBytes ?? 0)),
    failed: failures.filter(({ outcome }) => outcome === 'failed').length,
    skipped: failures.filter(({ outcome }) => outcome === 'skipped').length,
    verified: withReading('accepted'),
    refused: withReading('refused'),
    readings: readings.length,
    readBytes: sum(readings.map(({ sizeBytes }) => sizeBytes)),
    rehearsalsPassed: rehearsals.filter(({ passed }) => passed).length,
    rehearsalsFailed: rehearsals.filter(({ passed }) => !passed).length,
    gaps,
    pruned: pruned.length,
    prunedBytes: sum(pruned.map(({ sizeBytes }) => sizeBytes)),
    locked: archives.filter(({ lock }) => lock !== undefined).length,
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)

const NOTHING = countsOf([], [], 0)

function sumOf(counts: readonly AuditCounts[]): AuditCounts {
  const names = Object.keys(NOTHING) as (keyof AuditCounts)[]
  return Object.fromEntries(names.map((name) => [name, sum(counts.map((one) => one[name]))])) as AuditCounts
}
