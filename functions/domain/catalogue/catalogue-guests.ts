import { olderFirst } from '../time/archive-time.ts'
import type { GuestIdentity } from '../../contracts/nouns.ts'
import type { GuestArchives } from './catalogue.ts'
import { guestsOfId } from '../identity/guests-of-id.ts'

/** The archives of one guest, as people are shown them. */
export interface CataloguedGuest extends GuestArchives {
  /** What it was called last; empty where no manifest tells. */
  name: string
  /** Another guest was archived under the same id since. */
  former: boolean
  /** Absent where no manifest tells. */
  identity?: GuestIdentity
}

/**
 * The guests whose archives lie under one id: the one that was archived last, then those that had the id before, the
 * latest first. What can't be told whose it is stands with the first.
 * @param guest all of its archives: of some of them, nobody can tell which guest was the last
 */
export function guestsIn({ site, guest, entries }: GuestArchives): CataloguedGuest[] {
  const { guests, strays } = guestsOfId(entries, undefined)
  const present = guests.find(({ standing }) => standing === 'current')
  const first = [...(present?.archives ?? []), ...strays].toSorted(olderFirst)
  const former = guests.filter((one) => one !== present).toReversed()
  return [
    { site, guest, entries: first, name: present?.name ?? '', former: false, ...identityOf(present) },
    ...former.map((one) => ({
      site,
      guest,
      entries: one.archives,
      name: one.name,
      former: true,
      ...identityOf(one),
    })),
  ]
}

function identityOf(guest: { identity?: GuestIdentity } | undefined): Pick<CataloguedGuest, 'identity'> {
  return guest?.identity === undefined ? {} : { identity: guest.identity }
}
