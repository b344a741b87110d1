/** The provider against VMware's own simulator: a backup whose bytes are compared, and nothing that stays behind. */
import { expect, it, onTestFinished } from 'vitest'
import { backupOptionsSchema } from '../../functions/contracts/backup-options.ts'
import { datastoreFileLocationSchema } from '../../functions/contracts/vsphere-access.ts'
import { vsphereSiteSchema } from '../../functions/providers/vsphere/config.ts'
import { openVsphere } from '../../functions/providers/vsphere/provider.ts'
import { seededContent } from '../../local/labs/ec2/disk.ts'
import { Client, returned } from '../local/labs/vsphere/client.ts'
import { missingForVcsim, startVcsim } from './start-vcsim.ts'

if (missingForVcsim.length > 0) console.warn(`skipped: no ${missingForVcsim.join(', no ')}`)

const STAGING = { datastore: 'LocalDS_0', folder: '/DC0/vm', resourcePool: '/DC0/host/DC0_H0/Resources' }

it.skipIf(missingForVcsim.length > 0).each([
  { mode: 'direct', path: 'DC0_H0_VM1/disk1-flat.vmdk' },
  { mode: 'clone', path: 'guestlift-0f1e2d3c4b5a6978/guestlift-0f1e2d3c4b5a6978-flat.vmdk', staging: STAGING },
])('backs a guest of vcsim up in mode $mode, byte for byte, and leaves nothing', async ({ path, ...site }) => {
  const vcsim = await startVcsim({ taskAsks: 2 })
  onTestFinished(() => vcsim.close())
  const content = seededContent([0, 1], 4)
  const bytes = Buffer.concat([content.read(0), content.read(1)])
  await vcsim.putDisk('DC0_H0_VM1', bytes)
  const provider = openVsphere('vc1', vsphereSiteSchema.parse({ ...vcsim.site(), ...site }), {
    now: () => new Date(),
    sleep: async () => undefined,
    log: () => undefined,
  })
  onTestFinished(() => provider.close())
  const listed = (await provider.listGuests()).guests.find(({ name }) => name === 'DC0_H0_VM1')
  if (listed === undefined) throw new Error('the simulator has no DC0_H0_VM1')
  const { id, kind, name, node, identity } = listed
  const guest = { id, kind, name, node, ...(identity === undefined ? {} : { identity }) }

  const { jobRef } = await provider.start(guest, backupOptionsSchema.parse({}), '0f1e2d3c4b5a6978')
  for (let looks = 0; (await provider.check(jobRef)).running; looks += 1) expect(looks).toBeLessThan(20)
  const { evidence } = await provider.gather(jobRef, guest, '')
  expect(evidence).toMatchObject({ exitStatus: 'success', warnings: [], grade: { consistency: 'file-system' } })
  const [source, ...others] = evidence.sources ?? []
  expect(others).toEqual([])
  const location = datastoreFileLocationSchema.parse(source?.artifact.location)
  expect(location).toMatchObject({ path, sizeBytes: bytes.length })

  const reader = new Client({ url: vcsim.url, users: [{ name: vcsim.user, password: 'pass &amp; word' }] })
  await reader.login()
  const where = { dcPath: location.datacenter, dsName: location.datastore }
  expect((await reader.file(location.path, where)).bytes.equals(bytes)).toBe(true)

  const made = { jobRef, guest, sources: [] }
  for (let tries = 0; !(await provider.release(made, false)).released; tries += 1) expect(tries).toBeLessThan(20)
  const find = async (where: string): Promise<string> => {
    const inside = `<inventoryPath>${where}</inventoryPath>`
    return returned(await reader.call('FindByInventoryPath', ['SearchIndex', 'SearchIndex'], inside))
  }
  expect(await find('/DC0/vm/guestlift-0f1e2d3c4b5a6978')).toBe('')
  const vm = await find('/DC0/vm/DC0_H0_VM1')
  expect((await reader.read('VirtualMachine', vm, 'snapshot')).text).not.toContain('guestlift-')
})
