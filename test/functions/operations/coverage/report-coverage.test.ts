import { describe, expect, it } from 'vitest'
import { coverageReportSchema, coverageRequestSchema } from '../../../../functions/contracts/coverage.ts'
import { PlatformUnavailable } from '../../../../functions/contracts/errors.ts'
import { uncoveredStates } from '../../../../functions/domain/coverage/coverage.ts'
import { coverageMetrics } from '../../../../functions/domain/coverage/coverage-metrics.ts'
import { archiveFolder, drillEvidenceKey, manifestKey } from '../../../../functions/domain/books/object-keys.ts'
import { noteRehearsal } from '../../../../functions/operations/books/rehearsals.ts'
import { reportCoverage } from '../../../../functions/operations/coverage/report-coverage.ts'
import type { GuestRecord } from '../../../../functions/providers/guest-facts.ts'
import { evidenceOf } from '../../../fakes/drill-evidence.ts'
import { manifestOf } from '../../../fakes/manifest.ts'
import { type FakePorts, fakePorts } from '../../../fakes/ports.ts'

const HOUR = 3_600_000

function guest(id: string, its: Partial<GuestRecord> = {}): GuestRecord {
  const rest = { tags: [], missingPrivileges: [], nodeOffline: false } as const
  return {
    id,
    kind: 'vm',
    name: `guest-${id}`,
    node: 'pve1',
    state: 'running',
    ...rest,
    tags: [],
    missingPrivileges: [],
    ...its,
  }
}

async function archived({ store, clock }: FakePorts, { id, kind, name, node }: GuestRecord, hoursAgo: number) {
  const createdAt = new Date(clock.now.getTime() - hoursAgo * HOUR).toISOString()
  const folder = archiveFolder('', 'hq', { id, kind, name, node }, createdAt)
  const manifest = manifestOf(createdAt, [4], { id, kind, name, node })
  const artifacts = manifest.artifacts.map((artifact) => ({ ...artifact, key: `${folder}file`, fileName: 'file' }))
  await store.writeText(`${folder}file`, 'vmaz')
  await store.writeText(manifestKey(folder), JSON.stringify({ ...manifest, artifacts }))
}

function scene(guests: GuestRecord[], mayLack?: string) {
  const ports = fakePorts()
  ports.fakeProvider.listGuests = async () => ({ guests, notes: [], ...(mayLack === undefined ? {} : { mayLack }) })
  const check = (request: object = {}) =>
    reportCoverage(
      {
        coverageId: 'check-1',
        startedAt: '2026-11-22T02:00:00.000Z',
        ...coverageRequestSchema.parse({ site: 'hq', ...request }),
      },
      ports,
    )
  const report = async (key: string) =>
    coverageReportSchema.parse(JSON.parse((await ports.store.readText(key))?.text ?? 'null'))
  const statesOf = async (key: string) =>
    Object.fromEntries((await report(key)).guests.map(({ guest: { id }, state }) => [id, state]))
  const reasonsOf = async (key: string) =>
    Object.fromEntries((await report(key)).guests.map(({ guest: { id }, reasons }) => [id, reasons.join(' ')]))
  return { ports, check, report, statesOf, reasonsOf }
}

describe('telling how a site is covered', () => {
  it('leaves a report of each check and the last one, and tells CloudWatch every state', async () => {
    const [covered, never, parked] = [guest('100'), guest('101'), guest('102', { tags: ['guestlift-parked'] })] as const
    const { ports, check, report } = scene([covered, never, parked])
    await archived(ports, covered, 3)
    const told = await check()
    expect(told).toEqual({
      outcome: 'failed',
      summary: 'Site hq: 1 of 3 guests not covered (1 never, 1 covered, 1 parked).',
      uncovered: 1,
      certain: true,
      bucket: 'memory',
      reportKey: 'coverage/2026/11/22/check-1.json',
    })
    expect(await report(told.reportKey)).toEqual(await report('coverage/hq.json'))
    const [line] = ports.logged.filter(({ event }) => event === 'coverage-metrics')
    expect(line?.fields).toMatchObject({
      Deployment: 'test',
      Site: 'hq',
      GuestsUncovered: 1,
      GuestsCovered: 1,
      GuestsNeverArchived: 1,
      GuestsParked: 1,
      GuestsStale: 0,
      GuestsDamaged: 0,
      GuestsShrunk: 0,
      GuestsGone: 0,
      OldestNewestArchiveHours: 3,
    })
  })

  it('tells zero and succeeds when every guest is covered', async () => {
    const { ports, check } = scene([guest('100')])
    await archived(ports, guest('100'), 3)
    expect(await check()).toMatchObject({ outcome: 'succeeded', uncovered: 0, certain: true })
    expect(ports.logged.at(-1)?.fields).toMatchObject({ GuestsUncovered: 0 })
  })

  it('is uncertain when guests may be hidden, and still tells of those it saw', async () => {
    const { ports, check } = scene([guest('100')], 'The account lacks VM.Audit on /vms.')
    await archived(ports, guest('100'), 3)
    expect(await check()).toMatchObject({
      outcome: 'partial',
      certain: false,
      summary: expect.stringMatching(/no guest is uncovered.*VM\.Audit/),
    })
    expect(ports.logged.at(-1)?.fields).toMatchObject({ GuestsUncovered: 0, GuestsCovered: 1 })
    // Where the account is meant to see some guests only.
    expect(await check({ rules: { wholeSite: false } })).toMatchObject({ outcome: 'succeeded', certain: true })
  })

  it('tells nothing of a site that cannot be asked', async () => {
    const { ports, check } = scene([])
    ports.fakeProvider.listGuests = () => Promise.reject(new PlatformUnavailable('no answer'))
    await expect(check()).rejects.toMatchObject({ name: 'PlatformUnavailable' })
    expect(ports.store.objects.size).toBe(0)
    expect(ports.logged).toEqual([])
  })
})

