import { describe, expect, it } from 'vitest'
import { RequestRejected } from '../../../../functions/contracts/errors.ts'
import { authenticate } from '../../../../functions/operations/run/authenticate.ts'
import { fakePorts } from '../../../fakes/ports.ts'

const startedAt = '2026-11-22T02:00:00.000Z'
const request = { site: 'hq', guests: { vmids: [100] } }
const schedule = { name: 'nightly', scheduledAt: '2026-11-22T02:00:00Z' }

describe('authenticating', () => {
  it('answers who is there and where the run leaves its files', async () => {
    const ports = { ...fakePorts(), keyPrefix: 'p/' }
    await expect(authenticate({ request, runId: 'r', startedAt }, ports)).resolves.toMatchObject({
      run: { id: 'r', prefix: 'p/runs/2026/11/22/r/' },
      platform: 'proxmox',
      platformVersion: '9.2.11',
    })
  })

  it("refuses a selection by what the site's platform doesn't have, naming what it has, before it asks the site", async () => {
    const ports = fakePorts()
    ports.fakeProvider.selectionKeys = ['ids', 'names', 'tags']
    ports.fakeProvider.identify = () => Promise.reject(new Error('asked'))
    const guests = { ids: ['i-0abc'], names: ['web*'], exclude: { pools: ['shop'], subPools: false, ha: ['managed'] } }
    await expect(authenticate({ request: { ...request, guests }, runId: 'r', startedAt }, ports)).rejects.toMatchObject(
      {
        name: 'InvalidJob',
        message:
          /Site hq is of platform proxmox, .* can't be chosen by exclude\.pools, exclude\.ha\. .* by ids, names, tags, or/,
      },
    )
    await expect(authenticate({ request, runId: 'r', startedAt }, ports)).rejects.toThrow(/can't be chosen by vmids/)
    const known = { ids: ['100'], exclude: { names: ['web*'] } }
    await expect(
      authenticate({ request: { ...request, guests: known }, runId: 'r', startedAt }, ports),
    ).rejects.toThrow('asked')
  })

  it("refuses options that the site's platform doesn't know, before it asks the site", async () => {
    const ports = fakePorts()
    ports.fakeProvider.identify = () => Promise.reject(new Error('asked'))
    const ask = (backup: object) => authenticate({ request: { ...request, backup }, runId: 'r', startedAt }, ports)
    await expect(ask({ skipDisks: ['scsi1'] })).rejects.toMatchObject({
      name: 'InvalidJob',
      message: expect.stringMatching(
        /platform proxmox, which doesn't know backup\.skipDisks\. It knows backup\.notes, /,
      ),
    })
    await expect(ask({ proxmox: { compress: 'gzip' } })).rejects.toThrow('asked')
    ports.fakeProvider.optionKeys = ['notes']
    await expect(ask({ notes: 'weekly' })).rejects.toThrow('asked')
    await expect(ask({ proxmox: { compress: 'gzip' } })).rejects.toThrow(/doesn't know backup\.compress\./)
  })

  it('names each missing privilege and its path', async () => {
    const ports = fakePorts()
    ports.fakeProvider.missing = [
      { privilege: 'VM.Backup', path: '/vms/100' },
      { privilege: 'Datastore.AllocateSpace', path: '/storage/local' },
    ]
    await expect(authenticate({ request, runId: 'r', startedAt }, ports)).rejects.toMatchObject({
      name: 'PrivilegeMissing',
      message: expect.stringMatching(/VM\.Backup on \/vms\/100, Datastore\.AllocateSpace on \/storage\/local/),
    })
  })

  it('fails on an option that the site does not know, and says which option needs a privilege', async () => {
    const ports = fakePorts()
    ports.fakeProvider.missing = [{ privilege: 'Sys.Modify', path: '/', neededBy: 'backup.ionice' }]
    const backup = { ionice: 8 }
    await expect(authenticate({ request: { ...request, backup }, runId: 'r', startedAt }, ports)).rejects.toThrow(
      /Sys\.Modify on \/ \(backup\.ionice\)/,
    )
    ports.fakeProvider.requireOptions = async () => {
      throw new RequestRejected('no fleecing')
    }
    await expect(authenticate({ request, runId: 'r', startedAt }, ports)).rejects.toThrow('no fleecing')
  })

  it('tests the store once in a run, however often it is asked, and anew in the next one', async () => {
    const ports = fakePorts()
    const tested: string[] = []
    const listening = { ...ports, log: (event: string) => void tested.push(event) }
    const ask = (runId: string) => authenticate({ request, runId, startedAt }, listening)
    ports.fakeProvider.missing = [{ privilege: 'VM.Backup', path: '/vms/100' }]
    await expect(ask('r')).rejects.toThrow(/lacks/)
    ports.fakeProvider.missing = []
    await ask('r')
    expect(tested.filter((event) => event === 'store-tested')).toHaveLength(1)
    await ask('s')
    expect(tested.filter((event) => event === 'store-tested')).toHaveLength(2)
  })

  it('serves a scheduled time once, and knows its own execution again', async () => {
    const ports = fakePorts()
    const scheduled = { request: { ...request, schedule }, startedAt }
    const first = await authenticate({ ...scheduled, runId: 'first' }, ports)
    const second = await authenticate({ ...scheduled, runId: 'second' }, ports)
    const again = await authenticate({ ...scheduled, runId: 'first' }, ports)
    expect(first.duplicateOf).toBeUndefined()
    expect(second.duplicateOf).toBe('first')
    expect(again.duplicateOf).toBeUndefined()
  })

  it('leaves a scheduled time to the next delivery when the first execution fails before it takes it', async () => {
    const ports = fakePorts()
    const scheduled = { request: { ...request, schedule }, startedAt }
    ports.fakeProvider.missing = [{ privilege: 'VM.Backup', path: '/vms/100' }]
    await expect(authenticate({ ...scheduled, runId: 'first' }, ports)).rejects.toThrow(/lacks/)
    ports.fakeProvider.missing = []
    expect((await authenticate({ ...scheduled, runId: 'second' }, ports)).duplicateOf).toBeUndefined()
  })
})
