import * as z from 'zod'
import { InvalidJob } from '../../contracts/errors.ts'
import { type Again, olderJobSchema, repeatRequestSchema, type WrittenJobSchema } from '../../contracts/job.ts'
import { instantSchema } from '../../contracts/nouns.ts'
import { fromOlderJob, type ReadJob } from './older-job.ts'
import { validationMessage } from '../words/validation-message.ts'
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
  return parse(repeatRequestSchema, withoutSchema(request), 'request to repeat a run').again
}

/**
 * Read an execution's input: a job in either shape, with `schedule` beside it when a schedule sent it.
 * @throws InvalidJob naming each wrong field
 */
export function readRequest(
  request: unknown,
  defaultSite: string | undefined,
  writtenJobSchema: WrittenJobSchema,
): Request {
  if (typeof request !== 'object' || request === null || Array.isArray(request)) {
    throw new InvalidJob('The job must be a JSON object, for example {"site":"hq","guests":{"vmids":[100]}}.')
  }
  const { schedule, ...job } = withoutSchema(request) as Record<string, unknown>
  return {
    ...readJob(job, defaultSite, writtenJobSchema),
    ...(schedule === undefined ? {} : { schedule: parse(scheduleSchema, schedule, 'schedule') }),
  }
}

function readJob(
  job: Record<string, unknown>,
  defaultSite: string | undefined,
  writtenJobSchema: WrittenJobSchema,
): ReadJob {
  if (!('provider' in job)) return { job: parse(writtenJobSchema, job, 'job'), notes: [] }
  const older = parse(olderJobSchema, job, 'job (older shape, since it has "provider")')
  const site = older.site ?? defaultSite
  if (site === undefined) {
    throw new InvalidJob(
      'A job of the older shape names no site, and this deployment has no default site. Add "site" to the job.',
    )
  }
  return fromOlderJob(older, site)
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.output<Schema> {
  const result = schema.safeParse(value)
  if (!result.success) throw new InvalidJob(`The ${what} is malformed: ${validationMessage(result.error)}.`)
  return result.data
}
