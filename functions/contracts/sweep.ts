/** What a sweep of abandoned uploads found. */
import { z } from 'zod'
import { instantSchema } from './nouns.ts'

/** An upload that is open in the bucket, and what was done with it. */
export const sweptUploadSchema = z.strictObject({
  key: z.string(),
  uploadId: z.string(),
  openedAt: instantSchema,
  /** Of the last part that arrived; of the opening, when there is none. */
  lastActiveAt: instantSchema,
  partCount: z.int().nonnegative(),
  sizeBytes: z.int().nonnegative(),
  outcome: z.enum(['kept', 'dropped', 'failed']),
  /** A sentence for people. */
  reason: z.string(),
  /** What its parts have cost by now, at the price that the report names. */
  costDollars: z.number().nonnegative(),
})
export type SweptUpload = z.output<typeof sweptUploadSchema>

/** Written to `sweeps/<yyyy>/<mm>/<dd>/<id>.json`. */
export const sweepReportSchema = z.strictObject({
  version: z.literal(1),
  sweepId: z.string(),
  startedAt: instantSchema,
  dryRun: z.boolean(),
  uploads: z.array(sweptUploadSchema),
  /** Where the price comes from, with its date. */
  price: z.strictObject({ dollarsPerGiBMonth: z.number(), source: z.string() }),
})
export type SweepReport = z.output<typeof sweepReportSchema>

export const sweepSummarySchema = z.strictObject({
  summary: z.string(),
  bucket: z.string(),
  reportKey: z.string(),
  kept: z.int().nonnegative(),
  dropped: z.int().nonnegative(),
  failed: z.int().nonnegative(),
  droppedBytes: z.int().nonnegative(),
  costDollars: z.number().nonnegative(),
})
export type SweepSummary = z.output<typeof sweepSummarySchema>
