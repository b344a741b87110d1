/** One guest's work, as a run plans it. */
import * as z from 'zod'
import { backupOptionsSchema } from './backup-options.ts'
import { requirementSchema } from './grade.ts'
import { stagingSchema } from './job.ts'
import { runLimitsSchema } from './limits.ts'
import { lockOrderSchema } from './object-lock.ts'
import { guestSchema, platformSchema, runSchema, siteNameSchema } from './nouns.ts'
import { pinReasonSchema } from './pin.ts'
import { readableClassSchema } from './prices.ts'
import { retentionSchema } from './retention.ts'

/** One guest's work: an item of the run's plan and the input of Export guest. */
export const planItemSchema = z.strictObject({
  run: runSchema,
  site: siteNameSchema,
  platform: platformSchema,
  platformVersion: z.string(),
  guest: guestSchema,
  backup: backupOptionsSchema,
  /** The least that the job takes for a success. */
  require: requirementSchema.optional(),
  /** The lock that each file gets and has to have: the job's or the deployment's, whichever is stronger. */
  objectLock: lockOrderSchema.optional(),
  /** The archive is pinned, and why. */
  pin: pinReasonSchema.optional(),
  deleteSource: z.boolean(),
  staging: stagingSchema.prefault({}),
  /** Bandwidth of the run, as the job says. */
  limits: runLimitsSchema,
  /** Of the archive's files. Absent: STANDARD. */
  storageClass: readableClassSchema.optional(),
  /** Which of the guest's archives stay once this one is safe. Absent: all. */
  retention: retentionSchema.optional(),
})
export type PlanItem = z.infer<typeof planItemSchema>
