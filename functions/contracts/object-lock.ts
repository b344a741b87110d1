/** Locks of objects in S3 (Object Lock): what a job or a deployment asks for, and what S3 shows. */
import * as z from 'zod'

/** `governance` can be lifted by people with the right to; `compliance` by nobody. */
export const lockModeSchema = z.enum(['governance', 'compliance'])
export type LockMode = z.infer<typeof lockModeSchema>

/** The lock that each file of an archive is to have, counted from the opening of its upload. */
export const lockOrderSchema = z.strictObject({
  mode: lockModeSchema.describe(
    "`governance` can be lifted by people with the permission; `compliance` by nobody, not even the account's root.",
  ),
  days: z.int().min(1).max(36_500).describe('How long each file is locked, from the opening of its upload.'),
})
export type LockOrder = z.infer<typeof lockOrderSchema>

/** A lock with its end, an ISO instant, as S3 is asked for it. */
export interface DatedLock {
  mode: LockMode
  until: string
}

/** What S3 showed of an object's lock. A legal hold has no end of its own. */
export const shownLockSchema = z.strictObject({
  mode: lockModeSchema.optional(),
  until: z.iso.datetime().optional(),
  legalHold: z.literal(true).optional(),
})
export type ShownLock = z.infer<typeof shownLockSchema>
