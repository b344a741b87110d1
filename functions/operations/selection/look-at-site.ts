import type { SiteBook } from '../../contracts/site-book.ts'
import { counted } from '../../domain/words/counted.ts'
import { archivesPrefix, type KeyedGuest } from '../../domain/books/object-keys.ts'
import {
  type AbsentGuest,
  absentGuests,
  guestName,
  tooManyAbsent,
  withList,
  withSettled,
} from '../../domain/identity/presence.ts'
import type { GuestRecord } from '../../providers/guest-facts.ts'
import type { Provider } from '../../providers/provider.ts'
import { type BookPorts, changeSiteBook, pinnedFirst, readSiteBook, requirePinned } from '../books/site-book.ts'
import type { Ports } from '../ports.ts'

/** A site's guests, and what is to be thought of those that have archives and aren't among them. */
export interface SiteLook {
  guests: GuestRecord[]
  /** Why there may be guests that aren't in the list, a sentence; absent when it is whole. */
  mayLack?: string
  /** Guests with archives that the list lacks. Without `gone` where the list isn't whole. */
  absent: AbsentGuest[]
  /** So many vanished at once, or all, that a person has to look: a sentence. */
  doubt?: string
}

/** What is asked of a site about its guests. */
export type SitesWitness = Pick<Provider, 'listGuests' | 'clusterId' | 'privilegeToSee'>

export interface SiteLookOrder {
  site: string
  provider: SitesWitness
  /** A person says that the guests which aren't listed are gone, however many, and that a list of none is right. */
  confirmedGone?: boolean
  /** Keep what was found in the site's book. Without, the same is found and nothing written. */
  record: boolean
  /** Guests that are gone are treated so from now on, unless there is doubt: they are no news the next time. */
  settle?: boolean
}

/**
 * Ask a site for its guests and judge by its book which archived ones are absent, and which of these gone.
 * @throws ClusterChanged when another cluster answers; the provider's and the store's errors
 */
export async function lookAtSite(order: SiteLookOrder, ports: BookPorts): Promise<SiteLook> {
  const { site, provider, record, confirmedGone = false, settle = false } = order
  // Before its list is believed.
  const clusterId = await provider.clusterId()
  const { book } = await readSiteBook(site, ports)
  requirePinned(book, clusterId, ports)
  const { guests, mayLack } = await provider.listGuests('identities')
  const archived = await archivedGuests(site, ports)
  const at = ports.now().toISOString()
  let unsure: string | undefined
  let doubt: string | undefined
  const change = (before: SiteBook): SiteBook => {
    requirePinned(before, clusterId, ports)
    const pinned = pinnedFirst(before, clusterId, at)
    doubt = nobody(before, guests, archived, confirmedGone, provider.privilegeToSee())
    unsure = mayLack ?? doubt ?? unknownCluster(before, clusterId)
    // A list that may lack some proves nothing, neither that a guest is absent nor since when.
    if (unsure !== undefined) return pinned
    const listed = withList(pinned, guests, archived, at)
    doubt = confirmedGone ? undefined : tooManyAbsent(listed, provider.privilegeToSee())
    return settle && doubt === undefined ? withSettled(listed, confirmedGone ? 'all' : 'gone', at) : listed
  }
  // Where others always came first, they have just recorded lists of their own.
  const after = (record ? await changeSiteBook(site, change, ports) : undefined) ?? change(book)
  const doubted = doubt === undefined ? {} : { doubt }
  if (unsure !== undefined) return { guests, mayLack: unsure, absent: [], ...doubted }
  return { guests, absent: absentGuests(after), ...doubted }
}

/** Keep a list that was made for something else: it is as good a witness. Nothing is judged. */
export async function recordList(
  {
    site,
    provider,
    list,
  }: {
    site: string
    provider: Pick<Provider, 'clusterId' | 'privilegeToSee'>
    list: Pick<SiteLook, 'guests' | 'mayLack'>
  },
  ports: BookPorts,
): Promise<void> {
  const witness = {
    clusterId: () => provider.clusterId(),
    privilegeToSee: () => provider.privilegeToSee(),
    listGuests: async () => ({ ...list, notes: [] }),
  }
  await lookAtSite({ site, provider: witness, record: true }, ports)
}

/** The site's guests that have a folder of archives, in the order of their keys. */
export async function archivedGuests(
  site: string,
  { store, keyPrefix }: Pick<Ports, 'store' | 'keyPrefix'>,
): Promise<KeyedGuest[]> {
  const folders = await store.listFolders(`${archivesPrefix(keyPrefix)}${site}/`)
  return folders.flatMap((folder) => {
    const [, kind, id] = /\/(vm|container)-([^/]+)\/$/.exec(folder) ?? []
    return id === undefined || (kind !== 'vm' && kind !== 'container') ? [] : [{ kind, id }]
  })
}

/** An empty site and one that hides everything look the same. */
function nobody(
  { site, guests: booked }: SiteBook,
  listed: readonly KeyedGuest[],
  archived: readonly KeyedGuest[],
  confirmed: boolean,
  toSee: string,
): string | undefined {
  const settled = new Set(booked.filter(({ settledAt }) => settledAt !== undefined).map(guestName))
  const missed = archived.filter((guest) => !settled.has(guestName(guest)))
  if (listed.length > 0 || missed.length === 0 || confirmed) return undefined
  return (
    `Site ${site} lists no guest at all, and there are archives of ${counted(missed.length, 'guest')}. Look whether its ` +
    `account still sees them (${toSee}). If the site is empty on purpose, a person has to confirm that.`
  )
}

function unknownCluster({ site, cluster }: SiteBook, id: string | undefined): string | undefined {
  if (id !== undefined || cluster === undefined) return undefined
  return `Site ${site} doesn't show which cluster answers, so it may not be the one that the archives come from.`
}
