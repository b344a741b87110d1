/** One bucket in which everything happens, and all figures of its report. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { AuditReport } from '../../../../functions/contracts/audit.ts'
import { auditCsv } from '../../../../functions/domain/audit/audit-csv.ts'
import { readAudit } from '../../../../functions/operations/audit/read-audit.ts'
import { AuditedBucket, type Ended } from '../../../fakes/audited-bucket.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'

const night = (day: number) => `2026-07-0${day}T02:00:00.000Z`
const noon = (day: number) => `2026-07-0${day}T12:00:00.000Z`
const first: Ended = { id: '100', name: 'first', identity: { id: 'uuid-1' } }
const second: Ended = { id: '100', name: 'second', identity: { id: 'uuid-2' } }
const third: Ended = { id: '100', name: 'third', identity: { id: 'uuid-3' } }
const mail: Ended = { id: '9', name: 'mail' }
const branchGuest: Ended = { id: '1', name: 'pos' }

const store = new MemoryStore()
let report: AuditReport
beforeAll(async () => {
  const hq = new AuditedBucket(store)
  const branch = new AuditedBucket(store, 'branch')
  // Three guests have one id after each other, and the last of them fails first, without anybody knowing who it is.
  await hq.run(night(1), [first, mail])
  await hq.run(night(2), [second, { ...mail, outcome: 'failed', reason: 'It broke off.' }])
  await hq.run(night(3), [third, { ...mail, outcome: 'skipped' }])
  await hq.run(night(4), [third, mail])
  for (const day of [1, 2, 3, 4]) await branch.run(night(day), [branchGuest])
  await hq.coverage(noon(1), [{ id: '100' }, { id: '9', chosenBy: [] }], 12)
  await branch.coverage(noon(1), [{ id: '1', name: 'pos' }], 48)
  await hq.verdict(night(1), mail, noon(2), 'not-verified')
  await hq.verdict(night(1), mail, noon(3), 'refused')
  await hq.verdict(night(4), mail, '2026-07-09T12:00:00.000Z')
  await branch.verdict(night(1), branchGuest, noon(2))
  await branch.rehearsal(night(1), branchGuest, noon(2), false)
  await branch.rehearsal(night(1), branchGuest, noon(3))
  await branch.rehearsal(night(1), branchGuest, noon(4), false)
  await branch.prune(night(1), branchGuest, '2026-07-04T13:00:00.000Z')
  await branch.prune(night(2), branchGuest, '2026-07-04T14:00:00.000Z', 'locked')
  await hq.put('restores/2026/07/02/r1/report.json', restore('r1', hq.folder(night(1), mail)))
  await hq.put('restores/2026/07/02/r2/report.json', { ...restore('r2', hq.folder(night(1), mail)), dryRun: true })
  report = await audit()
})

function restore(restoreId: string, folder: string): object {
  return {
    version: 1,
    restoreId,
    startedAt: noon(2),
    endedAt: noon(2),
    outcome: 'succeeded',
    dryRun: false,
    summary: 'Restored.',
    archive: { folder, fileName: 'disk.vma.zst', sizeBytes: 1000 },
    bytes: 1000,
    seconds: { total: 60 },
    differences: [],
    expected: [],
    findings: [],
    warnings: [],
    left: [],
  }
}

function audit(site?: string): Promise<AuditReport> {
  const ports = { store, keyPrefix: '', now: () => new Date('2026-08-01T00:00:00.000Z'), toolVersion: 'guestlift/test' }
  return readAudit({ from: '2026-07-01T00:00:00.000Z', to: '2026-07-04T23:59:59.999Z', site }, undefined, ports)
}

describe('the figures of a report', () => {
  it('are those of all guests together', () => {
    expect(report.totals).toEqual({
      guests: 5,
      archived: 10,
      archivedBytes: 10_000,
      failed: 1,
      skipped: 1,
      verified: 1,
      refused: 1,
      readings: 2,
      readBytes: 2000,
      rehearsalsPassed: 1,
      rehearsalsFailed: 2,
      gaps: 4,
      pruned: 1,
      prunedBytes: 1000,
      locked: 1,
      restores: 1,
      runs: 8,
    })
    expect(report.restores).toMatchObject([{ restoreId: 'r1', archive: 'archives/hq/vm-9/2026-07-01T02-00-00Z/' }])
    expect(report).toMatchObject({ whole: true, findings: [], furtherFindings: 0 })
    expect(report.summary).toBe(
      '10 archives of 5 guests (9.8 KiB): 1 verified, 1 refused, 1 rehearsal passed, 4 gaps, 1 pruned.',
    )
  })

  it('stand by site and id, with the guests that had an id before in front of the present one', () => {
    expect(report.guests.map(({ site, id, name, former = false }) => [site, id, name, former])).toEqual([
      ['branch', '1', 'pos', false],
      ['hq', '9', 'mail', false],
      ['hq', '100', 'first', true],
      ['hq', '100', 'second', true],
      ['hq', '100', 'third', false],
    ])
  })

  it('have gaps by the interval of the schedules that choose a guest, or by the rules where none does', () => {
    const [pos, mailGuest, ...others] = report.guests
    expect(pos).toMatchObject({ schedule: { everyHours: 48 }, gaps: [] })
    // Its second and third night brought no archive.
    expect(mailGuest).toMatchObject({ schedule: { everyHours: 24, chosenBy: [] } })
    expect(mailGuest?.gaps).toEqual([{ from: night(1), to: night(4), allowedHours: 30 }])
    const thirdGuest = others.at(-1)
    // Every 12 hours, and 6 as grace: from the end of the one that had the id before.
    expect(thirdGuest?.schedule).toEqual({ everyHours: 12, chosenBy: ['nightly'] })
    expect(thirdGuest?.gaps).toEqual([
      { from: night(2), to: night(3), allowedHours: 18 },
      { from: night(3), to: night(4), allowedHours: 18 },
      { from: night(4), to: '2026-07-04T23:59:59.999Z', allowedHours: 18 },
    ])
    expect(others.slice(0, -1).flatMap(({ gaps }) => gaps)).toEqual([])
  })

  it('keep the failures of a guest with its archives, though no record of them knows an identity', () => {
    const mailGuest = report.guests[1]
    expect(mailGuest?.archives.map(({ at }) => at)).toEqual([night(1), night(4)])
    expect(mailGuest?.failures.map(({ at, outcome }) => [at, outcome])).toEqual([
      [night(2), 'failed'],
      [night(3), 'skipped'],
    ])
  })

  it('have readings and rehearsals in the order of time, and none from after the period', () => {
    const mailGuest = report.guests[1]
    expect(mailGuest?.archives[0]?.readings.map(({ result }) => result)).toEqual(['not-verified', 'refused'])
    expect(mailGuest?.archives[1]?.readings).toEqual([])
    expect(report.guests[0]?.archives[0]?.rehearsals.map(({ passed }) => passed)).toEqual([false, true, false])
  })

  it('are those of one site, where only that is asked for', async () => {
    const branch = await audit('branch')
    expect(branch).toMatchObject({ site: 'branch', whole: true, totals: { guests: 1, archived: 4, restores: 0 } })
    const hq = await audit('hq')
    expect(hq).toMatchObject({ totals: { guests: 4, archived: 6, restores: 1, pruned: 0, rehearsalsPassed: 0 } })
  })

  it('stand in the table with the last reading and rehearsal of each archive', () => {
    const [head = '', ...lines] = [...auditCsv(report)].map((line) => line.trimEnd())
    expect(head.split(',').slice(9)).toEqual([
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
    ])
    const [one, two] = lines.map((line) => line.split(',').slice(9))
    expect(one?.slice(7)).toEqual(
      `1,${noon(2)},accepted,3,${noon(4)},failed,2026-07-04T13:00:00.000Z,older than the last 1,,false,`.split(','),
    )
    expect(two?.slice(7)).toEqual('0,,,0,,,,,2027-01-01T00:00:00.000Z,true,'.split(','))
  })
})

describe('more findings than anybody reads', () => {
  it('are counted, and keep the report from being whole', async () => {
    const many = new MemoryStore()
    for (let index = 0; index < 501; index += 1) {
      await many.writeText(`coverage/2026/07/01/check-${index}.json`, 'broken')
    }
    const ports = { store: many, keyPrefix: '', now: () => new Date(noon(4)), toolVersion: 'guestlift/test' }
    const broken = await readAudit({ from: night(1), to: noon(3) }, undefined, ports)
    expect(broken.findings).toHaveLength(500)
    expect(broken).toMatchObject({ furtherFindings: 1, whole: false, totals: { guests: 0, runs: 0 } })
    expect(broken.summary).toContain('501 findings say')
  })
})
