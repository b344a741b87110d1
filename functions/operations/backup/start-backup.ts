import { AUTO_STORAGE } from '../../contracts/backup-options.ts'
import { BackupPutOff, BackupStartUnclear, NothingBackedUp, StorageUnusable } from '../../contracts/errors.ts'
import type { PlanItem } from '../../contracts/plan-item.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { type AskedWork, START_SETTLES_SECONDS } from '../../domain/backup/guest-claim.ts'
import { archiveFolder } from '../../domain/books/object-keys.ts'
import { LONGEST_DUMP_DAYS, nextWaitSeconds } from '../../domain/backup/poll-wait.ts'
import type { FoundGuest } from '../../providers/guest-facts.ts'
import type { Destination, Provider } from '../../providers/provider.ts'
import type { JobSummary } from '../../providers/job-summary.ts'
import { type ArchiveStorage, storageFor } from './archive-space.ts'
import { changeClaim, forgetJob, type HeldClaim, renewClaim, takeClaim, type ClaimedWork } from '../books/claims.ts'
import { readClock, requireClock } from './clock-check.ts'
import { askForTurn, keepTurn, type Turn } from './dump-turns.ts'
import { complaintAbout } from '../../domain/backup/storage-place.ts'
import { whereItIs } from './guest-now.ts'
import { noteProgress } from '../books/guest-progress.ts'
import { sortJobs, waitOrLeave } from './own-jobs.ts'
import { canGoOnWith } from './kept-job.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider' | 'now' | 'log' | 'sleep' | 'randomToken'>

/** Every job that the node's list still holds: their times are by a clock that may be years off. */
const EVER = new Date(0)
/** A guest that moves between our look and our call is followed this often. */
const MAX_MOVES = 3
/** A platform that is full of backups is asked again after so long. */
const PUT_OFF_SECONDS = 60

/**
 * Start exactly one backup of the guest. In this order: claim the guest, return the job that the claim names, adopt a
 * job that bears our token, ask for the node's turn, note that we ask and by which token, ask, note the job. A call that
 * dies anywhere in between can be repeated. Without a turn nothing is started, and the answer says when to ask again.
 */
export async function startBackup(work: TaskInput<'StartBackup'>, ports: Needs): Promise<TaskOutput<'StartBackup'>> {
  const { item } = work
  let held = await takeClaim(work, ports)
  const provider = await ports.provider(item.site)
  if (!(await canGoOnWith(held.claim, item, provider, ports))) held = await forgetJob(work, held, ports)
  if (held.claim.jobRef !== undefined) {
    const storage = held.claim.storage ?? (await storageOf(item, item.guest.node, provider))
    return started(work, held, { jobRef: held.claim.jobRef, adopted: true, chosen: { storage } }, provider)
  }
  const guest = await whereItIs(item, provider)
  const jobs = await sortJobs(held.claim, guest, EVER, item.backup, provider)
  const adopted = jobs.ours[0] ?? jobs.earlier[0]
  if (adopted !== undefined) {
    const before = jobs.ours.length > 0 ? held.claim : held.claim.earlier
    ports.log('backup-adopted', { site: item.site, guest: guest.id, jobRef: adopted.jobRef })
    const storage = before?.storage ?? (await storageOf(item, guest.node, provider))
    const job = { ...adopted, ...(before?.clock === undefined ? {} : { clock: before.clock }) }
    const found = { job, adopted: true, node: guest.node, chosen: { storage } }
    return record(work, held, found, provider, ports, askedFor(before))
  }
  const asked = held.claim.askedAt
  if (asked !== undefined && ports.now().getTime() - Date.parse(asked) < START_SETTLES_SECONDS * 1000) {
    throw new BackupStartUnclear(
      `Site ${item.site}, node ${guest.node}: a backup of guest ${guest.id} was asked for at ${asked} and the answer was lost. ` +
        'Nothing shows up yet; looking again before asking a second time.',
    )
  }
  const wait = waitOrLeave(item, guest, jobs, ports.now())
  if (wait !== undefined) {
    ports.log('backup-unclear', { site: item.site, guest: guest.id, reason: wait.reason })
    await renewClaim(work, ports)
    await noteProgress(item, { stage: 'waiting', reason: wait.reason }, {}, ports)
    return wait
  }
  const locked = provider.locks?.refusal(guest)
  if (locked !== undefined) throw locked
  const place = { site: item.site, node: guest.node }
  requireClock(place, await readClock(guest.node, provider), provider, 'No backup was started.')
  const known = jobs.all.map((job) => job.jobRef)
  return startInTurn(work, held, guest, known, provider, ports)
}

/**
 * `NothingBackedUp` proves that no job was started, so asking again on the guest's new node is safe, once that node's
 * turn is had.
 */
