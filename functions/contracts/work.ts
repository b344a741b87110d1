/** What was counted while a guest was archived, for the receipt. Travels in state, and stays in manifest and outcome. */
import * as z from 'zod'

const countSchema = z.int().nonnegative()

/** Copying, within one execution. Everything has a default, so that it starts from `{}`. */
export const copyWorkSchema = z.strictObject({
  /** Calls of Plan copies. */
  plans: countSchema.default(0),
  rounds: countSchema.default(0),
  /** Calls of Copy parts, and those of them that ended in an error. */
  copyCalls: countSchema.default(0),
  brokenCalls: countSchema.default(0),
  /** What Lambda bills of these calls. A broken one leaves no figure of its own: the workflow's clock stands in. */
  copySeconds: z.number().nonnegative().default(0),
  /** Calls whose time nothing told, as of functions older than this: only what they measured of it is in the sum. */
  untimedCalls: countSchema.default(0),
  /** Parts that S3 was sent: as the calls say, or as its own list grew, if that is more. */
  partsSent: countSchema.default(0),
  /** Requests for reading that the platform bills, of calls that ended well. Absent where it bills none. */
  billedReads: countSchema.optional(),
  /** Of a copy function, as Lambda tells it. Absent where nothing tells. */
  memoryMiB: z.int().positive().optional(),
})
export type CopyWork = z.output<typeof copyWorkSchema>

/** Copying of all of a guest's artifacts, and what went before and after it. */
export const guestCountsSchema = copyWorkSchema.extend({
  /** Calls to start the backup and to look whether it has ended. */
  backupCalls: countSchema,
  /** Whether retention was applied afterwards. */
  retention: z.boolean(),
})
export type GuestCounts = z.output<typeof guestCountsSchema>
