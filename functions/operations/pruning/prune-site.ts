import { GuestliftError } from '../../contracts/errors.ts'
import type { GuestIdentity } from '../../contracts/nouns.ts'
import type { Retention } from '../../contracts/retention.ts'
import type { GuestRetention } from '../../contracts/retention-report.ts'
import type { KeyedGuest } from '../../domain/books/object-keys.ts'
import { absenceText, goneRule, guestName } from '../../domain/identity/presence.ts'
import { inOrder } from '../books/ordered-lookahead.ts'
import { archivedGuests } from '../selection/look-at-site.ts'
import { dealLockLooks, type LockLooks } from './lock-looks.ts'
import { pruneGuest, type PruneOrder } from './prune-guest.ts'
import type { RetentionPorts } from './retention-ports.ts'

/** Which guests a site has now, as far as it was asked. */
export interface KnownGuests {
  guests: readonly (KeyedGuest & { identity?: GuestIdentity | undefined })[]
  /** Why the site may have more than it showed, a sentence: a guest that isn't among them may be there all the same. */
  mayLack?: string | undefined
  /** What the site's book says of those that aren't among them. One that isn't here either is absent, and never gone. */
  absent?: readonly (KeyedGuest & { since: string; lists: number; gone: boolean })[] | undefined
  /** Why none is to be treated as absent or gone without a person, a sentence. */
  doubt?: string | undefined
}

export interface SiteOrder {
  site: string
  policy: Retention
  /** Names this pruning, as no other with other rules is named. */
  by: string
  /** Only these ids; all that have archives when absent. */
  guestIds?: readonly string[]
  /** Go on behind this guest, in the order of the keys. */
  behind?: KeyedGuest
  /** Absent: the site wasn't asked, and every guest counts as present. */
  known?: KnownGuests
  confirmed: boolean
  dryRun: boolean
  /** Of how many archives a dry run asks for locks, in the order of guests: of 1,000 when left out. */
  lockLooks?: number
}

export interface SiteEnd {
  /** A plan or report for each guest, and why one could not be looked at. */
  guest: KeyedGuest
  result: GuestRetention | { trouble: string }
}

/**
 * A request for each version of each archive would take longer than all else. Of the others the report says that nobody
 * asked; before an archive is removed, S3 is asked in any case.
 */
const LOCK_LOOKS = 1000
/** A dry run changes nothing that the next guest depends on, and waits for S3 most of the time. */
const DRY_RUN_GUESTS_AT_ONCE = 4

/** Apply a policy to the guests of a site one after the other, in the order of their keys, each as soon as it is asked for. */
export async function* pruneSite(order: SiteOrder, ports: RetentionPorts): AsyncGenerator<SiteEnd, void, void> {
  const { site, guestIds, behind, dryRun } = order
  const guests = (await archivedGuests(site, ports)).filter(
    (guest) =>
      (guestIds === undefined || guestIds.includes(guest.id)) &&
      (behind === undefined || orderOf(guest) > orderOf(behind)),
  )
  const standing = standingOn(order)
  const deal = dealLockLooks(order.lockLooks ?? LOCK_LOOKS)
  yield* inOrder(guests, dryRun ? DRY_RUN_GUESTS_AT_ONCE : 1, async (guest) => {
    const looks = deal()
    try {
      return { guest, result: await pruneOne(guest, standing(guest), order, looks, ports) }
    } finally {
      looks.done()
    }
  })
}

type Standing = Pick<PruneOrder, 'gone' | 'identity' | 'absent'> | { trouble: string }

/** By which rules a guest is judged, from what is known of it on the site. */
function standingOn({ known }: Pick<SiteOrder, 'known'>): (guest: KeyedGuest) => Standing {
  // An id may have gone to a guest of the other kind.
  const present = new Map(known?.guests.map((guest) => [guestName(guest), guest]))
  const book = new Map(known?.absent?.map((guest) => [guestName(guest), guest]))
  return (guest) => {
    const there = present.get(guestName(guest))
    if (known === undefined || there !== undefined) return { gone: false, identity: there?.identity }
    // Either rule could be the wrong one.
    const because = known.mayLack ?? known.doubt
    if (because !== undefined) {
      return { trouble: `It isn't known whether this guest is gone, and nothing was removed: ${because}` }
    }
    const absence = book.get(guestName(guest))
    return absence?.gone === true ? { gone: true } : { gone: false, absent: absentSentence(absence) }
  }
}

/** Why an absent guest keeps everything, the end of a sentence and one more. */
function absentSentence(absence: { since: string; lists: number } | undefined): string {
  const since = absence === undefined ? 'not listed by the site' : absenceText(absence)
  return `the guest is ${since} and not known to be gone. ${goneRule}`
}

/** Folders are listed in the order of their names, slash included. */
function orderOf({ kind, id }: KeyedGuest): string {
  return `${kind}-${id}/`
}

async function pruneOne(
  guest: KeyedGuest,
  standing: Standing,
  { site, policy, by, confirmed, dryRun }: SiteOrder,
  lockLooks: LockLooks,
  ports: RetentionPorts,
): Promise<SiteEnd['result']> {
  if ('trouble' in standing) return standing
  try {
    return await pruneGuest({ site, guest, policy, by, confirmed, dryRun, lockLooks, ...standing }, ports)
  } catch (error) {
    // What is wrong with the bucket, the next guest would meet as well.
    if (!(error instanceof Error) || (error instanceof GuestliftError && error.group === 'fail-run')) throw error
    return { trouble: error.message }
  }
}
