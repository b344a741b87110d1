/**
 * What the dated records of a period say, one record at a time, so that no more than one of them is in memory. What
 * can't be read, isn't where it belongs or is missing becomes a finding and proves nothing. Pure.
 */
import type { AuditArchive, AuditFinding } from '../../contracts/audit.ts'
import type { CoverageReport } from '../../contracts/coverage.ts'
import type { DrillEvidence } from '../../contracts/drill.ts'
import type { KeptVerdict } from '../../contracts/kept-verdict.ts'
import type { GuestIdentity } from '../../contracts/nouns.ts'
import type { GuestOutcome, RunReport } from '../../contracts/report.ts'
import type { RestoreReport } from '../../contracts/restore-report.ts'
import type { GuestRetention } from '../../contracts/retention-report.ts'
import type { VerificationReport } from '../../contracts/verification-report.ts'
import { folderOf, manifestKey, verificationKey } from '../books/object-keys.ts'
import { type CatalogueEntry, readFolder } from '../catalogue/catalogue.ts'
import type { Expectation } from './gaps.ts'
import {
  type ArchiveLock,
  type AuditedGuest,
  guestKeyOf,
  type HeldArchive,
  newArchive,
  type Trace,
  traced,
} from './held-archive.ts'

export interface AuditPeriod {
  from: string
  to: string
  /** Only of this site. */
  site?: string | undefined
}

export interface HeldFailure {
  guest: AuditedGuest
  trace: Trace
  at: string
  runId: string
  outcome: 'failed' | 'skipped'
  verdict: string
  reason: string
  reportKey: string
}

export interface HeldRestore {
  at: string
  restoreId: string
  outcome: string
  summary: string
  archive?: string
  reportKey: string
}

/** Longer lists help nobody: the count tells. */
const MOST_FINDINGS = 500
const HOUR_MILLISECONDS = 3_600_000
/** Guests in these states are not expected to be archived. */
const UNEXPECTED: readonly string[] = ['parked', 'absent', 'gone']

export class AuditLedger {
  readonly archives = new Map<string, HeldArchive>()
  readonly failures: HeldFailure[] = []
  readonly restores: HeldRestore[] = []
  /** By guest, ascending. */
  readonly expectations = new Map<string, Expectation[]>()
  /** Reports of runs that began in the period. */
  runs = 0
  /** Archives that a run's report names, be they made before the period or after it. */
  readonly reported = new Set<string>()
  /** By guest: the last archive before the period. Milliseconds. */
  readonly before = new Map<string, number>()
  /** By guest: what coverage called it. */
  readonly names = new Map<string, { guest: AuditedGuest; name: string }>()
  readonly findings: AuditFinding[] = []
  furtherFindings = 0
  /** Findings that keep the report from being whole, those without room included. */
  unproved = 0
  readonly read: Record<string, number> = {}
  readonly sitesChecked = new Set<string>()
  readonly period: AuditPeriod
  readonly #keyPrefix: string

  constructor(period: AuditPeriod, keyPrefix: string) {
    this.period = period
    this.#keyPrefix = keyPrefix
  }

  find(weight: AuditFinding['weight'], code: AuditFinding['code'], message: string, key?: string): void {
    if (weight === 'unproved') this.unproved += 1
    if (this.findings.length >= MOST_FINDINGS) this.furtherFindings += 1
    else this.findings.push({ weight, code, message, ...(key === undefined ? {} : { key }) })
  }

  count(kind: string): void {
    this.read[kind] = (this.read[kind] ?? 0) + 1
  }

