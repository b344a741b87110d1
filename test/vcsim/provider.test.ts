/** The provider against VMware's own simulator: a backup whose bytes are compared, and nothing that stays behind. */
import { expect, it, onTestFinished } from 'vitest'
import { backupOptionsSchema } from '../../functions/contracts/backup-options.ts'
import { datastoreFileLocationSchema } from '../../functions/contracts/vsphere-access.ts'
import { vsphereSiteSchema } from '../../functions/providers/vsphere/config.ts'
import { openVsphere } from '../../functions/providers/vsphere/provider.ts'
import { seededContent } from '../../local/labs/ec2/disk.ts'
import { Client } from '../local/labs/vsphere/client.ts'
import { missingForVcsim, startVcsim } from './start-vcsim.ts'

if (missingForVcsim.length > 0) console.warn(`skipped: no ${missingForVcsim.join(', no ')}`)

it.skipIf(missingForVcsim.length > 0)('backs a guest of vcsim up, byte for byte, and leaves nothing', async () => {
  const vcsim = await startVcsim({ taskAsks: 2 })
  onTestFinished(() => vcsim.close())
  const content = seededContent([0, 1], 4)
  const bytes = Buffer.concat([content.read(0), content.read(1)])
  await vcsim.putDisk('DC0_H0_VM1', bytes)
  const provider = openVsphere('vc1', vsphereSiteSchema.parse(vcsim.site()), {
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
  expect(location).toMatchObject({ path: 'DC0_H0_VM1/disk1-flat.vmdk', sizeBytes: bytes.length })

  const reader = new Client({ url: vcsim.url, users: [{ name: vcsim.user, password: 'pass &amp; word' }] })
  await reader.login()
  const where = { dcPath: location.datacenter, dsName: location.datastore }
  expect((await reader.file(location.path, where)).bytes.equals(bytes)).toBe(true)

  const made = { jobRef, guest, sources: [] }
  for (let tries = 0; !(await provider.release(made, false)).released; tries += 1) expect(tries).toBeLessThan(20)
  const found = await reader.call(
    'FindByInventoryPath',
    ['SearchIndex', 'SearchIndex'],
    '<inventoryPath>/DC0/vm/DC0_H0_VM1</inventoryPath>',
  )
  const vm = /<returnval[^>]*>([^<]+)</.exec(found.text)?.[1] ?? ''
  expect((await reader.read('VirtualMachine', vm, 'snapshot')).text).not.toContain('guestlift-')
})
