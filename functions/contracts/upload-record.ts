/** What is kept in S3 of an artifact's upload. */
import * as z from 'zod'
import { diskContentSchema } from './disk-archive.ts'
import { sourceIdentitySchema } from './nouns.ts'
import { lesserLevelSchema } from './proof.ts'
import { planItemSchema } from './plan-item.ts'
import { uploadEncoding } from './upload.ts'

/**
 * `uploads/…`: enough for another execution to resume the upload, and, once `crc32` is there, to recognise the finished
 * object as this source's. It stays until the archive has a manifest: until then it is the object's only witness.
 */
export const uploadRecordSchema = z.strictObject({
  version: z.literal(1),
  key: z.string(),
  uploadId: z.string(),
  partSizeBytes: z.int().positive(),
  partCount: z.int().positive(),
  ...uploadEncoding,
  /** How the object will be proved. Absent: by full-object CRC-32. */
  proof: lesserLevelSchema.optional(),
  source: sourceIdentitySchema.extend({ artifactRef: z.string() }),
  openedAt: z.string(),
  /** Full-object CRC-32, unsigned, over all parts. Written just before Complete. */
  crc32: z.int().nonnegative().optional(),
  /**
   * The ETag that proves the object, without quotes: at the level of part checksums it is written with the sum, at that of
   * reading back once all of it was read.
   */
  etag: z.string().min(1).optional(),
  /** Of the object, written with its sum. Absent: it is the source's. */
  objectSizeBytes: z.int().nonnegative().optional(),
  content: diskContentSchema.optional(),
  /** Whose archive it is of and in which run, to write the manifest by when the run couldn't. Older records have none. */
  item: planItemSchema.optional(),
})
export type UploadRecord = z.infer<typeof uploadRecordSchema>
