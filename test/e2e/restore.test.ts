/**
 * Guests come back from the bucket, by the real bundles, roles and definitions, on a lab that makes them of the file's bytes.
 * What goes wrong meanwhile is tried in `fault-table/restores.ts`.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { extractDisk } from '../../functions/archive-formats/proxmox/extract-disk.ts'
import { restoreReportSchema } from '../../functions/contracts/restore-report.ts'
import type { Lab } from '../../local/labs/proxmox/lab.ts'
import { type OpenSshServer, sshdPath, startOpenSsh } from '../functions/ssh/openssh-server.ts'
import { openSite, type Site, type SiteOptions } from './harness.ts'

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

  it('makes a template of the guest when that is asked for, though the answer to it is lost', async () => {
    site.lab.faults.onNextAnswer({ method: 'POST', path: '/qemu/9103/template', fate: 'lost' })
    const { told } = await restore({ archive: '100', id: '9103', template: true, confirm: true })
    expect(reportIn(told)).toMatchObject({ outcome: 'succeeded', isTemplate: true, differences: [], left: [] })
    expect(site.lab.guests.find(({ vmid }) => vmid === 9103)).toMatchObject({ template: true })
    const conversions = site.lab.control.tasks().filter(({ type, id }) => type === 'qmtemplate' && id === '9103')
    expect(conversions).toHaveLength(1)
  })

  it('brings a template back as a template', async () => {
    site.lab.control.guest(100, { template: true, status: 'stopped' })
    const job = { site: 'hq', guests: { vmids: [100] }, backup: { storage: 'nas', compress: 'none' } }
    expect((await site.run(job)).guests['100']).toMatchObject({ outcome: 'succeeded' })
    const { told } = await restore({ archive: '100', id: '9104', template: true, confirm: true })
    expect(reportIn(told)).toMatchObject({ outcome: 'succeeded', isTemplate: true, differences: [] })
    expect(site.lab.control.tasks().filter(({ type, id }) => type === 'qmtemplate' && id === '9104')).toEqual([])
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
    ['a template that is to be started', { archive: '102', start: true, template: true }, 'InvalidJob'],
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
})
