import { isDeepStrictEqual } from 'node:util'
import { ClusterChanged, InternalFault, RecordUnreadable } from '../../contracts/errors.ts'
import type { SiteBook } from '../../contracts/site-book.ts'
import { siteBookKey } from '../../domain/books/object-keys.ts'
import { siteBookShape } from './shapes.ts'
import { holdRecord, writeRecord } from './stored-json.ts'
import type { Ports } from '../ports.ts'

export type BookPorts = Pick<Ports, 'store' | 'keyPrefix' | 'now'>

/** How often another writer may come between reading and writing. */
const TRIES = 5

/** A site's book as it lies in the bucket, with the tag that its next write needs; absent before the first. */
export interface FoundBook {
  book: SiteBook
  etag?: string
}

/**
 * The book of a site, an empty one before the first. One that can't be read is never taken for none: that would pin
 * whatever cluster answers next.
 * @throws RecordUnreadable, RecordTooNew
 */
export async function readSiteBook(site: string, { store, keyPrefix }: Omit<BookPorts, 'now'>): Promise<FoundBook> {
  const key = siteBookKey(keyPrefix, site)
  const held = await holdRecord(store, key, siteBookShape)
  if (held === undefined) return { book: { version: 1, site, guests: [] } }
  const { value: book, etag } = held
  if (book.site === site) return { book, etag }
  throw new RecordUnreadable(`s3://${store.bucket}/${key} is the book of site ${book.site}. ${siteBookShape.remedy}`)
}

/**
 * Change the book, as often as it takes when others write at the same time. Returns the book as it is then; `undefined`
 * when others always came first.
 */
export async function changeSiteBook(
  site: string,
  change: (book: SiteBook) => SiteBook,
  ports: BookPorts,
): Promise<SiteBook | undefined> {
  const key = siteBookKey(ports.keyPrefix, site)
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const { book, etag } = await readSiteBook(site, ports)
    const changed = change(book)
    if (isDeepStrictEqual(changed, book)) return changed
    const onlyIf = etag === undefined ? { absent: true as const } : { etag }
    const written = await writeRecord(ports.store, key, siteBookShape, changed, { onlyIf, held: etag !== undefined })
    if (written !== undefined) return changed
  }
  return undefined
}

/**
 * Refuse to go on with another cluster than the pinned one.
 * @throws ClusterChanged, which names both and the command that accepts the new one
 */
export function requirePinned({ site, cluster }: SiteBook, id: string | undefined, ports: BookPorts): void {
  if (cluster === undefined || id === undefined || cluster.id === id) return
  const prefix = ports.keyPrefix === '' ? '' : ` --prefix ${ports.keyPrefix}`
  throw new ClusterChanged(
    `Site ${site}: the cluster ${id} answers, and the archives come from ${cluster.id}, known since ` +
      `${cluster.pinnedAt.slice(0, 10)}. Nothing was started and nothing was removed. Check the site's url and secret. ` +
      'If this cluster is meant, because the old one was rebuilt or replaced, accept it: ' +
      `npx guestlift site accept ${site} --cluster ${id} --bucket ${ports.store.bucket}${prefix}`,
  )
}

/** The book with this cluster pinned, if none is yet. */
export function pinnedFirst(book: SiteBook, id: string | undefined, at: string): SiteBook {
  return book.cluster !== undefined || id === undefined ? book : { ...book, cluster: { id, pinnedAt: at } }
}

/**
 * A person says that this cluster is the site's from now on. What was absent on the old one proves nothing on the new
 * one, so that all absences begin anew. Returns the book as it is then.
 * @throws InternalFault when others change the book all the time
 */
export async function acceptCluster(site: string, id: string, ports: BookPorts): Promise<SiteBook> {
  const accepted = (book: SiteBook): SiteBook => {
    const { cluster, earlierClusters = [] } = book
    if (cluster?.id === id) return book
    return {
      ...book,
      cluster: { id, pinnedAt: ports.now().toISOString() },
      ...(cluster === undefined ? {} : { earlierClusters: [...earlierClusters, cluster] }),
      guests: [],
    }
  }
  const book = await changeSiteBook(site, accepted, ports)
  if (book !== undefined) return book
  const where = `s3://${ports.store.bucket}/${siteBookKey(ports.keyPrefix, site)}`
  throw new InternalFault(`Site ${site}: ${where} was changed by others each time. Nothing was accepted. Try again.`)
}
