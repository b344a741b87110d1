/** A lab of vSphere with some guests, and the provider for it. */
import { type BackupOptions, backupOptionsSchema } from '../../../../functions/contracts/backup-options.ts'
import type { Guest } from '../../../../functions/contracts/nouns.ts'
import { vsphereSiteSchema, type VsphereSite } from '../../../../functions/providers/vsphere/config.ts'
import { openVsphere } from '../../../../functions/providers/vsphere/provider.ts'
import type { Provider } from '../../../../functions/providers/provider.ts'
import { seededContent } from '../../../../local/labs/ec2/disk.ts'
import { startVsphereLab, type VsphereLab, type VsphereLabOptions } from '../../../../local/labs/vsphere/lab.ts'

export const SITE = 'vc1'
export const WEB = '50010000-0000-4000-8000-000000000001'
export const DB = '50010000-0000-4000-8000-000000000002'
export const MIB = 2 ** 20

export interface VsphereBed {
  lab: VsphereLab
  provider: Provider
  site: VsphereSite
  /** Milliseconds that the provider waited. */
  waits: number[]
  guest(id?: string): Promise<Guest>
  /** Looks until the backup has ended. */
  ended(jobRef: string): Promise<void>
  /** Releases until it is done. */
  released(made: Parameters<Provider['release']>[0]): Promise<void>
  close(): Promise<void>
}

export function options(given: Record<string, unknown> = {}): BackupOptions {
  return backupOptionsSchema.parse(given)
}

export async function vsphereBed(
  given: VsphereLabOptions = {},
  siteFields: Record<string, unknown> = {},
): Promise<VsphereBed> {
  const lab = await startVsphereLab({
    datacenters: [{ name: 'DC1', datastores: [{ name: 'datastore1' }], guestFolders: ['Web/Prod', 'guestlift'] }],
    guests: [
      {
        name: 'web01',
        id: WEB,
        folder: 'Web/Prod',
        toolsRunning: true,
        firmware: 'efi',
        tags: ['backup:gold'],
        disks: [
          { capacityBytes: 8 * MIB, content: seededContent([0, 3, 7], 1) },
          { capacityBytes: 4 * MIB, content: seededContent([1], 2) },
        ],
      },
      { name: 'db01', id: DB, disks: [{ capacityBytes: 4 * MIB, content: seededContent([0], 3) }] },
    ],
    ...given,
  })
  const site = vsphereSiteSchema.parse({ ...lab.site(), ...siteFields })
  const waits: number[] = []
  const provider = openVsphere(SITE, site, {
    now: () => new Date(),
    sleep: async (milliseconds) => {
      waits.push(milliseconds)
    },
    log: () => undefined,
  })
  return {
    lab,
    provider,
    site,
    waits,
    guest: async (id = WEB) => {
      const [guest] = await provider.findGuests([id])
      if (guest === undefined) throw new Error(`no guest ${id} in the lab`)
      const { kind, name, node, identity } = guest
      return { id, kind, name, node, ...(identity === undefined ? {} : { identity }) }
    },
    ended: async (jobRef) => {
      for (let looks = 0; (await provider.check(jobRef)).running; looks += 1) {
        if (looks > 50) throw new Error(`${jobRef} doesn't end`)
      }
    },
    released: async (made) => {
      for (let tries = 0; ; tries += 1) {
        const progress = await provider.release(made, false)
        if (progress.released) return
        if (tries > 50) throw new Error(`never released: ${progress.reason}`)
      }
    },
    close: async () => {
      await provider.close()
      await lab.close()
    },
  }
}
