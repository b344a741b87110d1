/**
 * An archived guest of vSphere comes back, by the real bundles, roles and definitions, and its disks are compared with the
 * lost ones by independent tools.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type RestoreReport, restoreReportSchema } from '../../functions/contracts/restore-report.ts'
import type { ExecutionResult } from '../../local/asl/interpreter.ts'
import { judgementText } from '../../local/iam/guard.ts'
import { seededContent } from '../../local/labs/ec2/disk.ts'
import type { VsphereLab } from '../../local/labs/vsphere/lab.ts'
import type { LocalRunner } from '../../local/run/local-runner.ts'
import { killFunction } from './kill-function.ts'
import { onceAt, quiet } from './store-bed.ts'
import { openVsphereBed, type VsphereE2eBed } from './vsphere-bed.ts'

const MIB = 2 ** 20
const WEB = '50010000-0000-4000-8000-000000000001'
const SIZES = [160 * MIB, 4 * MIB]
const DATASTORE = 'data store é'

const never = new AbortController().signal
const signals = { interrupt: never, kill: never }
const noQemu = spawnSync('qemu-img', ['--version']).error !== undefined
let bed: VsphereE2eBed
let lab: VsphereLab
let lost: Buffer[]
let restores = 0

const diskOf = (id: string, at: number) => Buffer.from(lab.control.readDisk(id, 2000 + at, 0, SIZES[at] ?? 0))
const ourFiles = () => lab.control.files(DATASTORE).filter((path) => /-[0-9a-f]{16}\//.test(path))

beforeAll(async () => {
  bed = await openVsphereBed(
    {
      datacenters: [{ name: 'DC 1', folders: ['Europe'], datastores: [{ name: DATASTORE }], guestFolders: ['Web'] }],
      guests: [
        {
          name: 'web01',
          id: WEB,
          folder: 'Web',
          firmware: 'efi',
          disks: [
            { capacityBytes: SIZES[0] ?? 0, content: seededContent([0, 3, 7, 300], 1) },
            { capacityBytes: SIZES[1] ?? 0, content: seededContent([1], 2) },
          ],
        },
      ],
    },
    { restores: true },
  )
  ;({ lab } = bed)
  lost = SIZES.map((_, at) => diskOf(WEB, at))
  const { result } = await bed.runner.run({ site: 'hq', guests: { ids: [WEB] } }, 'run-1', quiet, signals)
  if (result.status !== 'SUCCEEDED') throw new Error(JSON.stringify(result))
  lab.control.removeGuest(WEB)
})
afterAll(() => bed.close())
afterEach(() => {
  lab.control.clearFaults()
  for (const { instanceUuid } of lab.control.guests()) lab.control.removeGuest(instanceUuid)
  for (const path of ourFiles()) lab.control.datastores()[0]?.files.delete(path)
})

async function restore(
  request: object = {},
  listener: Parameters<LocalRunner['upkeep']>[3] = quiet,
  its: Parameters<LocalRunner['upkeep']>[4] = signals,
): Promise<{ result: ExecutionResult; report: RestoreReport | undefined }> {
  restores += 1
  const asked = { archive: `hq/vm-${WEB}`, site: 'hq', confirm: true, ...request }
  const { result, told } = await bed.runner.upkeep('restoreGuest', asked, `restore-${restores}`, listener, its)
  return { result, report: told && 'report' in told ? restoreReportSchema.parse(told.report) : undefined }
}

/** The lease of a restore that died lapses, and the daily sweep comes. */
async function sweep(): Promise<void> {
  for (const key of await bed.keys('restores/open/')) {
    const held = JSON.parse((await bed.bytes(key)).toString()) as Record<string, unknown>
    await bed.put(key, JSON.stringify({ ...held, until: '2020-01-01T00:00:00.000Z' }))
  }
  const { result } = await bed.runner.upkeep('sweepUploads', { sites: ['hq'] }, `sweep-${restores}`, quiet, signals)
  expect(result.status).toBe('SUCCEEDED')
}

async function expectNothingLeft(): Promise<void> {
  expect(ourFiles()).toEqual([])
  expect(lab.control.guests()).toEqual([])
  expect(await bed.keys('restores/open/')).toEqual([])
  expect(lab.control.sessions()).toBe(0)
}