describe('guests and the schedules that choose them', () => {
  const hourly = { name: 'hourly', guests: { tags: ['prod'] }, everyHours: 1 }
  const weekly = { name: 'weekly', guests: { all: true, exclude: { tags: ['scratch'] } }, everyHours: 168 }

  it('are held to the shortest interval of these, and to the general rule where there is none', async () => {
    const [prod, office, scratch] = [
      guest('100', { tags: ['prod'] }),
      guest('101'),
      guest('102', { tags: ['scratch'] }),
    ] as const
    const { ports, check, statesOf, reasonsOf, report } = scene([prod, office, scratch])
    for (const each of [prod, office, scratch]) await archived(ports, each, 40)
    const { reportKey } = await check({ schedules: [hourly, weekly] })
    expect(await statesOf(reportKey)).toEqual({ 100: 'stale', 101: 'covered', 102: 'stale' })
    expect(await reasonsOf(reportKey)).toEqual({
      100: 'The newest archive is 40 hours old.',
      101: '',
      102: 'The newest archive is 40 hours old. No schedule chooses it.',
    })
    expect((await report(reportKey)).guests.map(({ chosenBy }) => chosenBy)).toEqual([
      ['hourly', 'weekly'],
      [],
      ['weekly'],
    ])
    expect(ports.logged.at(-1)?.fields).toMatchObject({ GuestsUncovered: 2, GuestsUnscheduled: 1 })
  })

  it('are told as unscheduled though an archive covers them, but not when they are parked or gone', async () => {
    const [scratch, parked, gone] = [
      guest('100', { tags: ['scratch'] }),
      guest('101', { tags: ['scratch', 'guestlift-parked'] }),
      guest('102'),
    ] as const
    const { ports, check, statesOf, reasonsOf } = scene([scratch, parked])
    for (const each of [scratch, gone]) await archived(ports, each, 1)
    const { reportKey, uncovered } = await check({ schedules: [weekly] })
    expect(uncovered).toBe(0)
    expect(await statesOf(reportKey)).toEqual({ 100: 'covered', 101: 'parked', 102: 'absent' })
    expect(await reasonsOf(reportKey)).toMatchObject({ 100: 'No schedule chooses it.' })
    expect((await reasonsOf(reportKey))['101']).not.toMatch(/schedule/)
    expect(ports.logged.at(-1)?.fields).toMatchObject({ GuestsUnscheduled: 1 })
  })

  it('are judged by the general rule when their schedule does not tell how often it fires', async () => {
    const { ports, check, statesOf } = scene([guest('100')])
    await archived(ports, guest('100'), 40)
    const schedules = [{ name: 'once', guests: { all: true } }]
    expect(await statesOf((await check({ schedules })).reportKey)).toEqual({ 100: 'stale' })
    const patient = await check({ schedules, rules: { everyHours: 48 } })
    expect(await statesOf(patient.reportKey)).toEqual({ 100: 'covered' })
  })

  it('are said to be undecided when a silent node hides what decides', async () => {
    const { ports, check, reasonsOf } = scene([guest('100', { name: '', state: 'unknown', nodeOffline: true })])
    await archived(ports, guest('100'), 3)
    const { reportKey } = await check({ schedules: [{ name: 'named', guests: { names: ['web*'] }, everyHours: 1 }] })
    expect((await reasonsOf(reportKey))['100']).toMatch(/is not known whether schedule named chooses it/)
  })
})

