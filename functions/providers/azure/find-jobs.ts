/** Which backups of a guest there are, by what they left. */
import type { Guest } from '../../contracts/nouns.ts'
import type { JobSummary } from '../job-summary.ts'
import { formatJobRef, type JobRef, parsePointName } from './identifiers.ts'
import { checkSnapshots, lookAt } from './progress.ts'
import { collectionSchema } from './schemas.ts'
import type { SiteSession } from './site-session.ts'
import { snapshotSets } from './snapshot-sets.ts'
import { nextStep } from './steps.ts'
import { markOf } from './tags.ts'

/** Backups of the guest that bear this site's mark. */
export async function findJobs(session: SiteSession, guest: Guest, since: Date): Promise<JobSummary[]> {
  return session.orFact(`region ${guest.node}, guest ${guest.id}`, 'looking for backups of ours', async () => {
    const jobs = [...(await jobsByPoint(session, guest.id)), ...(await jobsBySnapshot(session, guest.id))]
    const summaries: JobSummary[] = []
    for (const job of jobs) {
      const { running } = job.freeze === 'snapshots' ? await checkSnapshots(session, job) : await glance(session, job)
      summaries.push({ jobRef: formatJobRef(job), startedAt: job.at, running })
    }
    return summaries
      .filter(({ running, startedAt }) => running || Date.parse(startedAt) >= since.getTime())
      .toSorted((one, other) => Date.parse(other.startedAt) - Date.parse(one.startedAt))
  })
}

async function glance(session: SiteSession, job: JobRef): Promise<{ running: boolean }> {
  const { step } = nextStep(job, await lookAt(session, job))
  return { running: step === 'wait' || step === 'make-crash-point' }
}

async function jobsByPoint(session: SiteSession, guestId: string): Promise<JobRef[]> {
  const call = { ...session.collection(guestId), query: { $expand: 'restorePoints' } }
  const collection = await session.arm.find(call, collectionSchema)
  const mark = collection === undefined ? undefined : markOf(collection.tags, session.owner)
  if (collection === undefined || mark?.guestId !== guestId) return []
  const jobs = new Map<string, JobRef>()
  for (const { name, properties } of collection.properties.restorePoints) {
    const token = parsePointName(name)?.token
    if (token === undefined) continue
    const known = mark.job?.token === token ? mark.job : undefined
    jobs.set(token, known ?? jobOfPoint(session, guestId, token, properties.timeCreated))
  }
  return [...jobs.values()]
}

/** An older point: the tags are of a later backup, and only its name and time are known. */
export function jobOfPoint(
  session: SiteSession,
  guestId: string,
  token: string,
  timeCreated: string | undefined,
): JobRef {
  const made = Date.parse(timeCreated ?? '')
  const at = (Number.isNaN(made) ? new Date(0) : new Date(made)).toISOString()
  return { guestId, token, freeze: 'restore-point', consistency: session.site.consistency, off: false, at, skip: [] }
}

async function jobsBySnapshot(session: SiteSession, guestId: string): Promise<JobRef[]> {
  return (await snapshotSets(session, { guestId })).map(({ job }) => job)
}