async function startInTurn(
  work: ClaimedWork,
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
    const turn: Turn = await turnFor(work, where, provider, ports)
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
    // Written before asking: whatever becomes of the answer, the job is known again.
    const token = held.claim.token ?? ports.randomToken()
    const { name, identity } = where
    const asking = {
      askedAt: ports.now().toISOString(),
      knownJobRefs,
      storage,
      token,
      backup: item.backup,
      guest: { name, ...(identity === undefined ? {} : { identity }) },
    }
    held = await changeClaim(work, held, asking, ports)
    try {
      const to = destinationOf(item, held.claim.askedAt, provider, ports)
      const job = await provider.start(where, { ...item.backup, storage }, token, to)
      return await record(work, held, { job, adopted: false, node: where.node, chosen: turn }, provider, ports)
    } catch (error) {
      if (error instanceof BackupPutOff) return putOff(work, { ...held, claim: before.claim }, error, ports)
      if (!(error instanceof NothingBackedUp) || moves === MAX_MOVES) throw error
      const now = await whereItIs(item, provider)
      if (now.node === where.node) throw error
      where = now
    }
  }
}

/**
 * Nothing was begun, so whoever asks next has no answer to wait for.
 * @throws BackupPutOff after days
 */
async function putOff(
  work: ClaimedWork,
  unasked: HeldClaim,
  refusal: BackupPutOff,
  ports: Needs,
): Promise<TaskOutput<'StartBackup'>> {
  const { item } = work
  const waitedDays = (ports.now().getTime() - Date.parse(item.run.startedAt)) / 86_400_000
  await changeClaim(work, unasked, {}, ports)
  if (waitedDays > LONGEST_DUMP_DAYS) throw refusal
  const { message: reason } = refusal
  await noteProgress(item, { stage: 'waiting', reason }, {}, ports)
  return { waitSeconds: PUT_OFF_SECONDS, reason }
}

/** Platforms on which nothing waits for anything else are asked at once. */
async function turnFor(work: ClaimedWork, guest: FoundGuest, provider: Provider, ports: Needs): Promise<Turn> {
  if (provider.traits.turns === undefined) return { storage: work.item.backup.storage }
  return askForTurn(work, guest, provider, ports)
}

/** Where the platform writes the archive itself: its time is when it was asked for, by our clock, in whole seconds. */
function destinationOf(
  { site, guest }: PlanItem,
  askedAt: string | undefined,
  { traits }: Provider,
  { store, keyPrefix, now }: Needs,
): Destination | undefined {
  if (traits.flow === 'copy') return undefined
  const createdAt = `${(askedAt ?? now().toISOString()).slice(0, 19)}.000Z`
  return { bucket: store.bucket, folder: archiveFolder(keyPrefix, site, guest, createdAt), createdAt }
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
  const refusal = await provider.storages?.refusalByRetention(guest, { ...backup, storage })
  if (refusal !== undefined) throw new StorageUnusable(`${at}: ${refusal} The dump was not begun.`)
}

/** Where a job that was begun elsewhere dumps to, as well as can be known. */
async function storageOf({ site, backup }: PlanItem, node: string, provider: Provider): Promise<string> {
  if (backup.storage !== AUTO_STORAGE) return backup.storage
  return (await storageFor(site, node, backup, () => 0, provider)).storage
}

type AskedFor = Partial<Pick<AskedWork, 'token' | 'backup' | 'guest'>>

/** What an adopted job was asked for stays in the claim: whoever goes on with it later must mean the same. */
function askedFor({ token, backup, guest }: { [Key in keyof AskedFor]?: AskedFor[Key] | undefined } = {}): AskedFor {
  return {
    ...(token === undefined ? {} : { token }),
    ...(backup === undefined ? {} : { backup }),
    ...(guest === undefined ? {} : { guest }),
  }
}

interface Begun {
  job: JobSummary
  adopted: boolean
  node: string
  chosen: Pick<ArchiveStorage, 'storage' | 'reason'>
}

async function record(
  work: ClaimedWork,
  held: HeldClaim,
  { job: { jobRef, clock: own }, adopted, node, chosen }: Begun,
  provider: Provider,
  ports: Needs,
  asked: AskedFor = {},
) {
  const startedAt = held.claim.askedAt ?? ports.now().toISOString()
  const { storage } = chosen
  const clock = own ?? (await readClock(node, provider))
  const found = { jobRef, startedAt, storage, ...(clock === undefined ? {} : { clock }), ...asked }
  const named = await changeClaim(work, held, found, ports)
  const there = { ...work, item: { ...work.item, guest: { ...work.item.guest, node } } }
  if (provider.traits.turns !== undefined) await keepTurn(there, { jobRef }, ports)
  return started(there, named, { jobRef, adopted, chosen }, provider)
}

/** The claim names the job by now: if its clock is refused, cleaning up after the guest stops it. */
function started(
  { item: { site, guest } }: ClaimedWork,
  { claim }: HeldClaim,
  { jobRef, adopted, chosen: { storage, reason } }: Pick<Begun, 'adopted' | 'chosen'> & { jobRef: string },
  provider: Provider,
): TaskOutput<'StartBackup'> {
  requireClock({ site, node: guest.node }, claim.clock, provider, 'The backup that just began is stopped.')
  const startedAt = claim.startedAt ?? claim.renewedAt
  const waitSeconds = nextWaitSeconds({ elapsedSeconds: 0 })
  return { jobRef, startedAt, adopted, waitSeconds, storage, ...(reason === undefined ? {} : { reason }) }
}
