/**
 * The contract of every Lambda task: what it gets, what it gives, what it needs from its environment.
 * The workflows build their payloads from these, the handlers parse with them; the key is the stem of state, file and test.
 */
import * as z from 'zod'
import { planItemSchema } from './plan-item.ts'
import { storeEnv, siteEnv, metricsEnv, lockEnv, retentionEnv } from './task-env.ts'
import { chunkSchema, uploadSchema } from './upload.ts'
import { executionSchema, stateErrorSchema } from './execution.ts'
import { drillTasks } from './drill-tasks.ts'
import { restoreTasks } from './restore-tasks.ts'
import { verdictSchema } from './evidence.ts'
import { jobSchema } from './job.ts'
import { coverageRequestSchema, coverageSummarySchema } from './coverage.ts'
import { copyOrderSchema, copyResultSchema, dealtRoundSchema, paceSchema } from './pace.ts'
import {
  instantSchema,
  platformSchema,
  runSchema,
  siteNameSchema,
  sourceArtifactSchema,
  storedArtifactSchema,
} from './nouns.ts'
import { progressFiguresSchema } from './progress.ts'
import { pruningTotalsSchema } from './pruning.ts'
import { guestOutcomeSchema, runOutcomeSchema } from './report.ts'
import { keptConfigurationSchema } from './site-configuration.ts'
import { straySummarySchema, sweepRequestSchema, sweepSummarySchema } from './sweep.ts'
import { verificationResultSchema } from './verification.ts'
import { verificationRunnerSchema } from './verification-policy.ts'
import { verificationSummarySchema } from './verification-report.ts'
import { copyWorkSchema } from './work.ts'

const checkBackupOutput = z.strictObject({
  done: z.boolean(),
  /** Seconds to wait before the next look; 0 when done. */
  waitSeconds: z.int().min(0).max(300),
  /** 0 to 100 where the platform tells. */
  progressPercent: z.number().min(0).max(100).optional(),
  /** While it runs: bytes, rate and time left, as far as they can be known. */
  progress: progressFiguresSchema.optional(),
})

/** An item has about 700 bytes, and state carries 256 KiB (service quota). */
export const MAX_LEFTOVERS = 200

/** How often the backup was asked to start or looked at. Absent in executions that began before it was counted. */
const backupCallsSchema = z.int().positive()

/** Where the archive was asked to go, where the job left that open. Absent in executions that rewrote the item for it. */
const storageSchema = z.string().optional()

/** Seconds that the workflow has waited for a release. `null`, or absent in older definitions: it can't wait. */
const waitedSchema = z.int().nonnegative().nullable().optional()

/** What was made on the platform isn't removed yet: the workflow waits and asks again. */
const releasingSchema = z.strictObject({ waitSeconds: z.int().min(1).max(300), reason: z.string() })

const transferInput = z.strictObject({ item: planItemSchema, artifact: sourceArtifactSchema })

