import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type BackupOptions, backupOptionsSchema } from '../../../../functions/contracts/backup-options.ts'
import {
  BackupPutOff,
  BackupStartUnclear,
  CredentialsRejected,
  GuestNotFound,
  PlatformTaskFailed,
  PlatformUnavailable,
  PrivilegeMissing,
  RequestRejected,
  SourceUnreadable,
  TlsIdentityMismatch,
} from '../../../../functions/contracts/errors.ts'
import type { FoundGuest } from '../../../../functions/providers/guest-facts.ts'
import { backupActions } from '../../../../functions/providers/azure/rights.ts'
import { refusedGuests } from '../../../../local/labs/azure/guests.ts'
import { type AzureBed, azureBed, WEB } from './bed.ts'

const TOKEN = '0f1e2d3c4b5a6978'
const options: BackupOptions = backupOptionsSchema.parse({})

let bed: AzureBed
beforeEach(async () => {
  bed = await azureBed()
})
afterEach(() => bed.close())

async function guest(name = 'web1'): Promise<FoundGuest> {
  const found = (await bed.provider.listGuests()).guests.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no guest ${name}`)
  const [it] = await bed.provider.findGuests([found.id])
  if (it === undefined) throw new Error(`no guest ${name} by id`)
  return it
}

describe('the list of virtual machines', () => {
  it('has all pages, with states, tags by key and by value, and resource groups as pools', async () => {
    bed.lab.control.settings.pageSize = 1
    const { guests } = await bed.provider.listGuests()
    expect(guests.map(({ name, node, pool, state, tags }) => ({ name, node, pool, state, tags }))).toEqual([
      {
        name: 'web1',
        node: 'westeurope-1',
        pool: 'rg-prod',
        state: 'running',
        tags: ['backup=daily', 'backup', 'loud'],
      },
      { name: 'db1', node: 'westeurope', pool: 'rg-test', state: 'stopped', tags: [] },
    ])
  })

  it('is never a shorter one: a page for people in the place of the second page is an error', async () => {
    bed.lab.control.settings.pageSize = 1
    bed.lab.control.before('virtualMachines.list', () => bed.lab.control.answerPage('virtualMachines.list', 200, 20))
    await expect(bed.provider.listGuests()).rejects.toThrow(PlatformUnavailable)
  })
})

describe('who lets us in', () => {
  it.each([
    [
      'a wrong secret',
      { auth: { clientId: '88888888-8888-4888-8888-888888888888', clientSecret: 'wrong' } },
      /AADSTS7000215/,
    ],
    [
      'an unknown application',
      { auth: { clientId: '00000000-8888-4888-8888-888888888888', clientSecret: 'x' } },
      /AADSTS700016/,
    ],
  ])('%s is told by what Entra says', async (_what, more, text) => {
    await expect(bed.open(more).identify()).rejects.toThrow(CredentialsRejected)
    await expect(bed.open(more).identify()).rejects.toThrow(text)
  })

  it('an ended secret is told, and what makes another one', async () => {
    bed.lab.control.expireSecret(bed.lab.clients[0]?.clientId ?? '')
    await expect(bed.provider.identify()).rejects.toThrow(/AADSTS7000222.*make a new one/)
  })

  it('an ended token is followed by another one', async () => {
    await bed.provider.identify()
    bed.lab.control.expireTokens()
    await bed.provider.identify()
    expect(bed.lab.control.calls('token')).toBe(2)
  })

  it('a certificate of nobody that is trusted stops everything before a secret is sent', async () => {
    await expect(bed.open({ tls: { mode: 'system' } }).identify()).rejects.toThrow(TlsIdentityMismatch)
    expect(bed.lab.control.calls()).toBe(0)
  })

  it('a resource group that is not there is told before anything is made', async () => {
    await expect(bed.open({ resourceGroup: 'nowhere' }).identify()).rejects.toThrow(RequestRejected)
    await expect(bed.open({ resourceGroup: 'nowhere' }).identify()).rejects.toThrow(/resourceGroup/)
  })
})

describe('rights', () => {
  const role = (actions: readonly string[]) =>
    bed.lab.control.setRole(bed.lab.clients[0]?.clientId ?? '', { Actions: [...actions] })

  it('are enough as init prints them, for a whole backup and its release', async () => {
    role(backupActions())
    const web = await guest()
    const { jobRef } = await bed.provider.start(web, options, TOKEN)
    while ((await bed.provider.check(jobRef)).running);
    expect((await bed.provider.gather(jobRef, web, '')).evidence.ending).toBe('ok')
    for (
      let looks = 0;
      looks < 20 && !(await bed.provider.release({ guest: web, jobRef, sources: [] }, false)).released;
      looks += 1
    );
    expect(bed.lab.control.collections()).toEqual([])
  })

  it.each([
    'Microsoft.Compute/restorePointCollections/restorePoints/write',
    'Microsoft.Compute/restorePointCollections/write',
  ])('without %s nothing is made, and it is named, beforehand too', async (lacking) => {
    const web = await guest()
    role(backupActions().filter((action) => action !== lacking))
    const work = { guestIds: [WEB], storage: '', deleteSource: false }
    expect((await bed.provider.missingPrivileges(work)).map(({ privilege }) => privilege)).toEqual([lacking])
    await expect(bed.provider.start(web, options, TOKEN)).rejects.toThrow(PrivilegeMissing)
    await expect(bed.provider.start(web, options, TOKEN)).rejects.toThrow(lacking)
    expect(bed.lab.control.collections()).toEqual([])
  })
})

describe('beginning a backup', () => {
  it.each([
    ['old1', /unmanaged/],
    ['brief1', /ephemeral/],
    ['cluster1', /shared/],
    ['locked1', /may not be exported \(DenyAll\)/],
  ])('of %s is refused before anything is made', async (name, text) => {
    for (const spec of refusedGuests()) bed.lab.control.addVm(spec)
    const it = await guest(name)
    await expect(bed.provider.start(it, options, TOKEN)).rejects.toThrow(SourceUnreadable)
    await expect(bed.provider.start(it, options, TOKEN)).rejects.toThrow(text)
    expect([bed.lab.control.collections(), bed.lab.control.snapshots()]).toEqual([[], []])
  })

  it('waits for its turn while Azure makes another restore point, and after three within an hour', async () => {
    const web = await guest()
    bed.lab.control.refuse('restorePoints.createOrUpdate', {
      status: 409,
      code: 'OperationInProgress',
      message: 'busy',
    })
    await expect(bed.provider.start(web, options, TOKEN)).rejects.toThrow(BackupPutOff)
    bed.lab.control.throttle('restorePoints.createOrUpdate', 1200)
    await expect(bed.provider.start(web, options, TOKEN)).rejects.toThrow(BackupPutOff)
    // Nothing waits within: the workflow does.
    expect(bed.waits.filter((wait) => wait > 60_000)).toEqual([])
  })

  it('does not guess when the answer was lost: the restore point is found by its marks', async () => {
    const web = await guest()
    bed.lab.control.loseAnswer('restorePoints.createOrUpdate')
    await expect(bed.provider.start(web, options, TOKEN)).rejects.toThrow(BackupStartUnclear)
    const [job] = await bed.provider.findJobs(web, new Date(0))
    expect(await bed.provider.readMark(job?.jobRef ?? '')).toEqual({ token: TOKEN })
  })

  it('leaves nothing behind when a later snapshot of several is refused', async () => {
    const web = await guest()
    const provider = bed.open({ freeze: 'snapshots' })
    bed.lab.control.before('snapshots.createOrUpdate', () =>
      bed.lab.control.refuse('snapshots.createOrUpdate', { status: 400, code: 'InvalidParameter', message: 'no' }),
    )
    await expect(provider.start(web, options, TOKEN)).rejects.toThrow(PlatformTaskFailed)
    expect(bed.lab.control.snapshots()).toEqual([])
  })

  it('leaves the disks out that the job skips, also when the guest could not be asked', async () => {
    const web = await guest()
    bed.lab.control.setVm('web1', { agent: false })
    const { jobRef } = await bed.provider.start(web, { ...options, skipDisks: ['web1_data'] }, TOKEN)
    while ((await bed.provider.check(jobRef)).running);
    // As where Azure keeps no failed restore point.
    for (const { points } of bed.lab.control.collections()) points.delete(`gl-${TOKEN}`)
    const { evidence } = await bed.provider.gather(jobRef, web, '')
    expect(evidence.sources?.map(({ artifact }) => artifact.fileName)).toEqual(['os-web1_OsDisk.vhd.zst'])
    expect(evidence.grade?.gaps.map(({ what, chosen }) => [what, chosen])).toEqual([
      ['the disk web1_data (LUN 0)', true],
    ])
  })

  it('is unclear after a fault of Azure, which may have done it', async () => {
    const web = await guest()
    bed.lab.control.refuse('restorePoints.createOrUpdate', {
      status: 500,
      code: 'InternalServerError',
      message: 'oops',
    })
    await expect(bed.provider.start(web, options, TOKEN)).rejects.toThrow(BackupStartUnclear)
  })

  it('of a machine that is gone says so', async () => {
    const web = await guest()
    bed.lab.control.removeVm('web1')
    await expect(bed.provider.start(web, options, TOKEN)).rejects.toThrow(GuestNotFound)
  })
})

describe("others' things", () => {
  it('stay: a sweep of another installation finds none of ours, and removes nothing', async () => {
    const web = await guest()
    const { jobRef } = await bed.provider.start(web, options, TOKEN)
    const other = bed.open({}, 'other/')
    const soon = new Date(Date.now() + 3_600_000)
    expect(await other.findStrays(soon)).toEqual([])
    expect(await other.release({ guest: web, jobRef, sources: [] }, false)).toEqual({ released: true })
    expect((await bed.provider.findStrays(soon)).map(({ made }) => made.token)).toEqual([TOKEN])
  })

  it('a restore point without a time is as old as the use of its collection that is known, never older', async () => {
    const web = await guest()
    await bed.provider.start(web, options, TOKEN)
    const [collection] = bed.lab.control.collections()
    const [point] = [...(collection?.points.values() ?? [])]
    if (collection === undefined || point === undefined) throw new Error('no restore point')
    // A later backup used the collection, and Azure names no time of the first.
    collection.tags = Object.fromEntries(
      Object.entries(collection.tags).map(([name, value]) => [name, value.replaceAll(TOKEN, 'ffff')]),
    )
    Object.assign(point.made, { toISOString: () => 'some day' })
    const lately = new Date(Date.now() - 3_600_000)
    expect((await bed.provider.findStrays(lately)).map(({ what }) => what)).toEqual([])
  })

  it('a collection that lost its restore point is found by the sweep, and removed', async () => {
    const web = await guest()
    bed.lab.control.dropRequest('restorePoints.createOrUpdate')
    await expect(bed.provider.start(web, options, TOKEN)).rejects.toThrow(BackupStartUnclear)
    const [stray] = await bed.provider.findStrays(new Date(Date.now() + 3_600_000))
    expect(stray?.what).toMatch(/holds no restore point/)
    if (stray !== undefined) await bed.provider.release(stray.made, false)
    expect(bed.lab.control.collections()).toEqual([])
  })
})

describe('power', () => {
  it('starts, stops and deallocates, and does nothing twice', async () => {
    const web = await guest()
    const wait = { timeoutSeconds: 60 }
    expect(await bed.provider.power?.order(web, 'start', wait)).toMatchObject({ changed: false })
    expect(await bed.provider.power?.order(web, 'shutdown', wait)).toMatchObject({
      changed: true,
      state: { status: 'stopped' },
    })
    expect(bed.lab.control.vms().find(({ name }) => name === 'web1')?.state).toBe('deallocated')
    expect(await bed.provider.power?.order(web, 'start', wait)).toMatchObject({ changed: true })
    expect(await bed.provider.power?.order(web, 'stop', wait)).toMatchObject({ changed: true })
    await expect(bed.provider.power?.order(web, 'reboot', wait)).rejects.toThrow(/isn't running/)
  })
})

it('no message and no log holds a secret', async () => {
  const web = await guest()
  const { jobRef } = await bed.provider.start(web, options, TOKEN)
  while ((await bed.provider.check(jobRef)).running);
  bed.lab.control.answerPage('blob.head', 403, 50)
  const error = await bed.provider.gather(jobRef, web, '').catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(SourceUnreadable)
  const said = JSON.stringify([String(error), bed.logged])
  expect(said).not.toMatch(/sig=(?!…)/)
  expect(said).not.toContain(bed.lab.clients[0]?.secret)
})
