import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { backupRights, restoreRights, vsphereSetUp } from '../../../../functions/providers/vsphere/set-up.ts'
import { openDatastoreRoute } from '../../../../functions/readers/datastore/datastore.ts'
import { MIB, options, SITE, vsphereBed, WEB } from './bed.ts'
import { restoreBed } from './restore-bed.ts'

const USER = 'guestlift@vsphere.local'
const staging = { datastore: 'nfs', folder: '/DC1/vm/guestlift', resourcePool: '/DC1/host/esx1/Resources' }

describe('the rights of the role that backs up', () => {
  it('are printed as the docs have them', async () => {
    const page = await readFile(new URL('../../../../docs/vsphere.md', import.meta.url), 'utf8')
    for (const right of backupRights(true).filter((one) => !one.startsWith('System.'))) expect(page).toContain(right)
    const [role = '', permission] = vsphereSetUp.roleCommands('guestlift', USER, false)
    expect(page.replaceAll(/ \\\n {2}/g, ' ')).toContain(`${role}\n${permission}`)
  })

  it.each([
    ['files that are read at once', false, {}],
    ['a clone', true, { mode: 'clone', staging }],
  ])('are enough for a whole backup of %s', async (_, withClones, siteFields) => {
    const rights = backupRights(withClones)
    const bed = await vsphereBed(
      {
        datacenters: [
          {
            name: 'DC1',
            datastores: [{ name: 'datastore1' }, { name: 'nfs', kind: 'NFS' }],
            hosts: [{ name: 'esx1' }],
            guestFolders: ['guestlift'],
          },
        ],
        guests: [{ name: 'web01', id: WEB, toolsRunning: true, disks: [{ capacityBytes: MIB }] }],
        users: [{ name: USER, password: 'right', permissions: [{ on: '/', privileges: rights }] }],
      },
      siteFields,
    )
    const { provider } = bed
    const guest = await bed.guest()
    const work = { guestIds: [WEB], everyGuest: true, storage: 'local', deleteSource: true }
    expect(await provider.missingPrivileges(work)).toEqual([])
    const { jobRef } = await provider.start(guest, options(), '0f1e2d3c4b5a6978')
    await bed.ended(jobRef)
    const { evidence } = await provider.gather(jobRef, guest, 'local')
    expect(evidence).toMatchObject({ ending: 'ok', warnings: [] })
    const [source] = evidence.sources ?? []
    if (source === undefined) throw new Error('no source')
    const reader = await openDatastoreRoute(SITE, bed.site).open(source.artifact.location)
    await reader.read(0, Buffer.alloc(MIB))
    await reader.close()
    await bed.released({ guest, jobRef, sources: [] })
    expect([bed.lab.control.snapshots(), bed.lab.control.guests().length]).toEqual([[], 1])
    await bed.close()
  })
})

describe('the rights of the role that brings guests back', () => {
  const RESTORER = 'guestlift-restore@vsphere.local'
  const accountWith = (privileges: string[]) => ({
    users: [
      // Who backs up is asked for by the lab's own site.
      { name: USER, password: 'right', permissions: [{ on: '/', privileges: backupRights(false) }] },
      { name: RESTORER, password: 'right', permissions: [{ on: '/', privileges }] },
    ],
  })
  const auth = { username: RESTORER, password: 'right' }

  it('are printed as the docs have them', async () => {
    const page = await readFile(new URL('../../../../docs/vsphere.md', import.meta.url), 'utf8')
    const its = restoreRights(true).filter((one) => !/^(System|Sessions)\./.test(one))
    for (const right of its) expect(page).toContain(`\`${right}\``)
    expect(vsphereSetUp.restoreRoleCommands('r', RESTORER)[0]).toContain(its.join(' '))
  })

  it('are enough for a whole restore, from the look at the target to the comparison', async () => {
    const bed = await restoreBed(accountWith(restoreRights(false)), auth)
    bed.lab.control.removeGuest(WEB)
    const intended = bed.intended()
    expect((await bed.restores.checkTarget(intended)).findings).toEqual([])
    const brought = await bed.brought(intended)
    const { ready, made } = await bed.restores.make(brought)
    expect(ready).toBe(true)
    expect((await bed.restores.compare(brought, made)).differences).toEqual([])
    await bed.close()
  })

  it.each(['VirtualMachine.Inventory.Register', 'Resource.AssignVMToPool', 'Datastore.FileManagement'])(
    'are named before anything is made where %s is missing',
    async (lacking) => {
      const bed = await restoreBed(accountWith(restoreRights(false).filter((right) => right !== lacking)), auth)
      bed.lab.control.removeGuest(WEB)
      const { findings } = await bed.restores.checkTarget(bed.intended())
      expect(findings).toMatchObject([{ level: 'refusal', message: expect.stringContaining(lacking) }])
      await bed.close()
    },
  )
})
