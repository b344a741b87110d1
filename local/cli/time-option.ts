/** Options that take times and durations: one parser for all, by the local clock or, with `--utc`, in UTC. */
import { InvalidArgumentError, Option } from 'commander'
import { DURATION_WORDS, readDuration, readTime, TIME_WORDS } from '../../functions/domain/time/written-time.ts'
import { ownTimeZone } from './print/own-time.ts'

/** `--since`: a day is meant from its begin. Returns an ISO instant. */
export function sinceOption(text: string): string {
  return instant(text, 'begin')
}

/** `--until`: a day is meant to its end. */
export function untilOption(text: string): string {
  return instant(text, 'end')
}

/** `--at` takes what `--until` does. */
export const AT_HELP =
  'as it was then: the newest archive on or before a day (2026-11-22, tuesday), an instant, or 7d ago'

export const SINCE_HELP = 'only from then on: 2026-11-22, tuesday, an instant, or 7d for a week ago'
export const UNTIL_HELP = 'only until then, a whole day included'

/** For commands that show or take times. Read in `main.ts`, before times are. */
export function utcOption(): Option {
  return new Option('--utc', 'show and read times in UTC (default: local time)')
}

/** `24h`, `7d`, `90m` in milliseconds. */
export function durationOption(text: string): number {
  const duration = readDuration(text)
  if (duration === undefined) throw new InvalidArgumentError(`Give a duration ${DURATION_WORDS}.`)
  return duration
}

/** The same in seconds; a bare number is one of seconds. */
export function secondsOption(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  const seconds = (readDuration(text) ?? Number.NaN) / 1000
  if (Number.isNaN(seconds)) throw new InvalidArgumentError('Give seconds, or a duration as 90s or 3m.')
  return seconds
}

function instant(text: string, edge: 'begin' | 'end'): string {
  const at = readTime(text, edge, { now: Date.now(), timeZone: ownTimeZone() })
  if (at === undefined) throw new InvalidArgumentError(`Give ${TIME_WORDS}.`)
  return new Date(at).toISOString()
}
