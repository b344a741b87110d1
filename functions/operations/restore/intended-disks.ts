import { InternalFault, RestoreRefused } from '../../contracts/errors.ts'
import type { RestoreRecord } from '../../contracts/restore-record.ts'
import type { BroughtDisks, DiskRestores, IntendedDisks } from '../../providers/capabilities/disk-restores.ts'
import type { Ports } from '../ports.ts'
import { madeInto } from '../../domain/restore/made-into.ts'
import { areFiles, disksOf, newDisksOf } from './new-disks.ts'

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
    target: {
      node: target.node,
      to: madeInto(record),
      kmsKey: request.kmsKey,
      name: request.name,
      guest: {
        datastore: request.datastore,
        folder: request.folder,
        resourcePool: request.resourcePool,
        unique: request.unique,
      },
    },
    token,
  }
}

/**
 * @param asksForFiles whether a guest is to be made, which takes the small files beside the disks
 * @throws InternalFault before the disks were begun
 */
export async function broughtDisks(
  record: RestoreRecord,
  ports: Pick<Ports, 'store'>,
  asksForFiles = false,
): Promise<BroughtDisks> {
  const disks = newDisksOf(record).map((disk) => {
    const { ref } = disk
    if (ref !== undefined) return { ...disk, ref }
    throw new InternalFault(`Restore ${record.restoreId}: ${disk.fileName} was never begun.`)
  })
  const sideFiles = asksForFiles && areFiles(record) ? await sideFilesOf(record, ports) : new Map<string, Buffer>()
  return { ...(await intendedDisks(record, ports)), disks, sideFiles }
}

/** They are kilobytes; what is larger is no such file. */
const MOST_SIDE_BYTES = 4 * 2 ** 20

async function sideFilesOf({ archive }: RestoreRecord, { store }: Pick<Ports, 'store'>): Promise<Map<string, Buffer>> {
  const prefix = `${archive.folder}side/`
  const files = new Map<string, Buffer>()
  for (const key of await store.listKeys(prefix)) {
    const object = await store.head(key)
    if (object === undefined || object.sizeBytes > MOST_SIDE_BYTES) continue
    const { sizeBytes, etag } = object
    const bytes =
      sizeBytes === 0 ? Buffer.alloc(0) : await store.readRange(key, { firstByte: 0, lastByte: sizeBytes - 1, etag })
    files.set(key.slice(prefix.length), bytes)
  }
  return files
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
