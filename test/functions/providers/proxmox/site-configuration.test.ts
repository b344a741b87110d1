import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ConfigurationPart } from '../../../../functions/contracts/site-configuration.ts'
import { PlatformUnavailable } from '../../../../functions/contracts/errors.ts'
import { proxmoxSiteSchema } from '../../../../functions/providers/proxmox/config.ts'
import { openProxmox } from '../../../../functions/providers/proxmox/provider.ts'
import { type Lab, startLab } from '../../../../local/labs/proxmox/lab.ts'

const SEES_ALL = ['Sys.Audit', 'Datastore.Audit', 'Pool.Audit', 'SDN.Audit', 'Mapping.Audit', 'Permissions.Modify']

/** A token has what its user has as well, and no more. */
const ACCOUNTS = ['backup@pve', 'backup@pve!guestlift']

let directory: string
let lab: Lab
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'guestlift-configuration-'))
  lab = await startLab({ directory, guestBytes: 2 ** 20, unauthorizedDelaySeconds: 0, roles: { Sees: SEES_ALL } })
  lab.control.setConfiguration('/access/groups', [{ groupid: 'admins', comment: 'who may all' }])
  lab.control.setConfiguration('/access/domains/pam', { type: 'pam', digest: 'x' })
  lab.control.setConfiguration('/cluster/firewall/groups', [{ group: 'web', digest: 'x' }])
  lab.control.setConfiguration('/cluster/firewall/groups/web', [{ pos: 0, action: 'ACCEPT', type: 'in' }])
  lab.control.setBackupJobs([{ id: 'nightly', schedule: '02:00', storage: 'local', all: '1' }])
})
afterAll(async () => {
  await lab.close()
  rmSync(directory, { recursive: true, force: true })
})

async function read({ seesAll }: { seesAll: boolean }): Promise<Map<string, ConfigurationPart>> {
  lab.control.changeAcl((acl) => [
    ...acl.filter(({ role }) => role !== 'Sees'),
    ...(seesAll ? ACCOUNTS.map((who) => ({ path: '/', who, role: 'Sees', propagate: true })) : []),
  ])
  const provider = openProxmox('lab', proxmoxSiteSchema.parse(lab.site()), {
    now: () => new Date(),
    sleep: () => Promise.resolve(),
    log: () => undefined,
  })
  try {
    const parts = await provider.configuration.read()
    return new Map(parts.map((part) => [part.part, part]))
  } finally {
    await provider.close()
  }
}

describe('how a site of Proxmox VE is set up', () => {
  it('is read whole by an account that may see all of it', async () => {
    const parts = await read({ seesAll: true })
    expect([...parts.values()].filter(({ incomplete }) => incomplete !== undefined)).toEqual([])
    expect(Object.keys(parts.get('storages')?.entries ?? {})).toContain('local')
    expect(parts.get('backup-jobs')?.entries).toMatchObject({ nightly: { schedule: '02:00' } })
    expect(parts.get('backup-jobs')?.entries['nightly']).not.toHaveProperty('next-run')
    expect(parts.get('groups')?.entries).toEqual({ admins: { groupid: 'admins', comment: 'who may all' } })
    expect(parts.get('realms')?.entries).toMatchObject({ pam: { type: 'pam' } })
    expect(parts.get('firewall-groups')?.entries).toEqual({ web: [{ pos: 0, action: 'ACCEPT', type: 'in' }] })
    expect(Object.keys(parts.get('networks')?.entries ?? {})).toContain('pve1/vmbr0')
    expect(Object.keys(parts.get('guests')?.entries ?? {})).toContain('qemu/100')
  })

  it('is the same when nothing changed, whatever the guests do meanwhile', async () => {
    const before = await read({ seesAll: true })
    lab.control.guest(100, { status: 'stopped' })
    expect(await read({ seesAll: true })).toEqual(before)
  })

  it('says of each part what the account may not see, and takes no empty list for "there are none"', async () => {
    const parts = await read({ seesAll: false })
    expect(parts.get('backup-jobs')).toMatchObject({ entries: {}, incomplete: expect.stringContaining('Sys.Audit') })
    expect(parts.get('groups')).toMatchObject({
      entries: {},
      incomplete: 'Groups may be missing: the account lacks Sys.Audit on /access.',
    })
    expect(parts.get('roles')).not.toHaveProperty('incomplete')
  })

  it('is not made up when the site stops answering', async () => {
    lab.faults.onHttp({
      path: /^\/access\/groups$/,
      times: 20,
      action: { kind: 'answer', status: 500, reason: 'Internal Server Error' },
    })
    await expect(read({ seesAll: true })).rejects.toThrow(PlatformUnavailable)
    lab.faults.clear()
  })
})
