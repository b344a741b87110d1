import type { PlanItem } from '../contracts/tasks.ts'
import type { GuestClaim } from '../domain/guest-claim.ts'
import type { Ports } from './ports.ts'

/** A stopped job gets this long to clean up on its node (Proxmox kills a worker 5 s after asking it to end). */
const STOP_TIMEOUT_SECONDS = 60
/** A worker takes its guest's lock off last; one that was killed never does. */
const UNLOCK_TIMEOUT_SECONDS = 30

export interface StoppedJob {
  /** Something ran and was stopped: the claim's job has nothing left that could be gone on with. */
  stopped: boolean
  /** Why the guest stays locked and how to free it; absent when it is free. A sentence. */
  leftLock?: string
}

/**
 * Stop the claim's job if it runs, wait for its end, and see that the guest's lock is gone. A job that ended already is
 * left alone; one that was asked for and never named is looked up first.
 */
export async function stopJob(claim: GuestClaim, item: PlanItem, ports: Pick<Ports, 'provider'>): Promise<StoppedJob> {
  if (claim.jobRef === undefined && claim.askedAt === undefined) return { stopped: false }
  const provider = await ports.provider(item.site)
  const [guest] = await provider.findGuests([item.guest.id])
  const running: string[] = []
  if (claim.jobRef !== undefined) {
    if ((await provider.checkBackup(claim.jobRef)).running) running.push(claim.jobRef)
  } else {
    const jobs = await provider.findJobs(guest ?? item.guest, new Date(claim.askedAt ?? item.run.startedAt))
    running.push(
      ...jobs.filter((job) => job.running && !claim.knownJobRefs.includes(job.jobRef)).map(({ jobRef }) => jobRef),
    )
  }
  for (const jobRef of running) await provider.stopBackup(jobRef, STOP_TIMEOUT_SECONDS)
  const stopped = running.length > 0
  // A guest that is gone is not locked either.
  const left = guest === undefined ? undefined : await provider.awaitUnlocked(guest, UNLOCK_TIMEOUT_SECONDS)
  return { stopped, ...(left === undefined ? {} : { leftLock: left.advice }) }
}
