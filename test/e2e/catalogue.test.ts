/** Index and page as runs leave them, whatever happens to the runs; and the check that goes by them. */
import { DeleteObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { S3ArchiveStore } from '../../functions/aws/s3-archive-store.ts'
import { pageReadAt } from '../../functions/catalogue-page/page.ts'
import { newReading, readCatalogue } from '../../functions/operations/catalogue/read-catalogue.ts'
import { bucket, openSite, type Site } from './harness.ts'
import { killFunction } from './kill-function.ts'

let site: Site
beforeAll(async () => {
  const rights = (who: string, paths: readonly string[]) =>
    paths.map((path) => ({ path, who, role: 'GuestliftBackup', propagate: true }))
  site = await openSite(
    {
      // A site that the deployment doesn't have.
      mayBeRefused: /:secret:guestlift\/site\/nowhere$/,
      guests: [
        { vmid: 100, kind: 'qemu', name: 'web01', diskBytes: 2 * 2 ** 20 },
        { vmid: 101, kind: 'lxc', name: 'db01', dataBytes: 2 ** 20 },
        { vmid: 102, kind: 'lxc', name: 'new01', dataBytes: 2 ** 20 },
        { vmid: 103, kind: 'lxc', name: 'lab01', tags: 'guestlift-parked', dataBytes: 2 ** 20 },
        { vmid: 104, kind: 'lxc', name: 'lab02', dataBytes: 2 ** 20 },
      ],
      users: [
        { userid: 'root@pam' },
        { userid: 'backup@pve', tokens: [{ id: 'guestlift' }] },
        { userid: 'narrow@pve', password: 'the-password' },
      ],
      acl: [
        ...['backup@pve', 'backup@pve!guestlift'].flatMap((who) => rights(who, ['/vms', '/storage'])),
        ...rights('narrow@pve', ['/vms/100']),
      ],
      roles: { GuestliftBackup: ['VM.Audit', 'VM.Backup', 'Datastore.Audit', 'Datastore.AllocateSpace'] },
    },
    (hq) => ({ narrow: { ...hq, auth: { username: 'narrow', realm: 'pve', password: 'the-password' } } }),
  )
})
afterAll(() => site.close())

const job = (...vmids: number[]) => ({ site: 'hq', guests: { vmids } })
const PAGE = 'catalogue/hq/index.html'

/** Archives that can be restored, by guest, as the page's script gets them. */
async function onThePage(): Promise<Record<string, number>> {
  const [, data = '[]'] = /id="data">([^<]*)<\/script>/.exec(await site.text(PAGE)) ?? []
  const guests = JSON.parse(data) as { kind: string; id: string; rows: number[][] }[]
  return Object.fromEntries(
    guests.map(({ kind, id, rows }) => [`${kind} ${id}`, rows.filter(([, , state = 0]) => state === 0).length]),
  )
}

/** The same as the manifests have it now, and whether the index told all of it. */
async function inTheBucket(): Promise<{ archives: Record<string, number>; indexed: boolean }> {
  const store = new S3ArchiveStore(site.s3, bucket, { sleep: async () => undefined, random: () => 0.5 })
  const reading = newReading()
  const archives: Record<string, number> = {}
  for await (const { guest, entries } of readCatalogue({ site: 'hq' }, { store, keyPrefix: '' }, reading))
    archives[`${guest.kind} ${guest.id}`] = entries.filter(({ state }) => state === 'complete').length
  return { archives, indexed: reading.fromManifests === 0 }
}

const expectRightCatalogue = async () => {
  const { archives, indexed } = await inTheBucket()
  expect(indexed).toBe(true)
  expect(await onThePage()).toEqual(archives)
}

describe('a run', () => {
  it('leaves index and page of its site, in line with what it archived', async () => {
    const states: string[] = []
    const before = new Date().toISOString()
    const { report } = await site.run(job(100, 101), { onState: (state) => states.push(state) })
    expect(report).toMatchObject({ outcome: 'succeeded', notes: [] })
    expect(states.slice(-4)).toEqual(['Write catalogue', 'Report run', 'How did it go?', 'Run succeeded'])
    expect(await site.keys('catalogue/')).toEqual(['catalogue/hq/container-101.json', PAGE, 'catalogue/hq/vm-100.json'])
    const { ContentType } = await site.s3.send(new HeadObjectCommand({ Bucket: bucket, Key: PAGE }))
    expect(ContentType).toBe('text/html; charset=utf-8')
    expect(await onThePage()).toEqual({ 'vm 100': 1, 'container 101': 1 })
    await expectRightCatalogue()
    expect(pageReadAt((await site.text(PAGE)).slice(0, 2048)) ?? '').toMatch(/^\d{4}-/)
    expect((pageReadAt((await site.text(PAGE)).slice(0, 2048)) ?? '') >= before).toBe(true)
  })

  it('that fails a guest tells of the others', async () => {
    const { report } = await site.run(job(101, 999))
    expect(report?.outcome).toBe('partial')
    expect(await onThePage()).toMatchObject({ 'container 101': 2 })
    await expectRightCatalogue()
  })

  it('succeeds and says so where it may not write the catalogue', async () => {
    site.faults.plan = ({ operation, key }) =>
      operation === 'PutObject' && key?.startsWith('catalogue/') === true
        ? { code: 'AccessDenied', message: 'not allowed' }
        : undefined
    const { result, report } = await site.run(job(101))
    site.faults.plan = undefined
    expect(result.status).toBe('SUCCEEDED')
    expect(report).toMatchObject({
      outcome: 'succeeded',
      notes: [expect.stringMatching(/^The catalogue of site hq .* was not brought up to date.*access denied/)],
    })
    expect(await inTheBucket()).toMatchObject({ archives: { 'container 101': 3 }, indexed: false })
    expect(await onThePage()).toMatchObject({ 'container 101': 2 })
  })

  it('heals what is old or damaged, and tells of what was damaged', async () => {
    const Body = (await site.text('catalogue/hq/vm-100.json')).slice(0, 200)
    await site.s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'catalogue/hq/vm-100.json', Body }))
    await site.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'catalogue/hq/container-101.json' }))
    const { report } = await site.run(job(101))
    expect(report).toMatchObject({ outcome: 'succeeded', notes: [expect.stringMatching(/1 index object was damaged/)] })
    expect(await onThePage()).toMatchObject({ 'container 101': 4 })
    await expectRightCatalogue()
  })

  it('succeeds when the catalogue’s function is killed, which is called again', async () => {
    let kills = 0
    site.faults.onDone = ({ operation, key }) => {
      if (kills === 0 && operation === 'PutObject' && key?.startsWith('catalogue/hq/container-101') === true) {
        kills += 1
        void killFunction(site.assembly, 'write-catalogue')
      }
    }
    const types: string[] = []
    const { result, report } = await site.run(job(101), { onEvent: ({ type }) => types.push(type) })
    site.faults.onDone = undefined
    expect([kills, types.filter((type) => type === 'TaskFailed').length]).toEqual([1, 1])
    expect(result.status).toBe('SUCCEEDED')
    expect(report?.notes).toEqual([])
    await expectRightCatalogue()
  })

  it('that dies after a manifest leaves a catalogue that reads rightly, and the next one heals it', async () => {
    const kill = new AbortController()
    const dead = await site.run(job(101), {
      kill: kill.signal,
      onState: (state) => {
        if (state === 'Release backup') kill.abort()
      },
    })
    expect(dead.report).toBeUndefined()
    expect(await inTheBucket()).toMatchObject({ archives: { 'container 101': 6 }, indexed: false })
    await site.letClaimsLapse()
    expect((await site.run(job(100))).report?.outcome).toBe('succeeded')
    expect(await onThePage()).toEqual({ 'vm 100': 2, 'container 101': 6 })
    await expectRightCatalogue()
  })
})

