import { describe, expect, it } from 'vitest'
import type { IntendedWork } from '../../../../functions/providers/intended-work.ts'
import {
  hidesArchives,
  missingOnGuest,
  missingPrivileges,
  type Permissions,
  seesAllGuests,
  seesAllStorages,
} from '../../../../functions/providers/proxmox/privileges.ts'

const work = { guestIds: ['100', '101'], storage: 'nas', deleteSource: true }
const guestRights = { 'VM.Audit': 1, 'VM.Backup': 1 }
const storageRights = { 'Datastore.AllocateSpace': 1, 'Datastore.Audit': 1 }

describe('what an account may be shown', () => {
  it.each<[string, Permissions, boolean]>([
    ['on all storages', { '/storage': { 'Datastore.Audit': 1 } }, true],
    ['on everything', { '/': { 'Datastore.Audit': 1 } }, true],
    ['on /storage itself alone', { '/storage': { 'Datastore.Audit': 0 } }, false],
    ['on one storage', { '/storage/nas': { 'Datastore.Audit': 1 } }, false],
    ['on all but one', { '/storage': { 'Datastore.Audit': 1 }, '/storage/nas': { 'VM.Audit': 1 } }, false],
    ['nowhere', {}, false],
  ])('is every storage or not: Datastore.Audit %s', (_name, permissions, all) => {
    expect(seesAllStorages(permissions)).toBe(all)
  })

  it.each<[string, Permissions, boolean]>([
    ['may back it up there', { '/': { 'Datastore.AllocateSpace': 1, 'VM.Backup': 1 } }, false],
    ['looks after the storage', { '/storage': { 'Datastore.Allocate': 1 } }, false],
    ['may only look', { '/': { 'Datastore.Audit': 1, 'VM.Audit': 1 } }, true],
    ['backs up another', { '/storage': { 'Datastore.AllocateSpace': 1 }, '/vms/101': { 'VM.Backup': 1 } }, true],
  ])("is a guest's archives or not: it %s", (_name, permissions, hidden) => {
    expect(hidesArchives(permissions, 'nas', '100')).toBe(hidden)
  })
})

describe('privileges for a run', () => {
  it.each<[string, Permissions]>([
    ['everything from the root', { '/': { ...guestRights, ...storageRights } }],
    ['from the collections', { '/vms': guestRights, '/storage': storageRights }],
    ['on each path', { '/vms/100': guestRights, '/vms/101': guestRights, '/storage/nas': storageRights }],
    [
      'on the path itself without reaching below',
      { '/vms/100': { 'VM.Audit': 0, 'VM.Backup': 0 }, '/vms/101': guestRights, '/storage/nas': storageRights },
    ],
    ['as text, as older versions send it', { '/': { 'VM.Audit': '1', 'VM.Backup': '1', ...storageRights } }],
  ])('suffice when held %s', (_, permissions) => {
    expect(missingPrivileges(permissions, work)).toEqual([])
  })

  it.each<[string, Permissions, string[]]>([
    [
      'nothing at all',
      {},
      [
        'Datastore.AllocateSpace /storage/nas',
        'Datastore.Audit /storage/nas',
        'VM.Audit /vms/100',
        'VM.Backup /vms/100',
        'VM.Audit /vms/101',
        'VM.Backup /vms/101',
      ],
    ],
    [
      'a right above that does not reach below',
      { '/vms': { 'VM.Audit': 1, 'VM.Backup': 0 }, '/storage': storageRights },
      ['VM.Backup /vms/100', 'VM.Backup /vms/101'],
    ],
    [
      'a guest with rights of its own, which are fewer',
      { '/': { ...guestRights, ...storageRights }, '/vms/101': { 'VM.Audit': 1 } },
      ['VM.Backup /vms/101'],
    ],
    [
      'a collection with rights of its own, which are fewer',
      { '/': { ...guestRights, ...storageRights }, '/storage': { 'Datastore.Audit': 1 } },
      ['Datastore.AllocateSpace /storage/nas'],
    ],
    [
      'a guest whose number begins like another',
      { '/vms/1001': guestRights, '/vms/100': guestRights, '/storage/nas': storageRights },
      ['VM.Audit /vms/101', 'VM.Backup /vms/101'],
    ],
  ])('are named when there is %s', (_, permissions, missing) => {
    expect(missingPrivileges(permissions, work).map(({ privilege, path }) => `${privilege} ${path}`)).toEqual(missing)
  })
})

