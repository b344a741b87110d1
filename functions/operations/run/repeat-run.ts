import { InvalidJob } from '../../contracts/errors.ts'
import { type Again, type Job, jobSchema } from '../../contracts/job.ts'
import type { PlanItem } from '../../contracts/plan-item.ts'
import { jobKey, planKey, runPrefix } from '../../domain/books/object-keys.ts'
import { jobShape, runPlanShape } from '../books/shapes.ts'
import { readRecord, writeRecord } from '../books/stored-json.ts'
import { allOutcomes } from '../books/outcomes.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix'>

/** The job of a run that is repeated, with exactly the guests that it did not archive. */
export interface Repeated {
  job: Job
  notes: string[]
}

/** Keep the job with its run, before anything can fail, so that the run can be repeated. */
export async function keepJob(prefix: string, job: Job, { store }: Needs): Promise<void> {
  await writeRecord(store, jobKey(prefix), jobShape, job)
}

/**
 * What there is to repeat of a run, by what lies in its folder: whatever ended it, and whether or not it left a report. A
 * guest without an outcome was not archived.
 * @throws InvalidJob when the run left nothing, or archived everything
 */
export async function repeatRun({ run, startedAt }: Again, ports: Needs): Promise<Repeated> {
  const { store } = ports
  const again = runPrefix(ports.keyPrefix, run, new Date(startedAt).toISOString())
  const job = await readRecord(store, jobKey(again), jobShape)
  if (job === undefined) {
    throw new InvalidJob(
      `There is no s3://${store.bucket}/${jobKey(again)}: no run of that name and day can be repeated. Start a new run with its job.`,
    )
  }
  const plan = await planOf(again, ports)
  const outcomes = []
  for await (const { outcome } of allOutcomes(again, ports)) {
    // One that can't be read says nothing, and its guest is repeated.
    if (outcome !== 'unreadable') outcomes.push(outcome)
  }
  // It was stopped before it had chosen anybody: the job as it is.
  if (plan === undefined && outcomes.length === 0) return { job, notes: [`Repeats the whole run ${run}.`] }
  const archived = new Set(outcomes.filter(({ outcome }) => outcome === 'succeeded').map(({ id }) => id))
  const asked = new Set([...(plan ?? []).map(({ guest }) => guest.id), ...outcomes.map(({ id }) => id)])
  const missing = [...asked].filter((id) => !archived.has(id))
  if (missing.length === 0) throw new InvalidJob(`Run ${run} archived every guest: there is nothing to repeat.`)
  const guests = jobSchema.shape.guests.parse({ ids: missing })
  return { job: { ...job, guests }, notes: [`Repeats ${missing.length} of ${asked.size} guests of run ${run}.`] }
}

function planOf(prefix: string, { store }: Needs): Promise<PlanItem[] | undefined> {
  return readRecord(store, planKey(prefix), runPlanShape)
}
