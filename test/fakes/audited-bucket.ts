/** A bucket as weeks of work leave it: reports by date, archives of which some are gone again. */
import type { DrillEvidence } from '../../functions/contracts/drill.ts'
import type { CoverageReport } from '../../functions/contracts/coverage.ts'
import type { GuestIdentity } from '../../functions/contracts/nouns.ts'
import type { GuestOutcome, RunReport } from '../../functions/contracts/report.ts'
import type { GuestRetention } from '../../functions/contracts/retention-report.ts'
import type { KeptVerdict } from '../../functions/contracts/kept-verdict.ts'
import {
  archiveFolder,
  coverageReportKey,
  drillEvidenceKey,
  keptVerdictKey,
  manifestKey,
  planKey,
  reportKey,
  retentionReportKey,
  runPrefix,
} from '../../functions/domain/books/object-keys.ts'
import { evidenceOf } from './drill-evidence.ts'
import { manifestOf } from './manifest.ts'
import { item } from './ports.ts'

const POLICY = { 'keep-last': 1, timeZone: 'UTC', minimumArchives: 1, largestShare: 0.5 }

/** What writes texts: a store in memory, or S3. */
export interface Writes {
  writeText(key: string, text: string): Promise<unknown>
  remove(key: string): Promise<unknown>
}

export interface Ended {
  id: string
  name?: string
  kind?: 'vm' | 'container'
  identity?: GuestIdentity
  outcome?: GuestOutcome['outcome']
  reason?: string
  /** When its backup began. Absent: with its run. */
  begunAt?: string
}

export class AuditedBucket {
  readonly #store: Writes
  readonly #site: string

  constructor(store: Writes, site = 'hq') {
    this.#store = store
    this.#site = site
  }

  put(key: string, value: unknown): Promise<unknown> {
    return this.#store.writeText(key, typeof value === 'string' ? value : JSON.stringify(value))
  }

