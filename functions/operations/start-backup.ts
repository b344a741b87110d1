import {
  BackupStartUnclear,
  GuestLocked,
  GuestMigrating,
  GuestNotFound,
  NodeOffline,
  NothingBackedUp,
} from '../contracts/errors.ts'
import type { PlanItem, TaskInput, TaskOutput } from '../contracts/tasks.ts'
import { START_SETTLES_SECONDS } from '../domain/guest-claim.ts'
import { nextWaitSeconds } from '../domain/poll-wait.ts'
import type { FoundGuest, JobSummary, Provider } from '../providers/provider.ts'
import { changeClaim, type HeldClaim, takeClaim, type Work } from './claims.ts'
import type { Ports } from './ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider' | 'now' | 'log'>

/** How far back a running job of ours may have been started and still be adopted: longer than any dump we know of. */
const ADOPT_WITHIN_HOURS = 48
/** A guest that moves between our look and our call is followed this often. */
const MAX_MOVES = 3

/**
 * Start exactly one backup of the guest. In this order: claim the guest, return the job that the claim names, adopt a
 * job of ours that is there, note that we ask, ask, note the job. A call that dies anywhere in between can be repeated.
 */
export async function startBackup(work: TaskInput<'StartBackup'>, ports: Needs): Promise<TaskOutput<'StartBackup'>> {
  const { item } = work
  const held = await takeClaim(work, ports)
  if (held.claim.jobRef !== undefined) return started(held, held.claim.jobRef, true)
  const provider = await ports.provider(item.site)
  const guest = await whereItIs(item, provider)
  const asked = held.claim.askedAt
  const since = asked === undefined ? hoursBefore(ports.now(), ADOPT_WITHIN_HOURS) : new Date(asked)
  const jobs = await provider.findJobs(guest, since)

  const adopted = jobs.find((job) =>
    asked === undefined ? job.running : !held.claim.knownJobRefs.includes(job.jobRef),
  )
  if (adopted !== undefined) {
    ports.log('backup-adopted', { site: item.site, guest: guest.id, jobRef: adopted.jobRef })
    return record(work, held, adopted, true, ports)
  }
  if (asked !== undefined && ports.now().getTime() - Date.parse(asked) < START_SETTLES_SECONDS * 1000) {
    throw new BackupStartUnclear(
      `Site ${item.site}, node ${guest.node}: a backup of guest ${guest.id} was asked for at ${asked} and the answer was lost. ` +
        'Nothing shows up yet; looking again before asking a second time.',
    )
  }
  refuseLocked(item, guest)
  const noted = await changeClaim(
    work,
    held,
    { askedAt: ports.now().toISOString(), knownJobRefs: jobs.map((job) => job.jobRef) },
    ports,
  )
  return record(work, noted, await ask(item, guest, provider), false, ports)
}

/** `NothingBackedUp` proves that no job was started, so asking again on the guest's new node is safe. */
async function ask(item: PlanItem, guest: FoundGuest, provider: Provider): Promise<JobSummary> {
  let where = guest
  for (let moves = 0; ; moves += 1) {
    try {
      return await provider.startBackup(where, item.backup)
    } catch (error) {
      if (!(error instanceof NothingBackedUp) || moves === MAX_MOVES) throw error
      const now = await whereItIs(item, provider)
      if (now.node === where.node) throw error
      where = now
    }
  }
}

async function whereItIs(item: PlanItem, provider: Provider): Promise<FoundGuest> {
  const [guest] = await provider.findGuests([item.guest.id])
  if (guest === undefined) {
    throw new GuestNotFound(
      `Site ${item.site}: guest ${item.guest.id} was there when the run was planned and is gone now.`,
    )
  }
  if (guest.nodeOffline) {
    throw new NodeOffline(
      `Site ${item.site}: node ${guest.node} with guest ${guest.id} is offline. Bring it back or move the guest.`,
    )
  }
  return guest
}

function refuseLocked(item: PlanItem, guest: FoundGuest): void {
  const where = `Site ${item.site}, node ${guest.node}: guest ${guest.id}`
  if (guest.lock === 'migrate') throw new GuestMigrating(`${where} is migrating. It is archived by the next run.`)
  if (guest.lock !== undefined) {
    throw new GuestLocked(
      `${where} is locked (${guest.lock}). If nothing works on it, unlock it on its node and run again.`,
    )
  }
}

async function record(work: Work, held: HeldClaim, job: JobSummary, adopted: boolean, ports: Needs) {
  const startedAt = held.claim.askedAt ?? ports.now().toISOString()
  const named = await changeClaim(work, held, { jobRef: job.jobRef, startedAt }, ports)
  return started(named, job.jobRef, adopted)
}

function started({ claim }: HeldClaim, jobRef: string, adopted: boolean): TaskOutput<'StartBackup'> {
  const startedAt = claim.startedAt ?? claim.renewedAt
  return { jobRef, startedAt, adopted, waitSeconds: nextWaitSeconds({ elapsedSeconds: 0 }) }
}

function hoursBefore(instant: Date, hours: number): Date {
  return new Date(instant.getTime() - hours * 3_600_000)
}
