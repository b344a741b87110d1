import { AsyncLocalStorage } from 'node:async_hooks'
import * as z from 'zod'

/** What a call is about, by the fields that people look for: `guest` is its id. */
export interface LogSubject {
  site?: string | undefined
  guest?: string | undefined
  run?: string | undefined
  restore?: string | undefined
}

const subjects = new AsyncLocalStorage<LogSubject>()

/** One JSON line on standard output: what CloudWatch indexes, and what the local runner reads progress from. */
export function logLine(event: string, fields: Record<string, unknown>): void {
  const line = { event, at: new Date().toISOString(), ...subjects.getStore(), ...fields }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/** Each line that is printed by the work, or by what goes on for it, says what it is about. */
export function loggedAbout<Result>(subject: LogSubject, work: () => Result): Result {
  return subjects.run(subject, work)
}

const itemSchema = z.object({
  item: z.object({ site: z.string(), guest: z.object({ id: z.string() }), run: z.object({ id: z.string() }) }),
})
const restoreSchema = z.object({ restore: z.object({ id: z.string() }) })

/** What a payload is about, read before anything is known to be right about it. */
export function subjectOf(payload: unknown): LogSubject {
  const { item } = itemSchema.safeParse(payload).data ?? {}
  if (item !== undefined) return { site: item.site, guest: item.guest.id, run: item.run.id }
  const { restore } = restoreSchema.safeParse(payload).data ?? {}
  return restore === undefined ? {} : { restore: restore.id }
}
