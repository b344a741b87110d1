/** Restores are rehearsed by the real bundles, roles and definitions, on a lab whose VMs run only if their disk says that it is whole. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { drillEvidenceSchema, drillReportSchema, rehearsalBookSchema } from '../../functions/contracts/drill.ts'
import { openSite, type Site } from './harness.ts'
import { killFunction } from './kill-function.ts'

const MIB = 2 ** 20
const WHOLE = 'whole: '
const BOOT_MILLISECONDS = 1_000

/** A disk that comes up, or not. */
function disk(word: string): Buffer {
  const bytes = Buffer.alloc(MIB)
  bytes.write(word)
  return bytes
}

let site: Site
/** Network interfaces of each guest at the moment when it was booted. */
const booted: { path: string; nets: string[] }[] = []

beforeAll(async () => {
  site = await openSite({
    restores: true,
    boot: async ([first]) => {
      if (first === undefined) return false
      const nets = site.lab.guests
        .filter(({ vmid }) => first.path.includes(`vm-${vmid}-`))
        .flatMap(({ options }) =>
          Object.entries(options).flatMap(([key, value]) => (/^net\d/.test(key) ? [value] : [])),
        )
      booted.push({ path: first.path, nets })
      // A boot takes its time, whatever comes of it.
      await new Promise((resolve) => setTimeout(resolve, BOOT_MILLISECONDS))
      return readFileSync(first.path).subarray(0, WHOLE.length).toString() === WHOLE
    },
    guests: [
      {
        vmid: 100,
        kind: 'qemu',
        name: 'web',
        disks: [{ key: 'scsi0' }],
        options: { agent: '1', onboot: '1', protection: '1', net0: 'virtio=BC:24:11:00:00:01,bridge=vmbr0' },
      },
      { vmid: 101, kind: 'lxc', name: 'db', dataBytes: MIB, options: { unprivileged: '1' } },
      { vmid: 102, kind: 'qemu', name: 'broken', node: 'pve2', disks: [{ key: 'scsi0' }], options: { agent: '1' } },
      { vmid: 9900, kind: 'qemu', name: 'in-the-way', diskBytes: MIB },
    ],
  })
  const { control } = site.lab
  control.storeDisk(100, 'scsi0', disk(WHOLE))
  control.storeDisk(102, 'scsi0', disk('encrypted by someone'))
  await site.run({ site: 'hq', guests: { vmids: [100, 101, 102] }, backup: { storage: 'nas', compress: 'zstd' } })
})
afterAll(() => site.close())
afterEach(() => {
  site.lab.faults.clear()
  site.faults.plan = undefined
  site.faults.onDone = undefined
  booted.length = 0
})

const PLACE = { site: 'hq', storage: 'local-lvm', deliveryStorage: 'nas', ids: '9900-9909' }
const drill = (request: Record<string, unknown>, listening?: Parameters<Site['upkeep']>[2]) =>
  site.upkeep('restoreDrill', { ...PLACE, everyDays: 0, ...request }, listening)
const of = (...ids: string[]) => ({ guests: { ids }, most: ids.length })
const reportIn = (told: Awaited<ReturnType<typeof drill>>['told']) =>
  drillReportSchema.parse(told !== undefined && 'report' in told ? told.report : undefined)
const evidenceAt = async (key: string | undefined) => drillEvidenceSchema.parse(JSON.parse(await site.text(key ?? '')))

/** What restores put on the nodes and have to take away again. */
const delivered = () =>
  site.lab.storages
    .flatMap(({ directory }) => readdirSync(join(directory, 'dump')))
    .filter((name) => /guestlift-restore|vzdump-.*-[0-9a-f]{16}\./.test(name))
const scratch = () => site.lab.guests.map(({ vmid }) => vmid).filter((vmid) => vmid > 9900 && vmid < 10_000)
async function expectNothingLeft() {
  expect(scratch()).toEqual([])
  expect(delivered()).toEqual([])
  expect(await site.keys('restores/open/')).toEqual([])
}

