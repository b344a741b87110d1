import { type ArchiveFiles, readFolder } from '../../domain/catalogue/catalogue.ts'
import { archivesPrefix, guestFolder, isWrittenByReading, type KeyedGuest } from '../../domain/books/object-keys.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix'>

/** Which archives. Everything that is left out doesn't narrow them down. Instants are ISO; both ends are inclusive. */
export interface CatalogueFilter {
  site?: string
  /** The platform's id. */
  guestId?: string
  since?: string
  until?: string
}

/** A guest's archives as listed, oldest first. */
export interface ListedGuest {
  site: string
  guest: KeyedGuest
  archives: ArchiveFiles[]
}

/**
 * The folders of archives, a guest at a time. A guest's keys are consecutive in a listing, since they share a prefix
 * that ends with a slash; so one guest is all that is in memory.
 * @param onStranger told of keys among the archives that belong to none: not shaped like an archive's, or what a
 * verification wrote beside an archive that was removed meanwhile
 */
export async function* listArchives(
  filter: CatalogueFilter,
  { store, keyPrefix }: Needs,
  onStranger: (key: string) => void,
): AsyncGenerator<ListedGuest, void, void> {
  for await (const prefix of prefixesOf(filter, { store, keyPrefix })) {
    let current: ListedGuest | undefined
    for await (const object of store.listObjects(prefix)) {
      const place = readFolder(keyPrefix, object.key)
      if (place === undefined) {
        onStranger(object.key)
        continue
      }
      if (!isWithin(filter, place.keyedAt)) continue
      const { site, guest } = place
      if (current?.site !== site || current.guest.id !== guest.id || current.guest.kind !== guest.kind) {
        if (current !== undefined) yield* withArchives(current, onStranger)
        current = { site, guest, archives: [] }
      }
      const last = current.archives.at(-1)
      if (last?.folder === place.folder) last.files.push(object)
      else current.archives.push({ ...place, files: [object] })
    }
    if (current !== undefined) yield* withArchives(current, onStranger)
  }
}

/** The guest without folders in which a verdict is all there is: pruning removes those. */
function* withArchives(listed: ListedGuest, onStranger: (key: string) => void): Generator<ListedGuest> {
  const archives = listed.archives.filter(({ folder, files }) => {
    const alone = files.every(({ key }) => isWrittenByReading(folder, key))
    if (alone) for (const { key } of files) onStranger(key)
    return !alone
  })
  if (archives.length > 0) yield { ...listed, archives }
}

/** The narrowest prefixes that hold what is asked for. With a guest of any site, its sites are found by their folders. */
async function* prefixesOf({ site, guestId }: CatalogueFilter, { store, keyPrefix }: Needs): AsyncGenerator<string> {
  const all = archivesPrefix(keyPrefix)
  if (guestId === undefined) {
    yield site === undefined ? all : `${all}${site}/`
    return
  }
  const sites =
    site === undefined ? (await store.listFolders(all)).map((folder) => folder.slice(all.length, -1)) : [site]
  for (const name of sites) {
    for (const kind of ['container', 'vm'] as const) yield guestFolder(keyPrefix, name, { kind, id: guestId })
  }
}

function isWithin({ since, until }: CatalogueFilter, instant: string): boolean {
  const time = Date.parse(instant)
  return (since === undefined || time >= Date.parse(since)) && (until === undefined || time <= Date.parse(until))
}
