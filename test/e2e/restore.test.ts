/** Guests come back from the bucket, by the real bundles, roles and definitions, on a lab that makes them of the file's bytes. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { extractDisk } from '../../functions/archive-formats/proxmox/extract-disk.ts'
import { manifestSchema } from '../../functions/contracts/manifest.ts'
import { restoreRecordSchema } from '../../functions/contracts/restore-record.ts'
import { restoreReportSchema } from '../../functions/contracts/restore-report.ts'
import { crc32ToBase64 } from '../../functions/domain/transfer/crc32.ts'
import type { Lab } from '../../local/labs/proxmox/lab.ts'
import { type OpenSshServer, sshdPath, startOpenSsh } from '../functions/ssh/openssh-server.ts'
import { killSessions } from '../functions/writers/sessions.ts'
import { openSite, type Site, type SiteOptions } from './harness.ts'
import { killFunction } from './kill-function.ts'

const MIB = 2 ** 20

let site: Site
/** The SSH server of a node that fetches files itself. */
let node: OpenSshServer | undefined

/** The same site, whose node fetches the file: nothing of the archive passes a function. */
function pulling(hq: Record<string, unknown>, { storages }: Lab, server: OpenSshServer): Record<string, unknown> {
  const nas = storages.find(({ id }) => id === 'nas')
  const { port, username, privateKey, fingerprints } = server
  const pathPrefix = { from: nas?.path, to: nas?.directory }
  const login = { host: '127.0.0.1', port, username, privateKey, hostKeys: [fingerprints.ed25519], pathPrefix }
  return { ...hq, restore: { ...(hq['restore'] as object), delivery: { type: 'pull', ...login } } }
}

beforeAll(async () => {
  if (sshdPath === undefined) console.warn('skipped: no sshd')
  else node = await startOpenSsh()
  const variants = (hq: Record<string, unknown>, lab: Lab) =>
    node === undefined ? {} : { pull: pulling(hq, lab, node) }
  const options: SiteOptions = {
    restores: true,
    mayBeRefused: /secret:guestlift\/site\/elsewhere/,
    guests: [
      { vmid: 100, kind: 'qemu', name: 'web', diskBytes: 3 * MIB },
      { vmid: 101, kind: 'lxc', name: 'db', dataBytes: 2 * MIB, options: { unprivileged: '1' } },
      // Uncompressed, these are three ranges.
      { vmid: 102, kind: 'qemu', name: 'large', diskBytes: 150 * MIB, zero: 0 },
    ],
  }
  site = await openSite(options, variants)
  await site.run({
    site: 'hq',
    guests: { vmids: [100, 101, 102] },
    backup: { storage: 'nas', compress: 'none' },
  })
})
afterAll(async () => {
  await site.close()
  await node?.close()
})
afterEach(() => {
  site.lab.faults.clear()
  site.faults.plan = undefined
  site.faults.onDone = undefined
})

const restore = (request: Record<string, unknown>, listening?: Parameters<Site['upkeep']>[2]) =>
  site.upkeep('restoreGuest', { site: 'hq', storage: 'local-lvm', ...request }, listening)

const reportIn = (told: Awaited<ReturnType<typeof restore>>['told']) =>
  restoreReportSchema.parse(told !== undefined && 'report' in told ? told.report : undefined)

/** The disk in the newest archive of a guest. */
async function diskOf(id: string): Promise<Buffer> {
  const key = (await site.keys(`archives/hq/vm-${id}/`)).findLast((each) => each.endsWith('.vma')) ?? ''
  const bytes = readFileSync(site.path(key))
  let disk = Buffer.alloc(0)
  const file = {
    fileName: key.slice(key.lastIndexOf('/') + 1),
    sizeBytes: bytes.length,
    stream: async function* () {
      yield bytes
    },
    read: async (offset: number, length: number) => bytes.subarray(offset, offset + length),
  }
  await extractDisk(file, 'scsi0', async ({ sizeBytes }) => {
    disk = Buffer.alloc(sizeBytes)
    return { write: async (offset, data) => void data.copy(disk, offset) }
  })
  return disk
}

/** What restores put on the nodes and have to take away again. */
const delivered = () =>
  site.lab.storages
    .flatMap(({ directory }) => readdirSync(join(directory, 'dump')))
    .filter((name) => /guestlift-restore|vzdump-.*-[0-9a-f]{16}\./.test(name))