describe('the figures', () => {
  it('count whatever states there are, also such as come later', () => {
    const report = {
      site: 'hq',
      judgedAt: '2026-11-22T02:00:00.000Z',
      guests: [],
      counts: { odd: 2, never: 1, covered: 4 },
    }
    const metrics = coverageMetrics('test', report)
    expect(metrics).toMatchObject({ GuestsOdd: 2, GuestsNeverArchived: 1, GuestsCovered: 4, GuestsUncovered: 1 })
    expect(JSON.stringify(metrics)).toContain('{"Name":"GuestsOdd","Unit":"Count"}')
    expect(metrics).not.toHaveProperty('OldestNewestArchiveHours')
  })

  it('count every state that does not cover as uncovered', () => {
    const counts = Object.fromEntries(uncoveredStates.map((state) => [state, 1]))
    const report = { site: 'hq', judgedAt: '2026-11-22T02:00:00.000Z', guests: [], counts }
    expect(coverageMetrics('test', report)).toMatchObject({ GuestsUncovered: uncoveredStates.length })
  })
})

describe('a guest that the site does not list', () => {
  const DAYS = 24 * HOUR
  const rules = { everyHours: 8000 }

  it('is absent, and gone after several whole lists over a week; neither counts as uncovered', async () => {
    const [web, db] = [guest('100'), guest('101')]
    const { ports, check, statesOf, reasonsOf } = scene([web])
    for (const each of [web, db]) await archived(ports, each, 1)
    const states: (string | undefined)[] = []
    const reasons: (string | undefined)[] = []
    for (let day = 0; day <= 8; day += 4) {
      const { reportKey, outcome } = await check({ rules })
      expect(outcome).toBe('succeeded')
      states.push((await statesOf(reportKey))['101'])
      reasons.push((await reasonsOf(reportKey))['101'])
      ports.clock.now = new Date(ports.clock.now.getTime() + 4 * DAYS)
    }
    expect(states).toEqual(['absent', 'absent', 'gone'])
    expect(reasons[1]).toMatch(/absent since .*\(2 whole lists.*3 whole lists over 7 days/)
  })

  it('is never gone by lists that may lack some', async () => {
    const { ports, check, statesOf } = scene([guest('100')], 'The account may not see all guests.')
    await archived(ports, guest('101'), 1)
    for (let day = 0; day <= 20; day += 5) {
      expect((await statesOf((await check({ rules })).reportKey))['101']).toBe('absent')
      ports.clock.now = new Date(ports.clock.now.getTime() + 5 * DAYS)
    }
  })

  it('makes the check uncertain when many vanish at once, whatever the account is meant to see', async () => {
    const all = ['100', '101', '102', '103'].map((id) => guest(id))
    const { ports, check } = scene(all.slice(2))
    for (const each of all) await archived(ports, each, 1)
    const told = await check({ rules: { ...rules, wholeSite: false } })
    expect(told).toMatchObject({ outcome: 'partial', certain: false, uncovered: 0 })
    expect(told.summary).toMatch(/doesn't list 2 of 4 guests that have archives/)
  })

  it('proves nothing when nobody is listed at all', async () => {
    const { ports, check, statesOf } = scene([])
    await archived(ports, guest('100'), 1)
    for (let day = 0; day <= 20; day += 5) {
      const told = await check({ rules: { ...rules, wholeSite: false } })
      expect(told).toMatchObject({ outcome: 'partial', certain: false })
      expect(told.summary).toMatch(/lists no guest at all, and there are archives of 1 guest/)
      expect((await statesOf(told.reportKey))['100']).toBe('absent')
      ports.clock.now = new Date(ports.clock.now.getTime() + 5 * DAYS)
    }
  })

  it('is nobody’s business of another cluster: that is an error', async () => {
    const { ports, check } = scene([guest('100')])
    await archived(ports, guest('101'), 1)
    await check({ rules })
    ports.fakeProvider.cluster = 'cluster-2'
    await expect(check({ rules })).rejects.toThrow(
      /Site hq: the cluster cluster-2 answers.*guestlift site accept hq --cluster cluster-2 --bucket memory/,
    )
  })
})

describe('rehearsals of guests', () => {
  const DAYS = 24 * HOUR
  const rehearsed = async (ports: FakePorts, id: string, daysAgo: number, passed: boolean, identity?: string) => {
    const endedAt = new Date(ports.clock.now.getTime() - daysAgo * DAYS).toISOString()
    const its = identity === undefined ? {} : { identity: { id: identity } }
    const evidence = evidenceOf(`drill-${id}-${daysAgo}`, {
      passed,
      endedAt,
      startedAt: endedAt,
      guest: { kind: 'vm', id, name: `guest-${id}`, ...its },
      summary: passed ? 'Drill passed.' : 'Drill failed: no agent.',
    })
    const key = drillEvidenceKey('', evidence.restoreId, endedAt)
    await ports.store.writeText(key, JSON.stringify(evidence))
    await noteRehearsal(evidence, key, ports)
  }
  const found = async (scene_: ReturnType<typeof scene>, rules: object = {}) => {
    const schedules = [{ name: 'daily', guests: { all: true }, everyHours: 24 }]
    const told = await scene_.check({ rules, schedules })
    const { guests, unknown } = await scene_.report(told.reportKey)
    return { told, unknown, of: Object.fromEntries(guests.map((one) => [one.guest.id, one])) }
  }

  it('are shown and not judged, unless the rules ask for them', async () => {
    const made = scene([guest('100'), guest('101')])
    for (const id of ['100', '101']) await archived(made.ports, guest(id), 3)
    await rehearsed(made.ports, '100', 40, true)
    await rehearsed(made.ports, '100', 2, false)
    const { told, of } = await found(made)
    expect(told).toMatchObject({ outcome: 'succeeded', uncovered: 0 })
    expect(of['100']).toMatchObject({
      state: 'covered',
      reasons: [],
      rehearsal: { last: { passed: false }, lastPassed: { totalSeconds: 245 } },
    })
    expect(of['101']).not.toHaveProperty('rehearsal')
  })

  it('leave a guest unrehearsed when none passed as recently as the rules ask for, and say why', async () => {
    const made = scene([guest('100'), guest('101'), guest('102'), guest('103'), guest('104')])
    for (const id of ['100', '101', '102', '103']) await archived(made.ports, guest(id), 3)
    await rehearsed(made.ports, '100', 40, true)
    await rehearsed(made.ports, '100', 2, false)
    await rehearsed(made.ports, '101', 10, true)
    await rehearsed(made.ports, '101', 1, false)
    await rehearsed(made.ports, '103', -1, true)
    const { told, of } = await found(made, { rehearsedDays: 30 })
    expect(Object.entries(of).map(([id, { state, reasons }]) => [id, state, reasons])).toEqual([
      [
        '100',
        'unrehearsed',
        ['Its last rehearsal that passed was 40 days ago.', 'The last one failed: Drill failed: no agent.'],
      ],
      ['101', 'covered', []],
      ['102', 'unrehearsed', ['It was never rehearsed.']],
      ['103', 'unrehearsed', ['Its last rehearsal that passed is dated in the future.']],
      ['104', 'never', ['It was never archived.']],
    ])
    expect(told.summary).toBe('Site hq: 4 of 5 guests not covered (1 never, 3 unrehearsed, 1 covered).')
  })

  it('of another guest that had the id count for nothing', async () => {
    const made = scene([guest('100', { identity: { id: 'present' } })])
    await archived(made.ports, guest('100', { identity: { id: 'present' } }), 3)
    await rehearsed(made.ports, '100', 1, true, 'former')
    const { of } = await found(made, { rehearsedDays: 30 })
    expect(of['100']).toMatchObject({ state: 'unrehearsed', reasons: ['It was never rehearsed.'] })
    expect(of['100']).not.toHaveProperty('rehearsal')
  })

  it('whose book cannot be read are unknown, never none, and make a check uncertain that asks for them', async () => {
    const made = scene([guest('100')])
    await archived(made.ports, guest('100'), 3)
    await made.ports.store.writeText('drills/sites/hq.json', '<html></html>')
    const { told, of, unknown } = await found(made, { rehearsedDays: 30, wholeSite: false })
    expect(of['100']).toMatchObject({ state: 'covered', reasons: [] })
    expect(unknown).toEqual([
      expect.stringMatching(/^When guests of site hq were rehearsed is not known\. .*can't be read/),
    ])
    expect(told).toMatchObject({ outcome: 'partial', certain: false })
    expect((await made.ports.store.readText('drills/sites/hq.json'))?.text).toBe('<html></html>')
  })

  it('are read anew from the evidence where the book is gone, which is written again', async () => {
    const made = scene([guest('100')])
    await archived(made.ports, guest('100'), 3)
    await rehearsed(made.ports, '100', 4, true)
    const book = (await made.ports.store.readText('drills/sites/hq.json'))?.text
    await made.ports.store.remove('drills/sites/hq.json')
    expect((await found(made)).of['100']).toMatchObject({ rehearsal: { last: { passed: true } } })
    expect((await made.ports.store.readText('drills/sites/hq.json'))?.text).toBe(book)
  })
})
