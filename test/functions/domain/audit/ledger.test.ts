import { describe, expect, it } from 'vitest'
import type { CoverageReport } from '../../../../functions/contracts/coverage.ts'
import type { DrillEvidence } from '../../../../functions/contracts/drill.ts'
import type { GuestIdentity } from '../../../../functions/contracts/nouns.ts'
import type { GuestOutcome, RunReport } from '../../../../functions/contracts/report.ts'
import type { RestoreReport } from '../../../../functions/contracts/restore-report.ts'
import type { GuestRetention } from '../../../../functions/contracts/retention-report.ts'
import type { VerificationReport } from '../../../../functions/contracts/verification-report.ts'
import { auditReport } from '../../../../functions/domain/audit/audit-report.ts'
import { AuditLedger } from '../../../../functions/domain/audit/ledger.ts'

const from = '2026-07-02T00:00:00.000Z'
const to = '2026-07-09T00:00:00.000Z'
const HOUR = 3_600_000
const night = (day: number) => `2026-07-0${day}T02:00:00.000Z`
const noon = (day: number) => `2026-07-0${day}T12:00:00.000Z`
const folder = (at: string, id = '1', kind = 'vm') =>
  `archives/hq/${kind}-${id}/${at.slice(0, 19).replaceAll(':', '-')}Z/`
const later = (at: string, milliseconds: number) => new Date(Date.parse(at) + milliseconds).toISOString()

/** Stored unless `at` is absent. */
const outcome = (at: string | undefined, changes: Partial<GuestOutcome> = {}): GuestOutcome => {
  const { id = '1', kind = 'vm' } = changes
  const key = at === undefined ? undefined : folder(at, id, kind)
  return {
    id,
    name: 'web',
    kind: 'vm',
    outcome: key === undefined ? 'failed' : 'succeeded',
    verdict: 'v',
    reason: '',
    artifacts: key === undefined ? [] : [{ key: `${key}disk`, sizeBytes: 10, checksum: 'CRC32:AAAAAA==' }],
    ...(key === undefined ? {} : { manifestKey: `${key}manifest.json` }),
    bytesSent: 0,
    seconds: 1,
    ...changes,
  }
}

function scene(site?: string) {
  const ledger = new AuditLedger({ from, to, site }, '')
  const run = (
    startedAt: string,
    guests: GuestOutcome[],
    identity?: GuestIdentity,
    changes: Partial<RunReport> = {},
  ) => {
    const ends = { startedAt, endedAt: later(startedAt, HOUR) }
    const report: RunReport = {
      version: 1,
      runId: 'r',
      site: 'hq',
      outcome: 'partial',
      summary: '',
      notes: [],
      guests,
      ...ends,
      ...changes,
    }
    ledger.addRun(
      report,
      `runs/${startedAt}`,
      new Map(identity === undefined ? [] : guests.map(({ id }) => [id, identity])),
    )
  }
  const coverage = (
    judgedAt: string,
    ids: { id: string; state?: string }[],
    everyHours: number[] = [24],
    graceHours = 6,
  ) => {
    const schedules = everyHours.map((hours, index) => ({ name: `s${index}`, everyHours: hours }))
    const chosenBy = schedules.map(({ name }) => name)
    const guests = ids.map(({ id, state = 'covered' }) => ({ guest: { kind: 'vm', id }, name: 'web', state, chosenBy }))
    const report = { site: 'hq', judgedAt, rules: { everyHours: 24, graceHours }, schedules, guests }
    ledger.addCoverage(report as unknown as CoverageReport)
  }
  const retention = (
    decidedAt: string,
    archives: Partial<GuestRetention['archives'][number]>[],
    resumed: string[] = [],
  ) =>
    ledger.addRetention(
      { decidedAt, archives, resumed, dryRun: false } as unknown as GuestRetention,
      `retention/${decidedAt}`,
    )
  const report = (every?: { every: number; grace: number }) => {
    // All archives that were not said to be gone are there.
    for (const archive of ledger.archives.values()) archive.listed ??= true
    return auditReport(ledger, { tool: 't', madeAt: '2026-08-01T00:00:00.000Z', bucket: 'b', keyPrefix: '', every })
  }
  return { ledger, run, coverage, retention, report }
}

