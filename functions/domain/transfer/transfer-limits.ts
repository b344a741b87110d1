/** Which bandwidth holds now, and until when. Windows are read on the wall clock of the limits' time zone. */
import type { BandwidthWindow, RunLimits, SiteLimits, weekdaySchema } from '../../contracts/limits.ts'

type Weekday = (typeof weekdaySchema.options)[number]

export interface Bandwidth {
  /** `undefined`: no limit. 0 only together with `closed`. */
  bytesPerSecond: number | undefined
  /** Nothing may move now. */
  closed: boolean
  /** The next instant, on a full minute, at which this changes; `undefined` when it doesn't within eight days. */
  changesAt: Date | undefined
}

const MIB = 2 ** 20
const MINUTE = 60_000
/** Clocks change at whole quarters of an hour of UTC, and every zone's offset is a whole number of quarters. */
const QUARTER = 15 * MINUTE
/** A week holds every combination of windows; a day more, since days on which clocks change last 25 hours. */
const SEARCHED = 8 * 24 * 60 * MINUTE

/**
 * The bandwidth that `limits` allow at `now`. On the day when clocks go forward a window within the missing hour
 * doesn't happen, and on the day when they go back one within the repeated hour happens twice: what a wall clock shows.
 */
export function bandwidthAt(limits: RunLimits | SiteLimits, now: Date): Bandwidth {
  const mibPerSecond = mibPerSecondAt(limits, wallClock(limits.timezone, now.getTime()))
  return {
    bytesPerSecond: mibPerSecond === undefined ? undefined : Math.floor(mibPerSecond * MIB),
    // Less than a byte a second is none.
    closed: mibPerSecond !== undefined && Math.floor(mibPerSecond * MIB) === 0,
    changesAt: nextChange(limits, now, mibPerSecond),
  }
}

/** What holds when both do. */
export function strictest(one: Bandwidth, other: Bandwidth): Bandwidth {
  const rates = [one.bytesPerSecond, other.bytesPerSecond].filter((rate) => rate !== undefined)
  const changes = [one.changesAt, other.changesAt].filter((at) => at !== undefined).map((at) => at.getTime())
  return {
    bytesPerSecond: rates.length === 0 ? undefined : Math.min(...rates),
    closed: one.closed || other.closed,
    changesAt: changes.length === 0 ? undefined : new Date(Math.min(...changes)),
  }
}

/** The same limits, with none above a bandwidth that holds in any case. */
export function capped(limits: SiteLimits, mostMibPerSecond: number | undefined): SiteLimits {
  if (mostMibPerSecond === undefined) return limits
  const atMost = (mibPerSecond = mostMibPerSecond) => Math.min(mibPerSecond, mostMibPerSecond)
  return {
    ...limits,
    mibPerSecond: atMost(limits.mibPerSecond),
    windows: limits.windows.map((window) => ({ ...window, mibPerSecond: atMost(window.mibPerSecond) })),
  }
}

interface WallClock {
  day: number
  minute: number
}

function mibPerSecondAt(limits: RunLimits | SiteLimits, at: WallClock): number | undefined {
  const window = limits.windows.find((candidate) => holds(candidate, at))
  return window === undefined ? limits.mibPerSecond : window.mibPerSecond
}

function holds(window: BandwidthWindow, { day, minute }: WallClock): boolean {
  const from = minuteOfDay(window.from)
  const to = minuteOfDay(window.to)
  if (from < to) return beginsOn(window, day) && minute >= from && minute < to
  return (beginsOn(window, day) && minute >= from) || (beginsOn(window, day + 6) && minute < to)
}

/** Sunday first, as `WallClock.day` counts. */
const weekdays: readonly Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

function beginsOn(window: BandwidthWindow, day: number): boolean {
  return window.days === undefined || window.days.some((name) => weekdays[day % 7] === name)
}

function minuteOfDay(clockTime: string): number {
  const [hours, minutes] = clockTime.split(':').map(Number)
  return (hours ?? 0) * 60 + (minutes ?? 0)
}

/** Looks at every minute, but asks for the wall clock only at each quarter: that is the costly step. */
function nextChange(limits: RunLimits | SiteLimits, now: Date, current: number | undefined): Date | undefined {
  if (limits.windows.length === 0) return undefined
  const first = Math.floor(now.getTime() / MINUTE) * MINUTE + MINUTE
  let quarter = Number.NaN
  let clock: WallClock = { day: 0, minute: 0 }
  for (let at = first; at <= first + SEARCHED; at += MINUTE) {
    const itsQuarter = Math.floor(at / QUARTER) * QUARTER
    if (itsQuarter !== quarter) {
      quarter = itsQuarter
      clock = wallClock(limits.timezone, quarter)
    }
    // A quarter of an hour never spans midnight: both ends of the day are on quarters in every zone.
    const minute = clock.minute + (at - quarter) / MINUTE
    if (mibPerSecondAt(limits, { day: clock.day, minute }) !== current) return new Date(at)
  }
  return undefined
}

const formats = new Map<string, Intl.DateTimeFormat>()

function wallClock(timezone: string, milliseconds: number): WallClock {
  const known = formats.get(timezone)
  const format =
    known ??
    new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
  if (known === undefined) formats.set(timezone, format)
  const parts = new Map(format.formatToParts(milliseconds).map(({ type, value }) => [type, value]))
  return {
    day: weekdays.findIndex((name) => name === parts.get('weekday')?.toLowerCase()),
    minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')),
  }
}
