import { AUTO_STORAGE } from '../contracts/backup-options.ts'
import {
  BackupStartUnclear,
  GuestLocked,
  GuestMigrating,
  GuestNotFound,
  NodeOffline,
  NothingBackedUp,
  StorageUnusable,
} from '../contracts/errors.ts'
import type { PlanItem, TaskInput, TaskOutput } from '../contracts/tasks.ts'
import { START_SETTLES_SECONDS } from '../domain/guest-claim.ts'
import { nextWaitSeconds } from '../domain/poll-wait.ts'
import type { FoundGuest, JobSummary, Provider } from '../providers/provider.ts'
import { type ArchiveStorage, storageFor } from './archive-space.ts'
import { changeClaim, type HeldClaim, renewClaim, takeClaim, type Work } from './claims.ts'
import { askForTurn, keepTurn, type Turn } from './dump-turns.ts'
import { complaintAbout } from './foresee-place.ts'
import { noteProgress } from './guest-progress.ts'
import type { Ports } from './ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider' | 'now' | 'log' | 'sleep'>

/** How far back a running job of ours may have been started and still be adopted: longer than any dump we know of. */
const ADOPT_WITHIN_HOURS = 48
/** A guest that moves between our look and our call is followed this often. */
const MAX_MOVES = 3

/**
 * Start exactly one backup of the guest. In this order: claim the guest, return the job that the claim names, adopt a
 * job of ours that is there, ask for the node's turn, note that we ask, ask, note the job. A call that dies anywhere in
 * between can be repeated. Without a turn nothing is started, and the answer says when to ask again.
 */
export async function startBackup(work: TaskInput<'StartBackup'>, ports: Needs): Promise<TaskOutput<'StartBackup'>> {
  const { item } = work
  const held = await takeClaim(work, ports)
  const provider = await ports.provider(item.site)
  if (held.claim.jobRef !== undefined) {
    const storage = held.claim.storage ?? (await storageOf(item, item.guest.node, provider))
    return started(held, held.claim.jobRef, true, { storage })
  }
  const guest = await whereItIs(item, provider)
  const asked = held.claim.askedAt
  const since = asked === undefined ? hoursBefore(ports.now(), ADOPT_WITHIN_HOURS) : new Date(asked)
  const jobs = await provider.findJobs(guest, since)

  const adopted = jobs.find((job) =>
    asked === undefined ? job.running : !held.claim.knownJobRefs.includes(job.jobRef),
  )
  if (adopted !== undefined) {
    ports.log('backup-adopted', { site: item.site, guest: guest.id, jobRef: adopted.jobRef })
    const storage = held.claim.storage ?? (await storageOf(item, guest.node, provider))
    return record(work, held, { job: adopted, adopted: true, node: guest.node, chosen: { storage } }, ports)
  }
  if (asked !== undefined && ports.now().getTime() - Date.parse(asked) < START_SETTLES_SECONDS * 1000) {
    throw new BackupStartUnclear(
      `Site ${item.site}, node ${guest.node}: a backup of guest ${guest.id} was asked for at ${asked} and the answer was lost. ` +
        'Nothing shows up yet; looking again before asking a second time.',
    )
  }
  refuseLocked(item, guest)
  const known = jobs.map((job) => job.jobRef)
  return startInTurn(work, held, guest, known, provider, ports)
}

/**
 * `NothingBackedUp` proves that no job was started, so asking again on the guest's new node is safe, once that node's
 * turn is had.
 */
async function startInTurn(
  work: Work,
  before: HeldClaim,
  guest: FoundGuest,
  knownJobRefs: string[],
  provider: Provider,
  ports: Needs,
): Promise<TaskOutput<'StartBackup'>> {
  const { item } = work
  let where = guest
  let held = before
  for (let moves = 0; ; moves += 1) {
    const turn: Turn = await askForTurn(work, where, provider, ports)
    if ('waitSeconds' in turn) {
      // Whoever asks next has no answer to wait for.
      if (held !== before) await changeClaim(work, { ...held, claim: before.claim }, {}, ports)
      else await renewClaim(work, ports)
      const { waitSeconds, reason } = turn
      await noteProgress(item, { stage: 'waiting', reason }, {}, ports)
      return { waitSeconds, reason }
    }
    const { storage } = turn
    await refuseStorage(item, where, turn, provider)
    held = await changeClaim(work, held, { askedAt: ports.now().toISOString(), knownJobRefs, storage }, ports)
    try {
      const job = await provider.startBackup(where, { ...item.backup, storage })
      return await record(work, held, { job, adopted: false, node: where.node, chosen: turn }, ports)
    } catch (error) {
      if (!(error instanceof NothingBackedUp) || moves === MAX_MOVES) throw error
      const now = await whereItIs(item, provider)
      if (now.node === where.node) throw error
      where = now
    }
  }
}

/** What a plan would say beforehand. A storage that isn't shown is left to the platform. @throws StorageUnusable */
async function refuseStorage(
  { site, backup }: PlanItem,
  guest: FoundGuest,
  { storage, record: state }: ArchiveStorage,
  provider: Provider,
): Promise<void> {
  const at = `Site ${site}, node ${guest.node}, guest ${guest.id}`
  const complaint = state === undefined ? undefined : complaintAbout(state)
  if (complaint !== undefined)
    throw new StorageUnusable(`${at}: storage ${storage} ${complaint} The dump was not begun.`)
  const refusal = await provider.refusalByRetention?.(guest, { ...backup, storage })
  if (refusal !== undefined) throw new StorageUnusable(`${at}: ${refusal} The dump was not begun.`)
}

/** Where a job that was begun elsewhere dumps to, as well as can be known. */
async function storageOf({ site, backup }: PlanItem, node: string, provider: Provider): Promise<string> {
  if (backup.storage !== AUTO_STORAGE) return backup.storage
  return (await storageFor(site, node, backup, () => 0, provider)).storage
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

interface Begun {
  job: JobSummary
  adopted: boolean
  node: string
  chosen: Pick<ArchiveStorage, 'storage' | 'reason'>
}

async function record(work: Work, held: HeldClaim, { job, adopted, node, chosen }: Begun, ports: Needs) {
  const startedAt = held.claim.askedAt ?? ports.now().toISOString()
  const { storage } = chosen
  const named = await changeClaim(work, held, { jobRef: job.jobRef, startedAt, storage }, ports)
  await keepTurn(
    { ...work, item: { ...work.item, guest: { ...work.item.guest, node } } },
    { jobRef: job.jobRef },
    ports,
  )
  return started(named, job.jobRef, adopted, chosen)
}

function started(
  { claim }: HeldClaim,
  jobRef: string,
  adopted: boolean,
  { storage, reason }: Begun['chosen'],
): TaskOutput<'StartBackup'> {
  const startedAt = claim.startedAt ?? claim.renewedAt
  const waitSeconds = nextWaitSeconds({ elapsedSeconds: 0 })
  return { jobRef, startedAt, adopted, waitSeconds, storage, ...(reason === undefined ? {} : { reason }) }
}

function hoursBefore(instant: Date, hours: number): Date {
  return new Date(instant.getTime() - hours * 3_600_000)
}
