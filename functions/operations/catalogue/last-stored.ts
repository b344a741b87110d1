import type { GuestIdentity } from '../../contracts/nouns.ts'
import { timeOf } from '../../domain/time/archive-time.ts'
import { guestsOfId, presentGuest } from '../../domain/identity/guests-of-id.ts'
import type { KeyedGuest } from '../../domain/books/object-keys.ts'
import type { Ports } from '../ports.ts'
import { readCatalogue } from './read-catalogue.ts'

export interface LastStored {
  /** ISO instant: the archive's own time on the platform. */
  createdAt: string
  sizeBytes: number
  compress: string
}

/**
 * The newest archive of a guest in the bucket that has a manifest; `undefined` when there is none that can be read. By
 * trusted time, and never one of another guest that had the id before, where it is known who has it.
 */
export async function lastStored(
  site: string,
  { kind, id, identity }: KeyedGuest & { identity?: GuestIdentity | undefined },
  ports: Pick<Ports, 'store' | 'keyPrefix'>,
): Promise<LastStored | undefined> {
  for await (const { guest, entries } of readCatalogue({ site, guestId: id }, ports)) {
    if (guest.kind !== kind) continue
    const present = presentGuest(guestsOfId(entries, identity).guests)
    const newest = present?.archives.at(-1)
    // One that is newer and can't be read now would tell more: an older one says too little of what is to come.
    const unread = present?.strays.some((one) => one.state === 'unreadable' && newest && timeOf(one) > timeOf(newest))
    if (newest?.facts === undefined || unread === true) return undefined
    return { createdAt: newest.createdAt, sizeBytes: newest.artifactBytes, compress: newest.facts.compress }
  }
  return undefined
}
