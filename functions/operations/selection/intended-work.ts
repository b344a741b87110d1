import type { Job } from '../../contracts/job.ts'
import { namedIds } from '../../contracts/selection.ts'
import type { IntendedPool, IntendedWork } from '../../providers/intended-work.ts'

/** What a job is going to do, as far as privileges can be told from it before any guest is chosen. */
export function intendedWork({ guests, backup, deleteSource }: Job): IntendedWork {
  return {
    guestIds: namedIds(guests),
    everyGuest: guests.all === true,
    pools: poolsOf(guests),
    excludedPools: poolsOf(guests.exclude ?? {}),
    storage: backup.storage,
    deleteSource,
    options: backup,
  }
}

function poolsOf({ pools = [], subPools = true }: Pick<Job['guests'], 'pools' | 'subPools'>): IntendedPool[] {
  return pools.map((pool) => ({ pool, subPools }))
}
