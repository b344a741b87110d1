import type { CatalogueEntry } from '../../../functions/domain/catalogue/catalogue.ts'
import { findArchive, type Sought } from '../../../functions/operations/catalogue/find-archive.ts'
import type { OpenBucket } from '../bucket-store.ts'
import { plain } from '../print/columns.ts'

/**
 * The one archive that an address means, for commands that need one. What is newer and not whole is named on standard
 * error: an older archive must not pass for the newest.
 * @throws ArchiveUnknown, UnknownSite and the store's errors
 */
export async function oneArchive(
  text: string,
  sought: Sought,
  opened: Pick<OpenBucket, 'store' | 'keyPrefix'>,
): Promise<CatalogueEntry> {
  const { entry, passedOver } = await findArchive(text, sought, opened)
  for (const { folder, state, reason } of passedOver) {
    process.stderr.write(`The newer ${folder} was passed over: it is ${state}. ${plain(reason ?? '')}\n`)
  }
  return entry
}
