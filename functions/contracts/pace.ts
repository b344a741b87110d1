/** What Plan copies decides from round to round, and what a round tells it. Travels in state: small, and no secrets. */
import * as z from 'zod'
import { MAX_STREAMS } from './execution.ts'
import { instantSchema } from './nouns.ts'
import { chunkSchema } from './upload.ts'
import { copyWorkSchema } from './work.ts'

/** What one Copy parts call did. Of a call that failed or was killed the workflow tells only `error` and its time. */
export const copyResultSchema = z.strictObject({
  /** To S3. */
  bytesSent: z.int().nonnegative(),
  /** Of the source, where that isn't what was sent: an encoding makes fewer bytes of it. */
  bytesRead: z.int().nonnegative().optional(),
  partsSent: z.int().nonnegative(),
  /** From the first byte asked for to the last confirmed. */
  seconds: z.number().nonnegative(),
  /** Of the whole call, as far as Lambda bills it. Absent: nothing told. */
  billedSeconds: z.number().nonnegative().optional(),
  /** Of the function, as Lambda tells it; absent elsewhere. */
  memoryMiB: z.int().positive().optional(),
  /** Requests for reading that the platform bills. */
  billedReads: z.int().nonnegative().optional(),
  /** Answers of S3 that asked to slow down (SlowDown, 503). */
  throttles: z.int().nonnegative(),
  /** Connections to the source that broke and were opened again. */
  drops: z.int().nonnegative(),
  /** As Step Functions gives it: `Error` is the name, `Cause` a text that holds Lambda's error as JSON. */
  error: z.strictObject({ Error: z.string(), Cause: z.string().optional() }).optional(),
  /** How often the call was refused and made again, as the workflow counts it: each costs events of its history. */
  retries: z.int().nonnegative().optional(),
})
export type CopyResult = z.output<typeof copyResultSchema>

/** The rate that a number of streams together reached, averaged over the rounds it ran. */
export const measuredRateSchema = z.strictObject({
  streams: z.int().positive(),
  bytesPerSecond: z.number().nonnegative(),
  /** Seconds of copying that the average stands for; the weight of old rounds is bounded. */
  seconds: z.number().nonnegative(),
})
export type MeasuredRate = z.output<typeof measuredRateSchema>

/** The controller's memory. Everything has a default, so that the first round starts from `{}`. */
export const paceSchema = z.strictObject({
  /** Rounds that ran so far. */
  rounds: z.int().nonnegative().default(0),
  /** Streams wanted for the next round; it runs with fewer when that many aren't granted. 0: not decided yet. */
  streams: z.int().nonnegative().default(0),
  /** Parts that each stream holds in memory at once. Halved when a function runs out of memory or time. */
  partsInFlight: z.int().min(1).default(4),
  /** The latest numbers of streams tried, newest last. */
  measured: z.array(measuredRateSchema).max(8).default([]),
  /** The best number of streams so far, from which others are tried. Absent while the number doubles from round to round. */
  home: z.int().positive().optional(),
  /** Trials since `home` was found that didn't better it, and the round of the next one. */
  trials: z.int().nonnegative().default(0),
  nextTrialRound: z.int().nonnegative().default(0),
  /** More streams than this brought errors; not exceeded before that round, which comes later each time. */
  ceiling: z
    .strictObject({ streams: z.int().positive(), untilRound: z.int().nonnegative(), times: z.int().positive() })
    .optional(),
  /** Rounds in a row with a failed stream. */
  troubled: z.int().nonnegative().default(0),
  /** Rounds in a row in which no part arrived, and how many of these in a row ended with functions killed. */
  fruitless: z.int().nonnegative().default(0),
  killed: z.int().nonnegative().default(0),
  /** How long one part took in a stream's hands, in the slowest stream of the last round. */
  partSeconds: z.number().nonnegative().optional(),
  /** All streams' bandwidth in the last round dealt out, where it was limited. */
  limitBytesPerSecond: z.number().positive().optional(),
  /** The last round was held by that limit, not by the link. */
  limited: z.boolean().default(false),
  /** Parts missing when the last round began: fewer now is progress, whatever the calls said. */
  missingParts: z.int().nonnegative().optional(),
  /** When this execution began to copy the artifact: it has `LONGEST_COPY_SECONDS` for it. Absent in what began before that was kept. */
  copyingSince: instantSchema.optional(),
  /** Sent in this execution, parts that were sent twice included. */
  bytesSent: z.int().nonnegative().default(0),
  /** Counted in this execution, an upload that vanished included. Not looked at for the pace. */
  work: copyWorkSchema.prefault({}),
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

/** What is moved next. No chunk: given up, or wait and plan again or, with nothing to wait for, everything is there. */
export const dealtRoundSchema = z.strictObject({
  pace: paceSchema,
  chunks: z.array(chunkSchema).max(MAX_STREAMS),
  order: copyOrderSchema.optional(),
  waitSeconds: z.int().nonnegative(),
  /** Nothing moves any more: the error to fail with. */
  gaveUp: z.strictObject({ Error: z.string(), Cause: z.string() }).optional(),
  /** Why this many streams, or why none: a sentence for people. */
  reason: z.string(),
})
export type DealtRound = z.output<typeof dealtRoundSchema>
