import type { PlanItem } from '../../contracts/plan-item.ts'
import type { GuestClaim } from '../../domain/backup/guest-claim.ts'
import { sortJobs } from './own-jobs.ts'
import type { Ports } from '../ports.ts'

/** A stopped job gets this long to clean up on its node (Proxmox kills a worker 5 s after asking it to end). */
const STOP_TIMEOUT_SECONDS = 60
/** A worker takes its guest's lock off last; one that was killed never does. */
const UNLOCK_TIMEOUT_SECONDS = 30

export interface StoppedJob {
  /** Something ran and was stopped: the claim's job has nothing left that could be gone on with. */
  stopped: boolean
  /** Jobs that run and may be the one that was asked for. They are left alone, since nothing shows that they are. */
  unclear: string[]
  /** Why the guest stays locked and how to free it; absent when it is free. A sentence. */
  leftLock?: string
}

/**
 * Stop the claim's job if it runs, wait for its end, and see that the guest's lock is gone. A job that ended already is
 * left alone; one that was asked for and never named is looked up by the claim's token.
 */
export async function stopJob(claim: GuestClaim, item: PlanItem, ports: Pick<Ports, 'provider'>): Promise<StoppedJob> {
  if (claim.jobRef === undefined && claim.askedAt === undefined) return { stopped: false, unclear: [] }
  const provider = await ports.provider(item.site)
  const [guest] = await provider.findGuests([item.guest.id])
  const running: string[] = []
  const unclear: string[] = []
  let othersRun = false
  if (claim.jobRef !== undefined) {
    if ((await provider.check(claim.jobRef)).running) running.push(claim.jobRef)
  } else {
    const since = new Date(claim.askedAt ?? item.run.startedAt)
    const jobs = await sortJobs(claim, guest ?? item.guest, since, item.backup, provider)
    running.push(...jobs.ours.filter((job) => job.running).map(({ jobRef }) => jobRef))
    unclear.push(...jobs.unclear.map(({ jobRef }) => jobRef))
    othersRun = jobs.unclear.length + jobs.others.length > 0
  }
  for (const jobRef of running) await provider.stop(jobRef, STOP_TIMEOUT_SECONDS)
  const stopped = running.length > 0
  // A guest that is gone is not locked either, and one that another's job works on is locked for a reason.
  const left =
    guest === undefined || othersRun ? undefined : await provider.locks?.awaitFreed(guest, UNLOCK_TIMEOUT_SECONDS)
  return { stopped, unclear, ...(left === undefined ? {} : { leftLock: left.advice }) }
}
