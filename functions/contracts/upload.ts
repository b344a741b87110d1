/** An upload in progress, and the parts of it that one stream copies. */
import * as z from 'zod'
import { sourceIdentitySchema } from './nouns.ts'

/** A contiguous range of part numbers, both inclusive: the work of one stream in one round of copying. */
export const chunkSchema = z.strictObject({ firstPart: z.int().min(1), lastPart: z.int().min(1) })
export type Chunk = z.infer<typeof chunkSchema>

/** An upload in progress: everything Copy parts and Complete upload need, and no part list. */
export const uploadSchema = z.strictObject({
  key: z.string().min(1),
  uploadId: z.string().min(1),
  partSizeBytes: z.int().positive(),
  partCount: z.int().min(1).max(10_000),
  /** The source as it was when the upload was opened. */
  source: sourceIdentitySchema,
})
export type Upload = z.infer<typeof uploadSchema>
