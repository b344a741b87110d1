import { freed } from '../gathered.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { proxmoxSiteSchema } from '../../../../functions/providers/proxmox/config.ts'
import { openProxmox } from '../../../../functions/providers/proxmox/provider.ts'
import { startLab } from '../../../../local/labs/proxmox/lab.ts'
import { shortLimits, surroundings } from './site.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function siteOf(version: string) {
  const directory = mkdtempSync(join(tmpdir(), 'guestlift-version-'))
  const lab = await startLab({ directory, version, unauthorizedDelaySeconds: 0, guestBytes: 65_536 })
  const provider = openProxmox('hq', proxmoxSiteSchema.parse(lab.site()), surroundings(), shortLimits)
  closing.push(async () => {
    await provider.close()
    await lab.close()
    rmSync(directory, { recursive: true, force: true })
  })
  return { lab, provider }
}

describe('a site of version', () => {
  it.each(['7.4-16', '8.2.2', '8.4.5', '9.1.3', '9.2.11'])('%s is understood, refusals too', async (version) => {
    const { lab, provider } = await siteOf(version)
    expect(await provider.identify()).toEqual({ version })
    const guest = { id: String(lab.guests[0]?.vmid), kind: 'vm', name: '', node: 'pve1' } as const
    // Up to 8.2 the reason phrase alone holds these texts.
    await expect(freed(provider, 'nosuch:backup/vzdump-lxc-100-2001_01_01-00_00_00.tar', 'pve1')).rejects.toThrow(
      /lacks Datastore\.\w+.* on \/storage\/nosuch|storage 'nosuch' does not exist/,
    )
    await expect(provider.tasks.log(`UPID:pve1:00000001:00000001:6B0327BB:vzdump:${guest.id}:a@pve:`)).rejects.toThrow(
      /lacks Sys\.\w+ on \/nodes\/pve1|no such task/,
    )
  })

  it('6.4-15 is refused by name', async () => {
    const { provider } = await siteOf('6.4-15')
    await expect(provider.identify()).rejects.toThrow(/Proxmox VE 6\.4-15.*7\.4 or later/)
  })
})
