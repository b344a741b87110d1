import { InvalidArgumentError } from 'commander'

const DAY = /^\d{4}-\d\d-\d\d$/

/** `--since`: a day (its begin, in UTC), an instant, or so long ago (`36h`, `7d`). Returns an ISO instant. */
export function sinceOption(text: string): string {
  return instant(DAY.test(text) ? `${text}T00:00:00.000Z` : text)
}

/** `--until`: a day is meant to its end. */
export function untilOption(text: string): string {
  return instant(DAY.test(text) ? `${text}T23:59:59.999Z` : text)
}

/** `--at` takes what `--until` does. */
export const AT_HELP = 'as it was then: the newest archive on or before a day (2026-11-22), an instant, or 7d ago'

/** `24h`, `7d`, `90m` in milliseconds. */
export function durationOption(text: string): number {
  const [, count, unit] = /^([1-9]\d{0,5})(m|h|d|w)$/.exec(text) ?? []
  if (count === undefined) throw new InvalidArgumentError('Give a duration as 90m, 24h, 7d or 2w.')
  const minutes = { m: 1, h: 60, d: 1440, w: 10_080 }[unit ?? 'm'] ?? 1
  return Number(count) * minutes * 60_000
}

function instant(text: string): string {
  if (/^\d+[mhdw]$/.test(text)) return new Date(Date.now() - durationOption(text)).toISOString()
  const time = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) {
    throw new InvalidArgumentError('Give a day (2026-11-22), an instant (2026-11-22T02:00:00Z) or how long ago (7d).')
  }
  return new Date(time).toISOString()
}
