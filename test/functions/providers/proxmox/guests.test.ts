import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { proxmoxSiteSchema } from '../../../../functions/providers/proxmox/config.ts'
import { openProxmox, type ProxmoxProvider } from '../../../../functions/providers/proxmox/provider.ts'
import { type Lab, startLab } from '../../../../local/labs/proxmox/lab.ts'
import { data, type Reply, startServer } from './scripted-server.ts'
import { shortLimits, siteFor, surroundings } from './site.ts'
import { type Exchange, recording, recordingsPresent, replay } from './transcripts.ts'

const MIB = 2 ** 20
const secret = '7c4f5b57-62f7-46ed-a42f-21a44d04946c'
const GIB = 2 ** 30

describe('the guests of a simulated site', () => {
  const directory = mkdtempSync(join(tmpdir(), 'guestlift-guests-'))
  let lab: Lab
  const opened: ProxmoxProvider[] = []

  beforeAll(async () => {
    lab = await startLab({
      directory,
      unauthorizedDelaySeconds: 0,
      nodes: [{ name: 'pve1' }, { name: 'pve2', online: false, refusal: 'No route to host' }],
      pools: [{ id: 'shop', vmids: [100, 101], storages: [] }],
      guests: [
        {
          vmid: 1000,
          kind: 'qemu',
          name: 'web01',
          tags: 'prod;web',
          lock: 'snapshot',
          haState: 'started',
          cores: 4,
          options: { bios: 'ovmf', description: 'shop front' },
          disks: [
            { key: 'scsi0', sizeBytes: 64 * MIB },
            { key: 'scsi1', sizeBytes: GIB, backup: false },
            { key: 'ide2', volume: 'local:iso/x.iso', sizeBytes: MIB, options: ['media=cdrom'] },
          ],
          replication: [
            { target: 'pve2', schedule: '*/5', lastSync: 1_795_000_000, error: 'no route' },
            { target: 'pve3', schedule: '*/15', lastSync: 0, disabled: true },
          ],
        },
        { vmid: 101, kind: 'lxc', name: 'db01', status: 'stopped' },
        { vmid: 100, kind: 'qemu', name: 'far', node: 'pve2', tags: 'prod' },
        { vmid: 900, kind: 'qemu', name: 'golden', template: true, status: 'stopped' },
      ],
      users: [
        { userid: 'root@pam' },
        { userid: 'all@pve', tokens: [{ id: 'tok', secret, privilegesSeparated: false }] },
        { userid: 'pool@pve', tokens: [{ id: 'tok', secret, privilegesSeparated: false }] },
        { userid: 'audit@pve', tokens: [{ id: 'tok', secret, privilegesSeparated: false }] },
      ],
      acl: [
        { path: '/vms', who: 'all@pve', role: 'GuestliftRun', propagate: true },
        { path: '/pool', who: 'all@pve', role: 'PVEPoolUser', propagate: true },
        { path: '/storage', who: 'all@pve', role: 'GuestliftRun', propagate: true },
        { path: '/pool/shop', who: 'pool@pve', role: 'GuestliftRun', propagate: true },
        { path: '/', who: 'audit@pve', role: 'PVEAuditor', propagate: true },
      ],
    })
  })
  afterAll(async () => {
    await Promise.all(opened.map((provider) => provider.close()))
    await lab.close()
    rmSync(directory, { recursive: true, force: true })
  })

  function as(user: 'all' | 'pool' | 'audit'): ProxmoxProvider {
    const site = { ...lab.site(), auth: { tokenId: `${user}@pve!tok`, secret } }
    const provider = openProxmox('hq', proxmoxSiteSchema.parse(site), { ...surroundings(), now: () => new Date() })
    opened.push(provider)
    return provider
  }

  it('are listed by id with all that the lists tell, and what a silent node keeps to itself is absent', async () => {
    const { guests, mayLack, notes } = await as('all').listGuests()
    expect(guests.map(({ id }) => id)).toEqual(['100', '101', '900', '1000'])
    expect(guests[3]).toEqual({
      id: '1000',
      kind: 'vm',
      name: 'web01',
      node: 'pve1',
      lock: 'snapshot',
      nodeOffline: false,
      state: 'running',
      template: false,
      tags: ['prod', 'web'],
      haState: 'started',
      cpus: 4,
      memoryBytes: 512 * MIB,
      diskBytes: 64 * MIB,
      uptimeSeconds: expect.any(Number) as unknown,
      missingPrivileges: [],
    })
    expect(guests[0]).toEqual({
      id: '100',
      kind: 'vm',
      name: '',
      node: 'pve2',
      nodeOffline: true,
      state: 'unknown',
      tags: ['prod'],
      pool: 'shop',
      missingPrivileges: [],
    })
    expect(guests[2]).toMatchObject({ template: true, state: 'stopped' })
    expect(mayLack).toBeUndefined()
    expect(notes).toEqual([])
  })

  it('to an account with rights on a pool alone are that pool, and it is told that there may be more', async () => {
    const { guests, mayLack } = await as('pool').listGuests()
    expect(guests.map(({ id, pool, missingPrivileges }) => [id, pool, missingPrivileges])).toEqual([
      ['100', 'shop', []],
      ['101', 'shop', []],
    ])
    expect(mayLack).toMatch(/pool@pve!tok doesn't hold VM\.Audit on \/vms/)
  })

  it('of a pool can be selected with rights on the pool and a storage alone', async () => {
    const work = { guestIds: [], storage: 'nas', deleteSource: false }
    expect(await as('pool').missingPrivileges({ ...work, pools: [{ pool: 'shop', subPools: true }] })).toEqual([
      { privilege: 'Datastore.AllocateSpace', path: '/storage/nas' },
      { privilege: 'Datastore.Audit', path: '/storage/nas' },
    ])
    expect(await as('pool').missingPrivileges({ ...work, everyGuest: true })).toContainEqual({
      privilege: 'VM.Audit',
      path: '/vms',
    })
    const excludedPools = [{ pool: 'shop', subPools: true }]
    expect(await as('all').missingPrivileges({ ...work, everyGuest: true, excludedPools })).toEqual([])
  })

  it('that may be seen and not backed up say which privilege that takes', async () => {
    const { guests, mayLack } = await as('audit').listGuests()
    expect(guests).toHaveLength(4)
    expect(mayLack).toBeUndefined()
    for (const { id, missingPrivileges } of guests) {
      expect(missingPrivileges).toEqual([{ privilege: 'VM.Backup', path: `/vms/${id}` }])
    }
  })

  it('carry what they were asked for under HA and where their replicas are, when everything is asked for', async () => {
    const all = await as('audit').listGuests('everything')
    expect(all.notes).toEqual([])
    expect(all.guests.find(({ id }) => id === '1000')).toMatchObject({
      haState: 'started',
      haRequested: 'started',
      replicas: ['pve2'],
    })
    const some = await as('all').listGuests('everything')
    expect(some.guests.find(({ id }) => id === '1000')).toMatchObject({ haState: 'started', replicas: ['pve2'] })
    expect(some.guests.find(({ id }) => id === '1000')).not.toHaveProperty('haRequested')
    expect(some.notes).toEqual([expect.stringMatching(/HA .* isn't shown to this account: .*Sys\.Audit on \//)])
  })

  it('tell from their configuration what a backup holds, how they are replicated, and what they are for', async () => {
    const provider = as('all')
    const details = await provider.describeGuest({ id: '1000', kind: 'vm', name: '', node: 'pve1' })
    expect(details).toEqual({
      description: 'shop front',
      disks: [
        { key: 'ide2', volume: 'local:iso/x.iso', sizeBytes: MIB, included: false, reason: 'a CD drive' },
        { key: 'scsi0', volume: 'local-lvm:vm-1000-disk-0', sizeBytes: 64 * MIB, included: true, reason: 'a disk' },
        {
          key: 'scsi1',
          volume: 'local-lvm:vm-1000-disk-1',
          sizeBytes: GIB,
          included: false,
          reason: 'its backup option is off',
        },
      ],
      replication: [
        { target: 'pve2', schedule: '*/5', enabled: true, lastSyncAt: '2026-11-18T11:06:40.000Z', error: 'no route' },
        { target: 'pve3', schedule: '*/15', enabled: false },
      ],
      notes: [],
    })
    const container = await provider.describeGuest({ id: '101', kind: 'container', name: '', node: 'pve1' })
    expect(container.disks).toMatchObject([{ key: 'rootfs', included: true }])
  })

  it.each([
    ['isn’t there', { id: '555', kind: 'vm', name: '', node: 'pve1' }, 'GuestNotFound'],
    ['is of the other kind', { id: '101', kind: 'vm', name: '', node: 'pve1' }, 'GuestNotFound'],
    ['is on a silent node', { id: '100', kind: 'vm', name: '', node: 'pve2' }, 'NodeOffline'],
  ] as const)('can not be described when it %s', async (_, guest, error) => {
    await expect(as('all').describeGuest(guest)).rejects.toMatchObject({ name: error })
  })

  it('find their storage as their node sees it', async () => {
    const provider = as('all')
    expect(await provider.storages.describe('nas', 'pve1')).toMatchObject({
      storage: 'nas',
      node: 'pve1',
      type: 'nfs',
      content: ['backup'],
      takesBackups: true,
      backupsAreFiles: true,
      enabled: true,
      active: true,
      shared: true,
    })
    expect(await provider.storages.describe('local-lvm', 'pve1')).toMatchObject({ takesBackups: false })
    expect(await provider.storages.describe('nosuch', 'pve1')).toBeUndefined()
    expect(await as('pool').storages.describe('nas', 'pve1')).toBeUndefined()
    await expect(provider.storages.describe('nas', 'pve2')).rejects.toMatchObject({ name: 'NodeOffline' })
  })
})

/** Runs `use` against a server that answers with recorded exchanges, and empty lists for the rest. */
async function against<Result>(exchanges: readonly Exchange[], use: (provider: ProxmoxProvider) => Promise<Result>) {
  const others = ({ path }: { path: string }): Reply => data(path.includes('/permissions') ? {} : [])
  const server = await startServer(replay(exchanges, others))
  const provider = openProxmox('hq', siteFor(server), surroundings(), shortLimits)
  try {
    return await use(provider)
  } finally {
    await provider.close()
    await server.close()
  }
}

describe.skipIf(!recordingsPresent)('the guests of a recorded server (recordings beside the project)', () => {
  it('are all there, with the foreign one known by its id and node alone', async () => {
    const exchanges = [...recording('get-cluster-resources-type-vm'), ...recording('get-cluster-resources-type-node')]
    const { guests } = await against(exchanges, (provider) => provider.listGuests())
    expect(guests.map(({ id }) => id)).toEqual(['100', '101', '102', '103', '104', '200', '300'])
    expect(guests[2]).toMatchObject({ name: 'locked', lock: 'backup', state: 'stopped', template: false, tags: [] })
    expect(guests[5]).toMatchObject({ kind: 'vm', name: 'winserver', cpus: 1, memoryBytes: 512 * MIB, diskBytes: GIB })
    expect(guests[6]).toMatchObject({ name: '', node: 'pve2', state: 'unknown', nodeOffline: true })
    expect(guests[6]).not.toHaveProperty('template')
  })

  it('are the same in the list of everything, whatever other rows it has', async () => {
    const [exchange] = recording('cluster-resources-after-everything')
    if (exchange === undefined) throw new Error('no such exchange')
    const asked = { ...exchange, request: { ...exchange.request, path: '/api2/json/cluster/resources?type=vm' } }
    const { guests } = await against([asked], (provider) => provider.listGuests())
    expect(guests.map(({ id }) => id)).toEqual(expect.arrayContaining(['100', '200', '300']))
    expect(guests.every(({ id }) => /^\d+$/.test(id))).toBe(true)
  })

  it('to an account without any right are none, and that is told', async () => {
    const [exchange] = recording('perm-nobody-resources')
    if (exchange === undefined) throw new Error('no such exchange')
    const asked = { ...exchange, request: { ...exchange.request, path: '/api2/json/cluster/resources?type=vm' } }
    const list = await against([asked, ...recording('auth-permissions-sep')], (provider) => provider.listGuests())
    expect(list).toMatchObject({ guests: [], mayLack: expect.stringContaining('VM.Audit on /vms') as unknown })
  })

  it.each([
    [
      'get-qemu-200-config',
      0,
      'vm',
      '200',
      [{ key: 'scsi0', volume: 'ctdata:200/vm-200-disk-0.qcow2', sizeBytes: GIB, included: true, reason: 'a disk' }],
    ],
    [
      'restore-lxc-ok',
      3,
      'container',
      '150',
      [
        {
          key: 'rootfs',
          volume: 'ctdata:150/subvol-150-disk-0.subvol',
          included: true,
          reason: 'the root file system',
        },
      ],
    ],
  ] as const)('%s: the configuration tells the disks', async (name, index, kind, id, disks) => {
    const details = await against(recording(name).slice(index), (provider) =>
      provider.describeGuest({ id, kind, name: '', node: 'pve1' }),
    )
    expect(details.disks).toEqual(disks)
  })

  it.each([
    ['err-guest-of-other-type', 'vm', 'GuestNotFound', /no such guest/],
    ['perm-nobody-lxc-config', 'container', 'PrivilegeMissing', /VM\.Audit on \/vms\/100/],
  ] as const)('%s: a refused configuration is %s', async (name, kind, error, says) => {
    await expect(
      against(recording(name), (provider) => provider.describeGuest({ id: '100', kind, name: '', node: 'pve1' })),
    ).rejects.toMatchObject({ name: error, message: expect.stringMatching(says) as unknown })
  })

  it.each([
    ['store', { takesBackups: true, active: true, enabled: true, totalBytes: 270_553_174_016 }],
    ['gone', { takesBackups: true, active: false, enabled: true, freeBytes: 0 }],
    ['off', { takesBackups: true, active: false, enabled: false }],
    ['ctdata', { takesBackups: false, active: true, content: ['images', 'rootdir'] }],
  ])('storage %s is what its row says', async (storage, expected) => {
    const found = await against(recording('get-storage-list'), (provider) =>
      provider.storages.describe(storage, 'pve1'),
    )
    expect(found).toMatchObject(expected)
  })

  it('a storage that the account may not see is not there', async () => {
    for (const name of ['perm-nobody-storage-list', 'auth-token-privsep-no-rights-storage-list']) {
      expect(await against(recording(name), (provider) => provider.storages.describe('store', 'pve1'))).toBeUndefined()
    }
  })
})

describe("a guest's state", () => {
  it.each([
    ['running', 'running'],
    ['stopped', 'stopped'],
    ['paused', 'paused'],
    ['prelaunch', 'paused'],
    ['suspended', 'suspended'],
    ['io-error', 'running'],
    ['unknown', 'unknown'],
    [undefined, 'unknown'],
  ])('listed as %s is %s', async (status, state) => {
    const rows = [{ vmid: 100, type: 'qemu', node: 'pve1', status }]
    const server = await startServer(({ path }) => {
      if (path.includes('type=vm')) return data(rows)
      return data(path.includes('permissions') ? {} : [{ node: 'pve1', status: 'online' }])
    })
    const provider = openProxmox('hq', siteFor(server), surroundings(), shortLimits)
    expect((await provider.listGuests()).guests.map((guest) => guest.state)).toEqual([state])
    await provider.close()
    await server.close()
  })
})

describe('rows that no server sends', () => {
  it.each([
    ['no list', { guests: 'everything' }, 'PlatformUnavailable'],
    ['null', null, 'PlatformUnavailable'],
  ])('%s in place of the guests is an error, never an empty site', async (_, answer, error) => {
    const server = await startServer(({ path }) => data(path.includes('type=vm') ? answer : []))
    const provider = openProxmox('hq', siteFor(server), surroundings(), shortLimits)
    await expect(provider.listGuests()).rejects.toMatchObject({ name: error })
    await provider.close()
    await server.close()
  })

  it('with fields of wrong types keep what is right', async () => {
    const row = {
      vmid: '100',
      type: 'qemu',
      node: 'pve1',
      name: { first: 'web' },
      tags: { x: 1 },
      template: 'perhaps',
      maxcpu: '4',
      status: 9,
    }
    const twice = {
      vmid: 100,
      type: 'qemu',
      node: 'pve1',
      name: 'web',
      status: 'prelaunch',
      tags: 'a,b; c',
      template: '1',
    }
    const server = await startServer(({ path }) => {
      if (path.includes('type=vm'))
        return data([row, { vmid: 101 }, { ...row, vmid: 'nine' }, { ...row, vmid: 7 }, 'noise', null])
      return data(path.includes('permissions') ? {} : [{ node: 'pve1', status: 'online' }])
    })
    const provider = openProxmox('hq', siteFor(server), surroundings(), shortLimits)
    const [found, ...others] = (await provider.listGuests()).guests
    expect(others).toEqual([])
    expect(found).toMatchObject({ id: '100', name: '', tags: [], state: 'unknown' })
    expect(found).not.toHaveProperty('template')
    await provider.close()
    await server.close()
    const again = await startServer(({ path }) => {
      if (path.includes('type=vm')) return data([row, twice])
      return data(path.includes('permissions') ? {} : [{ node: 'pve1', status: 'online' }])
    })
    const other = openProxmox('hq', siteFor(again), surroundings(), shortLimits)
    const { guests } = await other.listGuests()
    expect(guests).toMatchObject([{ id: '100', name: 'web', tags: ['a', 'b', 'c'], template: true, state: 'paused' }])
    await other.close()
    await again.close()
  })
})
