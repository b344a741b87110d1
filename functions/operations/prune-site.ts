import { GuestliftError } from '../contracts/errors.ts'
import type { Retention } from '../contracts/retention.ts'
import type { GuestRetention } from '../contracts/retention-report.ts'
import { archivesPrefix, type KeyedGuest } from '../domain/object-keys.ts'
import { pruneGuest } from './prune-guest.ts'
import type { RetentionPorts } from './retention-ports.ts'

/** Which guests a site has now, as far as it was asked. */
export interface KnownGuests {
  guests: readonly KeyedGuest[]
  /** Why the site may have more than it showed, a sentence: a guest that isn't among them may be there all the same. */
  mayLack?: string
}

export interface SiteOrder {
  site: string
  policy: Retention
  /** Only these ids; all that have archives when absent. */
  guestIds?: readonly string[]
  /** Go on behind this guest, in the order of the keys. */
  behind?: KeyedGuest
  /** Absent: the site wasn't asked, and every guest counts as present. */
  known?: KnownGuests
  confirmed: boolean
  dryRun: boolean
}

export interface SiteEnd {
  /** A plan or report for each guest, and why one could not be looked at. */
  guest: KeyedGuest
  result: GuestRetention | { trouble: string }
}

/** Apply a policy to the guests of a site one after the other, in the order of their keys, each as soon as it is asked for. */
export async function* pruneSite(order: SiteOrder, ports: RetentionPorts): AsyncGenerator<SiteEnd, void, void> {
  const { site, guestIds, behind, known, ...rest } = order
  for (const guest of await archivedGuests(site, ports)) {
    if (guestIds !== undefined && !guestIds.includes(guest.id)) continue
    if (behind !== undefined && orderOf(guest) <= orderOf(behind)) continue
    // An id may have gone to a guest of the other kind.
    const absent = known !== undefined && !known.guests.some(({ id, kind }) => id === guest.id && kind === guest.kind)
    if (absent && known.mayLack !== undefined) {
      // Either rule could be the wrong one.
      yield {
        guest,
        result: {
          trouble: `It isn't known whether this guest is gone, and nothing was removed: ${known.mayLack}`,
        },
      }
      continue
    }
    yield { guest, result: await pruneOne({ ...rest, site, guest, gone: absent }, ports) }
  }
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

async function archivedGuests(site: string, { store, keyPrefix }: RetentionPorts): Promise<KeyedGuest[]> {
  const folders = await store.listFolders(`${archivesPrefix(keyPrefix)}${site}/`)
  return folders.flatMap((folder) => {
    const [, kind, id] = /\/(vm|container)-([^/]+)\/$/.exec(folder) ?? []
    return id === undefined || (kind !== 'vm' && kind !== 'container') ? [] : [{ kind, id }]
  })
}
