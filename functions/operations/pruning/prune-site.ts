import { GuestliftError } from '../../contracts/errors.ts'
import type { GuestIdentity } from '../../contracts/nouns.ts'
import type { Retention } from '../../contracts/retention.ts'
import type { GuestRetention } from '../../contracts/retention-report.ts'
import type { KeyedGuest } from '../../domain/books/object-keys.ts'
import { absenceText, goneRule, guestName } from '../../domain/identity/presence.ts'
import { archivedGuests } from '../selection/look-at-site.ts'
import { pruneGuest } from './prune-guest.ts'
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
}

/**
 * Of so many archives a dry run asks for locks, in the order of guests; of the others the report says that it didn't. A
 * request for each version of each archive would take longer than all else; before one is removed, it is asked for always.
 */
export const DRY_RUN_LOCK_LOOKS = 1000

export interface SiteEnd {
  /** A plan or report for each guest, and why one could not be looked at. */
  guest: KeyedGuest
  result: GuestRetention | { trouble: string }
}

/** Apply a policy to the guests of a site one after the other, in the order of their keys, each as soon as it is asked for. */
export async function* pruneSite(order: SiteOrder, ports: RetentionPorts): AsyncGenerator<SiteEnd, void, void> {
  const { site, guestIds, behind, known, ...rest } = order
  let lockLooks = DRY_RUN_LOCK_LOOKS
  const book = new Map(known?.absent?.map((guest) => [guestName(guest), guest]))
  for (const guest of await archivedGuests(site, ports)) {
    if (guestIds !== undefined && !guestIds.includes(guest.id)) continue
    if (behind !== undefined && orderOf(guest) <= orderOf(behind)) continue
    // An id may have gone to a guest of the other kind.
    const present = known?.guests.find((one) => guestName(one) === guestName(guest))
    if (known === undefined || present !== undefined) {
      const identity = present?.identity === undefined ? {} : { identity: present.identity }
      const result = await pruneOne({ ...rest, site, guest, gone: false, ...identity, lockLooks }, ports)
      lockLooks -= lookedAt(result)
      yield { guest, result }
      continue
    }
    // Either rule could be the wrong one.
    const because = known.mayLack ?? known.doubt
    if (because !== undefined) {
      const trouble = `It isn't known whether this guest is gone, and nothing was removed: ${because}`
      yield { guest, result: { trouble } }
      continue
    }
    const absence = book.get(guestName(guest))
    const gone = absence?.gone === true
    const absent = gone ? {} : { absent: absentSentence(absence) }
    const result = await pruneOne({ ...rest, site, guest, gone, ...absent, lockLooks }, ports)
    lockLooks -= lookedAt(result)
    yield { guest, result }
  }
}

/** Archives of which a dry run asked for locks. */
function lookedAt(result: SiteEnd['result']): number {
  return 'trouble' in result ? 0 : result.toRemove - (result.locksNotAsked ?? 0)
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

async function pruneOne(order: Parameters<typeof pruneGuest>[0], ports: RetentionPorts): Promise<SiteEnd['result']> {
  try {
    return await pruneGuest(order, ports)
  } catch (error) {
    // What is wrong with the bucket, the next guest would meet as well.
    if (!(error instanceof Error) || (error instanceof GuestliftError && error.group === 'fail-run')) throw error
    return { trouble: error.message }
  }
}
