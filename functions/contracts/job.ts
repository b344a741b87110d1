/** What a person asks for: the job. */
import * as z from 'zod'
import { backupOptionsSchema } from './backup-options.ts'
import { budgetSchema } from './budget.ts'
import { requirementSchema } from './grade.ts'
import { runLimitsSchema } from './limits.ts'
import { lockOrderSchema } from './object-lock.ts'
import { instantSchema, siteNameSchema } from './nouns.ts'
import { pinReasonSchema } from './pin.ts'
import { readableClassSchema } from './prices.ts'
import { retentionSchema } from './retention.ts'
import { guestSelectionSchema } from './selection.ts'
import { type OptionBlocks, type PlatformOptions, writtenBackup } from './written-backup.ts'

/** How much may lie on the platform's storages at a time, when archives leave them (`deleteSource`). */
export const stagingSchema = z.strictObject({
  maxArchives: z
    .int()
    .min(1)
    .max(1000)
    .default(4)
    .describe(
      'How many archives may lie on one storage at a time, whether they are being made or wait to be moved. No further backup begins above it.',
    ),
})

const jobFields = {
  site: siteNameSchema.describe('Name of a configured site.'),
  guests: guestSelectionSchema.describe('Which guests the run archives.'),
  backup: backupOptionsSchema.prefault({}).describe('How each guest is backed up.'),
  require: requirementSchema
    .optional()
    .describe('How consistent and complete an archive has to be. Without it, less than expected is a warning.'),
  retention: retentionSchema
    .optional()
    .describe("Which of a guest's archives stay in the bucket. It is decided after each archive of the guest."),
  objectLock: lockOrderSchema
    .optional()
    .describe(
      "The lock that each file of an archive gets, in place of the bucket's default. An archive without it counts as failed.",
    ),
  pin: pinReasonSchema
    .optional()
    .describe('Pin each archive of this job, and why: no pruning removes it until somebody unpins it.'),
  limits: runLimitsSchema
    .prefault({})
    .describe("How fast this run may move archives. The site's own limits hold as well."),
  staging: stagingSchema
    .prefault({})
    .describe("With `deleteSource`: how much may lie on the platform's storages at a time."),
  storageClass: readableClassSchema
    .optional()
    .describe(
      'Storage class of the archives, as S3 names it. Without it, STANDARD. Manifests and other records stay in STANDARD.',
    ),
  budget: budgetSchema.optional().describe('What the run may cost. A run that may cost more stops before it begins.'),
  siteConfiguration: z
    .boolean()
    .optional()
    .describe(
      'Keep with each run what the API says of the site beside its guests: storages, users, rights, pools, networks, firewall. Only where the platform says it.',
    ),
  deleteSource: z
    .boolean()
    .default(false)
    .describe(
      "Remove the archive from the platform's storage once it is proved to be in S3 and its manifest is written.",
    ),
}

/** What the fields of a job have to agree on. */
function withRules<Schema extends z.ZodType<z.output<z.ZodObject<typeof jobFields>>>>(schema: Schema): Schema {
  return schema
    .refine(({ backup, deleteSource }) => !(deleteSource && backup.protected === true), {
      error: 'deleteSource cannot remove an archive that backup.protected keeps; ask for one of them',
      path: ['deleteSource'],
    })
    .refine(
      ({ backup, require }) =>
        require?.complete !== true || backup.excludePaths === undefined || require.accept.includes('files'),
      {
        error:
          'require.complete takes every file, and backup.excludePaths leaves some out; add "files" to require.accept',
        path: ['require'],
      },
    )
}

/** One run's order, as functions and records have it. */
export const jobSchema = withRules(z.strictObject(jobFields))
export type Job = z.infer<typeof jobSchema>

/** A job as read from a request, with what a person should know about how it was read. */
export interface ReadJob {
  job: Job
  notes: string[]
}

/** How people wrote jobs for another tool. */
export interface OlderJobShape {
  /** Whether a job is written so. */
  is(job: Record<string, unknown>): boolean
  /** As a job of ours. @throws InvalidJob naming each wrong field */
  read(job: Record<string, unknown>, defaultSite: string | undefined): ReadJob
}

/** All that reads jobs that people wrote, for the platforms that there are. */
export interface WrittenJobs {
  schema: z.ZodType<Job>
  olderShapes: readonly OlderJobShape[]
}

/** A job as a person writes it: `backup` may have a block for the platform. Comes out as `jobSchema` has it. */
export function writtenJob<Blocks extends OptionBlocks>(platforms: PlatformOptions<Blocks>) {
  const backup = writtenBackup(platforms).prefault({}).describe('How each guest is backed up.')
  return withRules(z.strictObject({ ...jobFields, backup }))
}

/** The run whose guests are to be tried again: its name, and when it was started, as an instant or in milliseconds as events tell it. */
export const againSchema = z.strictObject({
  run: z.string().regex(/^[^\s/]{1,80}$/, 'a run is the name of its execution'),
  startedAt: z.union([instantSchema, z.int().positive()]),
})
export type Again = z.infer<typeof againSchema>

/** What a run is started with in place of a job, to archive exactly the guests that an earlier run did not. */
export const repeatRequestSchema = z.strictObject({ again: againSchema })
