import { GuestliftError } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import { archiveTime, timeOf } from '../../domain/time/archive-time.ts'
import { guestsOfId, presentGuest } from '../../domain/identity/guests-of-id.ts'
import { readIndex } from '../catalogue/catalogue-index.ts'
import { inOrder } from '../books/ordered-lookahead.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'log'>

/** Index objects that are read at the same time: one small GET a guest, so ten thousand take a minute at most. */
const READ_AHEAD = 64

/**
 * The guests of a run in the order of how long ago each was archived, those with no known archive first. Where a run has
 * more guests than its nodes can serve in time, it is not the same ones then that go without each night. By our own
 * clock and the guest's own archives, as the catalogue's index has them. It is an order and nothing more: where the index
 * lags behind or can't be read, a guest comes too early.
 */
export async function longestWaitingFirst<Item extends { guest: Guest }>(
  site: string,
  items: readonly Item[],
  ports: Needs,
): Promise<Item[]> {
  try {
    const dated: { item: Item; at: number }[] = []
    const read = async (item: Item) => ({ item, at: await lastArchived(site, item.guest, ports) })
    for await (const one of inOrder(items, READ_AHEAD, read)) dated.push(one)
    return dated.toSorted((one, other) => one.at - other.at).map(({ item }) => item)
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    ports.log('order-unknown', { site, reason: error.message })
    return [...items]
  }
}

/** Of its newest archive that wasn't refused when it was read back, in milliseconds; 0 when none is known. */
async function lastArchived(site: string, guest: Guest, ports: Needs): Promise<number> {
  const { archives } = await readIndex(site, guest, ports)
  const usable = [...archives.values()]
    .filter(({ verification }) => verification?.state !== 'failed')
    .map(({ facts }) => ({ createdAt: facts.createdAt, at: archiveTime(facts), facts }))
  const present = presentGuest(guestsOfId(usable, guest.identity).guests)
  return Math.max(0, ...(present?.archives ?? []).map(timeOf))
}
