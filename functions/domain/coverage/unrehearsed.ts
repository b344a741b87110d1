import type { LastRehearsals } from '../restore/rehearsal-book.ts'
import { duration } from '../time/duration.ts'

/** Why its rehearsals don't do; nothing where nobody asks for any, or where nobody knows of them. */
export function unrehearsed(
  rehearsal: LastRehearsals | 'unknown' | undefined,
  withinMilliseconds: number | undefined,
  now: Date,
): string[] {
  if (withinMilliseconds === undefined || rehearsal === 'unknown') return []
  if (rehearsal === undefined) return ['It was never rehearsed.']
  const { last, lastPassed } = rehearsal
  const ago = lastPassed === undefined ? undefined : now.getTime() - Date.parse(lastPassed.at)
  if (ago !== undefined && ago >= 0 && ago <= withinMilliseconds) return []
  const passed =
    ago === undefined
      ? 'No rehearsal of it ever passed.'
      : ago < 0
        ? 'Its last rehearsal that passed is dated in the future.'
        : `Its last rehearsal that passed was ${duration(ago)} ago.`
  return [passed, ...(last.passed ? [] : [`The last one failed: ${last.summary}`])]
}
