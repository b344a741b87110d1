import { describe, expect, it } from 'vitest'
import { HostKeyMismatch, ConnectionDropped, StoreDenied } from '../../../../functions/contracts/errors.ts'
import { runReportSchema } from '../../../../functions/contracts/report.ts'
import { jobSchema } from '../../../../functions/contracts/job.ts'
import { noCopyWork } from '../../../../functions/domain/transfer/copy-work.ts'
import { emptyOutcome, recordOutcome, recordOutcomes } from '../../../../functions/operations/books/outcomes.ts'
import { planRun } from '../../../../functions/operations/run/plan-run.ts'
import { reportRun } from '../../../../functions/operations/run/report-run.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'
import { fakePorts, item } from '../../../fakes/ports.ts'

const job = jobSchema.parse({ site: 'hq', guests: { vmids: [100, 101] } })
const { run, site, platform, platformVersion } = item
const input = { run, site, platform, platformVersion, job }
const web = { ...item.guest, nodeOffline: false }
const db = { id: '101', kind: 'container', name: 'db', node: 'pve2', nodeOffline: false } as const

async function report(ports: ReturnType<typeof fakePorts>, planKey: string) {
  const { reportKey } = await reportRun({ run, site, planKey, notes: ['a note'] }, ports)
  return runReportSchema.parse(JSON.parse((await ports.store.readText(reportKey))?.text ?? ''))
}

describe('reporting a run', () => {
  it("tells CloudWatch the run's figures in one log line", async () => {
    const ports = fakePorts()
    ports.fakeProvider.guests = [web, db]
    const { planKey } = await planRun(input, ports)
    await report(ports, planKey)
    expect(ports.logged.filter(({ event }) => event === 'run-metrics')).toMatchObject([
      {
        fields: {
          Deployment: 'test',
          Site: 'hq',
          GuestsArchived: 0,
          GuestsFailed: 2,
          RunsSucceeded: 0,
          _aws: { CloudWatchMetrics: [{ Namespace: 'Guestlift' }, { Dimensions: [['Deployment']] }] },
        },
      },
    ])
  })
})

describe('the page of a run', () => {
  it('lies beside its report, and says the same', async () => {
    const ports = fakePorts()
    ports.fakeProvider.guests = [web, db]
    const { planKey } = await planRun(input, ports)
    const { summary } = await report(ports, planKey)
    const html = (await ports.store.readText(`${run.prefix}report.html`))?.text ?? ''
    expect(html).toContain(summary)
    expect(html).toContain('NoOutcome')
  })

  it('changes nothing of a run where the store refuses it', async () => {
    const ports = fakePorts()
    const { planKey } = await planRun(input, ports)
    const write = ports.store.writeText.bind(ports.store)
    ports.store.writeText = async (key, ...rest) => {
      if (key.endsWith('.html')) throw new StoreDenied('S3 refused to write it.')
      return write(key, ...rest)
    }
    expect((await report(ports, planKey)).outcome).toBe('failed')
    expect(ports.logged.filter(({ event }) => event === 'run-page-not-written')).toMatchObject([
      { fields: { key: `${run.prefix}report.html`, reason: 'S3 refused to write it.' } },
    ])
  })
})

describe('a catalogue that could not be written', () => {
  it('is a note of the report, in the words of its error, and changes nothing else of it', async () => {
    const ports = fakePorts()
    const { planKey } = await planRun(input, ports)
    const plain = await report(ports, planKey)
    const cause = { errorType: 'StoreDenied', errorMessage: 'S3 refused to write catalogue/hq/index.html.' }
    for (const [catalogueError, words] of [
      [{ Error: 'StoreDenied', Cause: JSON.stringify(cause) }, /the next run tries again: S3 refused to write/],
      [{ Error: 'States.Timeout' }, /took longer than its time limit/],
    ] as const) {
      const { reportKey } = await reportRun({ run, site, planKey, notes: ['a note'], catalogueError }, ports)
      const told = runReportSchema.parse(JSON.parse((await ports.store.readText(reportKey))?.text ?? ''))
      expect(told).toEqual({ ...plain, notes: ['a note', expect.stringMatching(words)] })
    }
  })
})