describe('runs at the edges of a period', () => {
  it('count from its first instant to its last; the last whole archive before it begins the first gap', () => {
    const { run, coverage, report, ledger } = scene()
    run('2026-07-01T10:00:00.000Z', [outcome('2026-07-01T10:00:00.000Z')])
    run('2026-07-01T04:00:00.000Z', [outcome('2026-07-01T04:00:00.000Z')])
    run('2026-07-01T22:00:00.000Z', [
      outcome('2026-07-01T22:00:00.000Z', { outcome: 'failed' }),
      outcome(undefined, { id: '2' }),
    ])
    run(from, [outcome(from)])
    run(to, [outcome(to)])
    run(later(to, 1), [outcome(later(to, 1000))])
    coverage(noon(2), [{ id: '1' }], [12], 1)
    const [guest, ...others] = report().guests
    expect(others).toEqual([])
    expect(guest?.archives.map(({ at }) => at)).toEqual([from, to])
    expect(guest?.failures).toEqual([])
    expect(guest?.gaps).toEqual([
      { from: '2026-07-01T10:00:00.000Z', to: from, allowedHours: 13 },
      { from, to, allowedHours: 13 },
    ])
    expect([...ledger.before]).toEqual([['hq/vm-1', Date.parse('2026-07-01T10:00:00.000Z')]])
  })

  it('tell site and kind of a guest by its archive, where an old report names neither', () => {
    const { run, report } = scene('hq')
    const { kind: _kind, ...stored } = outcome(night(3), { id: '7', kind: 'container' })
    run(night(3), [{ ...stored, outcome: 'failed' }], undefined, { site: undefined })
    const { kind: _other, ...lost } = outcome(undefined, { id: '8' })
    run(night(4), [lost])
    expect(report().guests).toMatchObject([
      {
        kind: 'container',
        id: '7',
        archives: [{ folder: folder(night(3), '7', 'container') }],
        failures: [{ at: night(3) }],
      },
      { kind: 'vm', id: '8', archives: [], failures: [{ at: night(4) }] },
    ])
  })

  it('are believed only with a manifest among the archives of that guest and site, and each doubt is told once', () => {
    const { run, ledger } = scene()
    const { manifestKey: _key, ...without } = outcome(night(3))
    run(night(3), [{ ...without, artifacts: [] }])
    run(night(4), [outcome(night(4))], undefined, { site: 'branch' })
    run(night(5), [{ ...outcome(night(5)), artifacts: [] }])
    expect(
      ledger.findings.map(({ code, key, message }) => [code, key, message.split(' ').slice(0, 2).join(' ')]),
    ).toEqual([
      ['foreign', `runs/${night(3)}`, 'It calls'],
      ['foreign', `runs/${night(4)}`, 'What it'],
      ['foreign', `runs/${night(5)}`, 'What it'],
    ])
    expect(ledger.archives.size).toBe(0)
  })

  it('mend the time of an archive that lies more than a minute outside, and say so', () => {
    const { run, ledger } = scene()
    run(later(night(3), 60_000), [outcome(night(3))])
    expect(ledger.findings).toEqual([])
    run(later(night(4), 61_000), [outcome(night(4))])
    expect(ledger.findings).toMatchObject([{ code: 'time-mended', key: folder(night(4)) }])
    expect(ledger.archives.get(folder(night(4)))?.at).toBe(later(night(4), 61_000))
  })
})

describe('what became of archives', () => {
  it('counts from the first instant of the period to the last, and nothing from outside', () => {
    const { ledger, run, report } = scene()
    run(night(3), [outcome(night(3))])
    const instants = [later(from, -1), from, to, later(to, 1)]
    const archives = instants.map((verifiedAt, index) => ({
      folder: folder(night(3)),
      result: 'refused',
      reason: index === 1 ? '' : 'Broken.',
      verifiedAt,
      sizeBytes: 5,
    }))
    ledger.addVerificationReport(
      { archives: [...archives, { ...archives[0], verifiedAt: undefined }] } as unknown as VerificationReport,
      'v',
    )
    for (const endedAt of instants.toReversed()) {
      const drill = {
        archive: { folder: folder(night(3)) },
        guest: { name: 'web' },
        endedAt,
        passed: true,
        summary: '',
      }
      ledger.addRehearsal({ ...drill, seconds: endedAt === to ? { total: 4 } : {} } as unknown as DrillEvidence, 'd')
      const restore = {
        restoreId: endedAt,
        endedAt,
        outcome: 'succeeded',
        summary: '',
        archive: { folder: folder(night(3)) },
      }
      ledger.addRestore(restore as unknown as RestoreReport, 'r')
    }
    const { guests, restores, totals } = report()
    expect(guests[0]?.archives[0]?.readings).toEqual([
      { at: from, result: 'refused', sizeBytes: 5, recordKey: 'v' },
      { at: to, result: 'refused', sizeBytes: 5, reason: 'Broken.', recordKey: 'v' },
    ])
    expect(guests[0]?.archives[0]?.rehearsals).toEqual([
      { at: from, passed: true, summary: '', recordKey: 'd' },
      { at: to, passed: true, summary: '', recordKey: 'd', totalSeconds: 4 },
    ])
    expect(restores.map(({ at }) => at)).toEqual([from, to])
    expect(totals).toMatchObject({ restores: 2, rehearsalsPassed: 2, readings: 2 })
  })

  it('is told by the first pruning that removed it; one after the period only explains why it is gone', () => {
    const { ledger, run, retention, report } = scene()
    for (const day of [3, 4, 5]) run(night(day), [outcome(night(day))])
    const removed = { folder: folder(night(3)), sizeBytes: 10, reason: 'old', outcome: 'removed' as const }
    const locked = { folder: folder(night(5)), outcome: 'locked' as const, lock: { legalHold: true } }
    retention(noon(5), [removed], [folder(night(4))])
    retention(noon(6), [{ ...removed, reason: 'again' }])
    retention(later(to, HOUR), [
      { ...removed, folder: folder(night(5)) },
      locked,
      { ...removed, folder: folder(night(1)) },
    ])
    const { guests, totals } = report()
    expect(guests[0]?.archives.map(({ pruned, lock }) => [pruned?.reason, pruned?.sizeBytes, lock])).toEqual([
      ['old', 10, undefined],
      ['A removal that was begun earlier.', 0, undefined],
      [undefined, undefined, undefined],
    ])
    expect(totals).toMatchObject({ pruned: 2, prunedBytes: 10, locked: 0 })
    expect(ledger.archives.get(folder(night(5)))?.prunedLater).toBe(true)
    expect(ledger.archives.has(folder(night(1)))).toBe(false)
  })
})

