import { describe, expect, it } from 'vitest'
import { StoreUnavailable } from '../../../../functions/contracts/errors.ts'
import { auditReportSchema, type AuditReport } from '../../../../functions/contracts/audit.ts'
import { configurationKey } from '../../../../functions/domain/books/object-keys.ts'
import { auditCsv } from '../../../../functions/domain/audit/audit-csv.ts'
import { auditPage } from '../../../../functions/report-page/audit-page.ts'
import { readAudit } from '../../../../functions/operations/audit/read-audit.ts'
import { AuditedBucket } from '../../../fakes/audited-bucket.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'

const period = { from: '2026-07-01T00:00:00.000Z', to: '2026-07-10T23:59:59.999Z' }
const night = (day: number) => `2026-07-${String(day).padStart(2, '0')}T02:00:00.000Z`
const web = { id: '100', name: 'web', identity: { id: 'uuid-web' } }

function scene() {
  const store = new MemoryStore()
  const bucket = new AuditedBucket(store)
  const audit = async (
    changes: { site?: string; from?: string; to?: string } = {},
    every?: { every: number; grace: number },
    now = '2026-10-01T00:00:00.000Z',
    locks?: Parameters<typeof readAudit>[2]['locks'],
  ): Promise<AuditReport> => {
    const ports = { store, keyPrefix: '', now: () => new Date(now), toolVersion: 'guestlift/test', locks }
    const report = await readAudit({ ...period, ...changes }, every, ports)
    expect(auditReportSchema.safeParse(report).error).toBeUndefined()
    return report
  }
  return { store, bucket, audit }
}

const codes = ({ findings }: AuditReport) => findings.map(({ code }) => code)