describe('how the site is set up', () => {
  const kept = {
    key: 'configurations/hq/2026-11-22T02-00-05Z.json',
    takenAt: '2026-11-22T02:00:05.000Z',
    changes: [],
    changeCount: 3,
    incomplete: ['Users: The account lacks a right.'],
  }
  async function reported(more: Partial<Parameters<typeof reportRun>[0]>) {
    const ports = fakePorts()
    ports.fakeProvider.guests = [web]
    const job = jobSchema.parse({ site: 'hq', guests: { vmids: [100] } })
    const { planKey } = await planRun({ ...input, job }, ports)
    await recordOutcome(run, { ...emptyOutcome(web, 'failed', 'x', '', 1), outcome: 'succeeded' }, ports)
    const { reportKey } = await reportRun({ run, site, planKey, notes: [], ...more }, ports)
    return runReportSchema.parse(JSON.parse((await ports.store.readText(reportKey))?.text ?? ''))
  }

  it('stands in the report, with what changed and what may be missing', async () => {
    expect(await reported({ siteConfiguration: kept, configurationError: null })).toMatchObject({
      outcome: 'succeeded',
      siteConfiguration: kept,
      notes: [expect.stringMatching(/changed in 3 places/), expect.stringMatching(/1 part .*lacks a right/)],
    })
  })

  it('makes a run that could not keep it a partial one, with the cause', async () => {
    const configurationError = { Error: 'PlatformUnavailable', Cause: '{"errorMessage":"hq says nothing."}' }
    expect(await reported({ siteConfiguration: null, configurationError })).toMatchObject({
      outcome: 'partial',
      notes: [
        expect.stringMatching(/was not kept \(PlatformUnavailable\), although the job asks for it: hq says nothing/),
      ],
    })
  })

  it('changes nothing where it was not asked for', async () => {
    const told = await reported({ siteConfiguration: null, configurationError: null })
    expect(told).toMatchObject({ outcome: 'succeeded', notes: [] })
    expect(told).not.toHaveProperty('siteConfiguration')
  })
})

