import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { backupOptionsSchema } from '../../../../functions/contracts/backup-options.ts'
import { proxmoxSiteSchema } from '../../../../functions/providers/proxmox/config.ts'
import { openProxmox } from '../../../../functions/providers/proxmox/provider.ts'
import type { ProxmoxProvider } from '../../../../functions/providers/proxmox/provider.ts'
import { BACKUP_ROLE } from '../../../../local/labs/proxmox/default-site.ts'
import { type Lab, startLab } from '../../../../local/labs/proxmox/lab.ts'
import { surroundings } from './site.ts'

const guest = { id: '101', kind: 'container', name: 'db01', node: 'pve1' } as const
const password = 'directory-pass'

let lab: Lab
let directory: string
const opened: ProxmoxProvider[] = []

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'guestlift-account-'))
  lab = await startLab({
    directory,
    realms: [
      { realm: 'corp', type: 'ldap', caseSensitive: false },
      { realm: 'exact', type: 'ldap' },
    ],
    users: [
      { userid: 'backup@corp', password },
      { userid: 'backup@exact', password },
    ],
    acl: ['backup@corp', 'backup@exact'].flatMap((who) =>
      ['/vms', '/storage'].map((path) => ({ path, who, role: BACKUP_ROLE, propagate: true })),
    ),
    unauthorizedDelaySeconds: 0,
    secondsPerDump: 1,
    guestBytes: 65_536,
  })
  lab.control.setTaskSpeed(0)
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((provider) => provider.close()))
  await lab.close()
  rmSync(directory, { recursive: true, force: true })
})

/** As each function call does: a client of its own. */
function providerFor(username: string, realm = 'corp'): ProxmoxProvider {
  const site = proxmoxSiteSchema.parse({ ...lab.site(), auth: { username, realm, password } })
  const provider = openProxmox('hq', site, surroundings(new Date().toISOString()))
  opened.push(provider)
  return provider
}

describe('an account of a realm that takes no notice of case', () => {
  it.each(['backup', 'BACKUP', 'Backup'])(
    'typed as %s finds its own running dump, so that none is begun twice',
    async (typed) => {
      const { jobRef } = await providerFor(typed).start(guest, backupOptionsSchema.parse({ storage: 'nas' }))
      expect(jobRef).toContain(':backup@corp:')
      const found = await providerFor(typed).findJobs(guest, new Date(0))
      expect(found).toMatchObject([{ jobRef, running: true }])
      expect((await providerFor(typed).tasks.list(new Date(0))).jobs).toMatchObject([{ jobRef }])
    },
  )

  it('never takes the dump of somebody else for its own', async () => {
    await providerFor('backup', 'exact').start(guest, backupOptionsSchema.parse({ storage: 'nas' }))
    expect(await providerFor('BACKUP').findJobs(guest, new Date(0))).toEqual([])
  })
})

describe('an account of any other realm', () => {
  it('is let in as it is written, and no other way', async () => {
    await expect(providerFor('BACKUP', 'exact').identify()).rejects.toMatchObject({ name: 'CredentialsRejected' })
    await providerFor('backup', 'exact').identify()
  })
})