  folder(at: string, { id, kind = 'vm' }: Pick<Ended, 'id' | 'kind'>): string {
    return archiveFolder('', this.#site, { id, kind, name: '', node: '' }, at)
  }

  /** A run that began at an instant and took an hour; what succeeded lies among the archives. */
  async run(at: string, guests: readonly Ended[], { reported = true } = {}): Promise<string> {
    const runId = `run-${at.slice(0, 10)}${this.#site === 'hq' ? '' : `-${this.#site}`}`
    const prefix = runPrefix('', runId, at)
    const outcomes: GuestOutcome[] = []
    for (const guest of guests) outcomes.push(await this.#ended(at, runId, guest))
    const plan = guests.map(({ id, kind = 'vm', name = `guest-${id}`, identity }) => ({
      ...item,
      guest: { id, kind, name, node: 'pve1', ...(identity === undefined ? {} : { identity }) },
    }))
    await this.put(planKey(prefix), plan)
    const archived = outcomes.filter(({ outcome }) => outcome === 'succeeded').length
    const report: RunReport = {
      version: 1,
      runId,
      site: this.#site,
      outcome: archived === guests.length ? 'succeeded' : archived === 0 ? 'failed' : 'partial',
      summary: 'Done.',
      notes: [],
      startedAt: at,
      endedAt: new Date(Date.parse(at) + 3_600_000).toISOString(),
      guests: outcomes,
    }
    if (reported) await this.put(reportKey(prefix), report)
    return prefix
  }

  async #ended(at: string, runId: string, guest: Ended): Promise<GuestOutcome> {
    const { id, kind = 'vm', name = `guest-${id}`, outcome = 'succeeded', reason = '', identity } = guest
    const bare = { id, name, kind, node: 'pve1', outcome, reason, bytesSent: 0, seconds: 60 } as const
    if (outcome !== 'succeeded') return { ...bare, verdict: 'JobFailed', artifacts: [] }
    const { begunAt = at } = guest
    const folder = this.folder(begunAt, guest)
    const of = { id, kind, name, node: 'pve1', ...(identity === undefined ? {} : { identity }) }
    const manifest = { ...manifestOf(begunAt, [1000], of), site: this.#site, runId }
    const [artifact] = manifest.artifacts
    const own = {
      ...artifact,
      key: `${folder}disk.vma.zst`,
      fileName: 'disk.vma.zst',
      checksum: 'CRC32:AAAAAA==',
      versionId: 'v1',
    }
    await this.put(own.key, 'x'.repeat(1000))
    await this.put(manifestKey(folder), { ...manifest, artifacts: [own] })
    return {
      ...bare,
      verdict: 'archived',
      manifestKey: manifestKey(folder),
      artifacts: [
        {
          key: own.key,
          sizeBytes: 1000,
          checksum: 'CRC32:AAAAAA==',
        },
      ],
      grade: {
        consistency: 'file-system',
        gaps: [],
      },
    }
  }

  async verdict(made: string, guest: Ended, at: string, result: KeptVerdict['result'] = 'accepted'): Promise<string> {
    const folder = this.folder(made, guest)
    const { id, kind = 'vm', name = `guest-${id}` } = guest
    const verdict: KeptVerdict = {
      version: 1,
      folder,
      site: this.#site,
      guest: {
        id,
        kind,
        name,
      },
      createdAt: made,
      verifiedAt: at,
      tool: 'guestlift/0.1.0',
      result,
      findings:
        result === 'accepted'
          ? []
          : [
              {
                code: 'checksum',
                message: 'Its bytes are others.',
              },
            ],
      files: [
        {
          fileName: 'disk.vma.zst',
          sizeBytes: 1000,
          crc32: 'AAAAAA==',
          manifestChecksum: 'CRC32:AAAAAA==',
        },
      ],
    }
    const key = keptVerdictKey('', folder, at)
    await this.put(key, verdict)
    return key
  }

  rehearsal(made: string, guest: Ended, at: string, passed = true): Promise<unknown> {
    const { id, kind = 'vm', name = `guest-${id}` } = guest
    const evidence: DrillEvidence = evidenceOf(`drill-${id}`, {
      startedAt: at,
      endedAt: at,
      passed,
      site: this.#site,
      guest: {
        id,
        kind,
        name,
      },
      archive: {
        folder: this.folder(made, guest),
        createdAt: made,
        fileName: 'disk.vma.zst',
        sizeBytes: 1000,
      },
    })
    return this.put(drillEvidenceKey('', `drill-${id}`, at), evidence)
  }

  /** The archive goes, and the report of that stays. */
  async prune(made: string, guest: Ended, at: string, outcome: 'removed' | 'locked' = 'removed'): Promise<void> {
    const folder = this.folder(made, guest)
    const { id, kind = 'vm' } = guest
    const report: GuestRetention = {
      version: 1,
      site: this.#site,
      guest: {
        id,
        kind,
      },
      policy: POLICY,
      gone: false,
      dryRun: false,
      confirmed: false,
      decidedAt: at,
      resumed: [],
      warnings: [],
      toRemove: 1,
      locked: outcome === 'locked' ? 1 : 0,
      removed: outcome === 'removed' ? 1 : 0,
      removedBytes: 1000,
      summary: '1 archive removed.',
      archives: [
        {
          folder,
          createdAt: made,
          sizeBytes: 1000,
          decision: 'remove',
          reason: 'older than the last 1',
          outcome,
          ...(outcome === 'locked'
            ? {
                lock: {
                  legalHold: false,
                  retainUntil: '2027-01-01T00:00:00.000Z',
                },
              }
            : {}),
        },
      ],
    }
    await this.put(retentionReportKey('', this.#site, { id, kind }, at), report)
    if (outcome === 'removed') await this.lose(made, guest)
  }

  /** The archive goes, and nobody says why. */
  async lose(made: string, guest: Ended): Promise<void> {
    const folder = this.folder(made, guest)
    for (const name of ['disk.vma.zst', 'manifest.json']) await this.#store.remove(`${folder}${name}`)
  }

  coverage(
    at: string,
    guests: readonly { id: string; state?: string; name?: string; chosenBy?: string[] }[],
    everyHours = 24,
  ): Promise<unknown> {
    const coverageId = `check-${at.slice(0, 10)}${this.#site === 'hq' ? '' : `-${this.#site}`}`
    const rules = { everyHours: 24, graceHours: 6, shrunkBelow: 0.5, parkedTags: [], parkedIds: [], wholeSite: true }
    const report = {
      version: 1,
      coverageId,
      site: this.#site,
      outcome: 'succeeded',
      summary: 'Fine.',
      startedAt: at,
      judgedAt: at,
      rules,
      schedules: [
        {
          name: 'nightly',
          everyHours,
        },
      ],
      counts: {},
      unknown: [],
      guests: guests.map(({ id, state = 'covered', name = `guest-${id}`, chosenBy = ['nightly'] }) => ({
        site: this.#site,
        guest: {
          kind: 'vm',
          id,
        },
        name,
        state,
        reasons: [],
        archives: 1,
        sizeBytes: 1000,
        chosenBy,
      })),
    } satisfies CoverageReport
    return this.put(coverageReportKey('', coverageId, at), report)
  }
}
