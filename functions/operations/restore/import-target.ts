/** Where and how the disks of a guest come that is made by import, and what stands against it. */
import { RestoreRefused } from '../../contracts/errors.ts'
import type { RestoreFinding } from '../../contracts/restore.ts'
import type { DeliveryPlace, ImportedDisk, RestoreRecord, RestoreRef } from '../../contracts/restore-record.ts'
import { unpackedPrefix } from '../../domain/books/object-keys.ts'
import { bandwidthAt } from '../../domain/transfer/transfer-limits.ts'
import { formatBytes } from '../../domain/words/byte-size.ts'
import type { DiskImports } from '../../providers/capabilities/disk-imports.ts'
import type { IntendedRestore, Restores } from '../../providers/capabilities/restores.ts'
import type { Ports } from '../ports.ts'

/**
 * Content that a function is sure to unpack in its time. Measured without a network, on a machine with much else to do: 18 s
 * of CPU for each GiB. So this takes 6 of 14 minutes, and the rest is for the network.
 */
const MOST_CONTENT_BYTES = 20 * 2 ** 30

/** @throws RestoreRefused where the platform imports nothing */
export function importsOf({ imports }: Restores, site: string): DiskImports {
  if (imports !== undefined) return imports
  throw new RestoreRefused(
    `Site ${site}: Guestlift can't import disks on its platform. Choose another delivery for the site.`,
  )
}

/** What is to be unpacked and fetched. Empty where nothing is known of the archive's disks, which the check refuses. */
export function plannedDisks(
  { id, startedAt }: RestoreRef,
  { archive }: IntendedRestore,
  place: DeliveryPlace,
  imports: DiskImports,
  { keyPrefix }: Pick<Ports, 'keyPrefix'>,
): ImportedDisk[] {
  const prefix = unpackedPrefix(keyPrefix, id, startedAt)
  if (archive.guest.kind !== 'vm' || archive.configuration === undefined) return []
  return imports.disksIn(archive.configuration, place).map((disk) => ({ ...disk, key: `${prefix}${disk.fileName}` }))
}

/** What the region and the site's limits have against it. */
export async function importFindings(
  { request, archive }: RestoreRecord,
  { contentBytes = archive.sizeBytes }: IntendedRestore['archive'],
  { siteLimits, now }: Pick<Ports, 'siteLimits' | 'now'>,
): Promise<RestoreFinding[]> {
  const refused = (message: string): RestoreFinding => ({ name: 'import-unfit', level: 'refusal', message })
  const findings: RestoreFinding[] = []
  if (contentBytes > MOST_CONTENT_BYTES) {
    findings.push(
      refused(
        `The archive holds ${formatBytes(contentBytes)}, and a function unpacks up to ${formatBytes(MOST_CONTENT_BYTES)} in its time. Restore with delivery "pull" or "sftp".`,
      ),
    )
  }
  const limits = await siteLimits(request.site)
  const { bytesPerSecond, closed, changesAt } = bandwidthAt(limits, now())
  if (bytesPerSecond === undefined) return findings
  const limit = closed ? 'lets nothing move now' : `allows ${formatBytes(bytesPerSecond)} a second now`
  if (changesAt === undefined) {
    return [
      ...findings,
      refused(
        `Site ${request.site} ${limit}, and a node that fetches disks itself keeps no limit. Restore with delivery "pull" or "sftp", or lift the limit.`,
      ),
    ]
  }
  const message = `Site ${request.site} ${limit}, and a node that fetches disks itself keeps no limit: the restore waits for a time without one. What was begun then goes on beyond it.`
  return [...findings, { name: 'import-unfit', level: 'warning', message }]
}
