/** A person's word that an archive stays, whatever any retention says. It needs no Object Lock, and S3 doesn't enforce it. */
import * as z from 'zod'
import { instantSchema } from './nouns.ts'

/** Why an archive is pinned: a line for people. */
export const pinReasonSchema = z
  .string()
  .regex(/^\S.{0,199}$/, 'one line of at most 200 characters that begins with no blank')

/** `retention/<site>/<kind>-<id>/pins/<archive>/pin.json`. That it is there pins; nothing in it is needed for that. */
export const pinSchema = z.strictObject({
  version: z.literal(1),
  /** Whole key of the archive's folder, with a slash at its end. */
  folder: z.string().min(1),
  pinnedAt: instantSchema,
  /** Why: a sentence for people. */
  reason: z.string().optional(),
})
export type Pin = z.infer<typeof pinSchema>
