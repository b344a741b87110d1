/** What one run of the verification reads, what it leaves out and why, and what became of it. */
import * as z from 'zod'
import { guestKindSchema, instantSchema, siteNameSchema } from './nouns.ts'
import { runOutcomeSchema } from './report.ts'
import { verificationResultSchema } from './verification.ts'
import { verificationPolicySchema } from './verification-policy.ts'

const bytes = z.int().nonnegative()

/** An archive that is to be read: an item of the run's plan. */
export const verificationItemSchema = z.strictObject({
  /** Whole key of the archive's folder, with a slash at its end. */
  folder: z.string().min(1),
  site: siteNameSchema,
  guest: z.strictObject({ kind: guestKindSchema, id: z.string().min(1) }),
  createdAt: instantSchema,
  /** Of its files that are read. */
  sizeBytes: bytes,
  /** Up to here a function reads it. */
  mostBytesInFunction: bytes,
  /** Why it is due, a sentence. */
  reason: z.string(),
  /** The policy's time is over, or a person asked for it: not having read it is a failure. */
  overdue: z.boolean(),
})
export type VerificationItem = z.output<typeof verificationItemSchema>

/**
 * An archive that the run doesn't read. `too-cold`: due, and its storage class gives nothing without a restore.
 * `no-room`: due, and more than the run may read. `being-read`: due, and an earlier run is at it. `refused-earlier`: it
 * stays refused until it is asked for. `not-complete`: there is nothing whole to read. `removed`: since it was planned.
 */
export const unreadArchiveSchema = z.strictObject({
  folder: z.string(),
  site: siteNameSchema,
  why: z.enum(['too-cold', 'no-room', 'being-read', 'refused-earlier', 'not-complete', 'removed']),
  reason: z.string(),
  overdue: z.boolean(),
})
export type UnreadArchive = z.output<typeof unreadArchiveSchema>

/** Lies beside the plan: what the plan leaves out, and what the report needs to know beside it. */
export const unreadRecordSchema = z.strictObject({
  policy: verificationPolicySchema,
  /** Sites that were looked at. */
  sites: z.array(siteNameSchema),
  unread: z.array(unreadArchiveSchema),
  /** Further ones that the list has no room for, and overdue ones among them. */
  further: z.int().nonnegative(),
  furtherOverdue: z.int().nonnegative(),
})
export type UnreadRecord = z.output<typeof unreadRecordSchema>

/** An archive of the plan and what became of it. */
export const readArchiveSchema = verificationItemSchema.omit({ mostBytesInFunction: true, reason: true }).extend({
  /** Why it was due. */
  due: z.string(),
  result: verificationResultSchema,
  /** A sentence; of those not verified it begins with `not verified:`. Empty when accepted. */
  reason: z.string(),
  verifiedAt: instantSchema.optional(),
  /** Less than the lock that it is to have: a sentence. */
  lockTrouble: z.string().optional(),
})
export type ReadArchive = z.output<typeof readArchiveSchema>

/** What a run comes to. */
export const verificationTotalsSchema = z.strictObject({
  /** `failed`: nothing that was to be read was accepted; `partial`: some, or something overdue was left unread. */
  outcome: runOutcomeSchema,
  /** One sentence or a few that sum it up. */
  summary: z.string(),
  accepted: z.int().nonnegative(),
  refused: z.int().nonnegative(),
  notVerified: z.int().nonnegative(),
  /** Overdue and not read, whether it was planned or left out. */
  overdue: z.int().nonnegative(),
  /** Archives with less than the lock that they are to have. Absent: none. */
  unlocked: z.int().positive().optional(),
  /** Of the archives that were read to their end. */
  readBytes: bytes,
})
export type VerificationTotals = z.output<typeof verificationTotalsSchema>

/** `verifications/<yyyy>/<mm>/<dd>/<id>/report.json`. */
export const verificationReportSchema = verificationTotalsSchema.extend({
  version: z.literal(1),
  verificationId: z.string(),
  startedAt: instantSchema,
  endedAt: instantSchema,
  ...unreadRecordSchema.omit({ sites: true }).shape,
  /** In the order of the plan: the most urgent first. */
  archives: z.array(readArchiveSchema),
})
export type VerificationReport = z.output<typeof verificationReportSchema>

export const verificationSummarySchema = verificationTotalsSchema.extend({
  /** Where the report lies. */
  bucket: z.string(),
  reportKey: z.string(),
})
