/** VMs come back over the API of their platform alone: disks are unpacked in the region, the node fetches and imports them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { extractDisk } from '../../functions/archive-formats/proxmox/extract-disk.ts'
import { restoreRecordSchema } from '../../functions/contracts/restore-record.ts'
import { restoreReportSchema } from '../../functions/contracts/restore-report.ts'
import { defaultAcl, RESTORE_PRIVILEGES } from '../../local/labs/proxmox/default-site.ts'
import type { Lab } from '../../local/labs/proxmox/lab.ts'
import { openSite, type Site } from './harness.ts'
import { killFunction } from './kill-function.ts'

const MIB = 2 ** 20

let site: Site

const byImport = (hq: Record<string, unknown>) => ({
  ...hq,
  restore: { ...(hq['restore'] as object), delivery: { type: 'import' } },
})

/** Without what reads or writes files on the nodes: the restore has the API alone. */
const restOnly = (hq: Record<string, unknown>, _lab: Lab) => ({
  rest: byImport(hq),
  limited: byImport({ ...hq, limits: { mibPerSecond: 5 } }),
})

beforeAll(async () => {
  site = await openSite(
    {
      restores: true,
      storages: [
        { id: 'local', content: ['backup', 'iso', 'vztmpl'] },
        { id: 'nas', type: 'nfs', content: ['backup'] },
        { id: 'disks', type: 'nfs', content: ['backup', 'import'] },
        { id: 'local-lvm', type: 'lvmthin', path: '/dev/pve', content: ['images', 'rootdir'], shared: false },
      ],
      roles: {
        GuestliftImport: [
          ...RESTORE_PRIVILEGES,
          'Datastore.Allocate',
          'Datastore.AllocateTemplate',
          'Sys.AccessNetwork',
        ],
      },
      acl: [
        ...defaultAcl(),
        ...['restore@pve', 'restore@pve!guestlift'].flatMap((who) =>
          ['/storage/disks', '/nodes/pve1'].map((path) => ({ path, who, role: 'GuestliftImport', propagate: true })),
        ),
      ],
      guests: [
        { vmid: 100, kind: 'qemu', name: 'web', diskBytes: 3 * MIB },
        { vmid: 101, kind: 'lxc', name: 'db', dataBytes: 2 * MIB, options: { unprivileged: '1' } },
        // Its image has three parts.
        { vmid: 102, kind: 'qemu', name: 'large', diskBytes: 136 * MIB, zero: 0 },
        {
          vmid: 103,
          kind: 'qemu',
          name: 'two',
          disks: [
            { key: 'scsi0', sizeBytes: 2 * MIB },
            { key: 'virtio1', sizeBytes: MIB, options: ['discard=on'] },
          ],
          options: { ide2: 'none,media=cdrom', description: 'two disks\n' },
        },
      ],
    },
    restOnly,
  )
  await site.run({
    site: 'hq',
    guests: { vmids: [100, 101, 102, 103] },
    backup: { storage: 'nas', compress: 'zstd' },
  })
})
afterAll(() => site.close())
afterEach(() => {
  site.lab.faults.clear()
  site.faults.plan = undefined
  site.faults.onDone = undefined
})

const restore = (request: Record<string, unknown>, listening?: Parameters<Site['upkeep']>[2]) =>
  site.upkeep('restoreGuest', { site: 'rest', storage: 'local-lvm', confirm: true, ...request }, listening)

const reportIn = (told: Awaited<ReturnType<typeof restore>>['told']) =>
  restoreReportSchema.parse(told !== undefined && 'report' in told ? told.report : undefined)

/** A disk in the newest archive of a guest. */
async function diskOf(id: string, name = 'scsi0'): Promise<Buffer> {
  const key = (await site.keys(`archives/hq/vm-${id}/`)).findLast((each) => /\.vma/.test(each)) ?? ''
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
  await extractDisk(file, name, async ({ sizeBytes }) => {
    disk = Buffer.alloc(sizeBytes)
    return { write: async (offset, data) => void data.copy(disk, offset) }
  })
  return disk
}

const fetched = () => {
  const storage = site.lab.storages.find(({ id }) => id === 'disks')
  return readdirSync(join(storage?.directory ?? '', 'import'))
}
/** As if a disk's order were so old that a task of it would be in the list of tasks by now. */
async function letOrdersSettle(key: string) {
  const earlier = (instant: string) => new Date(Date.parse(instant) - 61_000).toISOString()
  const record = await site.text(key)
  await site.put(
    key,
    record.replaceAll(/("askedAt": ?")([^"]+)/g, (_, name: string, instant: string) => name + earlier(instant)),
  )
}
const hasGuest = (id: number) => site.lab.guests.some(({ vmid }) => vmid === id)
const tasksOf = (type: string) => site.lab.control.tasks().filter((task) => task.type === type)

