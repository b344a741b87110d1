import { ArchiveUnknown } from '../../contracts/errors.ts'
import { type ArchiveAddress, archiveAddress, asOf, isElsewhere } from '../../domain/catalogue/archive-address.ts'
import type { CataloguedGuest } from '../../domain/catalogue/catalogue-guests.ts'
import { chooseArchive, type ChosenArchive } from '../../domain/catalogue/choose-archive.ts'
import type { Ports } from '../ports.ts'
import { requireKnownSite } from './known-sites.ts'
import { readCatalogue } from './read-catalogue.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix'>

/** `site` narrows an address down that names none. `at`, an ISO instant: as things were then. */
export interface Sought {
  site?: string | undefined
  at?: string | undefined
}

/**
 * What an address means, and the guests with the archives that are found there.
 * @throws ArchiveUnknown for an address in another bucket; UnknownSite; the store's errors
 */
export async function findGuests(
  text: string,
  { site, at }: Sought,
  ports: Needs,
): Promise<{ address: ArchiveAddress; guests: CataloguedGuest[] }> {
  const address = archiveAddress(text, ports.keyPrefix, site)
  const { filter } = address
  const elsewhere = isElsewhere(address, ports.store.bucket)
  if (elsewhere !== undefined) throw new ArchiveUnknown(elsewhere)
  if (filter.site !== undefined) await requireKnownSite(filter.site, ports)
  const guests: CataloguedGuest[] = []
  for await (const read of readCatalogue(filter, ports)) guests.push(...asOf(address.of(read), at))
  return { address, guests }
}

/**
 * The one archive that an address means: the newest whole one of its guest, on or before `at`.
 * @throws ArchiveUnknown when there is none, or more than one guest is meant; and what `findGuests` throws
 */
export async function findArchive(text: string, sought: Sought, ports: Needs): Promise<ChosenArchive> {
  const { address, guests } = await findGuests(text, sought, ports)
  const chosen = chooseArchive(address, guests)
  if ('refused' in chosen) throw new ArchiveUnknown(chosen.refused)
  return chosen
}
