/**
 * `<file>.index.zst` beside the archive of a container: where each of its members lies, written when the archive was read
 * whole. All positions count bytes of the content, which is what the decompressor makes of the file. A hint and never a
 * proof: what is read by it is held against the archive's own headers.
 */
import * as z from 'zod'
import { crc32Schema } from './nouns.ts'
import { archiveFormatSchema, compressionSchema } from './verification.ts'

const countSchema = z.int().nonnegative()

/** One member: a line of JSON in a block. */
export const indexedMemberSchema = z.strictObject({
  /** From the container's root on, without a slash at either end: `etc/hostname`. */
  path: z.string(),
  /** The tar's type flag: `0` a file, `1` a hard link, `2` a symbolic link, `5` a folder. */
  type: z.string().length(1),
  /** Where the first of its headers begins, and where its content does. */
  headAt: countSchema,
  contentAt: countSchema,
  /** Of the file, and of its content in the tar where holes were left out of it. */
  sizeBytes: countSchema,
  storedBytes: countSchema.optional(),
  mode: countSchema,
  ownerId: countSchema,
  groupId: countSchema,
  /** Seconds since 1970. */
  modifiedAt: z.number(),
  /** Of links. */
  linkName: z.string().optional(),
  /** Over the content as the tar has it; absent where there is none. */
  crc32: crc32Schema.optional(),
})
export type IndexedMember = z.infer<typeof indexedMemberSchema>

/** A zstd frame of the index: lines in the archive's order. */
export const indexBlockSchema = z.strictObject({
  /** Where the frame lies in the index's object, and how many bytes it has. */
  at: countSchema,
  bytes: z.int().positive(),
  /** Of the lines in it. */
  lineBytes: z.int().positive(),
  members: z.int().positive(),
  /** The smallest and the greatest of its paths, by UTF-16 code units. A block without a path that is sought is not read. */
  first: z.string(),
  last: z.string(),
  /** At most so many bytes of the archive's file were read when the content of its last member had passed. */
  fileBytes: countSchema,
})
export type IndexBlock = z.infer<typeof indexBlockSchema>

/**
 * The index's directory: its last line, in a frame of its own. It says nothing of who wrote it and when, so that reading
 * the same archive again makes the same index.
 */
export const contentIndexSchema = z.strictObject({
  version: z.literal(1),
  format: archiveFormatSchema,
  compression: compressionSchema,
  /** The object that it is of. */
  fileName: z.string(),
  sizeBytes: countSchema,
  etag: z.string(),
  crc32: crc32Schema,
  contentBytes: countSchema,
  members: countSchema,
  blocks: z.array(indexBlockSchema),
})
export type ContentIndex = z.infer<typeof contentIndexSchema>