describe('the evidence of a period', () => {
  it('tells of each archive when it was made, read back, rehearsed and pruned, though it is gone', async () => {
    const { bucket, audit } = scene()
    for (const day of [1, 2, 3]) await bucket.run(night(day), [web])
    await bucket.verdict(night(1), web, '2026-07-02T08:00:00.000Z')
    await bucket.rehearsal(night(1), web, '2026-07-03T08:00:00.000Z')
    await bucket.prune(night(1), web, '2026-07-04T08:00:00.000Z')
    await bucket.prune(night(2), web, '2026-07-04T09:00:00.000Z', 'locked')
    const report = await audit()
    expect(report).toMatchObject({
      whole: true,
      totals: { guests: 1, archived: 3, verified: 1, rehearsalsPassed: 1, pruned: 1, locked: 1, runs: 3 },
    })
    const [guest] = report.guests
    expect(guest).toMatchObject({ site: 'hq', kind: 'vm', id: '100', name: 'web', identity: { id: 'uuid-web' } })
    expect(guest?.archives[0]).toMatchObject({
      folder: 'archives/hq/vm-100/2026-07-01T02-00-00Z/',
      made: { runId: 'run-2026-07-01', sizeBytes: 1000, grade: { consistency: 'file-system' } },
      readings: [
        { at: '2026-07-02T08:00:00.000Z', result: 'accepted', sizeBytes: 1000, sums: [{ crc32: 'AAAAAA==' }] },
      ],
      rehearsals: [{ passed: true }],
      pruned: { at: '2026-07-04T08:00:00.000Z', reason: 'older than the last 1' },
      there: false,
    })
    expect(guest?.archives[1]).toMatchObject({ lock: { retainUntil: '2027-01-01T00:00:00.000Z' }, there: true })
  })

  it('keeps a refusal that a later reading of the same archive accepted', async () => {
    const { bucket, audit } = scene()
    await bucket.run(night(1), [web])
    await bucket.verdict(night(1), web, '2026-07-02T08:00:00.000Z', 'refused')
    await bucket.verdict(night(1), web, '2026-07-03T08:00:00.000Z')
    const { totals, guests } = await audit()
    expect(totals).toMatchObject({ verified: 1, refused: 1, readings: 2, readBytes: 2000 })
    expect(guests[0]?.archives[0]?.readings[0]).toMatchObject({ result: 'refused', reason: 'Its bytes are others.' })
  })

  it('counts what one reading left in three records once', async () => {
    const { bucket, store, audit } = scene()
    await bucket.run(night(1), [web])
    const at = '2026-07-02T08:00:00.000Z'
    await bucket.verdict(night(1), web, at)
    const folder = bucket.folder(night(1), web)
    const verification = {
      version: 1,
      verifiedAt: at,
      tool: 'guestlift/0.1.0',
      result: 'accepted',
      findings: [],
      notes: [],
      evidence: [],
    }
    await store.writeText(`${folder}verification.json`, JSON.stringify(verification))
    await bucket.put('verifications/2026/07/02/due/report.json', {
      version: 1,
      verificationId: 'due',
      outcome: 'succeeded',
      summary: '',
      accepted: 1,
      refused: 0,
      notVerified: 0,
      overdue: 0,
      readBytes: 1000,
      startedAt: at,
      endedAt: at,
      policy: {},
      unread: [],
      further: 0,
      furtherOverdue: 0,
      archives: [
        {
          folder,
          site: 'hq',
          guest: {
            kind: 'vm',
            id: '100',
          },
          createdAt: night(1),
          sizeBytes: 1000,
          overdue: false,
          due: '',
          result: 'accepted',
          reason: '',
          verifiedAt: at,
        },
      ],
    })
    const { totals, guests, read } = await audit()
    expect(read).toMatchObject({ verifications: 1, verdicts: 1 })
    expect(totals).toMatchObject({ readings: 1, verified: 1 })
    expect(guests[0]?.archives[0]?.readings).toMatchObject([{ sums: [{ crc32: 'AAAAAA==' }] }])
  })

  it('tells two guests apart that had one id after each other, and leaves the former without gaps', async () => {
    const { bucket, audit } = scene()
    for (const day of [1, 2]) await bucket.run(night(day), [web])
    const other = { id: '100', name: 'shop', identity: { id: 'uuid-shop' } }
    for (const day of [3, 4]) await bucket.run(night(day), [other])
    await bucket.coverage('2026-07-04T12:00:00.000Z', [{ id: '100', name: 'shop' }])
    const { guests } = await audit({ to: '2026-07-04T23:59:59.999Z' })
    expect(guests).toMatchObject([
      { name: 'web', former: true, counts: { archived: 2 }, gaps: [] },
      { name: 'shop', counts: { archived: 2 }, gaps: [] },
    ])
  })

  it('shows guests that failed, were left out, or were never archived', async () => {
    const { bucket, audit } = scene()
    await bucket.run(night(1), [
      web,
      { id: '101', outcome: 'failed', reason: 'The dump broke off.' },
      { id: '102', outcome: 'skipped' },
    ])
    await bucket.coverage('2026-07-02T12:00:00.000Z', [{ id: '100' }, { id: '103', state: 'never' }])
    const { guests, totals } = await audit()
    expect(totals).toMatchObject({ guests: 4, archived: 1, failed: 1, skipped: 1 })
    expect(guests[1]).toMatchObject({
      id: '101',
      failures: [{ reason: 'The dump broke off.', runId: 'run-2026-07-01' }],
    })
    expect(guests[3]).toMatchObject({ id: '103', archives: [], counts: { gaps: 1 } })
  })

  it('judges gaps by the schedule that the checks of coverage saw', async () => {
    const { bucket, audit } = scene()
    await bucket.run('2026-06-30T02:00:00.000Z', [web])
    for (const day of [1, 2, 5, 6, 7, 8, 9, 10]) await bucket.run(night(day), [web])
    for (const day of [1, 5, 10])
      await bucket.coverage(`2026-07-${String(day).padStart(2, '0')}T12:00:00.000Z`, [{ id: '100' }])
    const { guests } = await audit()
    expect(guests[0]?.gaps).toEqual([{ from: night(2), to: night(5), allowedHours: 30 }])
    expect(guests[0]?.schedule).toEqual({ everyHours: 24, chosenBy: ['nightly'] })
  })

  it('takes an archive that is less than required for a failure, and for no end of a gap', async () => {
    const { bucket, store, audit } = scene()
    for (const day of [1, 2, 3]) await bucket.run(night(day), [web])
    const key = 'runs/2026/07/02/run-2026-07-02/report.json'
    const text = (await store.readText(key))?.text ?? ''
    const lesser = { ...(JSON.parse(text) as { guests: object[] }) }
    lesser.guests = lesser.guests.map((guest) => ({ ...guest, outcome: 'failed', verdict: 'GradeNotReached' }))
    await bucket.put(key, lesser)
    const every = { every: 86_400_000, grace: 3_600_000 }
    const { guests, totals } = await audit({ to: '2026-07-03T12:00:00.000Z' }, every)
    expect(totals).toMatchObject({ archived: 2, archivedBytes: 2000, failed: 1, skipped: 0 })
    expect(guests[0]?.archives.map(({ made }) => made?.unmet)).toEqual([undefined, true, undefined])
    expect(guests[0]?.gaps).toEqual([{ from: night(1), to: night(3), allowedHours: 25 }])
  })

  it('says that it judged no gaps where no schedule is known, and judges them by an own rule', async () => {
    const { bucket, audit } = scene()
    for (const day of [1, 5]) await bucket.run(night(day), [web])
    const blind = await audit({ to: '2026-07-05T12:00:00.000Z' })
    expect(blind.findings).toMatchObject([{ weight: 'noted', code: 'no-schedule' }])
    expect(blind.guests[0]).not.toHaveProperty('schedule')
    const every = { every: 86_400_000, grace: 3_600_000 }
    const { guests } = await audit({ to: '2026-07-05T12:00:00.000Z' }, every)
    expect(guests[0]?.gaps).toEqual([{ from: night(1), to: night(5), allowedHours: 25 }])
  })

  it('tells what locks hold archives now, where that is asked', async () => {
    const { store, bucket, audit } = scene()
    for (const day of [1, 2, 3]) await bucket.run(night(day), [web])
    const retainUntil = '2027-01-01T00:00:00.000Z'
    const locked = `${bucket.folder(night(1), web)}disk.vma.zst`
    const versionless = `${bucket.folder(night(3), web)}manifest.json`
    const text = (await store.readText(versionless))?.text ?? ''
    await store.writeText(versionless, text.replace(/,?"versionId":"v1"/, ''))
    const asked: string[] = []
    const lockOf = async (key: string, versionId: string) => {
      asked.push(`${key} ${versionId}`)
      return key === locked ? { legalHold: false, retainUntil, mode: 'COMPLIANCE' } : undefined
    }
    const report = await audit({}, undefined, undefined, { lockOf })
    expect(report).toMatchObject({ locksAsked: true, whole: true, totals: { locked: 1 } })
    expect(report.guests[0]?.archives[0]?.lock).toEqual({
      legalHold: false,
      retainUntil,
      seenAt: '2026-10-01T00:00:00.000Z',
      recordKey: `${bucket.folder(night(1), web)}manifest.json`,
    })
    expect(report.guests[0]?.archives[1]).not.toHaveProperty('lock')
    expect(codes(report)).toContain('lock-not-known')
    expect(asked).toEqual([`${locked} v1`, `${bucket.folder(night(2), web)}disk.vma.zst v1`])
  })

  it('takes an archive for locked as its manifest noted, until a reading misses the lock', async () => {
    const { bucket, store, audit } = scene()
    await bucket.run(night(1), [web])
    const folder = bucket.folder(night(1), web)
    const key = `${folder}manifest.json`
    const manifest = JSON.parse((await store.readText(key))?.text ?? '')
    const lock = { mode: 'compliance', until: '2027-01-01T00:00:00.000Z' }
    const artifacts = manifest.artifacts.map((artifact: object) => ({ ...artifact, lock }))
    await store.writeText(key, JSON.stringify({ ...manifest, artifacts }))
    const noted = await audit()
    expect(noted.totals.locked).toBe(1)
    expect(noted.guests[0]?.archives[0]?.lock).toEqual({
      legalHold: false,
      retainUntil: lock.until,
      seenAt: manifest.writtenAt,
      recordKey: key,
    })
    const verdict = { version: 1, verifiedAt: night(2), tool: 't', result: 'accepted', findings: [], notes: [] }
    const lockTrouble = 'It is not locked.'
    await store.writeText(`${folder}verification.json`, JSON.stringify({ ...verdict, evidence: [], lockTrouble }))
    const missed = await audit()
    expect(missed.totals.locked).toBe(0)
    expect(missed.findings).toContainEqual(expect.objectContaining({ code: 'lock-missing', message: lockTrouble }))
  })

  it('tells what a second bucket says of each archive that is there', async () => {
    const { bucket, store } = scene()
    for (const day of [1, 2]) await bucket.run(night(day), [web])
    await bucket.prune(night(1), web, '2026-07-04T08:00:00.000Z')
    const asked: string[] = []
    const copies = async (folder: string) => {
      asked.push(folder)
      return { bucket: 'abroad', state: 'lacking' as const, reason: 'It is not there.' }
    }
    const now = () => new Date('2026-10-01T00:00:00.000Z')
    const report = await readAudit(period, undefined, { store, keyPrefix: '', now, toolVersion: 't', copies })
    expect(asked).toEqual([bucket.folder(night(2), web)])
    const [gone, there] = report.guests[0]?.archives ?? []
    expect(gone).not.toHaveProperty('copy')
    expect(there?.copy).toEqual({
      bucket: 'abroad',
      state: 'lacking',
      reason: 'It is not there.',
      seenAt: '2026-10-01T00:00:00.000Z',
    })
    const page = [...auditPage(report, () => '')].join('')
    expect(page).toContain('no second copy</span> in abroad: It is not there.')
    expect([...auditCsv(report)].join('')).toMatch(/,true,lacking\r\n/)
  })

  it('takes no archive for locked of which one file is free', async () => {
    const { bucket, store, audit } = scene()
    await bucket.run(night(1), [web])
    const key = `${bucket.folder(night(1), web)}manifest.json`
    const manifest = JSON.parse((await store.readText(key))?.text ?? '') as { artifacts: { fileName: string }[] }
    const [first] = manifest.artifacts
    const second = { ...first, key: `${bucket.folder(night(1), web)}second`, fileName: 'second' }
    await bucket.put(second.key, 'x'.repeat(1000))
    await bucket.put(key, { ...manifest, artifacts: [first, second] })
    const lockOf = async (of: string) => (of.endsWith('second') ? undefined : { legalHold: true })
    expect((await audit({}, undefined, undefined, { lockOf })).totals.locked).toBe(0)
    const both = { lockOf: async () => ({ legalHold: true }) }
    expect((await audit({}, undefined, undefined, both)).guests[0]?.archives[0]?.lock).toMatchObject({
      legalHold: true,
    })
  })

  it('counts an archive at its own time where its run began in the period before', async () => {
    const { bucket, audit } = scene()
    const begun = '2026-06-30T23:30:00.000Z'
    const late = { ...web, begunAt: '2026-07-01T00:10:00.000Z' }
    await bucket.run(begun, [late, { id: '101' }, { id: '102', outcome: 'failed' }])
    const after = await audit()
    expect(after).toMatchObject({ whole: true, totals: { guests: 1, archived: 1, failed: 0, runs: 0 } })
    expect(codes(after)).toEqual(['no-schedule'])
    const before = await audit({ from: '2026-06-01T00:00:00.000Z', to: '2026-06-30T23:59:59.999Z' })
    expect(before).toMatchObject({ whole: true, totals: { guests: 2, archived: 1, failed: 1, runs: 1 } })
    expect(codes(before)).toEqual(['no-schedule'])
  })

  it('begins a gap at the last archive before the period, in whatever order runs left them', async () => {
    const { bucket, audit } = scene()
    await bucket.run('2026-06-29T23:30:00.000Z', [{ ...web, begunAt: '2026-06-30T00:20:00.000Z' }])
    await bucket.run('2026-06-30T00:05:00.000Z', [{ ...web, begunAt: '2026-06-30T00:10:00.000Z' }])
    await bucket.run('2026-07-01T00:30:00.000Z', [web])
    await bucket.run('2026-07-02T00:00:00.000Z', [{ ...web, begunAt: '2026-07-02T00:15:00.000Z' }])
    const every = { every: 86_400_000, grace: 0 }
    const { guests } = await audit({ to: '2026-07-02T00:10:00.000Z' }, every)
    expect(guests[0]?.gaps).toEqual([
      { from: '2026-06-30T00:20:00.000Z', to: '2026-07-01T00:30:00.000Z', allowedHours: 24 },
    ])
  })

  it('begins no gap at an archive before the period that is less than required', async () => {
    const { bucket, store, audit } = scene()
    await bucket.run('2026-06-29T02:00:00.000Z', [web])
    const key = `${await bucket.run('2026-06-30T02:00:00.000Z', [web])}report.json`
    const text = (await store.readText(key))?.text ?? ''
    await bucket.put(key, text.replaceAll('"outcome":"succeeded"', '"outcome":"failed"'))
    await bucket.run(night(1), [web])
    const { guests } = await audit({ to: '2026-07-01T12:00:00.000Z' }, { every: 86_400_000, grace: 0 })
    expect(guests[0]?.gaps).toMatchObject([{ from: '2026-06-29T02:00:00.000Z', to: night(1) }])
  })

  it.each([
    [undefined, '2026/06/17/'],
    [1, '2026/06/17/'],
    [20, '2026/06/10/'],
    [20.5, '2026/06/09/'],
    [60, '2026/05/27/'],
  ])('looks for runs as far back as an interval of %s days asks for, within bounds: %s', async (days, first) => {
    const { store, audit } = scene()
    const listed: string[] = []
    const listFolders = store.listFolders.bind(store)
    store.listFolders = async (prefix) => {
      listed.push(prefix)
      return await listFolders(prefix)
    }
    await audit({}, days === undefined ? undefined : { every: days * 86_400_000, grace: 0 })
    expect(listed.filter((prefix) => prefix.startsWith('runs/'))[0]).toBe(`runs/${first}`)
  })

  it('takes a minute between the clocks of platform and run for nothing', async () => {
    const { bucket, audit } = scene()
    await bucket.run(night(1), [
      { id: '100', begunAt: '2026-07-01T01:59:00.000Z' },
      { id: '101', begunAt: '2026-07-01T01:58:59.000Z' },
    ])
    const { findings } = await audit({}, { every: 30 * 86_400_000, grace: 0 })
    expect(findings).toMatchObject([
      { weight: 'noted', code: 'time-mended', key: 'archives/hq/vm-101/2026-07-01T01-58-59Z/' },
    ])
  })

  it('counts the runs of the period alone, and of the site that was asked for', async () => {
    const { store, bucket, audit } = scene()
    await new AuditedBucket(store, 'branch').run(night(2), [{ id: '1' }])
    await bucket.run('2026-06-30T02:00:00.000Z', [web])
    await bucket.run(night(1), [web])
    await bucket.coverage('2026-07-01T12:00:00.000Z', [{ id: '100' }])
    expect((await audit()).totals.runs).toBe(2)
    expect((await audit({ site: 'hq' })).totals.runs).toBe(1)
  })

  it('takes the site of an old report without one from its archives', async () => {
    const { bucket, store, audit } = scene()
    const key = `${await bucket.run(night(1), [web])}report.json`
    await bucket.put(key, ((await store.readText(key))?.text ?? '').replace('"site":"hq",', ''))
    expect(await audit({ site: 'hq' })).toMatchObject({ whole: true, totals: { archived: 1, runs: 1 } })
    expect(await audit({ site: 'branch' })).toMatchObject({ whole: true, totals: { archived: 0, guests: 0 } })
  })

  it('counts how often the set-up of a site was kept in the period, up to both of its ends', async () => {
    const { bucket, audit } = scene()
    const keep = (site: string, takenAt: string, as = takenAt) => {
      const record = { version: 1, site, platform: 'proxmox', platformVersion: '9.2', takenAt, parts: [], leftOut: [] }
      return bucket.put(configurationKey('', site, as), record)
    }
    for (const takenAt of [
      '2026-06-30T23:59:58.000Z',
      period.from,
      '2026-07-10T23:59:59.000Z',
      '2026-07-11T00:00:00.000Z',
    ])
      await keep('hq', takenAt)
    await keep('branch', night(2))
    expect(await audit()).toMatchObject({ whole: true, read: { configurations: 3 } })
    expect((await audit({ site: 'branch' })).read).toMatchObject({ configurations: 1 })
    // Keys tell whole seconds: a record of the very second in which the period begins or ends counts.
    const seconds = { from: '2026-06-30T23:59:58.900Z', to: '2026-07-10T23:59:59.000Z' }
    expect((await audit(seconds)).read).toMatchObject({ configurations: 4 })
    expect((await audit({ ...seconds, from: '2026-06-30T23:59:59.000Z' })).read).toMatchObject({ configurations: 3 })
    // What has another name is none of ours.
    await bucket.put(`${configurationKey('', 'hq', night(6))}.old`, '{}')
    expect(await audit()).toMatchObject({ whole: true, read: { configurations: 3 } })
    await bucket.put(configurationKey('', 'hq', night(3)), '{"version":1')
    await keep('hq', night(4), night(5))
    const { whole, findings } = await audit()
    expect({ whole, findings }).toMatchObject({
      whole: false,
      findings: [
        { code: 'unreadable', key: 'configurations/hq/2026-07-03T02-00-00Z.json' },
        { code: 'foreign', key: 'configurations/hq/2026-07-05T02-00-00Z.json' },
      ],
    })
  })

  it('looks at one site alone when asked', async () => {
    const { bucket, audit } = scene()
    await bucket.run(night(1), [web])
    expect((await audit({ site: 'branch' })).guests).toEqual([])
    expect((await audit({ site: 'hq' })).guests).toHaveLength(1)
  })
})

