import { beforeEach, describe, expect, it } from 'vitest'
import { CredentialsRejected, GuestNotFound, PlatformUnavailable } from '../../../../functions/contracts/errors.ts'
import { inspectRestoreAccount } from '../../../../functions/operations/doctor/inspect-restore-account.ts'
import type { IntendedRestore } from '../../../../functions/providers/capabilities/restores.ts'
import type { StorageRecord, Storages } from '../../../../functions/providers/capabilities/storages.ts'
import type { GuestRecord } from '../../../../functions/providers/guest-facts.ts'
import { FakeRestores } from '../../../fakes/fake-restores.ts'
import { fakePorts } from '../../../fakes/ports.ts'

const guest = (id: string, kind: GuestRecord['kind'], more: Partial<GuestRecord> = {}): GuestRecord => ({
  id,
  kind,
  name: `guest${id}`,
  node: 'pve1',
  nodeOffline: false,
  state: 'running',
  tags: [],
  missingPrivileges: [],
  ...more,
})

let restores: FakeRestores
let asked: IntendedRestore[]
let guests: GuestRecord[]
beforeEach(() => {
  restores = new FakeRestores()
  asked = []
  guests = [guest('100', 'vm'), guest('101', 'container'), guest('102', 'container')]
})

const local: StorageRecord = {
  storage: 'local',
  node: 'pve1',
  type: 'dir',
  content: ['backup'],
  takesBackups: true,
  backupsAreFiles: true,
  enabled: true,
  active: true,
  shared: false,
  totalBytes: 2 ** 40,
  freeBytes: 2 ** 39,
}

function bench({ imports = false, shown = true } = {}) {
  const ports = fakePorts()
  restores.missingPrivileges = async (intended: IntendedRestore) => {
    asked.push(intended)
    return []
  }
  const storages: Storages = {
    privileges: 'Datastore.Audit',
    describe: async () => undefined,
    forBackups: async (node) => (shown ? [{ ...local, node }] : []),
    refusalByRetention: async () => undefined,
    folderOf: async () => undefined,
  }
  const restorer = { identify: async () => ({ version: '9.2', clusterId: 'c' }), restores, storages }
  const provider = { listGuests: async () => ({ guests, notes: [] }), restores }
  const account = { site: 'hq', imports, provider, restorer }
  return { account, inspect: () => inspectRestoreAccount(account, ports) }
}