describe('what coverage expects of a guest', () => {
  it.each(['parked', 'absent', 'gone'])('is nothing while it is %s, and again from when it is not', (state) => {
    const { coverage, ledger, report } = scene()
    coverage(noon(2), [{ id: '1', state }])
    expect(report().guests[0]).not.toHaveProperty('schedule')
    coverage(noon(4), [{ id: '1' }])
    expect(ledger.expectations.get('hq/vm-1')).toMatchObject([{ grace: 6 * HOUR }, { every: 24 * HOUR }])
    expect(report().guests[0]?.gaps).toEqual([{ from: noon(4), to, allowedHours: 30 }])
  })

  it('is what its most frequent schedule says; only what changes is kept, and nothing of a guest that is not seen', () => {
    const { coverage, ledger } = scene()
    coverage(noon(2), [{ id: '1' }, { id: '2' }], [48, 12, 24])
    coverage(noon(3), [{ id: '1' }], [12])
    coverage(noon(4), [{ id: '1' }], [12], 8)
    coverage(noon(5), [{ id: '1' }], [24], 8)
    coverage(noon(6), [{ id: '1' }], [24], 8)
    const told = (key: string) =>
      ledger.expectations
        .get(key)
        ?.map((one) => [new Date(one.from).toISOString(), (one.every ?? 0) / HOUR, one.grace / HOUR])
    expect(told('hq/vm-1')).toEqual([
      [noon(2), 12, 6],
      [noon(4), 12, 8],
      [noon(5), 24, 8],
    ])
    expect(told('hq/vm-2')).toEqual([
      [noon(2), 12, 6],
      [noon(3), 0, 0],
    ])
  })

  it('holds for all guests where the interval is given: from what is known of each', () => {
    const { run, report } = scene()
    run(night(4), [outcome(undefined)])
    run(night(5), [outcome(night(5))])
    const { guests, findings } = report({ every: 24 * HOUR, grace: 0 })
    expect(findings).toEqual([])
    expect(guests[0]?.gaps).toEqual([{ from: night(5), to, allowedHours: 24 }])
    expect(report().findings).toMatchObject([{ weight: 'noted', code: 'no-schedule' }])
  })
})

describe('guests that have one id', () => {
  const identity = (id: string) => ({ id })
  const names = ({ guests }: ReturnType<ReturnType<typeof scene>['report']>) =>
    guests.map(({ name, identity: known, former, archives, failures }) => [
      name,
      known?.id,
      former,
      archives.length,
      failures.length,
    ])

  it('keep failures of which nobody knows whose they are, before and after their archives, by name', () => {
    const { run, report } = scene()
    run(night(2), [outcome(night(2), { name: 'old' })], identity('uuid-0'))
    run(night(3), [outcome(undefined)])
    run(night(4), [outcome(night(4))], identity('uuid-1'))
    run(night(5), [outcome(undefined)])
    expect(names(report())).toEqual([
      ['old', 'uuid-0', true, 1, 0],
      ['web', 'uuid-1', undefined, 1, 2],
    ])
  })

  it('are two where names, or identities, or archives without one speak against it', () => {
    const named = scene()
    named.run(night(3), [outcome(night(3))], identity('uuid-1'))
    named.run(night(4), [outcome(undefined, { name: 'shop' })])
    expect(names(named.report())).toEqual([
      ['web', 'uuid-1', true, 1, 0],
      ['shop', undefined, undefined, 0, 1],
    ])
    const known = scene()
    known.run(night(3), [outcome(night(3))], identity('uuid-1'))
    known.run(night(4), [outcome(undefined)], identity('uuid-2'))
    expect(names(known.report())).toEqual([
      ['web', 'uuid-1', true, 1, 0],
      ['web', 'uuid-2', undefined, 0, 1],
    ])
    const stored = scene()
    stored.run(night(3), [outcome(night(3))])
    stored.run(night(4), [outcome(night(4))], identity('uuid-1'))
    expect(names(stored.report())).toEqual([
      ['web', undefined, true, 1, 0],
      ['web', 'uuid-1', undefined, 1, 0],
    ])
  })
})
