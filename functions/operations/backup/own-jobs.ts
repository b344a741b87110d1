import type { BackupOptions } from '../../contracts/backup-options.ts'
import { GuestBusy } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import type { PlanItem } from '../../contracts/plan-item.ts'
import { type GuestClaim, isOfGuest, sameOptions } from '../../domain/backup/guest-claim.ts'
import type { Provider } from '../../providers/provider.ts'
import type { JobSummary } from '../../providers/job-summary.ts'

/** Between two looks at a running job of which nothing shows yet whether it is ours. */
const UNCLEAR_WAIT_SECONDS = 60
/** Waiting for such a job ends this long after the run began. */
const LONGEST_UNCLEAR_SECONDS = 24 * 3600

/** Backup jobs of a guest by whose they are. Newest first. */
export interface SortedJobs {
  /** The token of this claim proves it: running or ended. */
  ours: JobSummary[]
  /** Still running for a run of this bucket that died, of the same guest with the very options that are wanted now. */
  earlier: JobSummary[]
  /** Running, began after this claim asked, and nothing shows yet whose it is. Neither adopted nor stopped. */
  unclear: JobSummary[]
  /** Running, and not ours: another installation's, a person's, an older version's. Neither adopted nor stopped. */
  others: JobSummary[]
  /** All that were found. */
  all: JobSummary[]
}

/**
 * Sort the guest's backup jobs of this account. Evidence makes a job ours, never likeness: its log names the token that
 * the claim wrote down before asking. A claim that asked without one (of a version before there were tokens) has no
 * evidence: what began after it asked is unclear for as long as it runs.
 */
export async function sortJobs(
  claim: GuestClaim,
  guest: Guest,
  since: Date,
  backup: BackupOptions,
  provider: Pick<Provider, 'findJobs' | 'readMark'>,
): Promise<SortedJobs> {
  const all = await provider.findJobs(guest, since)
  const sorted: SortedJobs = { ours: [], earlier: [], unclear: [], others: [], all }
  for (const job of all) {
    const mayBeOurs = claim.askedAt !== undefined && !claim.knownJobRefs.includes(job.jobRef)
    // An ended job is in nobody's way: it counts only if its token can prove it.
    if (!job.running && !(mayBeOurs && claim.token !== undefined)) continue
    const mark = await provider.readMark(job.jobRef)
    const token = mark?.token
    if (token !== undefined && token === claim.token) sorted.ours.push(job)
    else if (!job.running) continue
    else if (isEarlier(claim, job.jobRef, token, guest, backup)) sorted.earlier.push(job)
    else if (mayBeOurs && (claim.token === undefined || mark === undefined)) sorted.unclear.push(job)
    else sorted.others.push(job)
  }
  return sorted
}

function isEarlier(
  { earlier }: GuestClaim,
  jobRef: string,
  token: string | undefined,
  guest: Guest,
  backup: BackupOptions,
): boolean {
  // The id may have been given to another guest since.
  if (earlier === undefined || !isOfGuest(earlier, guest) || !sameOptions(earlier.backup, backup)) return false
  return earlier.jobRef === jobRef || earlier.token === token
}

/**
 * What runs and isn't ours is left alone: the guest is busy. What may be ours is waited for, since a second backup beside
 * it would only double the load.
 * @throws GuestBusy
 */
export function waitOrLeave(
  item: PlanItem,
  guest: Guest,
  { unclear, others }: SortedJobs,
  now: Date,
): { waitSeconds: number; reason: string } | undefined {
  const where = `Site ${item.site}, node ${guest.node}: guest ${guest.id}`
  const [maybe] = unclear
  const patient = now.getTime() - Date.parse(item.run.startedAt) < LONGEST_UNCLEAR_SECONDS * 1000
  if (maybe !== undefined && patient) {
    const reason = `${where} has a running backup (${maybe.jobRef}) that may be the one which was asked for. Its log doesn't show it yet.`
    return { waitSeconds: UNCLEAR_WAIT_SECONDS, reason }
  }
  const [other] = [...others, ...unclear]
  if (other === undefined) return undefined
  throw new GuestBusy(
    `${where} is being backed up by a job that this run didn't start (${other.jobRef}). It is left alone; the guest is ` +
      'archived by the next run, or by this one repeated when that job has ended.',
  )
}
