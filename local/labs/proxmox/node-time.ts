/** The node's local time: archive names and log lines carry it without saying the zone. */

interface LocalTime {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
}

const formatters = new Map<string, Intl.DateTimeFormat>()

function formatter(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  formatters.set(zone, made)
  return made
}

export function localTime(seconds: number, zone: string): LocalTime {
  const parts = new Map(
    formatter(zone)
      .formatToParts(new Date(seconds * 1000))
      .map((part) => [part.type, Number(part.value)]),
  )
  const get = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0
  return {
    year: get('year'),
    month: get('month'),
    day: get('day'),
    hour: get('hour'),
    minute: get('minute'),
    second: get('second'),
  }
}

const two = (value: number): string => String(value).padStart(2, '0')

/** `2026-11-22 17:35:02` */
export function logStamp(seconds: number, zone: string): string {
  const at = localTime(seconds, zone)
  return `${at.year}-${two(at.month)}-${two(at.day)} ${two(at.hour)}:${two(at.minute)}:${two(at.second)}`
}

/** `2026_11_22-17_35_02` */
export function nameStamp(seconds: number, zone: string): string {
  return logStamp(seconds, zone).replaceAll('-', '_').replace(' ', '-').replaceAll(':', '_')
}

/** Seconds by which the zone's clock is ahead of UTC at an instant. */
export function offsetSeconds(seconds: number, zone: string): number {
  const at = localTime(seconds, zone)
  return Date.UTC(at.year, at.month - 1, at.day, at.hour, at.minute, at.second) / 1000 - Math.floor(seconds)
}

/** The instant that a local time in a name means, or `undefined` for a date that doesn't exist. */
export function fromNameStamp(stamp: string, zone: string): number | undefined {
  const match = /^(\d{4})_(\d{2})_(\d{2})-(\d{2})_(\d{2})_(\d{2})$/.exec(stamp)
  if (match === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number)
  const asUtc = new Date(Date.UTC(year, month - 1, day, hour, minute, second))
  if (asUtc.getUTCMonth() !== month - 1 || asUtc.getUTCDate() !== day || hour > 23 || minute > 59) return undefined
  const seconds = asUtc.getTime() / 1000
  // Two steps: the offset at the guess may differ from the one at the instant itself, near a change of clocks.
  const guess = seconds - offsetSeconds(seconds, zone)
  return seconds - offsetSeconds(guess, zone)
}
