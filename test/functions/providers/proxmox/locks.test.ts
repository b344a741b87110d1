import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { adviceOnLock, lockIn, refusedByLock, unlock } from '../../../../functions/providers/proxmox/locks.ts'

const vm = { id: '100', kind: 'vm', node: 'pve1' } as const
const container = { id: '101', kind: 'container', node: 'pve2' } as const
const schemaFile = fileURLToPath(new URL('../../../../../shared/facts/pve-api-schema.json', import.meta.url))

describe('a lock', () => {
  it.each([
    ['backup', 'GuestLocked', 'skip', /another job.*If no backup of it runs, run "qm unlock 100" on node pve1/],
    ['migrate', 'GuestMigrating', 'skip', /is migrating.*next run/],
    ['snapshot', 'GuestLockedBriefly', 'retry', /qm unlock 100.*delete the snapshot that wasn't finished/],
    ['snapshot-delete', 'GuestLocked', 'skip', /next run.*delete that snapshot again/],
    ['rollback', 'GuestLocked', 'skip', /disks may be of two times.*roll it back again/],
    ['fstrim', 'GuestLockedBriefly', 'retry', /trimm/],
    ['disk', 'GuestLocked', 'skip', /see that they are whole and run/],
    ['clone', 'GuestLocked', 'skip', /remove it and make it anew/],
    ['create', 'GuestLocked', 'skip', /created or restored.*remove it and make it anew/],
    ['import', 'GuestLocked', 'skip', /remove it and make it anew/],
    ['suspending', 'GuestLockedBriefly', 'retry', /Don't unlock it/],
    ['suspended', 'GuestLockStays', 'fail-guest', /Start it, which resumes it.*Don't unlock it: its memory/],
    ['mounted', 'GuestLockStays', 'fail-guest', /pct unmount 100" on node pve1.*Don't unlock it/],
    ['destroyed', 'GuestLockStays', 'fail-guest', /Finish its removal/],
    ['whatever', 'GuestLocked', 'skip', /Guestlift does not know.*task list/],
    ['constructor', 'GuestLocked', 'skip', /Guestlift does not know/],
  ])('"%s" is %s (%s), with advice of its own', (lock, name, group, says) => {
    const error = refusedByLock(lock, vm, 'Site hq, node pve1, guest 100')
    expect(error).toMatchObject({ name, group, message: expect.stringMatching(says) })
    expect(error.message).toMatch(new RegExp(`^Site hq, node pve1, guest 100: the guest is locked \\(${lock}\\), it `))
    expect(adviceOnLock(lock, vm)).toMatch(says)
  })

  it.each(['suspended', 'suspending', 'mounted', 'clone', 'create', 'import', 'destroyed', 'whatever'])(
    '"%s" is never advised to be taken off with a command',
    (lock) => {
      expect(adviceOnLock(lock, container)).not.toMatch(/(?:qm|pct) unlock/)
    },
  )

  it.each([
    ['VM is locked (suspended)', { lock: 'suspended', kind: 'vm' }],
    ['CT is locked (snapshot-delete)', { lock: 'snapshot-delete', kind: 'container' }],
    ['VM 100 is locked (backup)', { lock: 'backup', kind: 'vm' }],
    ['guest is locked (create)', { lock: 'create' }],
    ['the door is locked', undefined],
  ])('is found in "%s"', (text, found) => {
    expect(lockIn(text)).toEqual(found)
  })

  it('is taken off by the command of its kind, or of both kinds where that is not known', () => {
    expect(unlock(vm)).toBe('run "qm unlock 100" on node pve1')
    expect(unlock(container)).toBe('run "pct unlock 101" on node pve2')
    expect(unlock({ id: '7' })).toBe('run "qm unlock 7" (VM) or "pct unlock 7" (container) on its node')
  })
})

describe.skipIf(!existsSync(schemaFile))("the platform's own schema (beside the project)", () => {
  it('names no lock that has no advice here', () => {
    const enums = readFileSync(schemaFile, 'utf8').matchAll(/"lock": \{[^}]*?"enum": \[([^\]]*)\]/g)
    const names = new Set([...enums].flatMap(([, list = '']) => list.match(/[a-z-]+/g) ?? []))
    expect(names.size).toBeGreaterThan(10)
    const unknown = [...names].filter((lock) => adviceOnLock(lock, vm).includes('does not know'))
    expect(unknown).toEqual([])
  })
})