describe('planning a run', () => {
  it('starts nothing on another cluster than the one that the archives come from', async () => {
    const ports = fakePorts()
    ports.fakeProvider.guests = [web, db]
    await planRun(input, ports)
    await ports.store.remove(`${run.prefix}plan.json`)
    ports.fakeProvider.cluster = 'cluster-2'
    await expect(planRun(input, ports)).rejects.toThrow(/the cluster cluster-2 answers, .* come from cluster-1/)
    expect(await ports.store.readText(`${run.prefix}plan.json`)).toBeUndefined()
  })

  it('plans each guest that was found where it is now', async () => {
    const ports = fakePorts()
    ports.fakeProvider.guests = [web, db]
    const { planKey, guestCount } = await planRun(input, ports)
    expect(guestCount).toBe(2)
    const plan = JSON.parse((await ports.store.readText(planKey))?.text ?? '')
    expect(plan).toMatchObject([{ guest: item.guest }, { guest: { id: '101', node: 'pve2' } }])
  })

  it('plans each guest with who it is, as far as that is known', async () => {
    const ports = fakePorts()
    const identity = { id: 'smbios:0f0e0d0c-0b0a-4009-8807-060504030201', witness: 'ctime:1' }
    ports.fakeProvider.guests = [{ ...web, identity }, db]
    const { planKey } = await planRun(input, ports)
    const plan = JSON.parse((await ports.store.readText(planKey))?.text ?? '')
    expect(plan[0].guest).toEqual({ ...item.guest, identity })
    expect(plan[1].guest).not.toHaveProperty('identity')
  })

  it('fails a guest that nobody knows without failing the others', async () => {
    const ports = fakePorts()
    ports.fakeProvider.guests = [web]
    const { planKey, guestCount } = await planRun(input, ports)
    expect(guestCount).toBe(1)
    expect((await report(ports, planKey)).guests).toMatchObject([
      { id: '100', verdict: 'NoOutcome' },
      { id: '101', outcome: 'failed', verdict: 'GuestNotFound', reason: expect.stringMatching(/knows no guest 101/) },
    ])
  })

  it('leaves out the guests of a node whose host key is wrong, before anything is dumped', async () => {
    const ports = fakePorts()
    ports.fakeProvider.guests = [web, db]
    ports.routeChecks['pve2'] = new HostKeyMismatch('saw SHA256:x')
    const { planKey, guestCount } = await planRun(input, ports)
    expect(guestCount).toBe(1)
    const [, other] = (await report(ports, planKey)).guests
    expect(other).toMatchObject({ id: '101', verdict: 'HostKeyMismatch', reason: 'saw SHA256:x' })
  })

  it('fails the run when every node refuses', async () => {
    const ports = fakePorts()
    ports.routeChecks['pve1'] = new HostKeyMismatch('saw SHA256:x')
    await expect(planRun(input, ports)).rejects.toThrow(HostKeyMismatch)
  })

  it('fails the run before anything is dumped when the name of the route does not exist', async () => {
    const ports = fakePorts()
    const cause = new Error('lookup', { cause: Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }) })
    ports.routeChecks['pve1'] = new ConnectionDropped("can't connect to nas.invalid", { cause })
    await expect(planRun(input, ports)).rejects.toThrow(/nas\.invalid/)
  })

  it('goes on when a node answers after a moment', async () => {
    const ports = fakePorts()
    const route = await ports.route('hq')
    let asked = 0
    const flaky = {
      ...route,
      check: async () => {
        asked += 1
        if (asked < 3) throw new ConnectionDropped('refused')
      },
    }
    await expect(planRun(input, { ...ports, route: async () => flaky })).resolves.toMatchObject({ guestCount: 1 })
    expect(asked).toBe(3)
  })

  it('dumps nothing on a node that does not answer, and tells its guests why', async () => {
    const ports = fakePorts()
    ports.fakeProvider.guests = [web, db]
    ports.routeChecks['pve2'] = new ConnectionDropped('connect ECONNREFUSED 10.0.0.2:22.')
    const { planKey, guestCount } = await planRun(input, ports)
    expect(guestCount).toBe(1)
    const [, other] = (await report(ports, planKey)).guests
    expect(other).toMatchObject({ id: '101', outcome: 'failed', verdict: 'RouteUnreachable' })
    expect(other?.reason).toMatch(/Site hq, node pve2: .*ECONNREFUSED 10\.0\.0\.2:22.*\. Nothing was dumped there/)
  })

  it('fails the run when no node answers, with an error that is not tried again', async () => {
    const ports = fakePorts()
    ports.routeChecks['pve1'] = new ConnectionDropped('refused')
    await expect(planRun(input, ports)).rejects.toMatchObject({ name: 'RouteUnreachable', group: 'fail-run' })
  })
})

describe('reporting a run', () => {
  it('counts a planned guest that left no outcome as failed', async () => {
    const ports = fakePorts()
    const { planKey } = await planRun({ ...input, job: { ...job, guests: { vmids: [100] } } }, ports)
    const told = await report(ports, planKey)
    expect(told).toMatchObject({ outcome: 'failed', notes: ['a note'], guests: [{ id: '100', outcome: 'failed' }] })
    expect(told.guests[0]?.reason).toMatch(/ended without recording an outcome/)
  })

  it('writes a receipt from what was sent, with what it leaves out', async () => {
    const ports = fakePorts()
    const gib = 2 ** 30
    const artifacts = [{ key: 'k', sizeBytes: 10 * gib, checksum: 'CRC32:AAAAAA==' }]
    const good = { ...emptyOutcome(item.guest, 'failed', 'archived', '', 3600), outcome: 'succeeded' as const }
    await recordOutcome(run, { ...good, artifacts, bytesSent: 10 * gib }, ports)
    const { receipt } = await report(ports, 'no-plan.json')
    // 160 parts of 64 MiB, the opening, the completion, and three small files.
    expect(receipt?.items.map(({ what }) => what)).toContain('165 requests to write archives (STANDARD)')
    expect(receipt?.leavesOut).toContain('keeping 10.0 GiB in STANDARD: $0.23 a month')
    expect(receipt?.mostDollars).toBeGreaterThan(receipt?.leastDollars ?? Number.POSITIVE_INFINITY)
  })

  it('writes a receipt without a range from what was counted', async () => {
    const ports = fakePorts()
    const artifacts = [{ key: 'k', sizeBytes: 10 * 2 ** 30, checksum: 'CRC32:AAAAAA==' }]
    const good = { ...emptyOutcome(item.guest, 'failed', 'archived', '', 3600), outcome: 'succeeded' as const }
    const work = { ...noCopyWork, plans: 3, rounds: 2, copyCalls: 4, copySeconds: 160, partsSent: 160 }
    await recordOutcome(run, { ...good, artifacts, work: { ...work, backupCalls: 9, retention: false } }, ports)
    const { receipt } = await report(ports, 'no-plan.json')
    expect(receipt?.items.map(({ what }) => what)).toContain('copy functions: 160 s at 1769 MiB')
    expect(receipt?.mostDollars).toBe(receipt?.leastDollars)
  })

  it('sorts guests by number and tells partial from whole success', async () => {
    const ports = fakePorts()
    const good = { ...emptyOutcome(item.guest, 'failed', 'archived', '', 3), outcome: 'succeeded' as const }
    await recordOutcome(run, { ...good, id: '1000' }, ports)
    await recordOutcome(run, { ...good, id: '200' }, ports)
    await recordOutcome(run, emptyOutcome({ id: '999' }, 'skipped', 'GuestLocked', 'locked', 1), ports)
    const told = await report(ports, 'no-plan.json')
    expect(told.outcome).toBe('partial')
    expect(told.guests.map(({ id }) => id)).toEqual(['200', '999', '1000'])
  })
})