  /** @param identities by guest id, as the run's plan has them */
  addRun(report: RunReport, reportKey: string, identities: ReadonlyMap<string, GuestIdentity>): void {
    const isOfPeriod = this.#isWithin(report.startedAt)
    if (report.site !== undefined && !this.#isAsked(report.site)) return
    if (isOfPeriod) this.runs += 1
    for (const outcome of report.guests) {
      const archive = outcome.manifestKey === undefined ? undefined : this.#archiveOf(outcome, report, reportKey)
      const site = report.site ?? archive?.guest.site
      const { kind } = outcome.kind === undefined ? (archive?.guest ?? {}) : outcome
      if (site === undefined || !this.#isAsked(site)) continue
      const trace = { name: outcome.name, identity: identities.get(outcome.id) }
      if (archive !== undefined) this.#addMade(archive, trace)
      if (!isOfPeriod) continue
      if (outcome.outcome === 'succeeded') {
        if (archive === undefined && outcome.manifestKey === undefined)
          this.find('unproved', 'foreign', `It calls guest ${outcome.id} archived and names no manifest.`, reportKey)
        continue
      }
      const { outcome: ended, verdict, reason } = outcome
      const guest = { site, kind: kind ?? 'vm', id: outcome.id }
      this.failures.push({
        guest,
        trace,
        at: report.startedAt,
        runId: report.runId,
        outcome: ended,
        verdict,
        reason,
        reportKey,
      })
    }
  }

  /** By its own time: its run may have begun before the period, or ended after it. */
  #addMade(archive: HeldArchive, trace: Trace): void {
    const at = Date.parse(archive.at)
    this.reported.add(archive.folder)
    if (this.#isWithin(archive.at)) {
      traced(archive, trace)
      this.archives.set(archive.folder, archive)
    } else if (at < Date.parse(this.period.from) && archive.made?.unmet !== true) {
      const key = guestKeyOf(archive.guest)
      this.before.set(key, Math.max(at, this.before.get(key) ?? at))
    }
  }

  addVerificationReport({ archives }: VerificationReport, recordKey: string): void {
    for (const { folder, result, reason, verifiedAt: at, sizeBytes } of archives) {
      if (at === undefined || !this.#isWithin(at)) continue
      const archive = this.#of(folder, recordKey)
      if (archive === undefined) continue
      addReading(archive, { at, result, sizeBytes, ...(reason === '' ? {} : { reason }), recordKey })
    }
  }

  addVerdict({ folder, verifiedAt: at, result, findings, files, guest }: KeptVerdict, recordKey: string): void {
    if (!this.#isWithin(at)) return
    const archive = this.#of(folder, recordKey)
    if (archive === undefined) return
    traced(archive, guest)
    const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
    const sums = files.map(({ fileName, crc32 }) => ({ fileName, crc32 }))
    const reason = findings[0]?.message
    addReading(archive, { at, result, sizeBytes, sums, ...(reason === undefined ? {} : { reason }), recordKey })
  }

  addRehearsal({ archive: of, guest, endedAt, passed, seconds, summary }: DrillEvidence, recordKey: string): void {
    if (!this.#isWithin(endedAt)) return
    const archive = this.#of(of.folder, recordKey)
    if (archive === undefined) return
    traced(archive, guest)
    const { total } = seconds
    archive.rehearsals.push({
      at: endedAt,
      passed,
      summary,
      recordKey,
      ...(total === undefined ? {} : { totalSeconds: total }),
    })
  }

  addRestore({ restoreId, endedAt, outcome, summary, archive, target }: RestoreReport, reportKey: string): void {
    const site = archive === undefined ? target?.site : readFolder(this.#keyPrefix, `${archive.folder}x`)?.site
    if (!this.#isWithin(endedAt) || (this.period.site !== undefined && site !== this.period.site)) return
    const of = archive === undefined ? {} : { archive: archive.folder }
    this.restores.push({ at: endedAt, restoreId, outcome, summary, ...of, reportKey })
  }

  /** Of the time from the period's begin until now: what went after its end is no finding. */
  addRetention({ decidedAt, archives, resumed, dryRun }: GuestRetention, recordKey: string): void {
    if (dryRun) return
    const ended = resumed.map((folder) => ({ folder, reason: 'A removal that was begun earlier.', sizeBytes: 0 }))
    const removed = [...archives.filter(({ outcome }) => outcome === 'removed'), ...ended]
    for (const { folder, reason, sizeBytes } of removed) {
      const archive = this.#isWithin(decidedAt) ? this.#of(folder, recordKey) : this.archives.get(folder)
      if (archive === undefined) continue
      if (this.#isWithin(decidedAt)) archive.pruned ??= { at: decidedAt, reason, sizeBytes, recordKey }
      else archive.prunedLater = true
    }
    for (const { folder, outcome, lock } of archives) {
      if (outcome !== 'locked' || lock === undefined || !this.#isWithin(decidedAt)) continue
      const archive = this.#of(folder, recordKey)
      if (archive !== undefined) archive.lock = { ...lock, seenAt: decidedAt, recordKey }
    }
  }

  /** In the order of time. */
  addCoverage({ site, judgedAt, rules, schedules, guests }: CoverageReport): void {
    if (!this.#isAsked(site)) return
    this.sitesChecked.add(site)
    const hours = new Map(schedules.map(({ name, everyHours }) => [name, everyHours]))
    const seen = new Set<string>()
    for (const { guest, name, state, chosenBy = [] } of guests) {
      const audited = { site, ...guest }
      const key = guestKeyOf(audited)
      seen.add(key)
      this.names.set(key, { guest: audited, name })
      const known = chosenBy.flatMap((one) => hours.get(one) ?? [])
      const everyHours = known.length === 0 ? rules.everyHours : Math.min(...known)
      this.#expect(key, {
        from: Date.parse(judgedAt),
        ...(UNEXPECTED.includes(state) ? {} : { every: everyHours * HOUR_MILLISECONDS }),
        grace: rules.graceHours * HOUR_MILLISECONDS,
        chosenBy,
      })
    }
    for (const [key, { guest }] of this.names) {
      if (guest.site === site && !seen.has(key))
        this.#expect(key, { from: Date.parse(judgedAt), grace: 0, chosenBy: [] })
    }
  }

  /** What lies in the bucket now: which archives are there, and readings that only `verification.json` tells. */
  addEntry(entry: CatalogueEntry): void {
    const { folder, facts, verification, state, reason = '' } = entry
    const archive = this.archives.get(folder) ?? newArchive({ ...entry, keyedAt: entry.at ?? entry.createdAt })
    archive.listed = true
    archive.there = state === 'complete'
    if (facts !== undefined) traced(archive, facts)
    const isOurs = this.archives.has(folder)
    const at = verification?.at
    if (verification?.state === 'unreadable')
      this.find('unproved', 'unreadable', verification.reason ?? 'It can not be read.', verificationKey(folder))
    else if (at !== undefined && this.#isWithin(at) && verification !== undefined) {
      const result = RESULTS[verification.state]
      const told = verification.reason === undefined ? {} : { reason: verification.reason }
      const sizeBytes = entry.artifactBytes
      addReading(archive, { at, result, sizeBytes, ...told, recordKey: verificationKey(folder) })
      this.archives.set(folder, archive)
    }
    this.#addNotedLock(archive, entry)
    // What a pruning leaves in a folder is somebody else's.
    const isPruned = archive.pruned !== undefined || archive.prunedLater === true
    if (isOurs && !isPruned && state !== 'complete')
      this.find('unproved', 'unreadable', `The archive is ${state}: ${reason}`, folder)
    if (!this.reported.has(folder) && this.#isWithin(entry.at ?? entry.createdAt) && state === 'complete')
      this.find('noted', 'unreported-archive', 'No report of a run names this archive: it does not count.', folder)
  }

  /** As its manifest noted it, where no pruning met one since, and no reading missed it. */
  #addNotedLock(archive: HeldArchive, { folder, facts, verification }: CatalogueEntry): void {
    const { lockTrouble } = verification ?? {}
    if (lockTrouble !== undefined) this.find('noted', 'lock-missing', lockTrouble, verificationKey(folder))
    else if (facts?.lock !== undefined && archive.lock === undefined) {
      const { until: retainUntil } = facts.lock
      archive.lock = { legalHold: false, retainUntil, seenAt: facts.writtenAt, recordKey: manifestKey(folder) }
    }
  }

  /** What holds an archive now: that says more than what a pruning met. */
  addLock(folder: string, lock: ArchiveLock | 'not-known' | undefined, seenAt: string): void {
    const archive = this.archives.get(folder)
    if (archive === undefined) return
    if (lock === 'not-known')
      this.find(
        'noted',
        'lock-not-known',
        'Its manifest names no version of a file, so that no lock can be asked for.',
        folder,
      )
    else if (lock === undefined) delete archive.lock
    else archive.lock = { ...lock, seenAt, recordKey: manifestKey(folder) }
  }

  #archiveOf(outcome: GuestOutcome, report: RunReport, reportKey: string): HeldArchive | undefined {
    const [first] = outcome.artifacts
    const place = first === undefined ? undefined : readFolder(this.#keyPrefix, first.key)
    const isOwn = place !== undefined && place.guest.id === outcome.id && place.site === (report.site ?? place.site)
    if (first === undefined || !isOwn) {
      const message = `What it says was archived of guest ${outcome.id} lies nowhere among that guest's archives.`
      this.find('unproved', 'foreign', message, reportKey)
      return undefined
    }
    const files = outcome.artifacts.map(({ key, sizeBytes, checksum }) => ({
      fileName: key.slice(folderOf(key).length),
      sizeBytes,
      checksum,
    }))
    const held = this.archives.get(place.folder) ?? newArchive(place)
    held.made = {
      runId: report.runId,
      reportKey,
      files,
      sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      ...(outcome.grade === undefined ? {} : { grade: outcome.grade }),
      ...(outcome.outcome === 'succeeded' ? {} : { unmet: true as const }),
    }
    // The platform's clock orders nothing: an archive is made within its run.
    const at = clamped(place.keyedAt, report)
    if (this.#isWithin(at) && Math.abs(Date.parse(at) - Date.parse(place.keyedAt)) > 60_000)
      this.find(
        'noted',
        'time-mended',
        `The platform dated it outside its run, so that it counts at ${at}.`,
        place.folder,
      )
    held.at = at
    return held
  }

  /** An archive that a record is about; `undefined`, with a finding, where it isn't one of ours. */
  #of(folder: string, recordKey: string): HeldArchive | undefined {
    const known = this.archives.get(folder)
    if (known !== undefined) return known
    const place = readFolder(this.#keyPrefix, `${folder}x`)
    if (place === undefined || place.folder !== folder) {
      this.find('unproved', 'foreign', `It is about ${folder}, which is no archive of this bucket.`, recordKey)
      return undefined
    }
    if (!this.#isAsked(place.site)) return undefined
    const archive = newArchive(place)
    this.archives.set(folder, archive)
    return archive
  }

  #expect(key: string, expectation: Expectation): void {
    const known = this.expectations.get(key) ?? []
    const last = known.at(-1)
    const isSame = last?.every === expectation.every && last?.grace === expectation.grace
    if (last === undefined || !isSame) known.push(expectation)
    this.expectations.set(key, known)
  }

  #isAsked(site: string): boolean {
    return this.period.site === undefined || this.period.site === site
  }

  #isWithin(instant: string): boolean {
    const at = Date.parse(instant)
    return at >= Date.parse(this.period.from) && at <= Date.parse(this.period.to)
  }
}

const RESULTS = { verified: 'accepted', failed: 'refused', 'not-verified': 'not-verified' } as const

/** Several records tell of one reading: the one with the sums stays. */
function addReading(archive: HeldArchive, reading: AuditArchive['readings'][number]): void {
  const index = archive.readings.findIndex(({ at }) => at === reading.at)
  if (index === -1) archive.readings.push(reading)
  else if (archive.readings[index]?.sums === undefined && reading.sums !== undefined) archive.readings[index] = reading
}

function clamped(instant: string, { startedAt, endedAt }: Pick<RunReport, 'startedAt' | 'endedAt'>): string {
  const at = Math.min(Math.max(Date.parse(instant), Date.parse(startedAt)), Date.parse(endedAt))
  return new Date(at).toISOString()
}
