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
})
