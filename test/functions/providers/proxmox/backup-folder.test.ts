import { afterEach, describe, expect, it } from 'vitest'
import { openProxmox } from '../../../../functions/providers/proxmox/provider.ts'
import { data, startServer } from './scripted-server.ts'
import { shortLimits, siteFor, surroundings } from './site.ts'

const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((one) => one.close()))
})

async function folderOf(storage: string): Promise<string | undefined> {
  const server = await startServer(() =>
    data([
      { storage: 'local', type: 'dir', path: '/var/lib/vz', content: 'backup' },
      { storage: 'moved', type: 'dir', path: '/srv/', 'content-dirs': 'iso=images,backup=/vms/dumps' },
      { storage: 'pbs', type: 'pbs', path: '/mnt/pbs' },
      { storage: 'rbd', type: 'rbd' },
      { storage: 7, type: 'dir' },
    ]),
  )
  const provider = openProxmox('hq', siteFor(server), surroundings(), shortLimits)
  closing.push(provider, server)
  return provider.storages.folderOf?.(storage)
}

describe('the folder in which a storage keeps archives', () => {
  it.each([
    ['local', '/var/lib/vz/dump'],
    ['moved', '/srv/vms/dumps'],
    ['pbs', undefined],
    ['rbd', undefined],
    ['not-shown', undefined],
  ])('of %s is %s', async (storage, folder) => {
    expect(await folderOf(storage)).toBe(folder)
  })
})
