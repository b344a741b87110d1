/** What people and tools are told of a workflow's end. Receivers rely on it: fields are added, never changed. */
import * as z from 'zod'
import { instantSchema } from './nouns.ts'

export const noticeEventSchema = z.enum([
  'archived',
  'failed',
  'recovered',
  'needs-attention',
  'restored',
  'rehearsed',
  'pruned',
  'test',
])
export type NoticeEvent = z.infer<typeof noticeEventSchema>

/** From the least to the worst. */
export const noticeSeveritySchema = z.enum(['info', 'warning', 'error', 'critical'])
export type NoticeSeverity = z.infer<typeof noticeSeveritySchema>

/** More guests than these are counted and not listed. */
export const MOST_NOTICE_GUESTS = 20

export const noticeGuestSchema = z.strictObject({
  id: z.string(),
  /** Empty where it was never found. */
  name: z.string(),
  outcome: z.enum(['succeeded', 'failed', 'skipped']),
  /** The error's name. */
  cause: z.string(),
  /** A sentence: what happened and what to do. */
  reason: z.string(),
  /** When its newest whole archive was made; `null` where the bucket holds none. Absent where nobody looked. */
  lastArchiveAt: instantSchema.nullable().optional(),
})
export type NoticeGuest = z.infer<typeof noticeGuestSchema>

export const noticeSchema = z.strictObject({
  version: z.literal(1),
  /** The same for all notices about one event, so that a second one can be dropped. */
  id: z.string().min(1),
  event: noticeEventSchema,
  severity: noticeSeveritySchema,
  at: instantSchema,
  /** The deployment's name; `local` on one machine. */
  deployment: z.string(),
  /** In words: `export run`. */
  workflow: z.string(),
  site: z.string().optional(),
  /** One line. */
  subject: z.string().max(100),
  /** One or more sentences. */
  summary: z.string(),
  /** The guests that failed or came back, the first of them. */
  guests: z.array(noticeGuestSchema).max(MOST_NOTICE_GUESTS),
  /** How many there are. */
  guestCount: z.int().nonnegative(),
  notes: z.array(z.string()),
  /** Where the report lies. */
  report: z.string().optional(),
  /** Where the log is. */
  log: z.string().optional(),
  /** What to type next. */
  command: z.string().optional(),
  /** The page about this cause. */
  link: z.string().optional(),
})
export type Notice = z.infer<typeof noticeSchema>