const hasGuest = (id: number) => site.lab.guests.some(({ vmid }) => vmid === id)

async function expectNothingLeft(id: number) {
  expect(hasGuest(id)).toBe(false)
  expect(delivered()).toEqual([])
  expect(await site.keys('restores/open/')).toEqual([])
}

describe('a restore', () => {
  it('brings a VM back that is gone, as it was archived, and its next archive holds the same disk', async () => {
    const before = await diskOf('100')
    site.lab.control.removeGuest(100)
    const { result, told } = await restore({ archive: 'hq/vm-100', confirm: true })
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    const report = reportIn(told)
    expect(report).toMatchObject({
      outcome: 'succeeded',
      dryRun: false,
      target: { site: 'hq', id: '100', node: 'pve1', storages: ['local-lvm'] },
      differences: [],
      left: [],
    })
    expect(report.bytes).toBe(report.archive?.sizeBytes)
    expect(report.seconds).toMatchObject({
      deliver: expect.any(Number) as unknown,
      create: expect.any(Number) as unknown,
    })
    expect(delivered()).toEqual([])
    expect(await site.keys('restores/open/')).toEqual([])
    const again = await site.run({ site: 'hq', guests: { vmids: [100] }, backup: { storage: 'nas', compress: 'none' } })
    expect(again.guests['100']).toMatchObject({ outcome: 'succeeded' })
    expect((await diskOf('100')).equals(before)).toBe(true)
  })

  it('brings a container back beside the one that it came from, with an address and a name of its own, and starts it', async () => {
    const { told } = await restore({
      archive: 'container-101',
      id: '9101',
      unique: true,
      name: 'db-copy',
      start: true,
      confirm: true,
    })
    const report = reportIn(told)
    expect(report).toMatchObject({ outcome: 'succeeded', started: { running: true }, differences: [] })
    expect(report.expected.map(({ key }) => key)).toEqual(expect.arrayContaining(['net0', 'hostname']))
    expect(site.lab.guests.find(({ vmid }) => vmid === 9101)).toMatchObject({ name: 'db-copy' })
  })

  it('changes nothing and says what it would do unless it is confirmed', async () => {
    const before = await site.keys('restores/')
    const { result, told } = await restore({ archive: '102', id: '9102' })
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    expect(reportIn(told).summary).toMatch(/^Dry run: vm 102 \(large\)/)
    const written = (await site.keys('restores/')).filter((key) => !before.includes(key))
    expect(written.map((key) => key.split('/').at(-1))).toEqual(['report.json', 'restore.json'])
    await expectNothingLeft(9102)
  })

  it('is refused with the reason where the id is taken, and leaves nothing', async () => {
    const { result, told } = await restore({ archive: '102', id: '101', confirm: true })
    expect(result).toMatchObject({ status: 'FAILED', error: 'RestoreRefused' })
    expect(reportIn(told)).toMatchObject({
      outcome: 'failed',
      findings: [{ name: 'id-in-use', level: 'refusal' }],
    })
    expect(delivered()).toEqual([])
  })

  it.each([
    ['an archive that there is none of', { archive: 'vm-999' }, 'ArchiveUnknown'],
    ['a field that nobody knows', { archive: '102', vmid: 9102 }, 'InvalidJob'],
    ['a site that is not configured', { archive: '102', site: 'elsewhere' }, 'UnknownSite'],
  ])('ends at once for %s', async (_what, request, error) => {
    const { result } = await restore({ confirm: true, ...request })
    expect(result).toMatchObject({ status: 'FAILED', error })
  })
})

describe.skipIf(sshdPath === undefined)('a restore to a node that fetches the file itself', () => {
  it('brings the guest back without a byte of it in a function', async () => {
    const lines: Record<string, unknown>[] = []
    const { told } = await restore(
      { archive: 'hq/vm-102', site: 'pull', id: '9102', deliveryStorage: 'nas', confirm: true },
      { onLog: (line) => void lines.push({ ...line }) },
    )
    expect(reportIn(told)).toMatchObject({ outcome: 'succeeded', differences: [], left: [] })
    expect(lines.filter(({ event }) => event === 'part-copied')).toHaveLength(3)
    site.lab.control.removeGuest(9102)
    await expectNothingLeft(9102)
  })

  it('goes on with other ranges when the agent is killed', async () => {
    let kills = 0
    site.faults.onDone = ({ operation, key = '' }) => {
      if (operation !== 'GetObject' || !key.endsWith('.vma') || kills > 0 || node === undefined) return
      kills += 1
      killSessions(node)
    }
    const { told } = await restore({
      archive: 'hq/vm-102',
      site: 'pull',
      id: '9102',
      deliveryStorage: 'nas',
      confirm: true,
    })
    expect(kills).toBe(1)
    expect(reportIn(told)).toMatchObject({ outcome: 'succeeded', left: [] })
    site.lab.control.removeGuest(9102)
    await expectNothingLeft(9102)
  })
})

