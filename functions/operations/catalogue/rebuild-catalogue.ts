import { catalogueIndexesPrefix, catalogueIndexKey } from '../../domain/books/object-keys.ts'
import { indexText } from './catalogue-index.ts'
import type { CatalogueFilter } from './list-archives.ts'
import type { Ports } from '../ports.ts'
import { type CatalogueReading, newReading, readCatalogue, type ReadGuest } from './read-catalogue.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix'>

export interface RebuiltCatalogue {
  guests: number
  archives: number
  /** Index objects that were written, since they were missing, old or damaged. */
  written: number
  /** Index objects of guests without archives, which were removed. */
  removed: number
  reading: CatalogueReading
}

/**
 * Bring the index objects in line with the manifests. Safe at any time and beside anything else: they are copies, and
 * one that is written too early is found out by its ETags. So neither writing nor removing has a condition: whom one of
 * them takes an index from reads the manifests. Nothing but index objects is written or removed.
 * @param filter a site, a guest, or neither: times would cut an index short
 * @param onGuest gets each guest as it was read, so that nobody has to read it again
 */
export async function rebuildCatalogue(
  filter: Pick<CatalogueFilter, 'site' | 'guestId'>,
  ports: Needs,
  onGuest: (guest: ReadGuest) => void = () => undefined,
): Promise<RebuiltCatalogue> {
  const { store, keyPrefix } = ports
  const rebuilt: RebuiltCatalogue = { guests: 0, archives: 0, written: 0, removed: 0, reading: newReading() }
  const live = new Set<string>()
  for await (const read of readCatalogue(filter, ports, rebuilt.reading)) {
    const { site, guest, entries, indexable, indexTextNow } = read
    onGuest(read)
    const key = catalogueIndexKey(keyPrefix, site, guest)
    live.add(key)
    rebuilt.guests += 1
    rebuilt.archives += entries.length
    const text = indexText(site, guest, indexable)
    if (text === indexTextNow) continue
    await store.writeText(key, text)
    rebuilt.written += 1
  }
  for (const key of await indexKeys(filter, ports)) {
    if (live.has(key)) continue
    await store.remove(key)
    rebuilt.removed += 1
  }
  return rebuilt
}

/** Keys of the index objects that the filter covers: shaped like ours, or they aren't ours to remove. */
async function indexKeys(
  { site, guestId }: Pick<CatalogueFilter, 'site' | 'guestId'>,
  ports: Needs,
): Promise<string[]> {
  const prefix = catalogueIndexesPrefix(ports.keyPrefix)
  const keys = await ports.store.listKeys(catalogueIndexesPrefix(ports.keyPrefix, site))
  return keys.filter((key) => {
    const [, id] = /^[^/]+\/(?:vm|container)-([^/]+)\.json$/.exec(key.slice(prefix.length)) ?? []
    return id !== undefined && (guestId === undefined || id === guestId)
  })
}
