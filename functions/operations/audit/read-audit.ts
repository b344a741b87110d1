/** Reads the dated records of a period, one at a time: what was pruned since counts, and memory holds only what they say. */
import type { VersionLock, VersionStore } from '../../aws/version-store.ts'
import type { AuditCopy, AuditReport } from '../../contracts/audit.ts'
import type { GuestIdentity } from '../../contracts/nouns.ts'
import { type AuditAbout, auditReport } from '../../domain/audit/audit-report.ts'
import type { ArchiveLock } from '../../domain/audit/held-archive.ts'
import { AuditLedger, type AuditPeriod } from '../../domain/audit/ledger.ts'
import {
  artifactKey,
  configurationKey,
  dayPath,
  planKey,
  readDrillEvidenceKey,
  reportKey,
  retentionReportKey,
} from '../../domain/books/object-keys.ts'
import type { Shape } from '../../domain/books/stored-record.ts'
import type { CatalogueEntry } from '../../domain/catalogue/catalogue.ts'
import { inOrder } from '../books/ordered-lookahead.ts'
import {
  coverageReportShape,
  drillEvidenceShape,
  keptVerdictShape,
  restoreReportShape,
  retentionShape,
  runPlanShape,
  runReportShape,
  siteConfigurationShape,
  verificationReportShape,
} from '../books/shapes.ts'
import { readRecord, unlessUnreadable } from '../books/stored-json.ts'
import { readCatalogue } from '../catalogue/read-catalogue.ts'
import type { Ports } from '../ports.ts'

export interface AuditPorts extends Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'toolVersion'> {
  /** Absent: locks aren't asked for, and only what prunings met is told. */
  locks?: Pick<VersionStore, 'lockOf'> | undefined
  /** What a second bucket says of an archive's folder. Absent: it isn't asked. */
  copies?: ((folder: string) => Promise<Omit<AuditCopy, 'seenAt'>>) | undefined
}

const DAY_MILLISECONDS = 86_400_000
/** Reports of runs over thousands of guests take megabytes each. */
const REPORTS_AT_ONCE = 4
const RECORDS_AT_ONCE = 16
/** Further back, no archive before the period is looked for. */
const MOST_DAYS_BEFORE = 35
/** No run takes longer: one that began so long before the period may have made archives in it. */
const LONGEST_RUN_DAYS = 14

/** @throws StoreUnavailable, StoreDenied: a bucket that can't be read proves nothing, and is no report */
export async function readAudit(
  period: AuditPeriod,
  every: AuditAbout['every'],
  { store, keyPrefix, now, toolVersion, locks, copies }: AuditPorts,
): Promise<AuditReport> {
  const madeAt = now().toISOString()
  const reading = new AuditReading(new AuditLedger(period, keyPrefix), { store, keyPrefix, now })
  await reading.coverage()
  await reading.runs(every)
  await reading.verifications()
  await reading.rehearsals()
  await reading.restores()
  await reading.retention()
  await reading.configurations()
  await reading.archives(locks, madeAt)
  await reading.copies(copies, madeAt)
  return auditReport(reading.ledger, {
    tool: toolVersion,
    madeAt,
    bucket: store.bucket,
    keyPrefix,
    every,
    locksAsked: locks !== undefined,
  })
}

class AuditReading {
  readonly ledger: AuditLedger
  readonly #ports: Pick<Ports, 'store' | 'keyPrefix' | 'now'>

  constructor(ledger: AuditLedger, ports: Pick<Ports, 'store' | 'keyPrefix' | 'now'>) {
    this.ledger = ledger
    this.#ports = ports
  }

