import { describe, expect, it } from 'vitest'
import { type About, adviceOn, errorFromText, refusal } from '../../../../functions/providers/proxmox/errors.ts'

const about: About = {
  site: 'hq',
  account: 'backup@pve!guestlift',
  doing: 'start the backup',
  node: 'pve1',
  guest: '100',
  storage: 'nas',
}

describe("the platform's texts", () => {
  it.each([
    ['VM is locked (migrate)', 'GuestMigrating', /next run.*qm unlock 100" on node pve1/],
    ['VM is locked (backup)', 'GuestLocked', /another job.*If no backup.*qm unlock 100" on node pve1/],
    ['CT is locked (snapshot-delete)', 'GuestLocked', /snapshot-delete/],
    ["storage 'nas' is not online", 'StorageUnusable', /nas/],
    ["storage 'nas' is not available on node 'pve2'", 'StorageUnusable', /pve2/],
    ["can't use storage 'x' for backups - wrong content type", 'StorageUnusable', /content type/],
    ['zstd: error 70 : Write error : No space left on device', 'StorageUnusable', /No space/],
    ['There is a max backup limit of 3 enforced by the target storage', 'StorageUnusable', /limit of 3/],
    ["unable to find VM '100'", 'GuestNotFound', /no such guest/],
    ["Configuration file 'nodes/pve1/qemu-server/100.conf' does not exist", 'GuestNotFound', /no such guest/],
    ["hostname lookup 'pve9' failed - failed to get address info", 'NodeOffline', /resolve/],
    ['403 Permission check failed (/vms/100, VM.Backup)', 'PrivilegeMissing', /lacks VM.Backup on \/vms\/100/],
    ['Permission check failed (user != root@pam)', 'PrivilegeMissing', /lacks a privilege/],
    ['no such task', 'RequestRejected', /rotated away/],
  ])('%j is %s', (text, name, says) => {
    const error = errorFromText(text, about)
    expect(error?.name).toBe(name)
    expect(error?.message).toMatch(says)
    expect(error?.message).toContain('Site hq, node pve1, guest 100')
  })

  it('that say nothing we act on are left to the status', () => {
    expect(errorFromText('got timeout', about)).toBeUndefined()
    expect(refusal({ status: 500, text: 'got timeout' }, about)).toMatchObject({
      error: { name: 'PlatformUnavailable', group: 'retry' },
      nothingDone: false,
    })
  })

  it.each([
    [400, 'RequestRejected', true],
    [401, 'CredentialsRejected', true],
    [403, 'PrivilegeMissing', true],
    [404, 'RequestRejected', true],
    [408, 'PlatformUnavailable', false],
    [429, 'PlatformUnavailable', true],
    [501, 'RequestRejected', true],
    [502, 'PlatformUnavailable', false],
    [503, 'PlatformUnavailable', false],
    [595, 'NodeOffline', true],
    [596, 'PlatformUnavailable', false],
    [597, 'PlatformUnavailable', false],
    [599, 'PlatformUnavailable', false],
  ])('status %i is %s, and proves that nothing was done: %s', (status, name, nothingDone) => {
    expect(refusal({ status, text: '' }, about)).toMatchObject({ error: { name }, nothingDone })
  })

  it.each([
    [['CT is locked (backup)'], /"pct unlock 100" on node pve1/],
    [['INFO: zstd: No space left on device', 'failed: exit code 70'], /Storage nas is full/],
    [["storage 'nas' is disabled"], /Bring storage nas online on node pve1/],
    [['403 Permission check failed (/vms/100, VM.Backup)'], /Grant backup@pve!guestlift/],
    [
      ["INFO: creating Proxmox Backup Server archive 'vm/100/2026-10-25T00:59:00Z'"],
      /is a Proxmox Backup Server, whose/,
    ],
    [
      ["INFO: creating Block Vault archive 'bv:100'"],
      /of a kind that Guestlift doesn't know \(Block Vault\).*keeps files/,
    ],
  ])('%j comes with advice', (texts, advice) => {
    expect(adviceOn(texts, about, 'container')).toMatch(advice)
  })

  it('of a hook that makes an archive of its own say nothing of the storage', () => {
    const texts = ["INFO: creating vzdump archive '/a/b'", 'INFO: creating nightly archive done']
    expect(adviceOn(texts, about, 'vm')).toBeUndefined()
  })

  it('of a backup that went well come without advice', () => {
    expect(adviceOn(['INFO: Finished Backup of VM 100 (00:00:01)', 'OK'], about, 'vm')).toBeUndefined()
  })
})