describe('reporting a run of many guests', () => {
  /** Counts the reads under way: each is over only after other work had its turn. */
  class Busy extends MemoryStore {
    underWay = 0
    most = 0
    reads = 0
    override async readText(key: string) {
      this.reads += 1
      this.underWay += 1
      this.most = Math.max(this.most, this.underWay)
      await new Promise((resolve) => setImmediate(resolve))
      this.underWay -= 1
      return super.readText(key)
    }
  }
  const planOf = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ ...item, guest: { ...item.guest, id: String(1000 + index) } }))

  it('reads outcomes and last signs of life side by side, each once, and only so many at once', async () => {
    const store = new Busy()
    const ports = { ...fakePorts(), store }
    const plan = planOf(300)
    await store.writeText(`${run.prefix}plan.json`, JSON.stringify(plan))
    const outcomes = plan.slice(0, 150).map(({ guest }) => emptyOutcome(guest, 'failed', 'BackupFailed', 'no', 1))
    await recordOutcomes(run, outcomes, ports)
    const told = await report(ports, `${run.prefix}plan.json`)
    expect(told.guests.map(({ id }) => id)).toEqual(plan.map(({ guest }) => guest.id))
    expect(store.most).toBeGreaterThan(16)
    expect(store.most).toBeLessThanOrEqual(32)
    // One for each guest; the plan, the selection and the report.
    expect(store.reads).toBeLessThanOrEqual(303)
  })
})

describe('a map over the guests that failed as a whole', () => {
  const mapError = { Error: 'States.ItemReaderFailed', Cause: 'S3 said: Slow down.' }

  it('is the reason of each guest that was not begun, and a note of the report', async () => {
    const ports = fakePorts()
    const { planKey } = await planRun({ ...input, job: { ...job, guests: { vmids: [100] } } }, ports)
    const { reportKey } = await reportRun({ run, site, planKey, notes: [], mapError }, ports)
    const told = runReportSchema.parse(JSON.parse((await ports.store.readText(reportKey))?.text ?? ''))
    expect(told.notes).toEqual([
      expect.stringMatching(/map over its guests failed \(States\.ItemReaderFailed\).*Slow down/),
    ])
    expect(told.guests).toMatchObject([
      { id: '100', verdict: 'NoOutcome', reason: expect.stringMatching(/^It was not begun: .*Slow down/) },
    ])
  })

  it('changes nothing of what guests said themselves, and says so where it gave no cause', async () => {
    const ports = fakePorts()
    const good = { ...emptyOutcome(item.guest, 'failed', 'archived', '', 3), outcome: 'succeeded' as const }
    await recordOutcome(run, good, ports)
    const silent = { Error: 'States.ResultWriterFailed', Cause: '' }
    const { reportKey } = await reportRun({ run, site, planKey: 'none', notes: [], mapError: silent }, ports)
    const told = runReportSchema.parse(JSON.parse((await ports.store.readText(reportKey))?.text ?? ''))
    expect(told.outcome).toBe('succeeded')
    expect(told.notes).toEqual([expect.stringMatching(/States\.ResultWriterFailed.*gave no reason/)])
  })
})
