import { describe, expect, it } from 'vitest'
import { missingPrivileges, type Permissions } from '../../../../functions/providers/proxmox/privileges.ts'

const work = { guestIds: ['100', '101'], storage: 'nas', deleteSource: true }
const guestRights = { 'VM.Audit': 1, 'VM.Backup': 1 }
const storageRights = { 'Datastore.AllocateSpace': 1, 'Datastore.Audit': 1 }

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
