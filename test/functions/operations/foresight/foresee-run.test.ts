import { describe, expect, it } from 'vitest'
import { jobSchema } from '../../../../functions/contracts/job.ts'
import {
  GuestLockedBriefly,
  GuestLockStays,
  NodeOffline,
  RequestRejected,
  RouteUnreachable,
  StorageUnusable,
} from '../../../../functions/contracts/errors.ts'
import { foreseeRun } from '../../../../functions/operations/foresight/foresee-run.ts'
import type { PlatformArchive } from '../../../../functions/providers/capabilities/archives-on-platform.ts'
import type { StorageRecord } from '../../../../functions/providers/capabilities/storages.ts'
import { FakeProvider } from '../../../fakes/fake-provider.ts'

const GIB = 2 ** 30

const storage = (node: string, more: Partial<StorageRecord> = {}): StorageRecord => ({
  storage: 'nas',
  node,
  type: 'nfs',
  content: ['backup'],
  takesBackups: true,
  backupsAreFiles: true,
  enabled: true,
  active: true,
  shared: true,
  totalBytes: 100 * GIB,
  freeBytes: 50 * GIB,
  ...more,
})
const archive = (guestId: string, createdAt: string, sizeBytes: number): PlatformArchive => ({
  artifactRef: `nas:backup/${guestId}-${createdAt}`,
  node: 'pve1',
  storage: 'nas',
  guestId,
  guestKind: 'vm',
  createdAt,
  sizeBytes,
  format: 'vma.zst',
  notes: '',
  protected: false,
  encrypted: false,
})
const disk = (sizeBytes: number, included = true) => ({ key: 'scsi0', volume: 's:v', sizeBytes, included, reason: 'r' })

/** Guests 100 and 101 on node pve1, 102 on pve2; 100 has been archived before. */
function aSite(): FakeProvider {
  const provider = new FakeProvider()
  provider.guests = ['100', '101', '102'].map((id) => ({
    id,
    kind: 'vm',
    name: `guest${id}`,
    node: id === '102' ? 'pve2' : 'pve1',
    nodeOffline: false,
  }))
  provider.storageRecords = [storage('pve1'), storage('pve2')]
  provider.archivesOnPlatform.list = async () => ({
    archives: [archive('100', '2026-11-20T02:00:00.000Z', 3 * GIB), archive('100', '2026-11-01T02:00:00.000Z', GIB)],
    unread: [],
    hidden: [],
  })
  provider.details = {
    '101': { description: '', disks: [disk(8 * GIB), disk(90 * GIB, false)], replication: [], notes: [] },
    '102': { description: '', disks: [disk(20 * GIB)], replication: [], notes: [] },
  }
  return provider
}
const job = (more: object = {}) =>
  jobSchema.parse({ site: 'hq', guests: { all: true }, backup: { storage: 'nas' }, ...more })
const fates = async (provider: FakeProvider, wanted = job()) =>
  Object.fromEntries(
    (await foreseeRun(wanted, { provider })).guests.map(({ id, fate, reason }) => [id, `${fate}: ${reason}`]),
  )

