import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PlatformUnavailable, PrivilegeMissing, RequestRejected } from '../../../../functions/contracts/errors.ts'
import { clusterIdOf } from '../../../../functions/providers/proxmox/cluster-id.ts'
import { proxmoxSiteSchema } from '../../../../functions/providers/proxmox/config.ts'
import { openProxmox, type ProxmoxProvider } from '../../../../functions/providers/proxmox/provider.ts'
import { type Lab, startLab } from '../../../../local/labs/proxmox/lab.ts'

describe('which cluster answers', () => {
  let directory: string
  let lab: Lab
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'guestlift-cluster-'))
    lab = await startLab({ directory, guestBytes: 64 * 1024, unauthorizedDelaySeconds: 0 })
  })
  afterAll(async () => {
    await lab.close()
    rmSync(directory, { recursive: true, force: true })
  })

  async function asked(auth: 'token' | 'password'): Promise<string | undefined> {
    const deps = { now: () => new Date(), sleep: async () => undefined, log: () => undefined }
    const provider: ProxmoxProvider = openProxmox('hq', proxmoxSiteSchema.parse(lab.site({ auth })), deps)
    try {
      return await provider.clusterId()
    } finally {
      await provider.close()
    }
  }

  it('is told to a token and to a password alike, and stays when nodes are renamed and certificates renewed', async () => {
    const id = await asked('token')
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(await asked('password')).toBe(id)
    lab.control.renameNode('pve2', 'pve9')
    expect(await asked('token')).toBe(id)
  })

  it('is another one for another cluster, though the handshake shows the same certificate', async () => {
    const before = await asked('token')
    lab.control.setCluster('9a6f1f0c-3f0e-4a52-8a3f-6f4f1b4f0d77')
    expect(await asked('token')).not.toBe(before)
  })
})

describe('a site that does not tell which cluster it is', () => {
  const client = (get: () => Promise<never>) => ({ get, about: (what: string) => ({ site: 'hq', account: 'a', what }) })

  it.each([
    ['refuses the question', new RequestRejected('501')],
    ['hides it from the account', new PrivilegeMissing('403')],
  ])('has none when it %s', async (_, error) => {
    const { get, about } = client(() => Promise.reject(error))
    expect(await clusterIdOf({ get, about: about as never })).toBeUndefined()
  })

  it('is an error when it can not be reached', async () => {
    const { get, about } = client(() => Promise.reject(new PlatformUnavailable('down')))
    await expect(clusterIdOf({ get, about: about as never })).rejects.toThrow(PlatformUnavailable)
  })
})