async function expectNothingLeft(id?: number) {
  expect(id !== undefined && hasGuest(id)).toBe(false)
  expect(fetched()).toEqual([])
  expect(await site.keys('unpacked/')).toEqual([])
  expect((await site.openUploads()).filter((key) => key.startsWith('unpacked/'))).toEqual([])
  expect(await site.keys('restores/open/')).toEqual([])
}

describe('a restore by import', () => {
  it('brings a VM back that is gone, with REST alone, and its next archive holds the same disk', async () => {
    const before = await diskOf('100')
    site.lab.control.removeGuest(100)
    const { result, told } = await restore({ archive: 'hq/vm-100' })
    expect(reportIn(told)).toMatchObject({ outcome: 'succeeded', differences: [], left: [] })
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    await expectNothingLeft()
    const again = await site.run({ site: 'hq', guests: { vmids: [100] }, backup: { storage: 'nas', compress: 'zstd' } })
    expect(again.guests['100']).toMatchObject({ outcome: 'succeeded' })
    expect((await diskOf('100')).equals(before)).toBe(true)
  })

  it('brings each of several disks to its place, a CD drive, the notes and the options with them', async () => {
    const before = [await diskOf('103'), await diskOf('103', 'virtio1')]
    site.lab.control.removeGuest(103)
    const { told } = await restore({ archive: 'hq/vm-103' })
    expect(reportIn(told)).toMatchObject({ outcome: 'succeeded', differences: [], left: [] })
    await site.run({ site: 'hq', guests: { vmids: [103] }, backup: { storage: 'nas', compress: 'none' } })
    expect((await diskOf('103')).equals(before[0] ?? Buffer.alloc(0))).toBe(true)
    expect((await diskOf('103', 'virtio1')).equals(before[1] ?? Buffer.alloc(0))).toBe(true)
    await expectNothingLeft()
  })

  it('makes a guest of its own beside the one that was archived, with a limit nowhere in the way', async () => {
    const { told } = await restore({ archive: 'hq/vm-100', id: '9100', unique: true, name: 'copy' })
    const report = reportIn(told)
    expect(report).toMatchObject({ outcome: 'succeeded', differences: [] })
    expect(report.expected.map(({ key }) => key)).toEqual(expect.arrayContaining(['net0', 'smbios1', 'name']))
    site.lab.control.removeGuest(9100)
    await expectNothingLeft(9100)
  })

  it('leaves no signature in what is kept or said', async () => {
    await restore({ archive: 'hq/vm-100', id: '9100' })
    site.lab.control.removeGuest(9100)
    const said = [
      await site.everythingSaid(),
      ...(await Promise.all((await site.keys('restores/')).map((key) => site.text(key)))),
    ]
    expect(said.join('\n')).not.toContain('X-Amz-Signature')
    expect(tasksOf('download').length).toBeGreaterThan(0)
  })
})