describe('foreseeing a run', () => {
  it('says of each guest how large its archive is likely to be, and how that is known', async () => {
    const { guests, totals, notes, storages } = await foreseeRun(job(), { provider: aSite() })
    expect(
      guests.map(({ id, fate, expected }) => [id, fate, expected?.from, (expected?.sizeBytes ?? 0) / GIB]),
    ).toEqual([
      ['100', 'archive', 'archive-on-storage', 3],
      ['101', 'archive', 'disk-sizes', 8],
      ['102', 'archive', 'disk-sizes', 20],
    ])
    expect(totals).toEqual({ archive: 3, skip: 0, fail: 0, leftOut: 0, expectedBytes: 31 * GIB })
    expect(storages.map(({ node }) => node)).toEqual(['pve1', 'pve2'])
    // 100 has no details in this test, so its backup would hold nothing.
    expect(notes).toEqual(['Guest 100: its backup would hold no disk.'])
  })

  it('changes nothing, starts nothing and writes nothing', async () => {
    const provider = aSite()
    await foreseeRun(job(), { provider })
    expect(provider.calls).toEqual([])
  })

  it('takes the size from the bucket where the storage has no newer archive', async () => {
    const stored = { createdAt: '2026-11-19T02:00:00.000Z', sizeBytes: 7 * GIB, compress: 'zstd' }
    const { guests } = await foreseeRun(job(), { provider: aSite(), lastStored: async () => stored })
    expect(guests.map(({ expected }) => expected?.from)).toEqual([
      'archive-on-storage',
      'archive-in-bucket',
      'archive-in-bucket',
    ])
  })

  it('says what would be skipped, and what would fail', async () => {
    const provider = aSite()
    provider.metadata = {
      '100': { lock: 'backup' },
      '101': { lock: 'migrate' },
      '102': { nodeOffline: true, state: 'unknown' },
    }
    expect(await fates(provider)).toEqual({
      '100': 'skip: guest 100 is locked (backup)',
      '101': 'skip: guest 101 is locked (migrate)',
      '102': "fail: Site hq, guest 102: its node pve2 doesn't answer.",
    })
  })

  it('fails whom a lock keeps for good, and only notes one that is soon gone', async () => {
    const provider = aSite()
    provider.metadata = { '100': { lock: 'suspended' } }
    provider.lockMeans = GuestLockStays
    expect(await fates(provider)).toMatchObject({ '100': 'fail: guest 100 is locked (suspended)' })
    provider.lockMeans = GuestLockedBriefly
    const { totals, notes } = await foreseeRun(job(), { provider })
    expect(totals).toMatchObject({ archive: 3 })
    expect(notes).toContain('A run waits some minutes for this. guest 100 is locked (suspended)')
  })

  it('says who is left out, who is missing, and who may not be backed up', async () => {
    const provider = aSite()
    provider.metadata = { '101': { missingPrivileges: [{ privilege: 'VM.Backup', path: '/vms/101' }] } }
    const { guests, leftOut } = await foreseeRun(job({ guests: { vmids: [100, 101, 777] } }), { provider })
    expect(guests.map(({ id, fate }) => [id, fate])).toEqual([
      ['100', 'archive'],
      ['101', 'fail'],
      ['777', 'fail'],
    ])
    expect(guests[1]?.reason).toMatch(/lacks VM\.Backup on \/vms\/101/)
    expect(guests[2]?.reason).toMatch(/knows no guest 777/)
    expect(leftOut).toEqual([
      { id: '102', kind: 'vm', name: 'guest102', node: 'pve2', reason: 'Its id is not among the selected ones.' },
    ])
  })

  it('fails everybody when the account lacks a privilege, as the run would', async () => {
    const provider = aSite()
    provider.missing = [{ privilege: 'Datastore.AllocateSpace', path: '/storage/nas' }]
    const { totals, missingPrivileges } = await foreseeRun(job(), { provider })
    expect(totals).toMatchObject({ archive: 0, fail: 3 })
    expect(missingPrivileges).toEqual(provider.missing)
  })

  it.each<[string, StorageRecord[], RegExp]>([
    ['not there', [storage('pve1')], /node pve2: storage nas isn't there, or the account may not see it/],
    ['disabled', [storage('pve1'), storage('pve2', { enabled: false })], /storage nas is disabled/],
    ['offline', [storage('pve1'), storage('pve2', { active: false })], /can't be reached from the node/],
    [
      'for other things',
      [storage('pve1'), storage('pve2', { takesBackups: false, content: ['iso', 'images'] })],
      /doesn't take backups, only iso, images/,
    ],
  ])('fails the guests of a node whose storage is %s', async (_, storages, reason) => {
    const provider = aSite()
    provider.storageRecords = storages
    const told = await fates(provider)
    expect(told['102']).toMatch(/^fail: Site hq, node pve2: storage nas /)
    expect(told['102']).toMatch(reason)
    expect(told['100']).toMatch(/^archive/)
  })

  it('fails the guests of a node that can not be asked about its storage', async () => {
    const provider = aSite()
    provider.storages.describe = async (_, node) => {
      if (node === 'pve2') throw new NodeOffline('node pve2 is gone')
      return storage(node)
    }
    expect(await fates(provider)).toMatchObject({ '102': 'fail: node pve2 is gone' })
  })

  it('goes on without older archives and without configurations, and says so', async () => {
    const provider = aSite()
    provider.archivesOnPlatform.list = async () => {
      throw new StorageUnusable('the list hangs')
    }
    provider.describeGuest = async () => {
      throw new NodeOffline('no configuration')
    }
    const { guests, notes } = await foreseeRun(job({ guests: { vmids: [100] } }), { provider })
    expect(guests).toMatchObject([{ id: '100', fate: 'archive' }])
    expect(guests[0]).not.toHaveProperty('expected')
    expect(notes).toEqual([
      "Older archives, which show sizes, can't be read: the list hangs",
      "Its disks aren't known: no configuration",
    ])
  })

  it('says which archives would be less than the job requires, with their size, where the platform shows it already', async () => {
    const provider = aSite()
    const reason = 'No guest agent is set up.'
    provider.bestGrades = {
      '100': { consistency: 'file-system', reason: 'The agent freezes.', gaps: [] },
      '101': { consistency: 'crash', reason, advice: 'Install one.', gaps: [{ name: 'disks', what: 'scsi1' }] },
    }
    const require = { consistency: 'file-system', complete: true }
    const { guests, totals } = await foreseeRun(job({ require }), { provider })
    // Of 102 the platform shows nothing: what isn't known beforehand stands in no one's way.
    expect(guests.map(({ id, fate }) => [id, fate])).toEqual([
      ['100', 'archive'],
      ['101', 'fail'],
      ['102', 'archive'],
    ])
    expect(guests[1]).toMatchObject({ expected: { sizeBytes: 8 * GIB } })
    expect(guests[1]?.reason).toBe(
      'Its archive would be stored and count as failed, since it would be less than the job requires. ' +
        'It is crash consistent, and the job requires file-system consistent: No guest agent is set up. Install one. It lacks scsi1.',
    )
    expect(totals).toMatchObject({ archive: 2, fail: 1 })
    expect((await foreseeRun(job(), { provider })).totals).toMatchObject({ archive: 3, fail: 0 })
  })

  it('says that nothing would be backed up with a clock that is further off than the site allows', async () => {
    const provider = aSite()
    provider.clockOffset = { offsetSeconds: 7200, uncertaintySeconds: 1, measuredAt: '2026-11-22T02:00:00.000Z' }
    const { guests, totals } = await foreseeRun(job(), { provider })
    expect(totals).toMatchObject({ archive: 0, fail: 3 })
    expect(guests[0]?.reason).toMatch(/^Site hq, node pve1: its clock is 2 hours ahead, and 15 minutes are allowed\./)
    provider.clockToleranceSeconds = 10_000
    expect((await foreseeRun(job(), { provider })).totals).toMatchObject({ archive: 3 })
  })

  it('warns of a storage that is likely to be too small: a shared one counts for all its nodes', async () => {
    const provider = aSite()
    provider.storageRecords = [storage('pve1', { freeBytes: 12 * GIB }), storage('pve2', { freeBytes: 12 * GIB })]
    const shared = await foreseeRun(job(), { provider })
    expect(shared.notes.at(-1)).toMatch(
      /^Storage nas has 12\.0 GiB free, and the archives may take 31\.0 GiB\. With delete/,
    )
    provider.storageRecords = provider.storageRecords.map((one) => ({ ...one, shared: false }))
    const own = await foreseeRun(job({ deleteSource: true }), { provider })
    expect(own.notes.at(-1)).toMatch(
      /^Storage nas on pve2 has 12\.0 GiB free, and the archives may take 20\.0 GiB\. Archives/,
    )
    expect(own.notes.filter((note) => note.startsWith('Storage nas on pve1'))).toEqual([])
  })

  it('with storage auto takes the one with most free space on each node, and says that this may change', async () => {
    const provider = aSite()
    provider.storageRecords = [
      storage('pve1', { freeBytes: 5 * GIB }),
      storage('pve1', { storage: 'big', freeBytes: 90 * GIB }),
      storage('pve2', { storage: 'iso', takesBackups: false, freeBytes: 999 * GIB }),
    ]
    const { guests, storages, notes } = await foreseeRun(job({ backup: { storage: 'auto' } }), { provider })
    expect(storages.map(({ storage: name, node }) => `${name} on ${node}`)).toEqual(['big on pve1'])
    expect(guests.map(({ fate }) => fate)).toEqual(['archive', 'archive', 'fail'])
    expect(guests[2]?.reason).toMatch(
      /node pve2: storage auto finds none with backups as files on which this account may put one/,
    )
    expect(notes.join(' ')).toMatch(/Storage auto: a run looks anew/)
  })

  it('says of a storage of a type that nobody knows that its backups may be no files', async () => {
    const provider = aSite()
    const { backupsAreFiles: _, ...unknown } = storage('pve1', { type: 'blockstor', freeBytes: 90 * GIB })
    provider.storageRecords = [unknown, storage('pve2')]
    const { totals, notes } = await foreseeRun(job(), { provider })
    // Whoever names it may know.
    expect(totals).toMatchObject({ archive: 3, fail: 0 })
    expect(notes).toContainEqual(
      expect.stringMatching(/^Site hq, node pve1: storage nas: its type blockstor is a plug-in .* as files/),
    )
    const auto = await foreseeRun(job({ backup: { storage: 'auto' } }), { provider })
    expect(auto.guests.map(({ fate }) => fate)).toEqual(['fail', 'fail', 'archive'])
    expect(auto.guests[0]?.reason).toMatch(/finds none with backups as files.*passes over nas: its type blockstor/)
  })

  it('fails the guests whose storage keeps backups otherwise than as files', async () => {
    const provider = aSite()
    provider.storageRecords = ['pve1', 'pve2'].map((node) => storage(node, { type: 'pbs', backupsAreFiles: false }))
    const { guests } = await foreseeRun(job(), { provider })
    expect(
      guests.every(({ fate, reason }) => fate === 'fail' && /is of type pbs, whose.*aren't files/.test(reason)),
    ).toBe(true)
  })

  it('refuses options that the site does not know, as the run would', async () => {
    const provider = aSite()
    provider.requireOptions = async () => {
      throw new RequestRejected('too old for fleecing')
    }
    await expect(foreseeRun(job(), { provider })).rejects.toThrow('too old for fleecing')
  })

  it('lets errors through that nobody foresaw', async () => {
    const provider = aSite()
    provider.archivesOnPlatform.list = async () => {
      throw new TypeError('a fault of ours')
    }
    await expect(foreseeRun(job(), { provider })).rejects.toThrow(TypeError)
  })

  it('foretells that guests of a node fail which the route does not reach, and asks for each node once', async () => {
    const provider = aSite()
    const asked: (readonly string[])[] = []
    const testRoutes = async (nodes: readonly string[]) => {
      asked.push(nodes)
      return new Map(
        nodes.map((node) => [node, new RouteUnreachable(`Site hq, node ${node}: nobody answers.`)] as const),
      )
    }
    const { guests, totals } = await foreseeRun(job(), { provider, testRoutes })
    expect(totals.archive).toBe(0)
    expect(guests.map(({ reason }) => reason)).toContainEqual(expect.stringMatching(/node pve1: nobody answers/))
    expect(asked.map((nodes) => new Set(nodes).size === nodes.length)).toEqual([true])
  })
})
