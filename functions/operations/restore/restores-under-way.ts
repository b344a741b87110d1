import { findRestore } from '../books/restore-records.ts'
import { leasedIds, readLease } from '../books/restore-leases.ts'
import { unlessUnreadable } from '../books/stored-json.ts'
import type { Ports } from '../ports.ts'

/** Restores to a site that are at work, or died and weren't cleaned up after yet. */
export interface UnderWay {
  /** Ids that they have. */
  ids: ReadonlySet<string>
  /** Nodes on which a drill is at work at this moment. */
  drilledNodes: ReadonlySet<string>
}

/** What can't be read counts as at work, as far as it is about ids: nobody else takes them. */
export async function restoresUnderWay(
  site: string,
  ports: Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'localProcess'>,
): Promise<UnderWay> {
  const ids = new Set<string>()
  const drilledNodes = new Set<string>()
  for (const id of await leasedIds(site, ports)) {
    ids.add(id)
    const lease = await unlessUnreadable(readLease(site, id, ports))
    if (lease === undefined || lease === 'unreadable' || Date.parse(lease.until) <= ports.now().getTime()) continue
    const held = await unlessUnreadable(findRestore({ id: lease.restoreId, startedAt: lease.startedAt }, ports))
    if (held === undefined || held === 'unreadable' || held.value.request.drill === undefined) continue
    drilledNodes.add(held.value.target.node)
  }
  return { ids, drilledNodes }
}
