/** How people name archives: the same words in every command and every request. */
import { manifestKey } from '../books/object-keys.ts'
import { guestAddress, meansGuest } from '../identity/guest-address.ts'
import { timeOf } from '../time/archive-time.ts'
import { type GuestArchives, readFolder } from './catalogue.ts'
import { type CataloguedGuest, guestsIn } from './catalogue-guests.ts'

/** What a person means: where to look, and which of what is found there. */
export interface ArchiveAddress {
  text: string
  /** Named by an address of S3; whoever reads another bucket has to refuse. */
  bucket?: string
  filter: { site?: string; guestId?: string }
  /** The guests that are meant among those of one id, with the archives that are meant. None: nothing of these. */
  of(guest: GuestArchives): CataloguedGuest[]
  /** Guests that had the id before another one are meant like it. Otherwise they come along, and nothing is done to theirs. */
  meansFormer: boolean
  /** One archive is meant, and not a guest. */
  isArchive: boolean
}

/**
 * A key or `s3://` address of an archive or of a file of it; else a guest as `guestAddress` reads it.
 * @param site narrows down what doesn't name a site itself
 */
export function archiveAddress(text: string, keyPrefix: string, site?: string): ArchiveAddress {
  const [, bucket, inBucket] = /^s3:\/\/([^/]+)\/(.*)$/.exec(text) ?? []
  const key = inBucket ?? text
  const common = { text, ...(bucket === undefined ? {} : { bucket }) }
  const place = readFolder(keyPrefix, key) ?? readFolder(keyPrefix, manifestKey(`${key.replace(/\/$/, '')}/`))
  if (place !== undefined) {
    return {
      ...common,
      // All archives under the id are read: this one alone doesn't tell which guest has it now.
      filter: { site: place.site, guestId: place.guest.id },
      of: (read) => withEntries(guestsIn(read), ({ folder }) => folder === place.folder),
      meansFormer: true,
      isArchive: true,
    }
  }
  const words = guestAddress(key)
  const { id, site: where = site } = words
  const filter = where === undefined ? {} : { site: where }
  const of = (read: GuestArchives) =>
    withEntries(
      guestsIn(read).filter(({ site: its, guest, name }) => meansGuest(words, { site: its, ...guest, name })),
      () => true,
    )
  // An id that is no number reads like a name: it is either.
  return {
    ...common,
    filter: id === undefined ? filter : { ...filter, guestId: id },
    of,
    meansFormer: id === undefined,
    isArchive: false,
  }
}

/** Why an address can't be looked for in this bucket, a sentence: it names another one. */
export function isElsewhere(
  { text, bucket }: Pick<ArchiveAddress, 'text' | 'bucket'>,
  read: string,
): string | undefined {
  return bucket === undefined || bucket === read ? undefined : `${text} is not in the bucket ${read}: name one of them.`
}

/** The guests with what was archived of them by then. Those of which nothing was are left out. @param at ISO instant */
export function asOf(guests: readonly CataloguedGuest[], at: string | undefined): CataloguedGuest[] {
  if (at === undefined) return [...guests]
  return withEntries(guests, (entry) => timeOf(entry) <= Date.parse(at))
}

function withEntries(
  guests: readonly CataloguedGuest[],
  isMeant: (entry: CataloguedGuest['entries'][number]) => boolean,
): CataloguedGuest[] {
  return guests.flatMap((guest) => {
    const entries = guest.entries.filter(isMeant)
    return entries.length === 0 ? [] : [{ ...guest, entries }]
  })
}
