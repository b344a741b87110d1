import type { ArchivedGuest } from '../../domain/coverage/coverage.ts'
import { rehearsalsOf } from '../../domain/restore/rehearsal-book.ts'
import { rehearsalsBySite } from '../books/rehearsals.ts'
import type { Ports } from '../ports.ts'

export interface Rehearsed {
  /** A guest with when it was rehearsed. */
  rehearsed: (guest: ArchivedGuest) => ArchivedGuest
  /** Which sites' books can't be read, a sentence each. */
  unread: string[]
}

/** When the guests of sites were rehearsed: one object is read of each site. @param keep write a book that was missing */
export async function readRehearsed(
  sites: readonly string[],
  ports: Pick<Ports, 'store' | 'keyPrefix'>,
  keep: boolean,
): Promise<Rehearsed> {
  const bookOf = rehearsalsBySite(ports, { keep })
  const read = await Promise.all([...new Set(sites)].map(async (site) => [site, await bookOf(site)] as const))
  const books = new Map(read)
  return {
    unread: [...books.values()].flatMap((book) => ('unknown' in book ? [book.unknown] : [])),
    rehearsed: (guest) => {
      const book = books.get(guest.site)
      if (book === undefined || 'unknown' in book) return { ...guest, rehearsal: 'unknown' }
      const rehearsal = rehearsalsOf(book, { ...guest.guest, identity: guest.identity })
      return rehearsal === undefined ? guest : { ...guest, rehearsal }
    },
  }
}
