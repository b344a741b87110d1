import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { proxmoxSiteSchema } from '../../../../functions/providers/proxmox/config.ts'
import { openProxmox } from '../../../../functions/providers/proxmox/provider.ts'
import { BACKUP_PRIVILEGES, BACKUP_ROLE } from '../../../../local/labs/proxmox/default-site.ts'
import { type SiteChoice, startLab } from '../../../../local/labs/proxmox/lab.ts'
import { describeProvider, type ProviderHarness } from '../conformance.ts'
import { describeCore } from '../core-conformance.ts'

/** The provider against the simulated site, which answers as recorded from a real one. */
async function openHarness(choice: SiteChoice): Promise<ProviderHarness> {
  const directory = mkdtempSync(join(tmpdir(), 'guestlift-conformance-'))
  const lab = await startLab({
    directory,
    guestBytes: 1024 ** 2,
    secondsPerDump: 0.2,
    unauthorizedDelaySeconds: 0,
    // Starting and stopping guests is no part of what a run needs.
    roles: { [BACKUP_ROLE]: [...BACKUP_PRIVILEGES, 'VM.PowerMgmt'] },
  })
  const vm = lab.guests.find(({ kind }) => kind === 'qemu')?.vmid ?? 0
  const container = lab.guests.find(({ kind }) => kind === 'lxc')?.vmid ?? 0
  const provider = openProxmox('lab', proxmoxSiteSchema.parse(lab.site(choice)), {
    now: () => new Date(),
    // Pauses of seconds are for real storages; the suite has a few dozen of them.
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds / 10)),
    log: () => undefined,
  })
  return {
    provider,
    vm: String(vm),
    container: String(container),
    unknown: '999999',
    storage: 'local',
    holdJobs: () => lab.control.setTaskSpeed(0),
    releaseJobs: () => lab.control.setTaskSpeed(1),
    lock: (guestId, locked) =>
      locked ? lab.control.lockGuest(Number(guestId), 'disk') : lab.control.lockGuest(Number(guestId)),
    platformNow: () => Date.now() / 1000,
    async close() {
      await provider.close()
      await lab.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

describeProvider('Proxmox VE, with a token and a pinned certificate', () =>
  openHarness({ auth: 'token', tls: 'fingerprint' }),
)
describeProvider("Proxmox VE, with a password and the site's authority", () =>
  openHarness({ auth: 'password', tls: 'ca' }),
)

describeCore('Proxmox VE', async () => {
  const harness = await openHarness({ auth: 'token', tls: 'fingerprint' })
  const { provider, vm, unknown, storage } = harness
  return { provider, guest: vm, unknown, storage, close: () => harness.close() }
})
