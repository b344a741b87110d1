/** Objects among the archives without a manifest: they are paid for, and no archive. */
import * as z from 'zod'
import { guestKindSchema, instantSchema, siteNameSchema } from './nouns.ts'

/**
 * - `under-way`: a run holds the guest and may be about to write the manifest.
 * - `unclear`: a record about it can't be read.
 * - `going`: retention is removing it, and goes on with that.
 * - `adoptable`: its upload's record has the checksum of the finished object and says whose it is.
 * - `unproven`: nothing proves what it is.
 */
export const unfinishedStateSchema = z.enum(['under-way', 'unclear', 'going', 'adoptable', 'unproven'])
export type UnfinishedState = z.output<typeof unfinishedStateSchema>

export const unfinishedArchiveSchema = z.strictObject({
  /** Whole key of the folder, with a slash at its end. */
  folder: z.string(),
  site: siteNameSchema,
  guest: z.strictObject({ kind: guestKindSchema, id: z.string().min(1) }),
  /** The archive's time, from the folder's name. */
  keyedAt: instantSchema,
  files: z.int().nonnegative(),
  sizeBytes: z.int().nonnegative(),
  /** By list prices of each file's storage class. */
  dollarsPerMonth: z.number().nonnegative(),
  state: unfinishedStateSchema,
  /** A sentence or two for people. */
  reason: z.string(),
})
export type UnfinishedArchive = z.output<typeof unfinishedArchiveSchema>
