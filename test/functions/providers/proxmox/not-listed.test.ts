import { evidenceOf } from '../gathered.ts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSiteBench, type SiteBench } from '../../../local/cli/site-bench.ts'

const guest = { id: '101', kind: 'container', name: 'db01', node: 'pve1' } as const

describe('an archive that its storage does not list', () => {
  let bench: SiteBench
  let jobRef: string
  beforeEach(async () => {
    bench = await openSiteBench()
    const options = { mode: 'snapshot', compress: 'zstd', storage: 'local' } as const
    jobRef = (await bench.provider.start(guest, options)).jobRef
    await bench.lab.control.endOfTask(jobRef)
  })
  afterEach(() => bench.close())

  it('is gone, and no other file has its time', async () => {
    const [archive] = bench.lab.control.archives()
    bench.lab.control.removeArchive(archive?.file ?? '')
    const { listed, advice } = await evidenceOf(bench.provider, jobRef, guest, 'local')
    expect(listed).toBeUndefined()
    expect(advice).toMatch(/^Nothing of that name or time is on storage local\. Look on node pve1 .* mounted.*hook/)
  })

  it('is hidden from an account that may only look at the storage', async () => {
    bench.lab.control.changeAcl((acl) =>
      acl.map((entry) => (entry.path === '/storage' ? { ...entry, role: 'PVEAuditor' } : entry)),
    )
    const { listed, advice } = await evidenceOf(bench.provider, jobRef, guest, 'local')
    expect(listed).toBeUndefined()
    expect(advice).toMatch(/hides archives from an account without Datastore\.AllocateSpace on \/storage\/local/)
  })
})