describe('what is missing or wrong', () => {
  it('is never proof: a run without a report counts for nothing, and is named', async () => {
    const { bucket, audit } = scene()
    const prefix = await bucket.run(night(1), [web], { reported: false })
    const report = await audit()
    expect(report).toMatchObject({ whole: false, totals: { archived: 0 } })
    expect(report.findings).toMatchObject([
      { weight: 'unproved', code: 'no-report', key: prefix },
      { weight: 'noted', code: 'unreported-archive' },
    ])
    expect(report.summary).toMatch(/It may lack events: 1 finding says/)
  })

  it.each([
    ['is cut short', '{"version":1,"runId"'],
    ['is of a version to come', '{"version":9}'],
    ['is empty', ''],
  ])('is named where a record %s', async (_, text) => {
    const { bucket, audit } = scene()
    const prefix = await bucket.run(night(1), [web])
    await bucket.put(`${prefix}report.json`, text)
    const report = await audit()
    expect(report).toMatchObject({ whole: false, totals: { archived: 0 } })
    expect(report.findings[0]).toMatchObject({ weight: 'unproved', code: 'unreadable', key: `${prefix}report.json` })
  })

  it('is named where a good report lies under another name, and counts once', async () => {
    const { bucket, store, audit } = scene()
    const prefix = await bucket.run(night(1), [web])
    const text = (await store.readText(`${prefix}report.json`))?.text ?? ''
    await store.writeText('runs/2026/07/02/run-2026-07-02/report.json', text)
    const report = await audit()
    expect(report.totals).toMatchObject({ archived: 1 })
    expect(codes(report)).toContain('foreign')
    expect(report.whole).toBe(false)
  })

  it('is named where a report claims an archive that lies elsewhere', async () => {
    const { bucket, store, audit } = scene()
    const prefix = await bucket.run(night(1), [web])
    const text = (await store.readText(`${prefix}report.json`))?.text ?? ''
    await store.writeText(`${prefix}report.json`, text.replaceAll('archives/hq/vm-100/', 'archives/hq/vm-200/'))
    const report = await audit()
    expect(report.totals.archived).toBe(0)
    expect(codes(report)).toContain('foreign')
  })

  it('names an archive that no report names though it was read back, and none that is broken, too', async () => {
    const { bucket, store, audit } = scene()
    await bucket.run(night(1), [web, { id: '101' }], { reported: false })
    await bucket.verdict(night(1), web, '2026-07-02T08:00:00.000Z')
    await store.remove(`${bucket.folder(night(1), { id: '101' })}disk.vma.zst`)
    const { findings } = await audit({}, { every: 30 * 86_400_000, grace: 0 })
    expect(findings).toMatchObject([
      { weight: 'unproved', code: 'no-report' },
      { weight: 'noted', code: 'unreported-archive', key: bucket.folder(night(1), web) },
    ])
  })

  it('is no matter of this period where the platform was ahead and its archive is older', async () => {
    const { bucket, store, audit } = scene()
    const at = '2026-07-01T00:10:00.000Z'
    await bucket.run('2026-06-30T23:00:00.000Z', [{ ...web, begunAt: at }], { reported: false })
    const key = `${bucket.folder(at, web)}manifest.json`
    const manifest = JSON.parse((await store.readText(key))?.text ?? '') as { evidence: object }
    const clock = { offsetSeconds: 3600, uncertaintySeconds: 1, measuredAt: at }
    await bucket.put(key, { ...manifest, evidence: { ...manifest.evidence, clock } })
    expect((await audit()).findings).toEqual([])
  })

  it('is named where a report claims an archive of another site', async () => {
    const { bucket, store, audit } = scene()
    const key = `${await bucket.run(night(1), [web])}report.json`
    await bucket.put(key, ((await store.readText(key))?.text ?? '').replaceAll('archives/hq/', 'archives/branch/'))
    const report = await audit()
    expect(report.totals.archived).toBe(0)
    expect(codes(report)).toContain('foreign')
  })

  it('is no matter of this period where a run left no report before it, or the platform misdated one', async () => {
    const { bucket, audit } = scene()
    await bucket.run('2026-06-29T02:00:00.000Z', [web], { reported: false })
    await bucket.run('2026-06-30T02:00:00.000Z', [{ ...web, begunAt: '2026-06-20T00:00:00.000Z' }])
    const { whole, findings } = await audit({}, { every: 86_400_000, grace: 0 })
    expect({ whole, findings }).toEqual({ whole: true, findings: [] })
  })

  it('is named where an archive is gone and no record removed it', async () => {
    const { bucket, audit } = scene()
    await bucket.run(night(1), [web])
    await bucket.lose(night(1), web)
    const report = await audit()
    expect(report.findings[0]).toMatchObject({
      weight: 'unproved',
      code: 'gone-without-record',
      key: bucket.folder(night(1), web),
    })
  })

  it('is named once where an archive is there and broken: that is not gone', async () => {
    const { bucket, store, audit } = scene()
    await bucket.run(night(1), [web])
    await store.remove(`${bucket.folder(night(1), web)}disk.vma.zst`)
    const report = await audit()
    expect(report.findings.filter(({ weight }) => weight === 'unproved')).toMatchObject([
      { code: 'unreadable', message: 'The archive is damaged: disk.vma.zst is gone.' },
    ])
    expect(report.guests[0]?.archives[0]?.there).toBe(false)
  })

  it('is not what others left in the folder of an archive that was pruned', async () => {
    const { bucket, audit } = scene()
    await bucket.run(night(1), [web])
    await bucket.prune(night(1), web, '2026-07-04T08:00:00.000Z')
    await bucket.put(`${bucket.folder(night(1), web)}theirs.txt`, 'not ours')
    expect(await audit()).toMatchObject({ whole: true, totals: { pruned: 1 } })
  })

  it('is no removal that is only under way, nor a pruning decided before the second in which the period begins', async () => {
    const { bucket, audit } = scene()
    await bucket.run(night(1), [web])
    await bucket.put('retention/hq/vm-100/removing/2026-07-01T02-00-00Z.json', '{}')
    expect((await audit()).findings.filter(({ code }) => code === 'unreadable')).toEqual([])
    await bucket.prune(night(1), web, '2026-07-02T08:00:00.000Z')
    const decided = (from: string) => audit({ from }).then(({ read }) => read['prunings'] ?? 0)
    expect(await decided('2026-07-02T08:00:00.900Z')).toBe(1)
    expect(await decided('2026-07-02T08:00:01.000Z')).toBe(0)
  })

  it('takes a pruning after the period for the reason why an archive is gone', async () => {
    const { bucket, audit } = scene()
    await bucket.run(night(1), [web])
    await bucket.prune(night(1), web, '2026-09-01T08:00:00.000Z')
    const report = await audit()
    expect(report).toMatchObject({ whole: true, totals: { archived: 1, pruned: 0 } })
  })

  it('is an error where the bucket does not answer: that is no empty report', async () => {
    const { store, audit } = scene()
    store.listKeys = () => Promise.reject(new StoreUnavailable('no answer'))
    await expect(audit()).rejects.toThrow('no answer')
  })

  it('does not take the clock of the platform for the time of an archive', async () => {
    const { bucket, store, audit } = scene()
    const prefix = await bucket.run(night(1), [web])
    const text = (await store.readText(`${prefix}report.json`))?.text ?? ''
    await store.writeText(`${prefix}report.json`, text.replaceAll('2026-07-01T02-00-00Z', '2031-01-01T02-00-00Z'))
    const report = await audit()
    expect(report.guests[0]?.archives.find(({ made }) => made !== undefined)?.at).toBe('2026-07-01T03:00:00.000Z')
    expect(codes(report)).toContain('time-mended')
  })
})
