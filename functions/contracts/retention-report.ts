/** What retention decided for one guest and what became of it: the dry run's plan and the run's report are one shape. */
import * as z from 'zod'
import { guestKindSchema, instantSchema, siteNameSchema } from './nouns.ts'
import { retentionSchema } from './retention.ts'

const bytes = z.int().nonnegative()

/** What holds an archive in the bucket, whatever the rules say. */
export const archiveLockSchema = z.strictObject({
  legalHold: z.boolean(),
  /** The last day of the longest retention among its versions; absent under a legal hold alone. */
  retainUntil: instantSchema.optional(),
})

export const archiveDecisionSchema = z.strictObject({
  /** Whole key of the archive's folder, with a slash at its end. */
  folder: z.string(),
  /** By the platform's clock. */
  createdAt: instantSchema,
  /** The time that it was judged by, where that differs by more than a minute. */
  at: instantSchema.optional(),
  /** It is of another guest that had this id before: what that was called. The rules for guests that are gone hold. */
  formerGuest: z.string().optional(),
  sizeBytes: bytes,
  decision: z.enum(['keep', 'remove', 'protected']),
  reason: z.string(),
  /** The guard that keeps it against the rules. */
  guard: z
    .enum([
      'untrusted',
      'unclear-guest',
      'newest-looks-wrong',
      'clock-in-doubt',
      'last-written',
      'last-verified',
      'last-as-required',
      'minimum-archives',
      'largest-share',
    ])
    .optional(),
  /** Of those to be removed: what became of it. Absent in a dry run. `left`: not this time, see `trouble`. */
  outcome: z.enum(['removed', 'locked', 'left']).optional(),
  lock: archiveLockSchema.optional(),
  trouble: z.string().optional(),
  /** Of those to be removed, where its storage class has a minimum duration that isn't over: what is billed for the rest. */
  early: z.strictObject({ until: instantSchema, dollars: z.number().nonnegative() }).optional(),
  /** Keys in its folder that its manifest doesn't name: nobody here touches them. */
  foreignKeys: z.array(z.string()).optional(),
})
export type ArchiveDecision = z.infer<typeof archiveDecisionSchema>

/** What retention does to the monthly bill of all that lies in a guest's archives, hidden versions included. */
export const retentionEffectSchema = z.strictObject({
  beforePerMonth: z.number().nonnegative(),
  afterPerMonth: z.number().nonnegative(),
  savedPerMonth: z.number().nonnegative(),
  /** Billed for objects that go before their class's minimum duration. Until then keeping them costs the same. */
  earlyDeletionDollars: z.number().nonnegative(),
  earlyObjects: z.int().nonnegative(),
  /** When the last of those could go for nothing. */
  freeFrom: instantSchema.optional(),
})
export type RetentionEffect = z.output<typeof retentionEffectSchema>

export const guestRetentionSchema = z.strictObject({
  version: z.literal(1),
  site: siteNameSchema,
  guest: z.strictObject({ kind: guestKindSchema, id: z.string().min(1) }),
  policy: retentionSchema,
  /** The guest is gone from its site, so that the rules for such guests hold. */
  gone: z.boolean(),
  dryRun: z.boolean(),
  confirmed: z.boolean(),
  decidedAt: instantSchema,
  /** Oldest first. */
  archives: z.array(archiveDecisionSchema),
  /** Folders whose removal an earlier run began and this one ended (in a dry run: would end). */
  resumed: z.array(z.string()),
  warnings: z.array(z.string()),
  /** Archives to be removed, of those removed, and of those a lock holds. */
  toRemove: z.int().nonnegative(),
  removed: z.int().nonnegative(),
  locked: z.int().nonnegative(),
  /** Of those to be removed in a dry run, those of which S3 wasn't asked whether a lock holds them. Absent: none. */
  locksNotAsked: z.int().positive().optional(),
  removedBytes: bytes,
  /** In dollars by list prices. Older reports have none. */
  effect: retentionEffectSchema.optional(),
  /** One sentence. */
  summary: z.string(),
})
export type GuestRetention = z.infer<typeof guestRetentionSchema>

/**
 * `retention/<site>/<kind>-<id>/clock.json`: a person saw that the times of a guest's archives are in doubt, and
 * confirmed a pruning. What was written until then needs no second confirmation.
 */
export const clockConfirmationSchema = z.strictObject({ version: z.literal(1), confirmedAt: instantSchema })
export type ClockConfirmation = z.infer<typeof clockConfirmationSchema>

/** Written before the first version of an archive goes, so that a removal that was cut short is brought to its end. */
export const removalRecordSchema = z.strictObject({
  version: z.literal(1),
  folder: z.string().min(1),
  reason: z.string(),
  decidedAt: instantSchema,
  /** In the order in which they go: exactly these, whatever is written later. Delete markers and older records have no ETag. */
  versions: z.array(
    z.strictObject({ key: z.string().min(1), versionId: z.string().min(1), etag: z.string().min(1).optional() }),
  ),
})
export type RemovalRecord = z.infer<typeof removalRecordSchema>