describe('a restore of a guest of vSphere that is gone', () => {
  it('says as a dry run what it would do, and makes nothing', async () => {
    const { report } = await restore({ confirm: false })
    expect(report).toMatchObject({ outcome: 'succeeded', dryRun: true, findings: [] })
    await expectNothingLeft()
  })

  it('brings it back with all that its disks held, and starts it', async () => {
    const { result, report } = await restore({ start: true })
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    expect(report).toMatchObject({ outcome: 'succeeded', differences: [], started: { running: true }, left: [] })
    expect(report?.made).toEqual([{ what: 'guest', ref: WEB }])
    expect(lab.control.guest(WEB)).toMatchObject({ name: 'web01', powerState: 'poweredOn' })
    const files = SIZES.flatMap((size, at) => {
      const [mine, its] = [join(bed.directory, `lost-${at}.raw`), join(bed.directory, `made-${at}.raw`)]
      writeFileSync(mine, lost[at] ?? Buffer.alloc(0))
      writeFileSync(its, diskOf(WEB, at))
      execFileSync('cmp', [mine, its])
      return [{ its, size }]
    })
    // The files that lie on the datastore are a disk to tools that know nothing of us.
    if (noQemu) console.warn('skipped: no qemu-img, so no tool of somebody else opened the descriptors')
    for (const path of ourFiles().filter((name) => !noQemu && /(?<!-flat)\.vmdk$/.test(name))) {
      for (const name of [path, path.replace('.vmdk', '-flat.vmdk')]) {
        const bytes = lab.control.file(DATASTORE, name)?.bytes
        writeFileSync(join(bed.directory, name.split('/').at(-1) ?? ''), bytes?.read(0, bytes.sizeBytes) ?? '')
      }
      const descriptor = join(bed.directory, path.split('/').at(-1) ?? '')
      const info = JSON.parse(execFileSync('qemu-img', ['info', '--output=json', descriptor]).toString()) as object
      const size = files[path.endsWith('_1.vmdk') ? 1 : 0]?.size
      expect(info).toMatchObject({ format: 'vmdk', 'virtual-size': size })
    }
    expect(await bed.keys('restores/open/')).toEqual([])
  })

  it('goes on when connections end under the disks, and when the answer to registering is lost', async () => {
    lab.control.resetCounts()
    const lose = onceAt('Plan delivery', () => {
      lab.control.dropRequest('/folder/copy-', 2)
      lab.control.loseAnswer('RegisterVM_Task')
    })
    const { report } = await restore({ unique: true, name: 'copy' }, lose)
    expect(report).toMatchObject({ outcome: 'succeeded', differences: [] })
    expect(lab.control.seen.filter(({ status }) => status === 0)).toHaveLength(3)
    expect(lab.control.calls('RegisterVM_Task')).toBe(1)
    const [copy] = lab.control.guests()
    expect(copy?.name).toBe('copy')
    expect(diskOf(copy?.instanceUuid ?? '', 0).equals(lost[0] ?? Buffer.alloc(0))).toBe(true)
  })

  it('fails in words when the datastore is full meanwhile, and leaves nothing', async () => {
    const [datastore] = lab.control.datastores()
    const before = datastore?.freeBytes ?? 0
    const fill = onceAt('Plan delivery', () => {
      if (datastore !== undefined) datastore.freeBytes = 100 * MIB
    })
    const { report } = await restore({}, fill)
    if (datastore !== undefined) datastore.freeBytes = before
    expect(report).toMatchObject({ outcome: 'failed', summary: expect.stringContaining('there is no space'), left: [] })
    await expectNothingLeft()
  })

  it.each(['Deliver parts', 'Create guest'])(
    'removes what it wrote when its operator stops it at "%s"',
    async (state) => {
      const stop = new AbortController()
      const { report } = await restore(
        {},
        onceAt(state, () => stop.abort()),
        { ...signals, interrupt: stop.signal },
      )
      expect(report).toMatchObject({ outcome: 'failed', error: { name: 'RunInterrupted' }, left: [] })
      await expectNothingLeft()
    },
  )

  it('goes on after the function that makes the guest was killed, and registers it once', async () => {
    lab.control.resetCounts()
    let [isAt, killed] = [false, 0]
    const entered = onceAt('Create guest', () => void (isAt = true))
    bed.s3Faults.onDone = async ({ operation, key = '' }) => {
      if (!isAt || killed > 0 || operation !== 'PutObject' || !key.endsWith('/restore.json')) return
      killed = await killFunction(bed.assembly, 'create-guest')
    }
    const { report } = await restore({}, entered)
    bed.s3Faults.onDone = undefined
    expect(killed).toBeGreaterThan(0)
    expect(report).toMatchObject({ outcome: 'succeeded', differences: [], left: [] })
    expect(lab.control.calls('RegisterVM_Task')).toBe(1)
  })

  it('is swept after when it died without a word', async () => {
    const kill = new AbortController()
    const dead = await restore(
      {},
      onceAt('Create guest', () => kill.abort()),
      { ...signals, kill: kill.signal },
    )
    expect(dead.result.status).toBe('ABORTED')
    expect(ourFiles()).not.toEqual([])
    await sweep()
    expect(ourFiles()).toEqual([])
    expect(lab.control.guests()).toEqual([])
    expect(await bed.keys('restores/open/')).toEqual([])
  })

  it('is refused while the guest is there, and makes nothing', async () => {
    lab.control.addGuest({ name: 'other', id: WEB, disks: [] })
    const { report } = await restore()
    expect(report).toMatchObject({ outcome: 'failed', summary: expect.stringContaining('is still there') })
    expect(ourFiles()).toEqual([])
  })
})

describe('the roles of a deployment that restores guests of vSphere', () => {
  it('let it do all of this', () => {
    expect(bed.judgements.filter(({ allowed }) => !allowed).map(judgementText)).toEqual([])
  })
})
