import { InternalFault, RestoreRefused } from '../../contracts/errors.ts'
import type { RestoreRecord } from '../../contracts/restore-record.ts'
import type { BroughtDisks, DiskRestores, IntendedDisks } from '../../providers/capabilities/disk-restores.ts'
import type { Ports } from '../ports.ts'
import { disksOf, newDisksOf } from './new-disks.ts'

/** The machine as its platform described it, beside the disks. */
export const DESCRIPTION_NAME = 'guest.json'

/** What the platform is told of a restore of whole disks. */
export async function intendedDisks(record: RestoreRecord, { store }: Pick<Ports, 'store'>): Promise<IntendedDisks> {
  const { archive, request, target, token } = record
  const description = await store.readText(`${archive.folder}${DESCRIPTION_NAME}`)
  return {
    archive: {
      guest: archive.guest,
      disks: disksOf(record).map(({ fileName, disk }) => ({ fileName, sizeBytes: disk.sizeBytes })),
      description: description?.text,
      origin: `s3://${store.bucket}/${archive.folder}`,
    },
    target: { node: target.node, to: request.to ?? 'image', kmsKey: request.kmsKey, name: request.name },
    token,
  }
}

/** @throws InternalFault before the disks were begun */
export async function broughtDisks(record: RestoreRecord, ports: Pick<Ports, 'store'>): Promise<BroughtDisks> {
  const disks = newDisksOf(record).map((disk) => {
    const { ref } = disk
    if (ref !== undefined) return { ...disk, ref }
    throw new InternalFault(`Restore ${record.restoreId}: ${disk.fileName} was never begun.`)
  })
  return { ...(await intendedDisks(record, ports)), disks }
}

/** The site's platform, with the account for restores. @throws RestoreRefused when it can't take these disks */
export async function openDiskRestorer(
  { archive, request: { site } }: RestoreRecord,
  ports: Pick<Ports, 'provider'>,
): Promise<DiskRestores> {
  const { platform, diskRestores } = await ports.provider(site)
  if (platform !== archive.platform) {
    throw new RestoreRefused(
      `Site ${site} is of platform ${platform}, and the archive was made by ${archive.platform}. Name a site of that platform.`,
    )
  }
  if (diskRestores !== undefined) return diskRestores
  throw new RestoreRefused(
    `Site ${site}: Guestlift can't bring disks back on ${platform}. Restore by hand, as RESTORE.md in the bucket shows.`,
  )
}
