import { olderFirst } from '../time/archive-time.ts'
import type { GuestArchives } from './catalogue.ts'
import { guestsOfId } from '../identity/guests-of-id.ts'

/** The archives of one guest, as people are shown them. */
export interface CataloguedGuest extends GuestArchives {
  /** What it was called last; empty where no manifest tells. */
  name: string
  /** Another guest was archived under the same id since. */
  former: boolean
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
    { site, guest, entries: first, name: present?.name ?? '', former: false },
    ...former.map(({ name, archives }) => ({ site, guest, entries: archives, name, former: true })),
  ]
}
