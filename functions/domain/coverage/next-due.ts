/** When a guest's next archive is due, by what the last check of its site's coverage knew of schedules. Pure. */
import type { CoverageReport } from '../../contracts/coverage.ts'
import type { KeyedGuest } from '../books/object-keys.ts'
import { type Dated, timeOf } from '../time/archive-time.ts'

/** Schedules change: what a check saw this long ago is not taken for what holds now. */
export const KNOWN_DAYS = 7

const HOUR_MILLISECONDS = 3_600_000

/** What such a check kept. */
export type KnownSchedules = Pick<CoverageReport, 'judgedAt' | 'schedules'> & {
  guests: readonly Pick<CoverageReport['guests'][number], 'guest' | 'chosenBy'>[]
}

/**
 * The latest time at which the next archive is due: the shortest interval of the schedules that choose the guest, from
 * its newest whole archive on. An interval is the longest time between two firings, so a run may come earlier.
 * `undefined` where no schedule is known to choose it, or none shows its interval, or there is no whole archive.
 * @param newest its newest whole archive @param now milliseconds
 */
export function nextDue(
  guest: KeyedGuest,
  newest: Dated | undefined,
  { judgedAt, schedules, guests }: KnownSchedules,
  now: number,
): string | undefined {
  if (newest === undefined || now - Date.parse(judgedAt) > KNOWN_DAYS * 24 * HOUR_MILLISECONDS) return undefined
  const { chosenBy = [] } = guests.find((one) => one.guest.kind === guest.kind && one.guest.id === guest.id) ?? {}
  const hours = schedules.flatMap(({ name, everyHours }) =>
    everyHours !== undefined && chosenBy.includes(name) ? [everyHours] : [],
  )
  if (hours.length === 0) return undefined
  return new Date(timeOf(newest) + Math.min(...hours) * HOUR_MILLISECONDS).toISOString()
}
