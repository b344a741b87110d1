import * as z from 'zod'
import { InvalidJob } from '../../contracts/errors.ts'
import { type Again, type ReadJob, repeatRequestSchema, type WrittenJobs } from '../../contracts/job.ts'
import { instantSchema } from '../../contracts/nouns.ts'
import { parseRequest } from './parse-request.ts'
import { withoutSchema } from '../words/without-schema.ts'

/** What a schedule adds to the job in its input; a person's input has none of it. */
const scheduleSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/),
  /** EventBridge Scheduler's own scheduled time: the same for each delivery of one firing. */
  scheduledAt: instantSchema,
})

export interface Request extends ReadJob {
  schedule?: z.infer<typeof scheduleSchema>
}

/**
 * The run that an execution's input asks to repeat; `undefined` for a job. What an event adds to a job is no part of it.
 * @throws InvalidJob naming each wrong field
 */
export function readAgain(request: unknown): Again | undefined {
  if (typeof request !== 'object' || request === null || !('again' in request)) return undefined
  return parseRequest(repeatRequestSchema, withoutSchema(request), 'request to repeat a run').again
}

/**
 * Read an execution's input: a job in any of its shapes, with `schedule` beside it when a schedule sent it.
 * @throws InvalidJob naming each wrong field
 */
export function readRequest(request: unknown, defaultSite: string | undefined, writtenJobs: WrittenJobs): Request {
  if (typeof request !== 'object' || request === null || Array.isArray(request)) {
    throw new InvalidJob('The job must be a JSON object, for example {"site":"hq","guests":{"vmids":[100]}}.')
  }
  const { schedule, ...job } = withoutSchema(request) as Record<string, unknown>
  return {
    ...readJob(job, defaultSite, writtenJobs),
    ...(schedule === undefined ? {} : { schedule: parseRequest(scheduleSchema, schedule, 'schedule') }),
  }
}

function readJob(
  job: Record<string, unknown>,
  defaultSite: string | undefined,
  { schema, olderShapes }: WrittenJobs,
): ReadJob {
  const older = olderShapes.find((shape) => shape.is(job))
  if (older !== undefined) return older.read(job, defaultSite)
  return { job: parseRequest(schema, job, 'job'), notes: [] }
}
