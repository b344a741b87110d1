import { afterEach, describe, expect, it } from 'vitest'
import { openProxmox } from '../../../../functions/providers/proxmox/provider.ts'
import type { ProxmoxProvider } from '../../../../functions/providers/proxmox/provider.ts'
import { answer, data, type Reply, type SeenRequest, type ScriptedServer, startServer } from './scripted-server.ts'
import { shortLimits, siteFor, surroundings } from './site.ts'

const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((one) => one.close()))
})

const ref = 'nas:backup/vzdump-lxc-101-2026_11_22-02_00_00.tar.zst'
const upid = (type: string) => `UPID:pve1:00000001:00000002:6B032905:${type}:101@nas:backup@pve!client:`
const marks = { path: '/mnt/pve/nas/dump/x', notes: 'web', protected: 0, format: 'raw', size: 512 }
const gone = answer(500, 'x', { message: `volume_size_info on '${ref}' failed - no format\n`, data: null })
const guest = { id: '101', kind: 'container', name: 'db', node: 'pve1' } as const

async function site(
  script: (request: SeenRequest, index: number) => Reply,
): Promise<{ provider: ProxmoxProvider; server: ScriptedServer }> {
  const server = await startServer(script)
  const provider = openProxmox('hq', siteFor(server), surroundings(), shortLimits)
  closing.push(provider, server)
  return { provider, server }
}

describe('removing an archive', () => {
  it('does not believe a task that ended well while the archive is still there', async () => {
    const { provider } = await site(({ method, path }) => {
      if (method === 'DELETE') return data(upid('imgdel'))
      return path.includes('/tasks/') ? data({ status: 'stopped', exitstatus: 'OK' }) : data(marks)
    })
    await expect(provider.archivesOnPlatform.remove(ref, 'pve1')).rejects.toMatchObject({
      name: 'PlatformTaskFailed',
      message: expect.stringContaining('still there'),
    })
  })

  it('sends no order for one that is protected or gone', async () => {
    const { provider, server } = await site((_, index) => (index === 0 ? data({ ...marks, protected: '1' }) : gone))
    expect(await provider.archivesOnPlatform.remove(ref, 'pve1')).toBe('protected')
    expect(await provider.archivesOnPlatform.remove(ref, 'pve1')).toBe('gone')
    expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'GET'])
  })

  it('reports one that became protected after the look, from the text of the task', async () => {
    const exitstatus = `cannot remove protected volume 'backup/x' on 'nas'`
    const { provider } = await site(({ method, path }) => {
      if (method === 'DELETE') return data(upid('imgdel'))
      return path.includes('/tasks/') ? data({ status: 'stopped', exitstatus }) : data(marks)
    })
    expect(await provider.archivesOnPlatform.remove(ref, 'pve1')).toBe('protected')
  })

  it('takes an address that is no archive’s for a mistake, before anything is sent', async () => {
    const { provider, server } = await site(() => data(null))
    for (const wrong of ['nas:100/vm-100-disk-0.qcow2', 'vzdump.tar', 'nas:iso/x.iso']) {
      await expect(provider.archivesOnPlatform.remove(wrong, 'pve1')).rejects.toMatchObject({ name: 'RequestRejected' })
    }
    expect(server.requests).toEqual([])
  })
})

describe('changing notes and protection', () => {
  it('counts what the archive says afterwards when the answer to the order is lost', async () => {
    let notes = 'old'
    const { provider } = await site(({ method, body }) => {
      if (method !== 'PUT') return data({ ...marks, notes })
      notes = new URLSearchParams(body).get('notes') ?? notes
      return { bytes: '', after: 'reset' }
    })
    expect(await provider.archivesOnPlatform.editMarks(ref, 'pve1', { notes: 'new & ü' })).toEqual({
      notes: 'new & ü',
      protected: false,
    })
  })

  it('fails when the order was lost and nothing changed, and when it was taken and not kept', async () => {
    const lost = await site(({ method }) => (method === 'PUT' ? { bytes: '', after: 'reset' } : data(marks)))
    await expect(lost.provider.archivesOnPlatform.editMarks(ref, 'pve1', { protected: true })).rejects.toMatchObject({
      name: 'PlatformUnavailable',
    })
    const dropped = await site(({ method }) => (method === 'PUT' ? data(null) : data(marks)))
    await expect(dropped.provider.archivesOnPlatform.editMarks(ref, 'pve1', { protected: true })).rejects.toMatchObject(
      {
        name: 'PlatformTaskFailed',
      },
    )
  })
})

