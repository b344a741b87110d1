/** What a restore leaves as its report. */
import * as z from 'zod'
import { drillCheckSchema } from './drill.ts'
import { guestSchema, instantSchema, siteNameSchema } from './nouns.ts'
import { archiveRestorePriceSchema } from './prices.ts'
import { runOutcomeSchema } from './report.ts'
import { configurationChangeSchema, restoreFindingSchema } from './restore.ts'
import { restoreRecordSchema } from './restore-record.ts'

/** What a restore left on the platform, and how a person removes it. */
export const leftBehindSchema = z.strictObject({ what: z.string(), removeWith: z.string().optional() })

/** `report.json` beside the record: what came of it. */
export const restoreReportSchema = z.strictObject({
  version: z.literal(1),
  restoreId: z.string().min(1),
  startedAt: instantSchema,
  endedAt: instantSchema,
  /** `partial`: the guest is there, and it isn't in all as it was archived. */
  outcome: runOutcomeSchema,
  dryRun: z.boolean(),
  summary: z.string(),
  guest: guestSchema.optional(),
  /** The archive's folder, with what it was chosen by. */
  archive: z.strictObject({ folder: z.string(), fileName: z.string(), sizeBytes: z.int().nonnegative() }).optional(),
  target: z
    .strictObject({
      site: siteNameSchema,
      id: z.string(),
      node: z.string(),
      storages: z.array(z.string()),
    })
    .optional(),
  bytes: z.int().nonnegative(),
  /** How long each step took. `total` is what a person waits: the measured RTO. */
  seconds: z.strictObject({
    thaw: z.number().nonnegative().optional(),
    deliver: z.number().nonnegative().optional(),
    create: z.number().nonnegative().optional(),
    compare: z.number().nonnegative().optional(),
    probe: z.number().nonnegative().optional(),
    total: z.number().nonnegative(),
  }),
  differences: z.array(configurationChangeSchema),
  expected: z.array(configurationChangeSchema),
  findings: z.array(restoreFindingSchema),
  warnings: z.array(z.string()),
  started: restoreRecordSchema.shape.started,
  /** The archive holds whole disks, and no guest of an id is made. */
  bringsDisks: z.literal(true).optional(),
  /** What was made of them. */
  made: restoreRecordSchema.shape.made,
  isTemplate: restoreRecordSchema.shape.isTemplate,
  left: z.array(leftBehindSchema),
  /** Of a drill: it passed if all of them did. */
  checks: z.array(drillCheckSchema).optional(),
  /** By list prices, of S3 alone; absent where the store isn't AWS, and where it was never asked for the object. */
  price: archiveRestorePriceSchema.optional(),
  error: z.strictObject({ name: z.string(), message: z.string() }).optional(),
})
export type RestoreReport = z.output<typeof restoreReportSchema>
