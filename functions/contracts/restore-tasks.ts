/** The tasks of the workflow that brings a guest back. `tasks.ts` has those of all workflows. */
import * as z from 'zod'
import { executionSchema, stateErrorSchema } from './execution.ts'
import { instantSchema, siteNameSchema } from './nouns.ts'
import { copyOrderSchema, copyResultSchema, dealtRoundSchema, paceSchema } from './pace.ts'
import { runOutcomeSchema } from './report.ts'
import { restoreRefSchema } from './restore-record.ts'
import { siteEnv, storeEnv } from './task-env.ts'
import { chunkSchema } from './upload.ts'

const restoreInput = z.strictObject({ restore: restoreRefSchema, execution: executionSchema })

const withSite = storeEnv.extend(siteEnv.shape)

/** Ask again after the wait. */
const askedAgain = z.union([
  z.strictObject({ done: z.literal(true) }),
  z.strictObject({ done: z.literal(false), waitSeconds: z.int().min(1).max(300) }),
])

export const restoreTasks = {
  /** Read the request, find the archive, and write down what is to be restored from exactly which object. */
  PlanRestore: {
    stem: 'plan-restore',
    input: z.strictObject({
      restoreId: z.string().min(1),
      startedAt: instantSchema,
      /** The execution's input as it came: `restoreRequestSchema`. */
      request: z.unknown(),
    }),
    output: z.strictObject({ restore: restoreRefSchema, confirmed: z.boolean(), drill: z.boolean() }),
    env: storeEnv,
  },
  /**
   * Ask the site all that stands against the restore. Takes the id for this restore, unless it is a dry run. `frozen`: the
   * archive has to be thawed first, and the target is checked again then.
   */
  CheckTarget: {
    stem: 'check-target',
    input: restoreInput,
    output: z.strictObject({
      frozen: z.boolean(),
      /** The guest comes by import: its disks are unpacked and fetched, and no file is delivered. */
      imports: z.boolean(),
    }),
    env: withSite,
  },
  /** Have S3 thaw the archive, and say how long to wait until it may be readable. */
  ThawArchive: {
    stem: 'thaw-archive',
    input: restoreInput,
    output: z.union([
      z.strictObject({ readable: z.literal(true) }),
      z.strictObject({ waitSeconds: z.int().min(1).max(3600) }),
    ]),
    env: storeEnv,
  },
  /** Take the disks out of the archive, each into an object, as many as there is time for. */
  UnpackDisks: {
    stem: 'unpack-disks',
    input: restoreInput,
    output: askedAgain,
    env: storeEnv,
  },
  /** Have the platform fetch the next disk, or see how far it is. */
  FetchDisks: {
    stem: 'fetch-disks',
    input: restoreInput,
    output: askedAgain,
    env: withSite,
  },
  /** The mirror of Plan copies: which ranges the target lacks, and who brings them in the next round. */
  PlanDelivery: {
    stem: 'plan-delivery',
    input: restoreInput.extend({
      pace: paceSchema,
      /** One for each chunk of the last round; none at first. */
      results: z.array(copyResultSchema),
    }),
    /** `missingBytes`: what the target lacked when this was planned. */
    output: dealtRoundSchema.extend({ missingBytes: z.int().nonnegative() }),
    env: withSite,
  },
  /** The mirror of Copy parts: bring a chunk's missing ranges until done or out of time. */
  DeliverParts: {
    stem: 'deliver-parts',
    input: restoreInput.extend({ chunk: chunkSchema, order: copyOrderSchema }),
    output: copyResultSchema,
    env: withSite,
  },
  /** Give the file its name, once its ranges make the whole archive by its checksum. */
  FinishDelivery: {
    stem: 'finish-delivery',
    input: restoreInput.extend({ bytesSent: z.int().nonnegative() }),
    output: z.strictObject({ delivered: z.literal(true) }),
    env: withSite,
  },
  /** Check the target once more, ask the platform for the guest, or find that it was asked before. */
  CreateGuest: {
    stem: 'create-guest',
    input: restoreInput,
    output: z.strictObject({ jobRef: z.string().min(1) }),
    env: withSite,
  },
  /** Has the platform made the guest? */
  CheckRestore: {
    stem: 'check-restore',
    input: restoreInput,
    output: askedAgain,
    env: withSite,
  },
  /** Hold the guest that was made against the archive, and start it where that was asked for. */
  CompareGuest: {
    stem: 'compare-guest',
    input: restoreInput,
    output: z.strictObject({ differences: z.int().nonnegative() }),
    env: withSite,
  },
  /** Of a drill: unplug the guest that was made, start it, and look whether it works. */
  ProbeGuest: {
    stem: 'probe-guest',
    input: restoreInput,
    output: z.strictObject({ passed: z.boolean() }),
    env: withSite,
  },
  /**
   * Remove what the restore put on the platform beside the guest, and after a failure the half-made guest; then write the
   * report. Comes on every ending.
   */
  FinishRestore: {
    stem: 'finish-restore',
    input: restoreInput.extend({
      /** What it failed with; `null` for a restore, or a dry run, that came to its end. */
      error: stateErrorSchema.nullable(),
    }),
    output: z.strictObject({
      outcome: runOutcomeSchema,
      summary: z.string(),
      /** Things of ours that are still on the platform. */
      left: z.int().nonnegative(),
      /** Where the report lies. */
      bucket: z.string(),
      reportKey: z.string(),
    }),
    env: withSite,
  },
  /** Finish restores to a site that nobody works on any more. */
  SweepRestores: {
    stem: 'sweep-restores',
    input: z.strictObject({ site: siteNameSchema, dryRun: z.boolean() }),
    output: z.strictObject({
      /** A sentence for each restore that was found. */
      notes: z.array(z.string()),
      failed: z.int().nonnegative(),
    }),
    env: withSite,
  },
} as const