describe('inspecting the account that restores', () => {
  it('asks with a guest of each kind that is no template and whose node answers', async () => {
    guests.unshift(guest('90', 'vm', { template: true }), guest('91', 'container', { nodeOffline: true }))
    const findings = await bench().inspect()
    expect(asked.map(({ archive, target }) => [archive.guest.id, target.node])).toEqual([
      ['100', 'pve1'],
      ['101', 'pve1'],
    ])
    expect(findings.map(({ check, verdict }) => [check, verdict])).toEqual([
      ['restore', 'passed'],
      ['restore-storage', 'passed'],
      ['restore-privileges', 'passed'],
    ])
  })

  it('asks with the configuration that the guest has, and without one that is not shown', async () => {
    restores.made = { configuration: { net0: 'virtio,bridge=vmbr7' }, disks: [], storages: ['ceph'] }
    await bench().inspect()
    expect(asked[0]?.archive.configuration).toBe('net0: virtio,bridge=vmbr7\n')
    expect(asked.map(({ target }) => target.storage)).toEqual([undefined, 'ceph'])
    restores.describeMade = async () => {
      throw new GuestNotFound('There is none.')
    }
    await bench().inspect()
    expect(asked[2]?.archive).not.toHaveProperty('configuration')
  })

  it('leaves the rest open where nobody could log in', async () => {
    const { account, inspect } = bench()
    account.restorer.identify = async () => {
      throw new CredentialsRejected('401')
    }
    expect((await inspect()).map(({ check, verdict }) => [check, verdict])).toEqual([
      ['restore', 'failed'],
      ['restore-storage', 'unchecked'],
      ['restore-privileges', 'unchecked'],
    ])
  })

  it('says which storage is missing once, and asks for the other rights all the same', async () => {
    const { inspect } = bench({ shown: false })
    restores.missingPrivileges = async ({ deliveryStorage }) => [
      { privilege: 'Datastore.Audit', path: `/storage/${deliveryStorage}` },
      { privilege: 'SDN.Use', path: '/sdn/zones/localnetwork/vmbr0' },
    ]
    const failed = (await inspect()).filter(({ verdict }) => verdict === 'failed')
    expect(failed.map(({ check, message }) => [check, message])).toEqual([
      ['restore-storage', expect.stringMatching(/node pve1: .* or grant Datastore\.Audit on one\.$/)],
      [
        'restore-privileges',
        expect.stringMatching(/vm 100 and container 101, .* lacks SDN\.Use on [^,]*vmbr0\. Grant/),
      ],
    ])
  })

  it('fails what the platform does not answer, and nothing else', async () => {
    const { account, inspect } = bench()
    account.provider.listGuests = async () => {
      throw new PlatformUnavailable('596')
    }
    expect((await inspect()).map(({ check, verdict }) => [check, verdict])).toEqual([
      ['restore', 'passed'],
      ['restore-privileges', 'failed'],
    ])
  })

  it('asks about VMs alone where disks are imported', async () => {
    guests = [guest('101', 'container')]
    expect(await bench({ imports: true }).inspect()).toMatchObject([
      { check: 'restore', verdict: 'passed' },
      { check: 'restore-privileges', verdict: 'unchecked' },
    ])
    guests = [guest('100', 'vm')]
    const [, storage] = await bench({ imports: true }).inspect()
    expect(storage).toMatchObject({ check: 'restore-storage', verdict: 'failed' })
    expect(asked.map((one) => one.imports)).toEqual([[]])
  })

  it.each([
    ['/vms/100', 'VM.Allocate', 'warning', /Grant it there; .* An account for one pool alone restores with --pool\.$/],
    [
      '/',
      'Sys.Modify',
      'warning',
      /Sys\.Modify is for privileged containers alone, which root may restore on the node\.$/,
    ],
    ['/mapping/pci/gpu', 'Mapping.Use', 'warning', /Mapping\.Use is for guests with devices of their node alone\.$/],
    [
      '/storage/ceph',
      'Datastore.AllocateSpace',
      'failed',
      /lacks Datastore\.AllocateSpace on \/storage\/ceph\. Grant it/,
    ],
  ])('what is lacking on %s (%s) is a finding: %s', async (path, privilege, verdict, words) => {
    const { inspect } = bench()
    restores.missingPrivileges = async () => [{ privilege, path }]
    const finding = (await inspect()).find(({ check }) => check === 'restore-privileges')
    expect(finding).toMatchObject({ verdict, message: expect.stringMatching(words) })
    expect(finding?.message.match(/--pool|privileged containers|devices/g) ?? []).toHaveLength(
      verdict === 'failed' ? 0 : 1,
    )
  })

  it('fails where something is lacking that no guest may do without, whatever else is', async () => {
    const { inspect } = bench()
    restores.missingPrivileges = async () => [
      { privilege: 'VM.Allocate', path: '/vms/100' },
      { privilege: 'SDN.Use', path: '/sdn/zones/localnetwork/vmbr0' },
    ]
    expect((await inspect()).at(-1)).toMatchObject({ verdict: 'failed', error: 'PrivilegeMissing' })
  })

  it('leaves it open on a platform that restores nothing, and without any guest', async () => {
    const { account, inspect } = bench()
    Reflect.deleteProperty(account.restorer, 'restores')
    expect((await inspect()).at(-1)).toMatchObject({
      verdict: 'unchecked',
      message: 'Guestlift restores nothing there.',
    })
    guests = []
    expect((await bench().inspect()).at(-1)).toMatchObject({
      verdict: 'unchecked',
      message: 'There is no guest that it could be asked with.',
    })
  })

  it('has a line for the storage of each node', async () => {
    guests = [guest('100', 'vm'), guest('101', 'container', { node: 'pve2' })]
    const storages = (await bench().inspect()).filter(({ check }) => check === 'restore-storage')
    expect(storages.map(({ at, message }) => [at, message])).toEqual([
      ['pve1', 'local takes what is brought back'],
      ['pve2', 'local takes what is brought back'],
    ])
  })
})
