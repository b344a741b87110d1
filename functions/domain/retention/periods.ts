/** Which hour, day, week, month and year an instant falls into, by the clock on the wall of a time zone. Pure. */
import { wallTime, type WallTime } from '../time/wall-clock.ts'

export type LocalTime = Pick<WallTime, 'year' | 'month' | 'day' | 'hour'>

/** @throws RangeError for an unknown zone or an invalid instant */
export function localTime(instant: string, timeZone: string): LocalTime {
  const { year, month, day, hour } = wallTime(Date.parse(instant), timeZone)
  return { year, month, day, hour }
}

const two = (value: number) => String(value).padStart(2, '0')

/** `2026-01-04 22h`. When clocks go back, the hour that comes twice is one. */
export function hourOf({ hour, ...day }: LocalTime): string {
  return `${dayOf({ hour, ...day })} ${two(hour)}h`
}

/** `2026-01-04` */
export function dayOf({ year, month, day }: LocalTime): string {
  return `${year}-${two(month)}-${two(day)}`
}

/** `2026-W01`: ISO 8601, so weeks begin on Monday and belong to the year of their Thursday. */
export function weekOf({ year, month, day }: LocalTime): string {
  const thursday = new Date(Date.UTC(year, month - 1, day))
  thursday.setUTCDate(thursday.getUTCDate() + 4 - (thursday.getUTCDay() || 7))
  const weekYear = thursday.getUTCFullYear()
  const dayOfYear = (thursday.getTime() - Date.UTC(weekYear, 0, 1)) / 86_400_000
  return `${weekYear}-W${two(Math.floor(dayOfYear / 7) + 1)}`
}

/** `2026-01` */
export function monthOf({ year, month }: LocalTime): string {
  return `${year}-${two(month)}`
}

/** `2026` */
export function yearOf({ year }: LocalTime): string {
  return String(year)
}
