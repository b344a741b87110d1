import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { backupRights, vsphereSetUp } from '../../../../functions/providers/vsphere/set-up.ts'
import { openDatastoreRoute } from '../../../../functions/readers/datastore/datastore.ts'
import { MIB, options, SITE, vsphereBed, WEB } from './bed.ts'

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
