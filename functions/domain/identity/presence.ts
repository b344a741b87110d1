/**
 * Which guests are gone from their site. One that a list lacks is absent; it is gone only when several whole lists, days
 * apart, have lacked it. Pure; the clock is always ours, never the platform's.
 */
import type { GuestIdentity } from '../../contracts/nouns.ts'
import type { BookedGuest, SiteBook } from '../../contracts/site-book.ts'
import type { KeyedGuest } from '../books/object-keys.ts'

/** A guest is gone after so many whole lists without it, the first and the last so many days apart. */
export const LISTS_UNTIL_GONE = 3
export const DAYS_UNTIL_GONE = 7
/** Lists that are closer together count once: three calls of one evening are one piece of evidence. */
const HOURS_BETWEEN_LISTS = 20
/** More than this share of a site's archived guests don't vanish at once without a person's word. */
export const LARGEST_GONE_SHARE = 0.25

const HOUR_MILLISECONDS = 3_600_000
const DAY_MILLISECONDS = 24 * HOUR_MILLISECONDS

/** A guest that the site lists. */
export interface ListedGuest extends KeyedGuest {
  identity?: GuestIdentity | undefined
}

/** A guest with archives that a whole list lacked. */
export interface AbsentGuest extends KeyedGuest {
  /** ISO instant of the first list that lacked it. */
  since: string
  /** Lists that lacked it, those that were too close together left out. */
  lists: number
  gone: boolean
  /** A person knows of it, or a pruning has treated it as gone. */
  settled: boolean
}

/** The same guest, in all places: kind and id. An id may have gone to a guest of the other kind. */
export function guestName({ kind, id }: KeyedGuest): string {
  return `${kind}-${id}`
}

/** The book after a whole list: guests that have no archives (any more) aren't in it. */
export function withList(
  book: SiteBook,
  listed: readonly ListedGuest[],
  archived: readonly KeyedGuest[],
  at: string,
): SiteBook {
  const onSite = new Map(listed.map((guest) => [guestName(guest), guest]))
  const before = new Map(book.guests.map((guest) => [guestName(guest), guest]))
  const guests = archived.map((guest): BookedGuest => {
    const { absent, settledAt, ...rest } = before.get(guestName(guest)) ?? { kind: guest.kind, id: guest.id }
    const there = onSite.get(guestName(guest))
    if (there === undefined) {
      return { ...rest, absent: afterAbsence(absent, at), ...(settledAt === undefined ? {} : { settledAt }) }
    }
    return { ...rest, seenAt: at, ...(there.identity === undefined ? {} : { identity: there.identity }) }
  })
  return { ...book, listedAt: at, guests }
}

function afterAbsence(before: BookedGuest['absent'], at: string): NonNullable<BookedGuest['absent']> {
  if (before === undefined) return { since: at, lists: 1, countedAt: at }
  const apart = Date.parse(at) - Date.parse(before.countedAt)
  return apart < HOURS_BETWEEN_LISTS * HOUR_MILLISECONDS
    ? before
    : { ...before, lists: before.lists + 1, countedAt: at }
}

/** The guests that the last whole list lacked. */
export function absentGuests({ guests }: SiteBook): AbsentGuest[] {
  return guests.flatMap(({ kind, id, absent, settledAt }) => {
    if (absent === undefined) return []
    const { since, lists, countedAt } = absent
    // From the first to the last list that lacked it: between them nobody can have missed a guest that was back.
    const days = (Date.parse(countedAt) - Date.parse(since)) / DAY_MILLISECONDS
    const gone = lists >= LISTS_UNTIL_GONE && days >= DAYS_UNTIL_GONE
    return [{ kind, id, since, lists, gone, settled: settledAt !== undefined }]
  })
}

/**
 * Why absences can't be believed without a person, a sentence: a cluster that was rebuilt and a right that was taken away
 * look like this. `undefined`: no more guests vanished than may. Those that are settled don't count.
 * @param toSee what an account needs to see all guests, in the platform's words
 */
export function tooManyAbsent(book: SiteBook, toSee: string): string | undefined {
  const absent = absentGuests(book)
  const news = absent.filter(({ settled }) => !settled).length
  const known = book.guests.length - (absent.length - news)
  // One guest of few is a large share and nothing unusual.
  if (news <= 1 || news / Math.max(1, known) <= LARGEST_GONE_SHARE) return undefined
  return (
    `Site ${book.site} doesn't list ${news} of ${known} guests that have archives, which is more than a quarter. Look ` +
    `whether its account still sees them (${toSee}) and whether they were removed on purpose.`
  )
}

/** The book after absences were taken for granted: those that are gone, or all where a person has said so. */
export function withSettled(book: SiteBook, which: 'gone' | 'all', at: string): SiteBook {
  const absent = absentGuests(book).filter(({ gone, settled }) => !settled && (gone || which === 'all'))
  const names = new Set(absent.map(guestName))
  return {
    ...book,
    guests: book.guests.map((guest) => (names.has(guestName(guest)) ? { ...guest, settledAt: at } : guest)),
  }
}

/** `absent since 2026-11-22 (2 whole lists)`. */
export function absenceText({ since, lists }: Pick<AbsentGuest, 'since' | 'lists'>): string {
  return `absent since ${since.slice(0, 10)} (${lists} whole ${lists === 1 ? 'list' : 'lists'} of the site without it)`
}

/** When an absent guest counts as gone, a sentence. */
export const goneRule = `It counts as gone after ${LISTS_UNTIL_GONE} whole lists over ${DAYS_UNTIL_GONE} days without it.`
