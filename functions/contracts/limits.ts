/** How much of a site's line and of its nodes a transfer may take. */
import * as z from 'zod'
import { timeZoneSchema } from './nouns.ts'

export const weekdaySchema = z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])

const clockTimeSchema = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day is HH:MM, as 22:30')

/** A recurring stretch of time, in the limits' time zone. `to` at or before `from` reaches into the next day. */
export const bandwidthWindowSchema = z.strictObject({
  days: z.array(weekdaySchema).min(1).optional().describe('Days on which the window begins. Every day without it.'),
  from: clockTimeSchema.describe('When the window begins, as `HH:MM`.'),
  to: clockTimeSchema.describe('When the window ends, as `HH:MM`. At or before `from`, it ends on the next day.'),
  mibPerSecond: z.number().nonnegative().describe('MiB per second within the window. With 0, nothing moves.'),
})
export type BandwidthWindow = z.infer<typeof bandwidthWindowSchema>

const bandwidth = {
  mibPerSecond: z
    .number()
    .positive()
    .optional()
    .describe('MiB per second outside all windows. Without it there is no limit.'),
  windows: z
    .array(bandwidthWindowSchema)
    .default([])
    .describe('Times with a bandwidth of their own. Where several windows overlap, the first one in the list counts.'),
  timezone: timeZoneSchema.default('UTC').describe('Time zone of the windows, an IANA name such as `Europe/Vienna`.'),
}

/** Bandwidth of one run: all its transfers together. */
export const runLimitsSchema = z.strictObject(bandwidth)
export type RunLimits = z.output<typeof runLimitsSchema>

/** Bandwidth and connections of one site: all runs together. */
export const siteLimitsSchema = z.strictObject({
  ...bandwidth,
  // sshd refuses at random from its eleventh unfinished login on (MaxStartups 10:30:100).
  connectionsPerNode: z.int().min(1).max(40).default(4).describe('Connections to one node at a time, over all runs.'),
})
export type SiteLimits = z.output<typeof siteLimitsSchema>
