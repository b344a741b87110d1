/** Which backups of a guest there are, by what they left. */
import type { Guest } from '../../contracts/nouns.ts'
import type { JobSummary } from '../job-summary.ts'
import { jobsIn, ownCollection } from './collections.ts'
import { formatJobRef, type JobRef } from './identifiers.ts'
import { checkSnapshots, lookAt } from './progress.ts'
import type { SiteSession } from './site-session.ts'
import { snapshotSets } from './snapshot-sets.ts'
import { nextStep } from './steps.ts'

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
  const own = await ownCollection(session, guestId)
  return own === undefined ? [] : jobsIn(session, guestId, own)
}

async function jobsBySnapshot(session: SiteSession, guestId: string): Promise<JobRef[]> {
  return (await snapshotSets(session, { guestId })).map(({ job }) => job)
}