export const tasks = {
  /** Test the store, parse the job, log in, check version and privileges. Claims the schedule's slot, since schedules may fire twice. */
  Authenticate: {
    stem: 'authenticate',
    input: z.strictObject({
      /** The execution's input as it came: a job (either shape), which a schedule extends by `schedule`. */
      request: z.unknown(),
      runId: z.string().min(1),
      startedAt: instantSchema,
    }),
    output: z.strictObject({
      run: runSchema,
      site: siteNameSchema,
      platform: platformSchema,
      platformVersion: z.string(),
      job: jobSchema,
      notes: z.array(z.string()),
      /** Set when another execution already serves this scheduled time: there is nothing to do. */
      duplicateOf: z.string().optional(),
    }),
    env: storeEnv.extend(siteEnv.shape),
  },
  /** Find the guests, test the route to each node, write the plan; guests that don't exist get their outcome here. */
  PlanRun: {
    stem: 'plan-run',
    input: z.strictObject({
      run: runSchema,
      site: siteNameSchema,
      platform: platformSchema,
      platformVersion: z.string(),
      job: jobSchema,
    }),
    /** `planKey`: a JSON array of plan items. */
    output: z.strictObject({ planKey: z.string(), guestCount: z.int().nonnegative() }),
    env: storeEnv.extend(siteEnv.shape).extend(lockEnv.shape),
  },
  /** Claim the guest, adopt a job of ours that already runs, or wait for the node's turn and start one; record it. */
  StartBackup: {
    stem: 'start-backup',
    input: z.strictObject({ item: planItemSchema, execution: executionSchema }),
    output: z.union([
      z.strictObject({
        jobRef: z.string(),
        startedAt: instantSchema,
        adopted: z.boolean(),
        waitSeconds: z.int(),
        /** Where the archive lands: the job's storage, or the one that was chosen. */
        storage: z.string(),
        /** Why this storage, where it was chosen: a sentence. */
        reason: z.string().optional(),
      }),
      /** Nothing was started: ask again after the wait. `reason` is a sentence. */
      z.strictObject({ waitSeconds: z.int().min(1).max(300), reason: z.string() }),
    ]),
    env: storeEnv.extend(siteEnv.shape),
  },
  /** Has the job ended? Renews the claim. */
  CheckBackup: {
    stem: 'check-backup',
    input: z.strictObject({
      item: planItemSchema,
      execution: executionSchema,
      jobRef: z.string(),
      startedAt: instantSchema,
      storage: storageSchema,
    }),
    output: checkBackupOutput,
    env: storeEnv.extend(siteEnv.shape),
  },
  /** Gather the evidence about the ended job, judge it, name the artifacts. Keeps log and evidence in the run's folder. */
  LocateArchive: {
    stem: 'locate-archive',
    input: z.strictObject({ item: planItemSchema, jobRef: z.string(), storage: storageSchema }),
    output: z.strictObject({
      artifacts: z.array(sourceArtifactSchema).min(1),
      verdict: verdictSchema,
      /** Where evidence and side files wait for the manifest: they don't travel in state. */
      evidenceKey: z.string(),
      /** Objects that the platform wrote into the bucket itself: there is nothing to copy. */
      stored: z.array(storedArtifactSchema).min(1).optional(),
    }),
    env: storeEnv.extend(siteEnv.shape),
  },
  /** Open the artifact's upload or find the one to resume. */
  OpenUpload: {
    stem: 'open-upload',
    input: transferInput,
    output: z.strictObject({ upload: uploadSchema, alreadyStored: storedArtifactSchema.optional() }),
    env: storeEnv.extend(siteEnv.shape),
  },
  /**
   * What to copy next: asks S3 which parts are missing, judges the last round, and deals out the next one within the
   * limits of site and run. The one place that decides how many streams there are. Renews the claim.
   */
  PlanCopies: {
    stem: 'plan-copies',
    input: transferInput.extend({
      upload: uploadSchema,
      execution: executionSchema,
      pace: paceSchema,
      /** One for each chunk of the last round; none at first. */
      results: z.array(copyResultSchema),
    }),
    /** `missingBytes`: what S3 lacked when this was planned, of `totalBytes` that are read of the source at all. */
    output: dealtRoundSchema.extend({
      missingBytes: z.int().nonnegative(),
      totalBytes: z.int().nonnegative().optional(),
    }),
    env: storeEnv.extend(siteEnv.shape),
  },
  /** Copy a chunk's missing parts until done or out of time. What it left over, the next round finds. */
  CopyParts: {
    stem: 'copy-parts',
    input: transferInput.extend({
      upload: uploadSchema,
      execution: executionSchema,
      chunk: chunkSchema,
      order: copyOrderSchema,
    }),
    output: copyResultSchema,
    env: storeEnv.extend(siteEnv.shape),
  },
  /** Check that every part is there and the source unchanged, complete, compare S3's checksum with ours. */
  CompleteUpload: {
    stem: 'complete-upload',
    input: transferInput.extend({
      upload: uploadSchema,
      execution: executionSchema,
      bytesSent: z.int().nonnegative(),
      /** Absent in executions that began before it was counted. */
      work: copyWorkSchema.optional(),
    }),
    output: z.strictObject({ stored: storedArtifactSchema }),
    env: storeEnv.extend(siteEnv.shape),
  },
  /** Ask S3 anew for each stored artifact and compare size and checksum with source and ledger. Named in release 0.1, whose executions call it. */
  VerifyArchive: {
    stem: 'verify-archive',
    input: z.strictObject({
      item: planItemSchema,
      artifacts: z.array(sourceArtifactSchema).min(1),
      stored: z.array(storedArtifactSchema).min(1),
    }),
    output: z.strictObject({ matches: z.literal(true) }),
    env: storeEnv,
  },
  /** Put log and notes beside the archive, then the manifest, last. */
  WriteManifest: {
    stem: 'write-manifest',
    input: z.strictObject({
      item: planItemSchema,
      artifacts: z.array(sourceArtifactSchema).min(1),
      stored: z.array(storedArtifactSchema).min(1),
      verdict: verdictSchema,
      evidenceKey: z.string(),
      backupCalls: backupCallsSchema.optional(),
    }),
    output: z.strictObject({ manifestKey: z.string() }),
    env: storeEnv,
  },
  /** The archive is committed: remove what the job's retention lets go of this guest's older ones. */
  ApplyRetention: {
    stem: 'apply-retention',
    input: z.strictObject({ item: planItemSchema }),
    output: z.strictObject({
      removed: z.int().nonnegative(),
      locked: z.int().nonnegative(),
      summary: z.string(),
      /** What a person should know or confirm: sentences. Empty when all went as the rules say. */
      remark: z.string(),
    }),
    env: retentionEnv,
  },
  /** Remove what the backup made on the platform, as far as the job says so; record the outcome, give back the claim. */
  ReleaseBackup: {
    stem: 'release-backup',
    input: z.strictObject({
      item: planItemSchema,
      execution: executionSchema,
      artifacts: z.array(sourceArtifactSchema).min(1),
      stored: z.array(storedArtifactSchema).min(1),
      verdict: verdictSchema,
      manifestKey: z.string(),
      startedAt: instantSchema,
      backupCalls: backupCallsSchema.optional(),
      /** What Apply retention remarked, and the error it ended with: the archive is good all the same. */
      retention: z.strictObject({ remark: z.string(), error: stateErrorSchema.nullable() }).optional(),
      waitedSeconds: waitedSchema,
    }),
    output: z.union([releasingSchema, guestOutcomeSchema]),
    env: storeEnv.extend(siteEnv.shape),
  },
  /** After a failure: stop the job if it still runs, release what it made, abort the uploads, record why, give back the claim. */
  RecordFailure: {
    stem: 'record-failure',
    input: z.strictObject({
      item: planItemSchema,
      execution: executionSchema,
      error: stateErrorSchema,
      waitedSeconds: waitedSchema,
    }),
    output: z.union([releasingSchema, guestOutcomeSchema]),
    env: storeEnv.extend(siteEnv.shape),
  },
  /**
   * What an execution that was stopped left behind: guests that are still claimed for its run, each with the execution
   * that claimed it. Whether that one is dead is for the caller to find out. Changes nothing.
   */
  FindLeftovers: {
    stem: 'find-leftovers',
    input: z.strictObject({
      /** The stopped execution: its name, and when it was started. */
      runId: z.string().min(1),
      startedAt: instantSchema,
      /** Its input as it came: a run's job, or the plan item of a guest that was repeated alone. */
      request: z.unknown(),
    }),
    output: z.strictObject({
      /** What Report run needs; absent when the run had planned nothing yet, or a guest was repeated alone. */
      planned: z.strictObject({ run: runSchema, site: siteNameSchema, planKey: z.string() }).optional(),
      leftovers: z.array(z.strictObject({ item: planItemSchema, execution: executionSchema })).max(MAX_LEFTOVERS),
      /** Claimed guests that didn't fit into the answer, and those whose claim can't be read. */
      further: z.int().nonnegative(),
    }),
    env: storeEnv,
  },
  /** Find what backups left on a site's platform, and remove what nobody works on and nobody may need. */
  SweepStrays: {
    stem: 'sweep-strays',
    input: z.strictObject({
      /** Names the report. */
      sweepId: z.string().min(1),
      startedAt: instantSchema,
      dryRun: z.boolean(),
      site: siteNameSchema,
    }),
    output: straySummarySchema,
    env: storeEnv.extend(siteEnv.shape),
  },
  /** Find uploads that nobody goes on with, abort them, and report what they held and cost. */
  SweepUploads: {
    stem: 'sweep-uploads',
    input: z.strictObject({
      /** Names the report. */
      sweepId: z.string().min(1),
      startedAt: instantSchema,
      dryRun: sweepRequestSchema.shape.dryRun,
      /** What came of the sites' platforms before. Absent in executions of versions that didn't look. */
      strays: z.array(straySummarySchema).optional(),
    }),
    output: sweepSummarySchema,
    env: storeEnv,
  },
  /** Read the order to prune a site, and ask the site which guests it has: those that are gone have a rule of their own. */
  PlanPruning: {
    stem: 'plan-pruning',
    input: z.strictObject({
      /** Names plan and report. */
      pruningId: z.string().min(1),
      startedAt: instantSchema,
      /** The execution's input as it came: a pruning request. */
      request: z.unknown(),
    }),
    output: z.strictObject({ planKey: z.string() }),
    env: storeEnv.extend(siteEnv.shape),
  },
  /** Prune guest after guest until done or out of time, and report. Talks to no site: it alone may remove versions. */
  PruneArchives: {
    stem: 'prune-archives',
    input: z.strictObject({ pruningId: z.string().min(1), startedAt: instantSchema, planKey: z.string() }),
    output: pruningTotalsSchema.extend({
      /** Guests are left: call again. */
      done: z.boolean(),
      /** Where the report lies. */
      bucket: z.string(),
      reportKey: z.string(),
    }),
    env: retentionEnv,
  },
  /** Judge how the guests of a site are covered by archives, against the schedules that choose them. */
  JudgeCoverage: {
    stem: 'judge-coverage',
    input: z.strictObject({
      /** Names the report. */
      coverageId: z.string().min(1),
      startedAt: instantSchema,
      ...coverageRequestSchema.shape,
    }),
    output: coverageSummarySchema,
    env: storeEnv.extend(siteEnv.shape).extend(metricsEnv.shape),
  },
  /** Bring the site's index objects in line with its manifests, and write its page. */
  WriteCatalogue: {
    stem: 'write-catalogue',
    input: z.strictObject({ site: siteNameSchema }),
    output: z.strictObject({
      guests: z.int().nonnegative(),
      archives: z.int().nonnegative(),
      /** What the run's report is to say of it, a sentence each. */
      notes: z.array(z.string()),
    }),
    env: storeEnv,
  },
  /** Find the archives that are due to be read whole, and write them down as a plan with what is left out and why. */
  PlanVerification: {
    stem: 'plan-verification',
    input: z.strictObject({
      /** Names the folder of plan and report. */
      verificationId: z.string().min(1),
      startedAt: instantSchema,
      /** The execution's input, with the deployment's policy where it has none: `verificationRequestSchema`. */
      request: z.unknown(),
    }),
    /** `planKey`: a JSON array of verification items. */
    output: z.strictObject({ run: runSchema, planKey: z.string(), archiveCount: z.int().nonnegative() }),
    env: storeEnv,
  },
  /** Read an archive from its first byte to its last and write what was found beside its manifest. Stops in time. */
  VerifyDeep: {
    stem: 'verify-deep',
    input: z.strictObject({
      /** With a slash at its end. */
      folder: z.string().min(1),
    }),
    output: z.strictObject({
      result: verificationResultSchema,
      /** Its time ran out before the archive's end: somebody with more time has to read it. */
      outOfTime: z.boolean(),
      /** The first finding. Empty when accepted. */
      reason: z.string(),
    }),
    env: storeEnv.extend(lockEnv.shape),
  },
  /** Tally the verdicts that lie beside the manifests against the plan. An archive without a new one is not verified. */
  ReportVerification: {
    stem: 'report-verification',
    input: z.strictObject({
      run: runSchema,
      planKey: z.string(),
      runner: verificationRunnerSchema,
      /** What the map over the archives ended with, where that wasn't its end. */
      mapError: stateErrorSchema.nullable().optional(),
    }),
    output: verificationSummarySchema,
    env: storeEnv.extend(metricsEnv.shape),
  },
  /** Keep what the API of the site says of it beside its guests, if that is another than was kept last. */
  KeepConfiguration: {
    stem: 'keep-configuration',
    input: z.strictObject({ site: siteNameSchema, platform: platformSchema, platformVersion: z.string() }),
    output: keptConfigurationSchema,
    env: storeEnv.extend(siteEnv.shape),
  },
  /** Tally the outcomes against the plan and write the report. A guest without an outcome counts as failed. */
  ReportRun: {
    stem: 'report-run',
    input: z.strictObject({
      run: runSchema,
      site: siteNameSchema,
      planKey: z.string(),
      notes: z.array(z.string()),
      /** What Write catalogue ended with: the archives are as good without. */
      catalogueError: stateErrorSchema.nullable().optional(),
      /** What Keep site configuration gave; `null` where it wasn't asked for or failed. */
      siteConfiguration: keptConfigurationSchema.nullable().optional(),
      /** What Keep site configuration ended with: the run has then not done all that it was asked for. */
      configurationError: stateErrorSchema.nullable().optional(),
      /** What the map over the guests ended with, where that wasn't its end. */
      mapError: stateErrorSchema.nullable().optional(),
    }),
    output: z.strictObject({
      outcome: runOutcomeSchema,
      summary: z.string(),
      /** Where the report lies. */
      bucket: z.string(),
      reportKey: z.string(),
      succeeded: z.int(),
      failed: z.int(),
      skipped: z.int(),
    }),
    env: storeEnv.extend(metricsEnv.shape),
  },
  ...restoreTasks,
  ...drillTasks,
} as const

export type Tasks = typeof tasks
export type TaskName = keyof Tasks
export type TaskInput<Name extends TaskName> = z.output<Tasks[Name]['input']>
export type TaskOutput<Name extends TaskName> = z.output<Tasks[Name]['output']>
/** Names of the environment variables a task needs. */
export type TaskEnv<Name extends TaskName> = z.input<Tasks[Name]['env']>
