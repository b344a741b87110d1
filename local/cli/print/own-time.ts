/** Times as this machine's clock shows them, or with `--utc` in UTC: the only place that asks which zone that is. */
import { shownDay, shownTime } from '../../../functions/domain/time/wall-clock.ts'

/** What `--utc` does: to this process, UTC is the local time. */
export function useUtc(): void {
  process.env['TZ'] = 'UTC'
}

export function ownTimeZone(): string {
  const told = process.env['TZ'] ?? ''
  const usual = Intl.DateTimeFormat().resolvedOptions().timeZone
  try {
    // `TZ` may name a file, or rules of its own: what the runtime made of it counts then.
    return told === '' ? usual : new Intl.DateTimeFormat('en', { timeZone: told }).resolvedOptions().timeZone
  } catch {
    return usual
  }
}

/** `2026-11-22 03:00:00+01:00`, in UTC `2026-11-22 02:00:00Z` */
export function ownTime(instant: string): string {
  return shownTime(instant, ownTimeZone())
}

/** `2026-11-22` */
export function ownDay(instant: string): string {
  return shownDay(instant, ownTimeZone())
}
