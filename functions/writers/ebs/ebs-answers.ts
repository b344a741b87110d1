/** Answers of EBS direct, as far as they are read. */
import * as z from 'zod'

export const begunSchema = z.object({
  SnapshotId: z.string().regex(/^snap-[0-9a-f]+$/),
  BlockSize: z.int().positive(),
})

export const pageSchema = z.object({
  Blocks: z.array(z.object({ BlockIndex: z.int().nonnegative() })),
  NextToken: z.string().nullish(),
})
