/** What a bucket proves of a period: who was archived, read back, rehearsed and pruned, by the dated records alone. */
import * as z from 'zod'
import { shortGradeSchema } from './grade.ts'
import { guestIdentitySchema, guestKindSchema, instantSchema, siteNameSchema } from './nouns.ts'
import { archiveLockSchema } from './retention-report.ts'
import { verificationResultSchema } from './verification.ts'

const count = z.int().nonnegative()

/** One reading of an archive. */
export const auditReadingSchema = z.strictObject({
  at: instantSchema,
  result: verificationResultSchema,
  /** Of its files, as far as they were read. */
  sizeBytes: count,
  /** CRC-32 over all bytes of each file as they were read. Absent where the record doesn't tell. */
  sums: z.array(z.strictObject({ fileName: z.string(), crc32: z.string() })).optional(),
  /** Why it wasn't accepted, a sentence. */
  reason: z.string().optional(),
  recordKey: z.string(),
})

/** One rehearsed restore of an archive. */
export const auditRehearsalSchema = z.strictObject({
  at: instantSchema,
  passed: z.boolean(),
  totalSeconds: z.number().nonnegative().optional(),
  summary: z.string(),
  recordKey: z.string(),
})

/** `lacking` and `not-known` have the reason, a sentence or a few. */
export const auditCopySchema = z.strictObject({
  bucket: z.string().min(1),
  state: z.enum(['proved', 'lacking', 'not-known']),
  reason: z.string().optional(),
  seenAt: instantSchema,
})
export type AuditCopy = z.output<typeof auditCopySchema>

/** An archive that was made in the period, or of which something was recorded in it. */
export const auditArchiveSchema = z.strictObject({
  /** Whole key of its folder, with a slash at its end. */
  folder: z.string(),
  at: instantSchema,
  /** The run of the period that made it. Absent: it was made before. */
  made: z
    .strictObject({
      runId: z.string(),
      reportKey: z.string(),
      sizeBytes: count,
      files: z.array(z.strictObject({ fileName: z.string(), sizeBytes: count, checksum: z.string() })),
      grade: shortGradeSchema.optional(),
      /** It was stored, and is less than its job required: the guest counts as failed. */
      unmet: z.literal(true).optional(),
    })
    .optional(),
  readings: z.array(auditReadingSchema),
  rehearsals: z.array(auditRehearsalSchema),
  pruned: z.strictObject({ at: instantSchema, reason: z.string(), sizeBytes: count, recordKey: z.string() }).optional(),
  /**
   * What held it when it was to be pruned, as the last record of that says; else when its manifest was written; or what
   * holds it now, where that was asked.
   */
  lock: archiveLockSchema.extend({ seenAt: instantSchema, recordKey: z.string() }).optional(),
  /** Whether a second bucket held it at `seenAt`, where that was asked: by what that bucket's own S3 said. */
  copy: auditCopySchema.optional(),
  /** Whether it is in the bucket now, with all files that its manifest names. */
  there: z.boolean(),
})
export type AuditArchive = z.output<typeof auditArchiveSchema>

/** A guest that a run did not archive. */
export const auditFailureSchema = z.strictObject({
  at: instantSchema,
  runId: z.string(),
  outcome: z.enum(['failed', 'skipped']),
  verdict: z.string(),
  reason: z.string(),
  reportKey: z.string(),
})

/** A time without an archive that is longer than the schedule allows. */
export const auditGapSchema = z.strictObject({
  from: instantSchema,
  to: instantSchema,
  allowedHours: z.number().positive(),
})
export type AuditGap = z.output<typeof auditGapSchema>

export const auditCountsSchema = z.strictObject({
  archived: count,
  archivedBytes: count,
  failed: count,
  skipped: count,
  /** Archives of which a reading in the period was accepted, and of which one was refused. */
  verified: count,
  refused: count,
  readings: count,
  readBytes: count,
  rehearsalsPassed: count,
  rehearsalsFailed: count,
  gaps: count,
  pruned: count,
  prunedBytes: count,
  locked: count,
})
export type AuditCounts = z.output<typeof auditCountsSchema>

export const auditGuestSchema = z.strictObject({
  site: siteNameSchema,
  kind: guestKindSchema,
  id: z.string(),
  /** What it was called last; empty where no record tells. */
  name: z.string(),
  identity: guestIdentitySchema.optional(),
  /** Another guest has had the id since. */
  former: z.literal(true).optional(),
  /** By what gaps were judged. Absent: they were not. */
  schedule: z.strictObject({ everyHours: z.number().positive(), chosenBy: z.array(z.string()) }).optional(),
  counts: auditCountsSchema,
  /** Oldest first. */
  archives: z.array(auditArchiveSchema),
  failures: z.array(auditFailureSchema),
  gaps: z.array(auditGapSchema),
})
export type AuditGuest = z.output<typeof auditGuestSchema>

/**
 * What a person has to look at before believing the rest. `unproved`: something can't be read, is somebody else's, or is
 * missing, so that the report may lack events. `noted`: nothing is missing, and a person has to know it.
 */
export const auditFindingSchema = z.strictObject({
  weight: z.enum(['unproved', 'noted']),
  code: z.enum([
    'unreadable',
    'foreign',
    'no-report',
    'no-schedule',
    'gone-without-record',
    'unreported-archive',
    'time-mended',
    'lock-not-known',
    'lock-missing',
  ]),
  message: z.string(),
  key: z.string().optional(),
})
export type AuditFinding = z.output<typeof auditFindingSchema>

/** What `guestlift report --json` prints, and what its signature is over. */
export const auditReportSchema = z.strictObject({
  version: z.literal(1),
  tool: z.string(),
  madeAt: instantSchema,
  bucket: z.string(),
  keyPrefix: z.string(),
  from: instantSchema,
  to: instantSchema,
  site: siteNameSchema.optional(),
  /** Whether every record of the period could be read. */
  whole: z.boolean(),
  /** A sentence or two. */
  summary: z.string(),
  totals: auditCountsSchema.extend({ guests: count, restores: count, runs: count }),
  guests: z.array(auditGuestSchema),
  /** Restores in the period that were no rehearsals. */
  restores: z.array(
    z.strictObject({
      at: instantSchema,
      restoreId: z.string(),
      outcome: z.string(),
      summary: z.string(),
      archive: z.string().optional(),
      reportKey: z.string(),
    }),
  ),
  findings: z.array(auditFindingSchema),
  /** Findings that the list has no room for. */
  furtherFindings: count,
  /** Locks were asked of each archive of the report that is there: one without `lock` has none. */
  locksAsked: z.literal(true).optional(),
  /** Records that were read, by kind. */
  read: z.record(z.string(), count),
})
export type AuditReport = z.output<typeof auditReportSchema>
