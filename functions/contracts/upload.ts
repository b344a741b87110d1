/** An upload in progress, and the parts of it that one stream copies. */
import * as z from 'zod'
import { encodingSchema } from './disk-archive.ts'
import { sourceIdentitySchema } from './nouns.ts'
import { lesserLevelSchema } from './proof.ts'

/** A contiguous range of part numbers, both inclusive: the work of one stream in one round of copying. */
export const chunkSchema = z.strictObject({ firstPart: z.int().min(1), lastPart: z.int().min(1) })
export type Chunk = z.infer<typeof chunkSchema>

/** How the parts of an upload are made. Absent in older records, whose parts are bytes of the source. */
export const uploadEncoding = {
  encoding: encodingSchema.optional(),
  /** Key of the plan that says which range of the source each part stands for, where that follows from no rule. */
  planKey: z.string().min(1).optional(),
}

/** An upload in progress: everything Copy parts and Complete upload need, and no part list. */
export const uploadSchema = z.strictObject({
  key: z.string().min(1),
  uploadId: z.string().min(1),
  /** Most bytes of the source that are read for one part. */
  partSizeBytes: z.int().positive(),
  partCount: z.int().min(1).max(10_000),
  ...uploadEncoding,
  /** How the object will be proved. Absent: by full-object CRC-32, for which the upload was opened. */
  proof: lesserLevelSchema.optional(),
  /** The source as it was when the upload was opened. */
  source: sourceIdentitySchema,
})
export type Upload = z.infer<typeof uploadSchema>
