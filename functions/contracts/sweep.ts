/** What a sweep of abandoned uploads found. */
import * as z from 'zod'
import { guestKindSchema, instantSchema, siteNameSchema } from './nouns.ts'
import { runOutcomeSchema } from './report.ts'
import { unfinishedArchiveSchema } from './unfinished.ts'

/**
 * What failed can be repeated, and its upload gone on with, this long after the upload's last part: nothing drops it
 * before. Two weeks cover a holiday.
 */
export const REPEAT_WINDOW_DAYS = 14

/** What a person or a schedule starts a sweep with. */
export const sweepRequestSchema = z.strictObject({
  /** Only report what would be dropped. */
  dryRun: z.boolean().default(false),
  /** Whose platforms are looked at for strays. Absent: the deployment's. */
  sites: z.array(siteNameSchema).optional(),
})

/** Something of ours on a platform that no run works on any more, and what was done with it. */
export const sweptStraySchema = z.strictObject({
  /** What it is and where, in the platform's words. */
  what: z.string(),
  guest: z.strictObject({ id: z.string(), kind: guestKindSchema }),
  /** By the platform's clock. */
  createdAt: instantSchema,
  sizeBytes: z.int().nonnegative().optional(),
  /** In a dry run `removed` means: would have been. `removing`: the platform has begun, and takes longer. */
  outcome: z.enum(['kept', 'removed', 'removing', 'failed']),
  /** A sentence for people. */
  reason: z.string(),
})
export type SweptStray = z.output<typeof sweptStraySchema>

/** What the sweep of one site's platform came to. */
export const straySummarySchema = z.strictObject({
  site: siteNameSchema,
  outcome: runOutcomeSchema,
  /** One sentence. */
  summary: z.string(),
  removed: z.int().nonnegative(),
  failed: z.int().nonnegative(),
})
export type StraySummary = z.output<typeof straySummarySchema>

/** Written to `sweeps/<yyyy>/<mm>/<dd>/<id>-strays-<site>.json`. */
export const strayReportSchema = straySummarySchema.extend({
  version: z.literal(1),
  sweepId: z.string(),
  startedAt: instantSchema,
  endedAt: instantSchema,
  dryRun: z.boolean(),
  /** Oldest first. */
  strays: z.array(sweptStraySchema),
})
export type StrayReport = z.output<typeof strayReportSchema>

/** An upload that is open in the bucket, and what was done with it. */
export const sweptUploadSchema = z.strictObject({
  key: z.string(),
  uploadId: z.string(),
  openedAt: instantSchema,
  /** Of the last part that arrived; of the opening, when there is none. */
  lastActiveAt: instantSchema,
  partCount: z.int().nonnegative(),
  sizeBytes: z.int().nonnegative(),
  /** In a dry run `dropped` means: would have been. */
  outcome: z.enum(['kept', 'dropped', 'failed']),
  /** A sentence for people. */
  reason: z.string(),
  /** What its parts have cost by now, at the price that the report names. */
  costDollars: z.number().nonnegative(),
})
export type SweptUpload = z.output<typeof sweptUploadSchema>

/** What a sweep comes to. */
export const sweepTotalsSchema = z.strictObject({
  /** `failed`: whatever was to be looked at or dropped couldn't be; `partial`: some of it. */
  outcome: runOutcomeSchema,
  /** One sentence that sums up the sweep. */
  summary: z.string(),
  kept: z.int().nonnegative(),
  dropped: z.int().nonnegative(),
  failed: z.int().nonnegative(),
  droppedBytes: z.int().nonnegative(),
  /** Of the dropped uploads, up to the sweep. */
  costDollars: z.number().nonnegative(),
  /** Uploads that time ran out for: the next sweep's. */
  left: z.int().nonnegative(),
  /** Records of uploads that are long gone, removed as well. */
  removedRecords: z.int().nonnegative(),
})
export type SweepTotals = z.output<typeof sweepTotalsSchema>

/** Written to `sweeps/<yyyy>/<mm>/<dd>/<id>.json`. */
export const sweepReportSchema = sweepTotalsSchema.extend({
  version: z.literal(1),
  sweepId: z.string(),
  startedAt: instantSchema,
  endedAt: instantSchema,
  dryRun: z.boolean(),
  /** Oldest first. */
  uploads: z.array(sweptUploadSchema),
  /** Uploads below `archives/` whose keys aren't Guestlift's: left alone, and not looked at. */
  foreignUploads: z.int().nonnegative(),
  /** Folders with objects and no manifest: reported and priced, never touched. Older reports have none. */
  unfinished: z.array(unfinishedArchiveSchema).optional(),
  /** What was found on the sites' platforms. Older reports have none. */
  strays: z.array(straySummarySchema).optional(),
  /** Where the price comes from, with its date. */
  price: z.strictObject({ dollarsPerGiBMonth: z.number(), source: z.string() }),
})
export type SweepReport = z.output<typeof sweepReportSchema>

export const sweepSummarySchema = sweepTotalsSchema.extend({
  /** Where the report lies. */
  bucket: z.string(),
  reportKey: z.string(),
})
export type SweepSummary = z.output<typeof sweepSummarySchema>
