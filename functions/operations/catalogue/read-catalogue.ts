/** The catalogue, from the bucket alone. Index objects save reading manifests; they never decide. */
import type { IndexedArchive } from '../../contracts/catalogue.ts'
import { type CatalogueEntry, entryOf, type GuestArchives, manifestFile } from '../../domain/catalogue/catalogue.ts'
import { olderFirst } from '../../domain/time/archive-time.ts'
import { archiveTexts } from './archive-texts.ts'
import { folderName, indexed, readIndex } from './catalogue-index.ts'
import { readTextUnlessFrozen } from '../books/frozen-text.ts'
import { type CatalogueFilter, listArchives, type ListedGuest } from './list-archives.ts'
import { inOrder, turnstile } from '../books/ordered-lookahead.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix'>

/** How much is under way at a time. Memory is bounded by the archives of that many guests. */
const GUESTS_UNDER_WAY = 8
const READS_UNDER_WAY = 16

/** What a catalogue was read from. */
export interface CatalogueReading {
  /** Archives whose facts the index told, rightly. */
  fromIndex: number
  /** Archives whose manifest was read: the index had nothing of them, or something old or damaged. */
  fromManifests: number
  /** Index objects that were there and no index: cut, edited, of another guest. One of another version isn't damaged. */
  damagedIndexes: number
  /** Keys among the archives that aren't shaped like an archive's: somebody else's. The first few, and how many. */
  strangers: { count: number; keys: string[] }
}

/** A guest's archives, what an index of them would say, and the text of the one that is there (`''`: none). */
export interface ReadGuest extends GuestArchives {
  indexable: IndexedArchive[]
  indexTextNow: string
}

const STRANGERS_KEPT = 20

/**
 * All archives that fit, a guest at a time, in the order of their keys. Reads no manifest whose ETag the index knows.
 * What is removed or replaced between the listing and the reading counts as it is found then.
 * @param reading counts along
 * @throws StoreUnavailable, StoreDenied
 */
export async function* readCatalogue(
  filter: CatalogueFilter,
  ports: Needs,
  reading: CatalogueReading = newReading(),
): AsyncGenerator<ReadGuest, void, void> {
  const oneOfFew = turnstile(READS_UNDER_WAY)
  const guests = listArchives(filter, ports, (key) => {
    reading.strangers.count += 1
    if (reading.strangers.keys.length < STRANGERS_KEPT) reading.strangers.keys.push(key)
  })
  yield* inOrder(guests, GUESTS_UNDER_WAY, (listed) => readGuest(listed, ports, reading, oneOfFew))
}

export function newReading(): CatalogueReading {
  return { fromIndex: 0, fromManifests: 0, damagedIndexes: 0, strangers: { count: 0, keys: [] } }
}

async function readGuest(
  { site, guest, archives }: ListedGuest,
  ports: Needs,
  reading: CatalogueReading,
  oneOfFew: ReturnType<typeof turnstile>,
): Promise<ReadGuest> {
  const index = await oneOfFew(() => readIndex(site, guest, ports))
  if (index.damaged) reading.damagedIndexes += 1
  const read = (key: string) => oneOfFew(() => readTextUnlessFrozen(ports.store, key))
  const found = await Promise.all(
    archives.map(async (archive) => ({ archive, ...(await archiveTexts(archive, indexed(archive, index), read)) })),
  )
  const entries: CatalogueEntry[] = []
  const indexable: IndexedArchive[] = []
  for (const { archive, manifest, verification } of found) {
    entries.push(entryOf(archive, manifest?.facts, verification?.facts))
    if (manifest?.fromIndex === true) reading.fromIndex += 1
    else if (manifestFile(archive) !== undefined) reading.fromManifests += 1
    if (manifest === undefined || 'unreadable' in manifest.facts) continue
    indexable.push({
      folder: folderName(archive),
      manifestEtag: manifest.etag,
      facts: manifest.facts,
      ...(verification === undefined || verification.etag === ''
        ? {}
        : { verificationEtag: verification.etag, verification: verification.facts }),
    })
  }
  return { site, guest, entries: entries.toSorted(olderFirst), indexable, indexTextNow: index.text }
}