describe('whatever goes wrong, one cause is told and nothing stays behind', () => {
  it('when the disk is full before the file is whole', async () => {
    site.lab.faults.onSftp({ kind: 'disk-full', bytes: 100 * MIB }, 99)
    const { result, told } = await restore({ archive: '102', id: '9102', confirm: true })
    expect(result).toMatchObject({ status: 'FAILED', error: 'TargetUnwritable' })
    expect(reportIn(told)).toMatchObject({ outcome: 'failed', left: [] })
    await expectNothingLeft(9102)
  })

  it('when connections are cut: no range is brought more than twice', async () => {
    site.lab.faults.onSftp({ kind: 'cut-after', bytes: 80 * MIB }, 2)
    const { told } = await restore({ archive: '102', id: '9102', confirm: true })
    const report = reportIn(told)
    expect(report).toMatchObject({ outcome: 'succeeded' })
    site.lab.control.removeGuest(9102)
    await expectNothingLeft(9102)
  })

  // Each right after it has written something down, which is when the least is known of it.
  it.each([
    { stem: 'check-target', state: 'Check target', writes: /restore\.json$/ },
    { stem: 'deliver-parts', state: 'Deliver parts', writes: /delivered/ },
    { stem: 'finish-delivery', state: 'Finish delivery', writes: /restore\.json$/ },
    // First that it will ask the platform, then what it was given for an answer.
    { stem: 'create-guest', state: 'Create guest', writes: /restore\.json$/, times: 2 },
    { stem: 'check-restore', state: 'Check restore', writes: /restore\.json$/ },
    { stem: 'compare-guest', state: 'Compare guest', writes: /restore\.json$/ },
    { stem: 'finish-restore', state: 'Finish restore', writes: /report\.json$/ },
  ])('when the function $stem is killed: it is called again, and the guest is made once', async (dying) => {
    const { stem, state, writes, times = 1 } = dying
    let [now, seen, killed] = ['', 0, 0]
    site.faults.onDone = async ({ operation, key = '' }) => {
      if (now !== state || operation !== 'PutObject' || !writes.test(key)) return
      seen += 1
      if (seen === times) killed = await killFunction(site.assembly, stem)
    }
    const restoresSoFar = () => site.lab.control.tasks().filter(({ type }) => type === 'qmrestore').length
    const before = restoresSoFar()
    const { told } = await restore(
      { archive: '100', id: '9100', confirm: true },
      { onState: (entered) => void (now = entered) },
    )
    expect(killed).toBeGreaterThan(0)
    expect(reportIn(told)).toMatchObject({ outcome: 'succeeded', left: [] })
    expect(restoresSoFar()).toBe(before + 1)
    site.lab.control.removeGuest(9100)
    await expectNothingLeft(9100)
  })

  it('when the answer of the platform is lost: the guest is found, and not made twice', async () => {
    site.lab.faults.onNextAnswer({ method: 'POST', path: '/nodes/pve1/qemu', fate: 'lost' })
    const { told } = await restore({ archive: '100', id: '9100', confirm: true })
    expect(reportIn(told)).toMatchObject({ outcome: 'succeeded', left: [] })
    site.lab.control.removeGuest(9100)
    await expectNothingLeft(9100)
  })

  it('when the id is taken between the check and the order', async () => {
    const { result, told } = await restore(
      { archive: '102', id: '9103', confirm: true },
      {
        onState: (state) => {
          if (state === 'Finish delivery') site.lab.control.addGuest({ vmid: 9103, kind: 'qemu', name: 'newcomer' })
        },
      },
    )
    expect(result).toMatchObject({ status: 'FAILED', error: 'RestoreRefused' })
    expect(reportIn(told)).toMatchObject({ left: [] })
    expect(site.lab.guests.find(({ vmid }) => vmid === 9103)).toMatchObject({ name: 'newcomer' })
    expect(delivered()).toEqual([])
  })

  it('when the platform can not make a guest of the file: the half-made guest is removed', async () => {
    const key = (await site.keys('archives/hq/vm-100/')).find((each) => each.endsWith('.vma')) ?? ''
    const manifestKey = `${key.slice(0, key.lastIndexOf('/'))}/manifest.json`
    const [original, manifestText] = [readFileSync(site.path(key)), await site.text(manifestKey)]
    // Its own format is what is broken: bytes within a disk have no checksum there.
    const damaged = original.subarray(0, original.length - MIB)
    const manifest = manifestSchema.parse(JSON.parse(manifestText))
    const checksum = `CRC32:${crc32ToBase64(crc32(damaged))}`
    await site.put(key, damaged)
    await site.put(
      manifestKey,
      JSON.stringify({
        ...manifest,
        artifacts: manifest.artifacts.map((one) => ({ ...one, checksum, sizeBytes: damaged.length })),
      }),
    )
    const { result, told } = await restore({ archive: key, id: '9102', confirm: true })
    await site.put(key, original)
    await site.put(manifestKey, manifestText)
    expect(result).toMatchObject({ status: 'FAILED', error: 'RestoreFailed' })
    expect(reportIn(told)).toMatchObject({ outcome: 'failed', left: [] })
    await expectNothingLeft(9102)
  })

  it("when the platform's task dies: a guest that only root can unlock is named with the command that removes it", async () => {
    site.lab.control.setSecondsPerDump(60)
    const { result, told } = await restore(
      { archive: '100', id: '9102', confirm: true },
      {
        onState: (state) => {
          if (state !== 'Check restore') return
          const running = site.lab.control.tasks().find(({ type, running: runs }) => type === 'qmrestore' && runs)
          if (running !== undefined) site.lab.control.killTask(running.upid)
        },
      },
    )
    site.lab.control.setSecondsPerDump(0.2)
    expect(result).toMatchObject({ status: 'FAILED', error: 'RestoreFailed' })
    expect(reportIn(told)).toMatchObject({
      outcome: 'failed',
      left: [{ removeWith: 'qm unlock 9102 && qm destroy 9102' }],
    })
    expect(delivered()).toEqual([])
    site.lab.control.removeGuest(9102)
    await expectNothingLeft(9102)
  })

  it('when its operator stops it', async () => {
    const stop = new AbortController()
    const { told } = await restore(
      { archive: '102', id: '9102', confirm: true },
      { interrupt: stop.signal, onState: (state) => void (state === 'Finish delivery' && stop.abort()) },
    )
    expect(reportIn(told)).toMatchObject({ outcome: 'failed', left: [], error: { name: 'RunInterrupted' } })
    await expectNothingLeft(9102)
  })

  it('when the object is replaced while it is brought', async () => {
    const key = (await site.keys('archives/hq/vm-102/')).find((each) => each.endsWith('.vma')) ?? ''
    const original = readFileSync(site.path(key))
    const { result } = await restore(
      { archive: '102', id: '9102', confirm: true },
      { onState: (state) => void (state === 'Plan delivery' && site.put(key, 'another')) },
    )
    expect(result).toMatchObject({ status: 'FAILED', error: 'ArchiveConflict' })
    await expectNothingLeft(9102)
    await site.put(key, original)
  })

  it('when its execution died without a word: the sweep cleans up after it', async () => {
    const kill = new AbortController()
    const death = site.upkeep(
      'restoreGuest',
      { site: 'hq', archive: '102', id: '9102', storage: 'local-lvm', confirm: true },
      { kill: kill.signal, onState: (state) => void (state === 'Finish delivery' && kill.abort()) },
    )
    expect((await death).result.status).toBe('ABORTED')
    expect(delivered()).toHaveLength(1)
    const [lease = ''] = await site.keys('restores/open/')
    const held = JSON.parse(await site.text(lease)) as Record<string, unknown>
    await site.put(lease, JSON.stringify({ ...held, until: '2020-01-01T00:00:00.000Z' }))
    const swept = await site.upkeep('sweepUploads', { sites: ['hq'] })
    expect(swept.told?.report).toMatchObject({ outcome: 'succeeded' })
    await expectNothingLeft(9102)
    const record =
      (await site.keys('restores/')).find((key) => key.endsWith(`/${String(held['restoreId'])}/restore.json`)) ?? ''
    expect(restoreRecordSchema.parse(JSON.parse(await site.text(record))).ended?.error?.Error).toBe('ExecutionEnded')
  })
})
