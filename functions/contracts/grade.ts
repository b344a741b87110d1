/** What a backup reached: how consistent it is, and what of its guest it leaves out. The same words on every platform. */
import * as z from 'zod'

/**
 * How well what was saved agrees with itself, measured against the guest as it was when the backup began.
 * - `application`: applications were shut down or brought to a safe point, or nothing was running.
 * - `file-system`: all of it is of one moment and was written out; applications find what a kill would have left them.
 * - `crash`: the disks are of one moment, and hold what a pulled plug would have left there.
 */
export const consistencySchema = z.enum(['application', 'file-system', 'crash'])
export type Consistency = z.infer<typeof consistencySchema>

/**
 * - `disks`: a disk or mount point. `unused-disks`: one that isn't attached.
 * - `files`: files that a pattern leaves out. `extended-attributes`: those of files, with access control lists.
 * - `snapshots`, `pending-changes`, `configuration`: of the platform's own description of the guest.
 * - `other`: something that the platform says and no name here fits.
 */
export const gapNameSchema = z.enum([
  'disks',
  'unused-disks',
  'files',
  'extended-attributes',
  'snapshots',
  'pending-changes',
  'configuration',
  'other',
])
export type GapName = z.infer<typeof gapNameSchema>

/** As records hold it: a later version may know more names, and this one must read on. */
const heldGapNameSchema = gapNameSchema.catch('other')

/** Something of the guest that the archive doesn't hold. */
export const gapSchema = z.strictObject({
  name: heldGapNameSchema,
  /** In words, as the object of a sentence: `the disk scsi1 (local-lvm:vm-100-disk-1)`. */
  what: z.string(),
  /** The guest's own configuration, or the job, leaves it out: nobody has to be warned of that. */
  chosen: z.boolean().optional(),
  /** How the next backup would hold it: a sentence. */
  advice: z.string().optional(),
})
export type Gap = z.infer<typeof gapSchema>

export const gradeSchema = z.strictObject({
  /** Only what the platform's own words prove. Absent: that isn't known. */
  consistency: consistencySchema.optional(),
  /** Why it is so, or why it isn't known: a sentence. */
  reason: z.string(),
  /** What the guest is set up for, where that is more. */
  expected: consistencySchema.optional(),
  /** How the next backup would reach more: a sentence. */
  advice: z.string().optional(),
  gaps: z.array(gapSchema),
  /** Why there may be further gaps: a sentence. Absent when these are known to be all. */
  gapsMayLack: z.string().optional(),
})
export type Grade = z.infer<typeof gradeSchema>

/** A grade in short, as catalogue and reports carry it: gaps by name, each once. */
export const shortGradeSchema = z.strictObject({
  consistency: consistencySchema.optional(),
  gaps: z.array(heldGapNameSchema),
  /** There may be further ones. */
  gapsMayLack: z.literal(true).optional(),
})
export type ShortGrade = z.infer<typeof shortGradeSchema>

/** The least that a job takes for a success. What falls short is stored all the same, and its guest counts as failed. */
export const requirementSchema = z
  .strictObject({
    consistency: consistencySchema
      .optional()
      .describe('The least consistency of an archive: `application` is the most, `crash` the least.'),
    complete: z.boolean().default(false).describe('Nothing may be left out, except for the gaps in `accept`.'),
    accept: z.array(gapNameSchema).default([]).describe('Gaps that are fine. They cause no warning either.'),
  })
  .refine(({ consistency, complete, accept }) => consistency !== undefined || complete || accept.length > 0, {
    error: 'require needs consistency, complete or accept',
  })
export type Requirement = z.infer<typeof requirementSchema>
