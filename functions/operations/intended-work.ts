import type { Job } from '../contracts/job.ts'
import type { IntendedWork } from '../providers/provider.ts'

/** What a job is going to do, as far as privileges can be told from it before any guest is chosen. */
export function intendedWork({ guests, backup, deleteSource }: Job): IntendedWork {
  return {
    guestIds: (guests.vmids ?? []).map(String),
    everyGuest: guests.all === true,
    pools: guests.pools ?? [],
    excludedPools: guests.exclude?.pools ?? [],
    storage: backup.storage,
    deleteSource,
    options: backup,
  }
}
