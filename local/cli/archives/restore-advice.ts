import { isDiskArchive } from '../../../functions/archive-formats/raw-disk/file-name.ts'
import type { CatalogueEntry } from '../../../functions/domain/catalogue/catalogue.ts'
import { restoreLines } from '../../../functions/domain/catalogue/restore-commands.ts'
import { platformTraits } from '../../../functions/providers/registry.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import type { BucketOptions } from '../bucket-store.ts'

/** Classes from which S3 reads nothing back before it was asked to, and how long the cheapest common tier takes. */
const FROZEN: Readonly<Record<string, string>> = { GLACIER: '3 to 5 hours', DEEP_ARCHIVE: '12 hours' }

/**
 * The commands that bring an archive back, exactly, to be typed on a node; comments begin with `#`. Standard tools
 * alone: anyone who restores may not have Guestlift. `undefined` where the archive's files aren't known or aren't there.
 */
export function restoreCommands(entry: CatalogueEntry, bucket: string, s3Url?: string): string[] | undefined {
  const { facts, guest, folder } = entry
  if (facts === undefined || entry.state !== 'complete') return undefined
  const wait = FROZEN[entry.storageClass ?? '']
  return facts.artifacts.flatMap(({ fileName, sizeBytes, versionId }) => [
    `# ${fileName}, ${formatBytes(sizeBytes)}${wait === undefined ? '' : `, in ${entry.storageClass}: thaw it first, which takes ${wait}`}`,
    // The folder that was listed, not the key of the manifest: a bucket's copy may have another prefix.
    ...restoreLines(guest.kind, { bucket, folder, fileName, guestId: guest.id, versionId, s3Url }),
  ])
}

/**
 * The command of ours that does it, as a dry run: on AWS, or from this machine where the S3 isn't AWS. `undefined` for an
 * archive that Guestlift can't bring back, as one of several files that aren't disks.
 */
export function ownRestoreCommand(
  entry: CatalogueEntry,
  { bucket, s3, prefix = '' }: BucketOptions,
): string | undefined {
  const { facts, folder, site, state, storageClass = '' } = entry
  const brings = facts !== undefined && platformTraits[facts.platform]?.restore === true
  const isOfDisks = facts?.artifacts.every(({ fileName }) => isDiskArchive(fileName))
  if (!brings || state !== 'complete' || (facts.artifacts.length !== 1 && isOfDisks !== true)) return undefined
  const here = `--local --site-file <file> --bucket ${bucket} --s3 ${s3}${prefix === '' ? '' : ` --prefix ${prefix}`}`
  const thaw = storageClass in FROZEN ? ' --thaw standard' : ''
  return `guestlift restore s3://${bucket}/${folder} --site ${site}${thaw} ${s3 === undefined ? '--deployment <name>' : here}`
}