  async coverage(): Promise<void> {
    const keys = this.#keysOfDays('coverage', this.#days(0))
    for await (const { key, value } of this.#records(keys, coverageReportShape, 'coverage')) {
      if (this.#isNamed(key, `${value.coverageId}.json`)) this.ledger.addCoverage(value)
    }
  }

  async runs(every: AuditAbout['every']): Promise<void> {
    const folders = this.#foldersOfDays('runs', this.#days(this.#daysBefore(every)))
    const read = async (folder: string) => {
      const report = await this.#read(reportKey(folder), runReportShape, 'runs')
      return { folder, report, identities: report === undefined ? NOBODY : await this.#identities(folder) }
    }
    for await (const { folder, report, identities } of inOrder(folders, REPORTS_AT_ONCE, read)) {
      const key = reportKey(folder)
      if (report === undefined) await this.#withoutReport(folder)
      else if (report !== 'unreadable' && this.#isNamed(key, `${report.runId}/report.json`))
        this.ledger.addRun(report, key, identities)
    }
  }

  async verifications(): Promise<void> {
    const verdicts: string[] = []
    const reports: string[] = []
    // A reading that began on the day before is of the period, too.
    for await (const key of this.#keysOfDays('verifications', this.#days(2))) {
      if (key.includes('/verdicts/')) verdicts.push(key)
      else if (key.endsWith('/report.json')) reports.push(key)
    }
    for await (const { key, value } of this.#records(reports, verificationReportShape, 'verifications')) {
      if (this.#isNamed(key, `${value.verificationId}/report.json`)) this.ledger.addVerificationReport(value, key)
    }
    for await (const { key, value } of this.#records(verdicts, keptVerdictShape, 'verdicts')) {
      const name = `${value.folder.split('/').slice(-4).join('/')}${value.verifiedAt.replaceAll(':', '-')}.json`
      if (this.#isNamed(key, name)) this.ledger.addVerdict(value, key)
    }
  }

  async rehearsals(): Promise<void> {
    const { keyPrefix } = this.#ports
    const keys: string[] = []
    for await (const key of this.#keysOfDays('drills', this.#days(2))) {
      if (readDrillEvidenceKey(keyPrefix, key) !== undefined) keys.push(key)
    }
    for await (const { key, value } of this.#records(keys, drillEvidenceShape, 'rehearsals')) {
      if (this.#isNamed(key, `${value.restoreId}.json`)) this.ledger.addRehearsal(value, key)
    }
  }

  async restores(): Promise<void> {
    const folders = this.#foldersOfDays('restores', this.#days(2))
    const read = async (folder: string) => ({
      key: reportKey(folder),
      report: await this.#read(reportKey(folder), restoreReportShape, 'restores'),
    })
    for await (const { key, report } of inOrder(folders, RECORDS_AT_ONCE, read)) {
      if (report === undefined || report === 'unreadable' || report.dryRun || report.checks !== undefined) continue
      if (this.#isNamed(key, `${report.restoreId}/report.json`)) this.ledger.addRestore(report, key)
    }
  }

  /** Until now: what a later pruning removed is explained by it. */
  async retention(): Promise<void> {
    const { store, keyPrefix } = this.#ports
    const { site, from } = this.ledger.period
    const root = `${keyPrefix}retention/${site === undefined ? '' : `${site}/`}`
    const keys: string[] = []
    for await (const { key } of store.listObjects(root)) {
      if (!key.includes('/removing/') && keyInstant(key) >= wholeSecond(from)) keys.push(key)
    }
    for await (const { key, value } of this.#records(keys, retentionShape, 'prunings')) {
      const own = retentionReportKey(keyPrefix, value.site, value.guest, value.decidedAt)
      if (own === key) this.ledger.addRetention(value, key)
      else this.#foreign(key)
    }
  }

  /** How often the set-up of a site was kept: only counted, since no figure of a guest comes from it. */
  async configurations(): Promise<void> {
    const { keyPrefix, store } = this.#ports
    const { site, from, to } = this.ledger.period
    const root = `${keyPrefix}configurations/${site === undefined ? '' : `${site}/`}`
    const keys: string[] = []
    for await (const { key } of store.listObjects(root)) {
      const at = keyInstant(key)
      if (at >= wholeSecond(from) && at <= Date.parse(to)) keys.push(key)
    }
    for await (const { key, value } of this.#records(keys, siteConfigurationShape, 'configurations')) {
      if (configurationKey(keyPrefix, value.site, value.takenAt) !== key) this.#foreign(key)
    }
  }

  async archives(locks: AuditPorts['locks'], seenAt: string): Promise<void> {
    const { site } = this.ledger.period
    const { store, keyPrefix } = this.#ports
    for await (const { entries } of readCatalogue(site === undefined ? {} : { site }, { store, keyPrefix })) {
      for (const entry of entries) this.ledger.addEntry(entry)
      if (locks === undefined) continue
      const asked = entries.filter(({ folder }) => this.ledger.archives.get(folder)?.there === true)
      const ask = async (entry: CatalogueEntry) => ({ entry, lock: await lockOf(entry, locks) })
      for await (const { entry, lock } of inOrder(asked, RECORDS_AT_ONCE, ask)) {
        this.ledger.addLock(entry.folder, lock, seenAt)
      }
    }
  }

  /** Of the archives of the report that are there. */
  async copies(ask: AuditPorts['copies'], seenAt: string): Promise<void> {
    if (ask === undefined) return
    const there = [...this.ledger.archives.values()].filter((archive) => archive.there)
    const proofs = inOrder(there, RECORDS_AT_ONCE, async (archive) => ({ archive, copy: await ask(archive.folder) }))
    for await (const { archive, copy } of proofs) archive.copy = { ...copy, seenAt }
  }

  /** So far back a run may have begun that made archives of the period, or one that keeps its begin from being a gap. */
  #daysBefore(every: AuditAbout['every']): number {
    const all = every === undefined ? [...this.ledger.expectations.values()].flat() : [every]
    const longest = Math.max(0, ...all.map((one) => (one.every ?? 0) + one.grace))
    return Math.min(MOST_DAYS_BEFORE, Math.max(LONGEST_RUN_DAYS, Math.ceil(longest / DAY_MILLISECONDS) + 1))
  }

  /** Days as `2026/07/01/`, so many before the period included; never in the future. */
  #days(before: number): string[] {
    const { from, to } = this.ledger.period
    const last = Math.min(Date.parse(to), this.#ports.now().getTime())
    const days: string[] = []
    const first = Math.floor(Date.parse(from) / DAY_MILLISECONDS) - before
    for (let day = first; day * DAY_MILLISECONDS <= last; day += 1) {
      days.push(dayPath(new Date(day * DAY_MILLISECONDS).toISOString()))
    }
    return days
  }

  async *#keysOfDays(folder: string, days: readonly string[]): AsyncGenerator<string, void, void> {
    const { store, keyPrefix } = this.#ports
    const list = (day: string) => store.listKeys(`${keyPrefix}${folder}/${day}`)
    for await (const keys of inOrder(days, RECORDS_AT_ONCE, list)) yield* keys
  }

  async *#foldersOfDays(folder: string, days: readonly string[]): AsyncGenerator<string, void, void> {
    const { store, keyPrefix } = this.#ports
    const list = (day: string) => store.listFolders(`${keyPrefix}${folder}/${day}`)
    for await (const folders of inOrder(days, RECORDS_AT_ONCE, list)) yield* folders
  }

  /** The records that can be read, in the order of their keys. Each other one is a finding. */
  async *#records<Value>(
    keys: AsyncIterable<string> | Iterable<string>,
    shape: Shape<Value>,
    kind: string,
  ): AsyncGenerator<{ key: string; value: Value }, void, void> {
    const read = async (key: string) => ({ key, value: await this.#read(key, shape, kind) })
    for await (const { key, value } of inOrder(keys, RECORDS_AT_ONCE, read)) {
      if (value !== undefined && value !== 'unreadable') yield { key, value }
    }
  }

  async #read<Value>(key: string, shape: Shape<Value>, kind: string): Promise<Value | 'unreadable' | undefined> {
    const found = await unlessUnreadable(readRecord(this.#ports.store, key, shape))
    if (found === 'unreadable') {
      this.ledger.find('unproved', 'unreadable', `This ${shape.name} can't be read: what it says does not count.`, key)
    } else if (found !== undefined) this.ledger.count(kind)
    return found
  }

  /** A record lies where its own words say. One that was copied elsewhere is somebody's, and would count twice. */
  #isNamed(key: string, ending: string): boolean {
    if (key.endsWith(`/${ending}`)) return true
    this.#foreign(key)
    return false
  }

  #foreign(key: string): void {
    this.ledger.find('unproved', 'foreign', 'It lies where a record of another name belongs: it does not count.', key)
  }

  async #identities(folder: string): Promise<ReadonlyMap<string, GuestIdentity>> {
    const plan = await this.#read(planKey(folder), runPlanShape, 'plans')
    if (plan === undefined || plan === 'unreadable') return NOBODY
    return new Map(plan.flatMap(({ guest }) => (guest.identity === undefined ? [] : [[guest.id, guest.identity]])))
  }

  async #withoutReport(folder: string): Promise<void> {
    const [, year, month, day] = /\/(\d{4})\/(\d\d)\/(\d\d)\/[^/]+\/$/.exec(folder) ?? []
    const begun = Date.parse(`${year}-${month}-${day}T00:00:00Z`)
    if (begun < Date.parse(this.ledger.period.from.slice(0, 10))) return
    const isOld = this.#ports.now().getTime() - begun > LONGEST_RUN_DAYS * DAY_MILLISECONDS
    const why = isOld ? 'It left no report' : 'It has no report yet, or left none'
    this.ledger.find('unproved', 'no-report', `${why}: what this run archived does not count.`, folder)
  }
}

/** Of a key that ends with its time to the second, in milliseconds; NaN where it doesn't. */
function keyInstant(key: string): number {
  const [, date, time] = /\/(\d{4}-\d\d-\d\d)T(\d\d-\d\d-\d\d)Z\.json$/.exec(key) ?? []
  return Date.parse(`${date}T${time?.replaceAll('-', ':')}Z`)
}

/** As keys tell time, in milliseconds. */
function wholeSecond(instant: string): number {
  return Math.floor(Date.parse(instant) / 1000) * 1000
}

const NOBODY: ReadonlyMap<string, GuestIdentity> = new Map()

/**
 * What holds all files of an archive: the earliest end of their retentions. `undefined`: some file is free.
 * `'not-known'`: the manifest names no version that could be asked for.
 */
async function lockOf(
  { folder, facts }: CatalogueEntry,
  locks: NonNullable<AuditPorts['locks']>,
): Promise<ArchiveLock | 'not-known' | undefined> {
  const found: (VersionLock | undefined)[] = []
  // By the folder that was listed: a bucket's copy may have another prefix.
  for (const { fileName, versionId } of facts?.artifacts ?? []) {
    if (versionId === undefined) return 'not-known'
    found.push(await locks.lockOf(artifactKey(folder, fileName), versionId))
  }
  const held = found.filter((lock) => lock !== undefined)
  if (held.length === 0 || held.length < found.length) return undefined
  const legalHold = held.every((lock) => lock.legalHold)
  // A file under a legal hold alone has no end of its own.
  const [until] = held.flatMap(({ retainUntil }) => retainUntil ?? []).toSorted()
  return { legalHold, ...(until === undefined ? {} : { retainUntil: until }) }
}