describe('a check of coverage', () => {
  const rules = { everyHours: 24, parkedIds: ['104'] }
  const schedules = [{ name: 'nightly', guests: { vmids: [100, 102] }, everyHours: 24 }]

  it('judges each guest of the site, tells CloudWatch, and leaves its report', async () => {
    const lines: Record<string, unknown>[] = []
    const { result, told } = await site.upkeep(
      'judgeCoverage',
      { site: 'hq', rules, schedules },
      {
        onLog: (line) => lines.push(line),
      },
    )
    // Uncovered guests are what it is to find.
    expect(result.status).toBe('SUCCEEDED')
    expect(told?.report).toMatchObject({ site: 'hq', outcome: 'failed', unknown: [] })
    const stateOf = (id: string) => told?.report?.guests.find(({ guest }) => guest.id === id)
    expect(stateOf('100')).toMatchObject({ state: 'covered', chosenBy: ['nightly'], reasons: [] })
    expect(stateOf('101')).toMatchObject({ state: 'covered', chosenBy: [], reasons: ['No schedule chooses it.'] })
    expect(stateOf('102')).toMatchObject({ state: 'never', chosenBy: ['nightly'] })
    expect(stateOf('104')).toMatchObject({ state: 'parked' })
    expect(JSON.parse(await site.text('coverage/hq.json'))).toEqual(told?.report)
    const counts: Record<string, number> = told?.report?.counts ?? {}
    expect(lines.filter(({ event }) => event === 'coverage-metrics')).toMatchObject([
      {
        _aws: { CloudWatchMetrics: [{ Namespace: 'Guestlift', Dimensions: [['Deployment', 'Site']] }] },
        Site: 'hq',
        GuestsUncovered: counts['never'],
        GuestsNeverArchived: counts['never'],
        GuestsCovered: 2,
        GuestsParked: counts['parked'],
      },
    ])
  })

  it('fails where guests may be hidden from the account, and tells of those it saw', async () => {
    const { result, told } = await site.upkeep('judgeCoverage', { site: 'narrow', rules, schedules: [] })
    expect(result).toMatchObject({
      status: 'FAILED',
      error: 'CoverageUncertain',
      cause: expect.stringMatching(/VM\.Audit/),
    })
    expect(told?.report?.unknown).toHaveLength(1)
  })

  it('fails where the site cannot be asked, and leaves the last report', async () => {
    const before = await site.text('coverage/hq.json')
    const { result, told } = await site.upkeep('judgeCoverage', { site: 'nowhere' })
    expect(result).toMatchObject({ status: 'FAILED', error: 'UnknownSite' })
    expect(told).toBeUndefined()
    expect(await site.text('coverage/hq.json')).toBe(before)
  })
})
