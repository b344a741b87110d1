/** How far a guest is, for people and machines: small, overwritten about once a minute while it is worked on. */
import * as z from 'zod'
import { guestSchema, instantSchema, siteNameSchema } from './nouns.ts'

/** What isn't known is absent. */
export const progressFiguresSchema = z.strictObject({
  /** 0 to 100. */
  percent: z.number().min(0).max(100).optional(),
  /** Of the guest's disks while it is dumped, of its archive while it is copied. */
  doneBytes: z.number().nonnegative().optional(),
  totalBytes: z.number().nonnegative().optional(),
  bytesPerSecond: z.number().nonnegative().optional(),
  secondsLeft: z.number().nonnegative().optional(),
  /** The platform tells nothing: read from how its storage fills, against the size of the last archive. */
  estimated: z.boolean(),
})
export type ProgressFigures = z.output<typeof progressFiguresSchema>

export const progressStageSchema = z.enum(['waiting', 'dumping', 'copying'])
export type ProgressStage = z.output<typeof progressStageSchema>

/** Written to `runs/…/progress/<guest>.json`. The guest's outcome, `runs/…/guests/<guest>.json`, is the end of it. */
export const guestProgressSchema = progressFiguresSchema.extend({
  version: z.literal(1),
  runId: z.string(),
  site: siteNameSchema,
  guest: guestSchema,
  stage: progressStageSchema,
  stageStartedAt: instantSchema,
  updatedAt: instantSchema,
  /** What it waits for, or why that many streams: a sentence. */
  reason: z.string().optional(),
})
export type GuestProgress = z.output<typeof guestProgressSchema>
