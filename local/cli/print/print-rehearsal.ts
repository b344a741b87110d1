import { styleText } from 'node:util'
import type { LastRehearsals } from '../../../functions/domain/restore/rehearsal-book.ts'
import { plain } from './columns.ts'
import { ownDay } from './own-time.ts'
import { formatSeconds } from './units.ts'

/** `rehearsed 2026-11-20`, or that the last rehearsal failed, for a row of a table. */
export function rehearsalWord({ last }: LastRehearsals): string {
  const day = ownDay(last.at)
  return last.passed ? styleText('green', `rehearsed ${day}`) : styleText('red', `REHEARSAL FAILED ${day}`)
}

/** The same in full: how long it took, of which archive it was, what failed, and the last that passed. */
export function rehearsalText(rehearsal: LastRehearsals): string {
  const { last, lastPassed } = rehearsal
  const archive = `archive of ${ownDay(last.archiveCreatedAt)}`
  const word = `${rehearsalWord(rehearsal)}, ${formatSeconds(last.totalSeconds)}, ${archive}`
  if (last.passed) return word
  const before = lastPassed === undefined ? 'None passed so far.' : `The last that passed: ${ownDay(lastPassed.at)}.`
  return `${word}. ${plain(last.summary)} ${before}`
}
