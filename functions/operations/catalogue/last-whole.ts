import type { GuestIdentity } from '../../contracts/nouns.ts'
import type { KeyedGuest } from '../../domain/books/object-keys.ts'
import { guestsOfId, presentGuest } from '../../domain/identity/guests-of-id.ts'
import { timeOf } from '../../domain/time/archive-time.ts'
import type { Ports } from '../ports.ts'
import { readCatalogue } from './read-catalogue.ts'

/**
 * When the newest archive of a guest was made that a restore could take, by a clock that can be trusted: all of its files
 * are there, and no reading refused it. `null` where there is none; never that of another guest that had the id before,
 * where it is known who has it.
 */
export async function lastWholeAt(
  site: string,
  { kind, id, identity }: KeyedGuest & { identity?: GuestIdentity | undefined },
  ports: Pick<Ports, 'store' | 'keyPrefix'>,
): Promise<string | null> {
  for await (const { guest, entries } of readCatalogue({ site, guestId: id }, ports)) {
    if (guest.kind !== kind) continue
    const whole = (presentGuest(guestsOfId(entries, identity).guests)?.archives ?? []).filter(
      ({ state, verification }) => state === 'complete' && verification?.state !== 'failed',
    )
    return whole.length === 0 ? null : new Date(Math.max(...whole.map(timeOf))).toISOString()
  }
  return null
}
