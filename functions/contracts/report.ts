/** What a run says of itself: one outcome per guest, one report per run. Both lie as JSON in the bucket. */
import * as z from 'zod'
import { shortGradeSchema } from './grade.ts'
import { guestKindSchema, instantSchema, siteNameSchema } from './nouns.ts'
import { pricedSchema } from './prices.ts'
import { keptConfigurationSchema } from './site-configuration.ts'
import { guestCountsSchema } from './work.ts'

export const guestOutcomeSchema = z.strictObject({
  id: z.string(),
  /** Empty when the guest was never found. */
  name: z.string(),
  kind: guestKindSchema.optional(),
  node: z.string().optional(),
  outcome: z.enum(['succeeded', 'failed', 'skipped']),
  /** A verdict name (`contracts/evidence.ts`), or the name of the error that ended it (`contracts/errors.ts`). */
  verdict: z.string(),
  /** A sentence: what happened and what to do. Empty on plain success. */
  reason: z.string(),
  /** What is stored. Also of a guest that failed only for its archive being less than required. */
  artifacts: z.array(
    z.strictObject({
      key: z.string(),
      sizeBytes: z.int(),
      checksum: z.string(),
      /** Of its upload. Older outcomes have none: then it follows from the size. */
      partCount: z.int().positive().optional(),
    }),
  ),
  manifestKey: z.string().optional(),
  /** What its backup reached, where it was stored. Older outcomes have none: then nobody knows. */
  grade: shortGradeSchema.optional(),
  bytesSent: z.int().nonnegative(),
  seconds: z.number().nonnegative(),
  /** What it took, where it was archived and counted. */
  work: guestCountsSchema.optional(),
})
export type GuestOutcome = z.infer<typeof guestOutcomeSchema>

export const runOutcomeSchema = z.enum(['succeeded', 'partial', 'failed'])

export const runReportSchema = z.strictObject({
  version: z.literal(1),
  runId: z.string(),
  site: siteNameSchema.optional(),
  outcome: runOutcomeSchema,
  /** One sentence that sums up the run. */
  summary: z.string(),
  /** What was mapped from an older job shape, and what had no equivalent. */
  notes: z.array(z.string()),
  startedAt: instantSchema,
  endedAt: instantSchema,
  guests: z.array(guestOutcomeSchema),
  /** Where it was asked for and could be kept. */
  siteConfiguration: keptConfigurationSchema.optional(),
  /** What the run has cost on AWS by list prices, as far as it was measured. Older reports have none. */
  receipt: pricedSchema.optional(),
})
export type RunReport = z.infer<typeof runReportSchema>
