const INSTANT = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|([+-])(\d\d):(\d\d)(?::(\d\d))?)$/i

/**
 * Reads an "ISO-8601 extended offset date-time", the form AWS names when it refuses another: a `T`, and `Z` or an offset.
 * Seconds may be missing, fractions go to nanoseconds (and are cut to milliseconds). Returns milliseconds since the epoch, or undefined.
 */
export function parseTimestamp(text: string): number | undefined {
  const match = INSTANT.exec(text)
  if (match === null) return undefined
  const part = (index: number): number => Number(match[index] ?? 0)
  const [year, month, day, hour, minute, second] = [part(1), part(2), part(3), part(4), part(5), part(6)]
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return undefined
  if (day > new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate()) return undefined
  const [offsetHours, offsetMinutes, offsetSeconds] = [part(10), part(11), part(12)]
  if (offsetMinutes > 59 || offsetSeconds > 59) return undefined
  const offset = offsetHours * 3600 + offsetMinutes * 60 + offsetSeconds
  if (offset > 18 * 3600) return undefined
  const milliseconds = Math.trunc(Number(`0.${match[7] ?? 0}`) * 1000)
  const local = new Date(0)
  local.setUTCFullYear(year, month - 1, day)
  local.setUTCHours(hour, minute, second, milliseconds)
  return local.getTime() - (match[9] === '-' ? -offset : offset) * 1000
}
