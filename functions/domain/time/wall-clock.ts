/** Instants as a clock on the wall of a time zone shows them, and back. Pure. */

/** What a clock and a calendar show. Months count from 1. */
export interface WallTime {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
}

/** Making a formatter costs a thousand times as much as using it. */
const formatters = new Map<string, Intl.DateTimeFormat>()

function formatterFor(timeZone: string): Intl.DateTimeFormat {
  const known = formatters.get(timeZone)
  if (known !== undefined) return known
  const two = '2-digit'
  const made = new Intl.DateTimeFormat('en-US-u-ca-iso8601', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: two,
    day: two,
    hour: two,
    minute: two,
    second: two,
  })
  formatters.set(timeZone, made)
  return made
}

/** @param at milliseconds @throws RangeError for an unknown zone or an invalid instant */
export function wallTime(at: number, timeZone: string): WallTime {
  const found: Record<string, number> = {}
  for (const { type, value } of formatterFor(timeZone).formatToParts(new Date(at))) found[type] = Number(value)
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = found
  return { year, month, day, hour, minute, second }
}

/**
 * When a clock shows that, in milliseconds. Of an hour that comes twice, the first is meant; one that is skipped counts
 * as if the clock had not been put forward.
 */
export function instantOf(wall: WallTime, timeZone: string): number {
  const asUtc = utcOf(wall)
  const guesses = [asUtc - DAY, asUtc + DAY].map((near) => asUtc - offsetAt(near, timeZone))
  const [early = asUtc, late = asUtc] = guesses.toSorted((a, b) => a - b)
  return utcOf(wallTime(early, timeZone)) === asUtc || early === late ? early : late
}

const DAY = 86_400_000

function utcOf({ year, month, day, hour, minute, second }: WallTime): number {
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

/** How far the zone's clocks are ahead of UTC, in milliseconds. */
function offsetAt(at: number, timeZone: string): number {
  return utcOf(wallTime(at, timeZone)) - Math.floor(at / 1000) * 1000
}

const two = (value: number) => String(Math.abs(value)).padStart(2, '0')

/** `2026-11-22` */
export function shownDay(instant: string, timeZone: string): string {
  const { year, month, day } = wallTime(Date.parse(instant), timeZone)
  return `${year}-${two(month)}-${two(day)}`
}

/** `2026-11-22 03:00:00+01:00`, or in UTC `2026-11-22 02:00:00Z`: options take it as it is shown. */
export function shownTime(instant: string, timeZone: string): string {
  const at = Date.parse(instant)
  const { hour, minute, second } = wallTime(at, timeZone)
  return `${shownDay(instant, timeZone)} ${two(hour)}:${two(minute)}:${two(second)}${zoneOf(offsetAt(at, timeZone))}`
}

function zoneOf(offset: number): string {
  if (offset === 0) return 'Z'
  const minutes = Math.trunc(offset / 60_000)
  return `${offset < 0 ? '-' : '+'}${two(Math.trunc(minutes / 60))}:${two(minutes % 60)}`
}
