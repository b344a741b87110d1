/** Times and durations as people write them: the same words for every option. Pure. */
import { instantOf, wallTime, type WallTime } from './wall-clock.ts'

/** What a text is read by. */
export interface Clock {
  /** Milliseconds. */
  now: number
  timeZone: string
}

const MINUTE = 60_000
const units: Readonly<Record<string, number>> = {
  s: 1000,
  m: MINUTE,
  h: 60 * MINUTE,
  d: 1440 * MINUTE,
  w: 7 * 1440 * MINUTE,
}

const PART = /^(\d{1,6})\s*(s|sec|seconds?|m|min|minutes?|h|hours?|d|days?|w|weeks?)(?![a-z])\s*/i

/** `24h`, `7d`, `90m`, `1h30m`, `36 hours`, in milliseconds; `undefined` for anything else, and for nothing at all. */
export function readDuration(text: string): number | undefined {
  let [rest, sum] = [text.trim(), 0]
  while (rest !== '') {
    const [part = '', count, unit = ''] = PART.exec(rest) ?? []
    if (count === undefined) return undefined
    sum += Number(count) * (units[unit.charAt(0).toLowerCase()] ?? 0)
    rest = rest.slice(part.length)
  }
  return sum === 0 ? undefined : sum
}

export const DURATION_WORDS = 'as 90m, 24h, 7d or 2w'

export const TIME_WORDS =
  'a day (2026-11-22, yesterday, tuesday), a time (2026-11-22 02:00), an instant (2026-11-22T02:00:00Z) or how long ago (7d)'

const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']

/**
 * An instant, in milliseconds: a day, a time, an instant, or so long ago. Days and times without a zone are those of the
 * clock's zone. A weekday is the latest one, today included. `undefined` for anything else.
 * @param edge which end of a day is meant
 */
export function readTime(text: string, edge: 'begin' | 'end', clock: Clock): number | undefined {
  const words = text.trim().toLowerCase()
  if (words === 'now') return clock.now
  const ago = readDuration(words.replace(/\s+ago$/, ''))
  if (ago !== undefined) return clock.now - ago
  const day = namedDay(words, clock) ?? writtenDay(words)
  if (day !== undefined) return dayEdge(day, edge, clock)
  return writtenTime(text.trim(), clock)
}

type Day = Pick<WallTime, 'year' | 'month' | 'day'>

function namedDay(word: string, { now, timeZone }: Clock): Day | undefined {
  const today = wallTime(now, timeZone)
  if (word === 'today') return today
  if (word === 'yesterday') return daysBefore(today, 1)
  // Three letters are enough for a weekday.
  const wanted = word.length < 3 ? -1 : weekdays.findIndex((one) => one.startsWith(word))
  const current = new Date(Date.UTC(today.year, today.month - 1, today.day)).getUTCDay()
  return wanted === -1 ? undefined : daysBefore(today, (current - wanted + 7) % 7)
}

function daysBefore({ year, month, day }: Day, days: number): Day {
  const date = new Date(Date.UTC(year, month - 1, day - days))
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
}

function writtenDay(text: string): Day | undefined {
  const [, year, month, day] = (/^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? []).map(Number)
  return year === undefined ? undefined : existing({ year, month: month ?? 0, day: day ?? 0 })
}

/** The 30th of February is a mistake, not the 2nd of March. */
function existing(day: Day): Day | undefined {
  const same = daysBefore(day, 0)
  return same.month === day.month && same.day === day.day ? day : undefined
}

function dayEdge(day: Day, edge: 'begin' | 'end', { timeZone }: Clock): number {
  const midnight = { hour: 0, minute: 0, second: 0 }
  if (edge === 'begin') return instantOf({ ...day, ...midnight }, timeZone)
  return instantOf({ ...daysBefore(day, -1), ...midnight }, timeZone) - 1
}

const TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?\s*(Z|[+-]\d\d:?\d\d)?$/i

function writtenTime(text: string, { timeZone }: Clock): number | undefined {
  const [, date = '', hour, minute, second = '00', fraction = '', zone] = TIME.exec(text) ?? []
  const day = writtenDay(date)
  if (day === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined
  if (zone !== undefined) {
    const offset = zone.toUpperCase().replace(/^(...):?(..)$/, '$1:$2')
    const at = Date.parse(`${date}T${hour}:${minute}:${second}${fraction}${offset}`)
    return Number.isNaN(at) ? undefined : at
  }
  const wall = { ...day, hour: Number(hour), minute: Number(minute), second: Number(second) }
  return instantOf(wall, timeZone) + Math.floor(Number(`0${fraction}`) * 1000)
}