describe('privileges for a selection', () => {
  const [shop, lab] = [
    { pool: 'shop', subPools: true },
    { pool: 'lab', subPools: true },
  ]
  const selected = { guestIds: [], storage: 'nas', deleteSource: false }
  const storage = { '/storage': storageRights }
  const told = (permissions: Permissions, work: Partial<IntendedWork>) =>
    missingPrivileges({ ...storage, ...permissions }, { ...selected, ...work }).map(
      ({ privilege, path }) => `${privilege} ${path}`,
    )

  it.each<[string, Permissions, string[]]>([
    ['nothing', {}, ['VM.Audit /vms', 'VM.Backup /vms']],
    ['everything on all guests', { '/vms': guestRights }, []],
    ['everything from the root', { '/': guestRights }, []],
    ['rights that stop at the collection', { '/vms': { 'VM.Audit': 0, 'VM.Backup': 1 } }, ['VM.Audit /vms']],
    ['a root whose rights the collection cuts', { '/': guestRights, '/vms': { 'VM.Backup': 1 } }, ['VM.Audit /vms']],
    ['one guest', { '/vms/100': guestRights }, ['VM.Audit /vms']],
    ['one pool', { '/pool/shop': guestRights }, ['VM.Audit /vms']],
    // Which of them may be backed up is looked at guest by guest.
    ['sight of all and backups of a pool', { '/vms': { 'VM.Audit': 1 }, '/pool/shop': guestRights }, []],
    ['sight of all and no backup', { '/vms': { 'VM.Audit': 1 }, '/storage/x': { 'VM.Backup': 1 } }, ['VM.Backup /vms']],
  ])('of all guests, with %s', (_, permissions, missing) => {
    expect(told(permissions, { everyGuest: true })).toEqual(missing)
  })

  it.each<[string, Permissions, string[]]>([
    ['nothing', {}, ['Pool.Audit /pool/shop', 'VM.Audit /pool/shop', 'VM.Backup /pool/shop']],
    ['all of it on the pool', { '/pool/shop': { ...guestRights, 'Pool.Audit': 1 } }, []],
    [
      'all of it on the pool, not propagated',
      { '/pool/shop': { 'VM.Audit': 0, 'VM.Backup': 0, 'Pool.Audit': 0 } },
      ['Pool.Audit', 'VM.Audit', 'VM.Backup'].map(
        (privilege) => `${privilege} /pool/shop, propagated to its sub-pools (or say subPools: false)`,
      ),
    ],
    [
      'a sub-pool that is closed to it',
      { '/pool/shop': { ...guestRights, 'Pool.Audit': 1 }, '/pool/shop/test': { 'VM.Audit': 1 } },
      ['Pool.Audit /pool/shop/test', 'VM.Backup /pool/shop/test'],
    ],
    ['all guests and no sight of pools', { '/vms': guestRights }, ['Pool.Audit /pool/shop']],
    ['all guests and all pools', { '/vms': guestRights, '/pool': { 'Pool.Audit': 1 } }, []],
    ['the pool above', { '/pool': { 'Pool.Audit': 1 }, '/vms': { 'VM.Audit': 1 } }, ['VM.Backup /pool/shop']],
    [
      'another pool',
      { '/pool/shopping': { ...guestRights, 'Pool.Audit': 1 } },
      ['Pool.Audit /pool/shop', 'VM.Audit /pool/shop', 'VM.Backup /pool/shop'],
    ],
  ])('of a pool, with %s', (_, permissions, missing) => {
    expect(told(permissions, { pools: [shop] })).toEqual(missing)
  })

  it('of a pool alone need not propagate, and may lack in its sub-pools', () => {
    const alone = { pools: [{ pool: 'shop', subPools: false }] }
    const rights = { 'VM.Audit': 0, 'VM.Backup': 0, 'Pool.Audit': 0 }
    expect(told({ '/pool/shop': rights, '/pool/shop/test': {} }, alone)).toEqual([])
  })

  it('take the sight of a pool that is excluded: hidden, it would exclude nobody', () => {
    expect(told({ '/vms': guestRights }, { everyGuest: true, excludedPools: [lab] })).toEqual(['Pool.Audit /pool/lab'])
    expect(told({ '/vms': guestRights, '/pool/lab': { 'Pool.Audit': 1 } }, { excludedPools: [lab] })).toEqual([])
  })

  it.each<[string, Permissions, boolean]>([
    ['nothing', {}, false],
    ['all guests', { '/vms': { 'VM.Audit': 1 } }, true],
    ['all guests but one', { '/vms': { 'VM.Audit': 1 }, '/vms/105': { 'VM.Backup': 1 } }, false],
    ['a pool', { '/pool/shop': { 'VM.Audit': 1 }, '/vms/100': { 'VM.Audit': 1 } }, false],
  ])('show whether all guests are seen, with %s', (_, permissions, all) => {
    expect(seesAllGuests(permissions)).toBe(all)
  })

  it('are told for each guest by itself', () => {
    const permissions = { '/vms': guestRights, '/vms/101': { 'VM.Audit': 1 } }
    expect(missingOnGuest(permissions, '100')).toEqual([])
    expect(missingOnGuest(permissions, '101')).toEqual([{ privilege: 'VM.Backup', path: '/vms/101' }])
  })
})
