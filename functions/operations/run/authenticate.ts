import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { jobKey, runPrefix, scheduleSlotKey } from '../../domain/books/object-keys.ts'
import { storeNotes } from '../../domain/doctor/store-steps.ts'
import { readAgain, readRequest, type Request } from '../../domain/selection/request.ts'
import { requireConfiguration } from '../configuration/require-configuration.ts'
import type { Ports } from '../ports.ts'
import { keepJob, repeatRun } from './repeat-run.ts'
import { logIn, requirePrivileges } from './require-account.ts'
import { testStore } from './test-store.ts'

type Needs = Pick<
  Ports,
  'store' | 'keyPrefix' | 'defaultSite' | 'writtenJobs' | 'provider' | 'now' | 'sleep' | 'timer' | 'randomToken' | 'log'
>

/**
 * Test the store, read the job, log in, and fail early on whatever would make every guest fail. Asked again, as after a
 * site that didn't answer, it doesn't test the store anew.
 */
export async function authenticate(
  input: TaskInput<'Authenticate'>,
  ports: Needs,
): Promise<TaskOutput<'Authenticate'>> {
  const begun = {
    id: input.runId,
    startedAt: input.startedAt,
    prefix: runPrefix(ports.keyPrefix, input.runId, input.startedAt),
  }
  const facts = await testStore(ports, jobKey(begun.prefix))
  const { proof = 'full-object-crc' } = facts ?? {}
  const run = { ...begun, ...(proof === 'full-object-crc' ? {} : { proof }) }
  const { job, notes, schedule } = await readInput(input.request, ports)
  await keepJob(run.prefix, job, ports)
  const provider = await ports.provider(job.site)
  const { version } = await logIn(job, provider)
  await requirePrivileges(job, provider)
  if (job.siteConfiguration === true) requireConfiguration(provider)
  const duplicateOf = schedule === undefined ? undefined : await claimSlot(schedule, input.runId, ports)
  return {
    run,
    site: job.site,
    platform: provider.platform,
    platformVersion: version,
    job,
    notes: [...notes, ...(facts === undefined ? [] : storeNotes(ports.store.bucket, facts))],
    ...(duplicateOf === undefined ? {} : { duplicateOf }),
  }
}

/** A job, or a run that is to be repeated. */
async function readInput(request: unknown, ports: Needs): Promise<Request> {
  const again = readAgain(request)
  return again === undefined ? readRequest(request, ports.defaultSite, ports.writtenJobs) : repeatRun(again, ports)
}

/** EventBridge Scheduler delivers at least once: the first execution for a scheduled time takes it, later ones are told. */
async function claimSlot(
  schedule: { name: string; scheduledAt: string },
  runId: string,
  { store, keyPrefix }: Pick<Ports, 'store' | 'keyPrefix'>,
): Promise<string | undefined> {
  const key = scheduleSlotKey(keyPrefix, schedule.name, schedule.scheduledAt)
  const written = await store.writeText(key, runId, { contentType: 'text/plain', onlyIf: { absent: true } })
  if (written !== undefined) return undefined
  const owner = (await store.readText(key))?.text
  // The same execution asks again after a retry: it still owns its slot.
  return owner === runId ? undefined : (owner ?? 'an execution that left no name')
}
