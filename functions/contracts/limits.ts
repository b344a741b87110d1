/** How much of a site's line and of its nodes a transfer may take. */
import * as z from 'zod'
import { timeZoneSchema } from './nouns.ts'

export const weekdaySchema = z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])

const clockTimeSchema = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day is HH:MM, as 22:30')

/** A recurring stretch of time, in the limits' time zone. `to` at or before `from` reaches into the next day. */
export const bandwidthWindowSchema = z.strictObject({
  /** Days on which the window begins; every day when left out. */
  days: z.array(weekdaySchema).min(1).optional(),
  from: clockTimeSchema,
  to: clockTimeSchema,
  /** 0: nothing moves in this window. */
  mibPerSecond: z.number().nonnegative(),
})
export type BandwidthWindow = z.infer<typeof bandwidthWindowSchema>

const bandwidth = {
  /** Outside all windows. Left out: as fast as it goes. */
  mibPerSecond: z.number().positive().optional(),
  /** The first window that holds the moment decides. */
  windows: z.array(bandwidthWindowSchema).default([]),
  timezone: timeZoneSchema.default('UTC'),
}

/** Bandwidth of one run: all its transfers together. */
export const runLimitsSchema = z.strictObject(bandwidth)
export type RunLimits = z.output<typeof runLimitsSchema>

/** Bandwidth and connections of one site: all runs together. */
export const siteLimitsSchema = z.strictObject({
  ...bandwidth,
  /** Connections to one node at a time. sshd refuses at random from its eleventh unfinished login on (MaxStartups 10:30:100). */
  connectionsPerNode: z.int().min(1).max(40).default(4),
})
export type SiteLimits = z.output<typeof siteLimitsSchema>
