/** The machines of a subscription for people who try Guestlift: most can be archived, some can't, each for its own reason. */
import { MIB, scattered, seededContent } from './disks/content.ts'
import type { DiskSpec, VmSpec } from './subscription.ts'

const GIB = 1024 ** 3

interface Sizes {
  /** What was written on each disk. */
  writtenBytes: number
}

/** Five that can be archived, in two groups and two locations. */
export function guestsOf({ writtenBytes }: Sizes): VmSpec[] {
  const disk = (name: string, sizeGiB: number, seed: number, more: Partial<DiskSpec> = {}): DiskSpec => ({
    name,
    sizeBytes: sizeGiB * GIB,
    content: seededContent(scattered(sizeGiB * GIB, writtenBytes), seed),
    ...more,
  })
  const place = { group: 'rg-prod', location: 'westeurope' }
  const other = { group: 'RG-Test', location: 'northeurope' }
  return [
    {
      ...place,
      name: 'web1',
      vmId: '22222222-2222-4222-8222-222222222222',
      zones: ['1'],
      tags: { backup: 'daily', role: 'web' },
      disks: [disk('web1_OsDisk', 4, 1), disk('web1_data', 8, 2), disk('web1_logs', 2, 3, { sku: 'Standard_LRS' })],
    },
    {
      ...place,
      name: 'db1',
      tags: { backup: 'daily', role: 'db' },
      state: 'deallocated',
      disks: [disk('db1_OsDisk', 4, 4)],
    },
    { ...place, name: 'noagent1', agent: false, disks: [disk('noagent1_OsDisk', 4, 5)] },
    {
      ...other,
      name: 'win1',
      osType: 'Windows',
      tags: { backup: 'weekly' },
      state: 'stopped',
      generation: 'V1',
      disks: [disk('win1_OsDisk', 8, 6)],
    },
    {
      ...other,
      name: 'fast1',
      disks: [disk('fast1_OsDisk', 4, 7), disk('fast1_data', 4, 8, { sku: 'PremiumV2_LRS' })],
    },
  ]
}

/** One of each kind that Guestlift refuses or warns of. */
export function refusedGuests(): VmSpec[] {
  const place = { group: 'rg-prod', location: 'westeurope' }
  const disk = (name: string, more: Partial<DiskSpec>): DiskSpec => ({
    name,
    sizeBytes: 64 * MIB,
    content: seededContent(scattered(64 * MIB, 4 * MIB), name.length),
    ...more,
  })
  return [
    { ...place, name: 'old1', disks: [disk('old1_OsDisk', { kind: 'unmanaged' })] },
    { ...place, name: 'brief1', disks: [disk('brief1_OsDisk', { kind: 'ephemeral' })] },
    { ...place, name: 'cluster1', disks: [disk('cluster1_OsDisk', {}), disk('cluster1_shared', { maxShares: 2 })] },
    { ...place, name: 'crypt1', disks: [disk('crypt1_OsDisk', { encryptedInGuest: true })] },
    { ...place, name: 'locked1', disks: [disk('locked1_OsDisk', { networkAccessPolicy: 'DenyAll' })] },
  ]
}