describe('a drill', () => {
  it('brings a protected VM back unplugged, sees its agent answer, removes it, and keeps evidence', async () => {
    const { result, told } = await drill(of('100'))
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    const report = reportIn(told)
    expect(report).toMatchObject({
      outcome: 'succeeded',
      rehearsals: [{ passed: true, scratchId: '9901', node: 'pve1' }],
    })
    const evidence = await evidenceAt(report.rehearsals[0]?.evidenceKey)
    expect(evidence).toMatchObject({ passed: true, guest: { id: '100', name: 'web' }, left: [] })
    expect(evidence.checks.map(({ name, passed }) => [name, passed])).toEqual(
      ['restored', 'as-archived', 'unplugged', 'started', 'agent', 'removed'].map((name) => [name, true]),
    )
    expect(evidence.seconds).toMatchObject({
      deliver: expect.any(Number),
      probe: expect.any(Number),
      total: expect.any(Number),
    })
    expect(booted.map(({ nets }) => nets.every((net) => net.includes('link_down=1')) && nets.length)).toEqual([1])
    const original = site.lab.guests.find(({ vmid }) => vmid === 100)
    expect(original?.options['net0']).not.toContain('link_down')
    await expectNothingLeft()
    const book = rehearsalBookSchema.parse(JSON.parse(await site.text('drills/sites/hq.json')))
    expect(book.guests).toMatchObject([{ kind: 'vm', id: '100', lastPassed: { passed: true } }])
  })

  it('fails when the system of the restored guest does not come up, and removes it all the same', async () => {
    const { result, told } = await drill({ ...of('102'), probes: { bootSeconds: 10 } })
    expect(result).toMatchObject({ status: 'FAILED', error: 'DrillFailed' })
    const report = reportIn(told)
    expect(report).toMatchObject({ outcome: 'failed', rehearsals: [{ passed: false }] })
    expect(report.summary).toMatch(/Drill failed: vm 102 \(broken\)/)
    const evidence = await evidenceAt(report.rehearsals[0]?.evidenceKey)
    expect(evidence.checks.filter(({ passed }) => !passed).map(({ name }) => name)).toEqual(['started'])
    await expectNothingLeft()
  })

  it('rehearses a container by its state, and says that nothing inside it was seen', async () => {
    const { told } = await drill(of('101'))
    const report = reportIn(told)
    expect(report.outcome).toBe('succeeded')
    const evidence = await evidenceAt(report.rehearsals[0]?.evidenceKey)
    expect(evidence.checks.find(({ name }) => name === 'still-running')?.seen).toContain('nothing inside it was seen')
    await expectNothingLeft()
  })

  it('chooses who waited longest, leaves the rest to the next one, and rehearses nobody who was rehearsed', async () => {
    const policy = { ...PLACE, guests: { ids: ['100', '101', '102'] }, everyDays: 30, probes: { bootSeconds: 10 } }
    const { told } = await site.upkeep('restoreDrill', { ...policy, most: 5 })
    // The broken one alone never passed.
    expect(reportIn(told).rehearsals.map(({ guest }) => guest.id)).toEqual(['102'])
    const nobody = await site.upkeep('restoreDrill', { ...policy, guests: { ids: ['100', '101'] } })
    expect(nobody.result.status).toBe('SUCCEEDED')
    expect(reportIn(nobody.told)).toMatchObject({ rehearsals: [], outcome: 'succeeded' })
  })

  it('is refused outside its range, over a guest that is there, and for commands that the site does not allow', async () => {
    const start = (request: Record<string, unknown>) =>
      site.upkeep('restoreGuest', {
        site: 'hq',
        archive: '100',
        storage: 'local-lvm',
        confirm: true,
        drill: { ids: '9900-9909' },
        ...request,
      })
    const outside = await start({ id: '100' })
    expect(outside.result).toMatchObject({ status: 'FAILED', error: 'InvalidJob' })
    const replacing = await start({ id: '9901', replace: true })
    expect(replacing.result).toMatchObject({ status: 'FAILED', error: 'InvalidJob' })
    const taken = await start({ id: '9900' })
    expect(taken.result).toMatchObject({ status: 'FAILED', error: 'DrillFailed' })
    expect(site.lab.guests.find(({ vmid }) => vmid === 9900)).toMatchObject({ name: 'in-the-way' })
    const unknown = await start({ id: '9901', drill: { ids: '9900-9909', probes: { commands: ['format-disk'] } } })
    expect(unknown.result.cause).toContain("doesn't allow the command format-disk")
    await expectNothingLeft()
  })

  it('that its operator stops removes what it made, and counts as failed', async () => {
    const interrupt = new AbortController()
    const onState = (state: string) => void (state === 'Probe guest' && interrupt.abort())
    const { told } = await drill(of('100'), { interrupt: interrupt.signal, onState })
    expect(reportIn(told)).toMatchObject({ outcome: 'failed' })
    await expectNothingLeft()
  })

  // Each right after it has written something down, which is when the least is known of it.
  it.each([
    { stem: 'plan-drill', state: 'Plan drill', writes: /plan\.json$/ },
    { stem: 'probe-guest', state: 'Probe guest', writes: /restore\.json$/ },
    { stem: 'report-drill', state: 'Report drill', writes: /report\.json$/ },
  ])('goes on after the function $stem was killed', async ({ stem, state, writes }) => {
    let [now, killed] = ['', 0]
    site.faults.onDone = async ({ operation, key = '' }) => {
      if (now !== state || killed > 0 || operation !== 'PutObject' || !writes.test(key)) return
      killed = await killFunction(site.assembly, stem)
    }
    const { told } = await drill(of('100'), { onState: (entered) => void (now = entered) })
    expect(killed).toBeGreaterThan(0)
    expect(reportIn(told)).toMatchObject({ outcome: 'succeeded', rehearsals: [{ passed: true }] })
    await expectNothingLeft()
  })

  it('that died without a word is found by the sweep, which removes a whole and running guest', async () => {
    const kill = new AbortController()
    const onState = (state: string) => void (state === 'Finish restore' && kill.abort())
    expect((await drill(of('100'), { kill: kill.signal, onState })).result.status).toBe('ABORTED')
    expect(scratch()).toEqual([9901])
    for (const key of await site.keys('restores/open/')) {
      const held = JSON.parse(await site.text(key)) as Record<string, unknown>
      await site.put(key, JSON.stringify({ ...held, until: '2020-01-01T00:00:00.000Z' }))
    }
    const swept = await site.upkeep('sweepUploads', { sites: ['hq'] })
    expect(swept.told?.report).toMatchObject({ outcome: 'succeeded' })
    await expectNothingLeft()
  })
})