describe('previewing the pruning', () => {
  it('fails over a mark that it does not know, rather than leaving the archive out', async () => {
    const { provider } = await site(() => data([{ volid: ref, ctime: 1_795_369_222, mark: 'maybe', type: 'lxc' }]))
    const asked = provider.archivesOnPlatform.previewPrune({ storage: 'nas', node: 'pve1' }, { 'keep-last': 1 })
    await expect(asked).rejects.toMatchObject({ name: 'PlatformUnavailable' })
  })
})

describe('listing archives', () => {
  it('asks a shared storage once, at the next node when the first does not answer, and each node of one that is not', async () => {
    const row = (storage: string, node: string, shared: number) => ({ storage, node, shared, content: 'iso,backup' })
    const { provider, server } = await site(({ path }) => {
      if (path.includes('/cluster/resources')) {
        return data([row('nas', 'pve1', 1), row('nas', 'pve2', 1), row('local', 'pve1', 0), row('local', 'pve2', 0)])
      }
      if (path.includes('/access/permissions')) return data({ '/storage': { 'Datastore.Audit': 1 } })
      return path.includes('/nodes/pve1/storage/nas/')
        ? answer(500, 'x', { message: "storage 'nas' is not online\n" })
        : data([])
    })
    expect(await provider.archivesOnPlatform.list({})).toEqual({ archives: [], unread: [], hidden: [] })
    const asked = server.requests.flatMap(
      ({ path }) => /nodes\/(\w+)\/storage\/(\w+)\/content/.exec(path)?.slice(1).join(' ') ?? [],
    )
    expect(asked).toEqual(['pve1 nas', 'pve2 nas', 'pve1 local', 'pve2 local'])
  })
})

describe('starting and stopping guests', () => {
  const current = (status: string, more: object = {}) => data({ status, uptime: '7', ...more })

  it('does not believe a task that ended well while the guest is still as it was', async () => {
    const { provider } = await site(({ method, path }) => {
      if (method === 'POST') return data(upid('vzstart'))
      return path.includes('/tasks/')
        ? data({ status: 'stopped', exitstatus: 'OK' })
        : current('stopped', { ha: { managed: 1 } })
    })
    await expect(provider.power.order(guest, 'start', { timeoutSeconds: 3 })).rejects.toMatchObject({
      name: 'PlatformTaskFailed',
      message: expect.stringMatching(/still stopped.*ha-manager status/),
    })
  })

  it('takes "already running" for done when somebody else was faster, and never asks twice', async () => {
    const { provider, server } = await site(({ method }, index) => {
      if (method === 'POST') return answer(500, 'x', { message: 'CT 101 already running\n', data: null })
      return current(index === 0 ? 'stopped' : 'running')
    })
    expect(await provider.power.order(guest, 'start', { timeoutSeconds: 60 })).toMatchObject({ changed: false })
    expect(server.requests.filter(({ method }) => method === 'POST')).toHaveLength(1)
  })

  it('warns that a lost order may have been taken', async () => {
    const { provider } = await site(({ method }) =>
      method === 'POST' ? { bytes: '', after: 'reset' } : current('running'),
    )
    await expect(provider.power.order(guest, 'stop', { timeoutSeconds: 60 })).rejects.toMatchObject({
      name: 'PlatformUnavailable',
      message: expect.stringContaining('may have been taken'),
    })
  })

  it('blames no lock but a backup’s, and waits for that one', async () => {
    const migrating = await site(() => current('running', { lock: 'migrate' }))
    expect(await migrating.provider.locks.awaitFreed(guest, 5)).toBeUndefined()
    const clearing = await site((_, index) => current('running', index < 3 ? { lock: 'backup' } : {}))
    expect(await clearing.provider.locks.awaitFreed(guest, 5)).toBeUndefined()
    expect(clearing.server.requests).toHaveLength(4)
  })
})
