/** What Plan copies decides from round to round, and what a round tells it. Travels in state: small, and no secrets. */
import { z } from 'zod'

/** What one Copy parts call did. A call that failed or was killed leaves only `error`. */
export const copyResultSchema = z.strictObject({
  bytesSent: z.int().nonnegative(),
  partsSent: z.int().nonnegative(),
  /** From the first byte asked for to the last confirmed. */
  seconds: z.number().nonnegative(),
  /** Answers of S3 that asked to slow down (SlowDown, 503). */
  throttles: z.int().nonnegative(),
  /** Connections to the source that broke and were opened again. */
  drops: z.int().nonnegative(),
  /** As Step Functions gives it: `Error` is the name, `Cause` a text that holds Lambda's error as JSON. */
  error: z.strictObject({ Error: z.string(), Cause: z.string().optional() }).optional(),
})
export type CopyResult = z.output<typeof copyResultSchema>

/** The controller's memory. Everything has a default, so that the first round starts from `{}`. */
export const paceSchema = z.strictObject({
  /** Rounds so far. */
  rounds: z.int().nonnegative().default(0),
  /** Streams of the last round. 0: none yet. */
  streams: z.int().nonnegative().default(0),
  /** Parts that each stream holds in memory at once. Halved when a function runs out of memory. */
  partsInFlight: z.int().min(1).default(4),
  /** Number of streams below which the rate was lower, with that rate: what growing is measured against. */
  before: z.strictObject({ streams: z.int().positive(), bytesPerSecond: z.number().nonnegative() }).optional(),
  /** Growing didn't help at this many streams; tried again after a number of rounds. */
  ceiling: z.strictObject({ streams: z.int().positive(), untilRound: z.int().nonnegative() }).optional(),
  /** Rounds in a row in which no part arrived. */
  fruitless: z.int().nonnegative().default(0),
  /** Parts missing when the last round began: fewer now is progress, whatever the calls said. */
  missingParts: z.int().nonnegative().optional(),
  /** Sent in this execution, parts that were sent twice included. */
  bytesSent: z.int().nonnegative().default(0),
})
export type Pace = z.output<typeof paceSchema>

/** What each Copy parts call of a round is told. */
export const copyOrderSchema = z.strictObject({
  /** No part is begun after this. */
  seconds: z.int().positive(),
  partsInFlight: z.int().min(1),
  /** This stream's share of the bandwidth, where it is limited. */
  bytesPerSecond: z.int().positive().optional(),
})
export type CopyOrder = z.output<typeof copyOrderSchema>