describe('what is known before anything is brought', () => {
  it.each([
    ['a container', { archive: 'hq/container-101', id: '9101' }, /container 101 can't come by import/],
    [
      'a storage that takes no disks',
      { archive: '100', id: '9100', deliveryStorage: 'local' },
      /takes no disks to import/,
    ],
    [
      'a node that the account may not fetch from',
      { archive: '100', id: '9100', node: 'pve2' },
      /Sys\.AccessNetwork on \/nodes\/pve2/,
    ],
    [
      'a guest that is to be replaced',
      { archive: '102', id: '102', replace: true },
      /an import can't replace guest 102/,
    ],
    ['a limit that a node would not keep', { archive: '100', id: '9100', site: 'limited' }, /keeps no limit/],
  ])('refuses %s with the reason', async (_what, request, reason) => {
    const { result, told } = await restore(request)
    expect(result).toMatchObject({ status: 'FAILED', error: 'RestoreRefused' })
    expect(reportIn(told).summary).toMatch(reason)
    await expectNothingLeft()
  })

  it('changes nothing unless it is confirmed', async () => {
    const { result, told } = await restore({ archive: '100', id: '9100', confirm: false })
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    expect(reportIn(told).summary).toMatch(/^Dry run/)
    await expectNothingLeft(9100)
  })
})

describe('whatever goes wrong, one cause is told and nothing stays behind', () => {
  // Each right after it has written something down, which is when the least is known of it.
  it.each([
    { stem: 'unpack-disks', state: 'Unpack disks', writes: /restore\.json$/, times: 1, what: 'the upload was opened' },
    { stem: 'unpack-disks', state: 'Unpack disks', writes: /restore\.json$/, times: 2, what: 'the object was whole' },
    { stem: 'unpack-disks', state: 'Unpack disks', writes: /restore\.json$/, times: 3, what: 'it was read back' },
    { stem: 'fetch-disks', state: 'Fetch disks', writes: /restore\.json$/, times: 1, what: 'it was about to ask' },
    { stem: 'fetch-disks', state: 'Fetch disks', writes: /restore\.json$/, times: 2, what: 'it had asked' },
    { stem: 'create-guest', state: 'Create guest', writes: /restore\.json$/, times: 2, what: 'it had asked' },
    { stem: 'finish-restore', state: 'Finish restore', writes: /report\.json$/, times: 1, what: 'it had reported' },
  ])('when $stem is killed after $what: it goes on, and nothing is made twice', async (dying) => {
    const { stem, state, writes, times } = dying
    let [now, seen, killed] = ['', 0, 0]
    site.faults.onDone = async ({ operation, key = '' }) => {
      if (now !== state || operation !== 'PutObject' || !writes.test(key)) return
      seen += 1
      if (seen !== times) return
      killed = await killFunction(site.assembly, stem)
      if (stem === 'fetch-disks') await letOrdersSettle(key)
    }
    const before = tasksOf('qmcreate').length
    const { told } = await restore(
      { archive: '100', id: '9100' },
      { onState: (entered) => void (now = /^(Unpack|Fetch) disks|^Create|^Finish/.test(entered) ? entered : now) },
    )
    expect(killed).toBeGreaterThan(0)
    expect(reportIn(told)).toMatchObject({ outcome: 'succeeded', left: [] })
    expect(tasksOf('qmcreate')).toHaveLength(before + 1)
    site.lab.control.removeGuest(9100)
    await expectNothingLeft(9100)
  })

  it('when it is killed between two parts: a part that S3 has is not sent again', async () => {
    let [killed, parts] = [0, 0]
    site.faults.onDone = async ({ operation, key = '' }) => {
      if (operation !== 'UploadPart' || !key.startsWith('unpacked/')) return
      parts += 1
      if (parts === 1) killed = await killFunction(site.assembly, 'unpack-disks')
    }
    const { told } = await restore({ archive: '102', id: '9102' })
    expect(killed).toBeGreaterThan(0)
    expect(reportIn(told)).toMatchObject({ outcome: 'succeeded', left: [] })
    // Three parts, of which the one that had arrived is there.
    expect(parts).toBe(3)
    site.lab.control.removeGuest(9102)
    await expectNothingLeft(9102)
  })

  it('when the answer to the order to fetch is lost: the task is found by the name of its file', async () => {
    const before = tasksOf('download').length
    site.lab.faults.onNextAnswer({ method: 'POST', path: '/download-url', fate: 'lost' })
    const { told } = await restore({ archive: '100', id: '9100' })
    expect(reportIn(told)).toMatchObject({ outcome: 'succeeded', left: [] })
    expect(tasksOf('download')).toHaveLength(before + 1)
    site.lab.control.removeGuest(9100)
    await expectNothingLeft(9100)
  })

  it('when the answer to the creation is lost: the guest is found, and not made twice', async () => {
    const before = tasksOf('qmcreate').length
    site.lab.faults.onNextAnswer({ method: 'POST', path: '/nodes/pve1/qemu', fate: 'lost' })
    const { told } = await restore({ archive: '100', id: '9100' })
    expect(reportIn(told)).toMatchObject({ outcome: 'succeeded', left: [] })
    expect(tasksOf('qmcreate')).toHaveLength(before + 1)
    site.lab.control.removeGuest(9100)
    await expectNothingLeft(9100)
  })

  it('when an address has expired: the disk is fetched from a new one', async () => {
    let [now, refused] = ['', 0]
    site.faults.plan = ({ operation, key = '' }) => {
      if (now !== 'Fetch disks' || operation !== 'GetObject' || !key.startsWith('unpacked/') || refused > 0)
        return undefined
      refused += 1
      return { code: 'AccessDenied', message: 'Request has expired' }
    }
    const { told } = await restore(
      { archive: '100', id: '9100' },
      { onState: (state) => void (now = state === 'Fetch disks' ? state : now) },
    )
    expect(refused).toBe(1)
    expect(reportIn(told)).toMatchObject({ outcome: 'succeeded', left: [] })
    site.lab.control.removeGuest(9100)
    await expectNothingLeft(9100)
  })

  it('when other bytes arrive each time: the checksum tells, and no guest is made of them', async () => {
    const spoil = async (state: string) => {
      if (state !== 'Fetch disks') return
      const [key = ''] = await site.keys('unpacked/')
      if (key !== '') await site.put(key, Buffer.alloc(readFileSync(site.path(key)).length, 1))
    }
    const { result, told } = await restore({ archive: '100', id: '9100' }, { onState: (state) => void spoil(state) })
    expect(result).toMatchObject({ status: 'FAILED', error: 'RestoreFailed' })
    expect(reportIn(told).error?.message).toMatch(/checksum mismatch: got '[0-9a-f]{64}' != expect '[0-9a-f]{64}'/)
    await expectNothingLeft(9100)
  })

  it('when the storage for the disks is full', async () => {
    site.lab.control.fillStorage('disks', 20 * MIB)
    const { result, told } = await restore({ archive: '102', id: '9102' }, {})
    site.lab.control.fillStorage('disks', 2 ** 40)
    expect(result.status).toBe('FAILED')
    expect(reportIn(told).summary).toMatch(/has \d+ bytes free|No space left on device|storage is full/)
    await expectNothingLeft(9102)
  })

  it('when the storage fills up while a disk is fetched', async () => {
    const { result, told } = await restore(
      { archive: '102', id: '9102' },
      { onState: (state) => void (state === 'Unpack disks' && site.lab.control.fillStorage('disks', 20 * MIB)) },
    )
    site.lab.control.fillStorage('disks', 2 ** 40)
    expect(result).toMatchObject({ status: 'FAILED', error: 'TargetFull' })
    expect(reportIn(told)).toMatchObject({ outcome: 'failed', left: [] })
    await expectNothingLeft(9102)
  })

  it('when the target storage fills up while the guest is made', async () => {
    const { result, told } = await restore(
      { archive: '102', id: '9102' },
      { onState: (state) => void (state === 'Create guest' && site.lab.control.fillStorage('local-lvm', 20 * MIB)) },
    )
    site.lab.control.fillStorage('local-lvm', 2 ** 40)
    expect(result).toMatchObject({ status: 'FAILED', error: 'RestoreFailed' })
    expect(reportIn(told)).toMatchObject({ outcome: 'failed', left: [] })
    await expectNothingLeft(9102)
  })

  it('when its operator stops it while a disk is fetched', async () => {
    const stop = new AbortController()
    site.lab.control.setSecondsPerDump(60)
    const { told } = await restore(
      { archive: '100', id: '9100' },
      { interrupt: stop.signal, onState: (state) => void (state === 'Wait for fetching' && stop.abort()) },
    )
    site.lab.control.setSecondsPerDump(0.2)
    expect(reportIn(told)).toMatchObject({ outcome: 'failed', left: [], error: { name: 'RunInterrupted' } })
    expect(tasksOf('download').filter(({ running }) => running)).toEqual([])
    await expectNothingLeft(9100)
  })

  it('when its execution died without a word: the sweep cleans up after it', async () => {
    const kill = new AbortController()
    const death = await restore(
      { archive: '100', id: '9100' },
      { kill: kill.signal, onState: (state) => void (state === 'Create guest' && kill.abort()) },
    )
    expect(death.result.status).toBe('ABORTED')
    expect(fetched()).toHaveLength(1)
    expect(await site.keys('unpacked/')).toHaveLength(1)
    const [lease = ''] = await site.keys('restores/open/')
    const held = JSON.parse(await site.text(lease)) as Record<string, unknown>
    await site.put(lease, JSON.stringify({ ...held, until: '2020-01-01T00:00:00.000Z' }))
    const swept = await site.upkeep('sweepUploads', { sites: ['rest'] })
    expect(swept.told?.report).toMatchObject({ outcome: 'succeeded' })
    await expectNothingLeft(9100)
    const ends = `/${String(held['restoreId'])}/restore.json`
    const record = (await site.keys('restores/')).find((key) => key.endsWith(ends)) ?? ''
    expect(restoreRecordSchema.parse(JSON.parse(await site.text(record))).ended?.error?.Error).toBe('ExecutionEnded')
  })
})
