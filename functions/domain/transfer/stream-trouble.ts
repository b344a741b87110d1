/** Errors and throttling in a round: accident or not, and what they say about the number of streams. Pure. */
import type { CopyResult, Pace } from '../../contracts/pace.ts'
import { rateOf } from './stream-search.ts'

/** An error as Step Functions gives it. */
export type StreamFailure = NonNullable<CopyResult['error']>

/** Rounds for which a number of streams that brought errors is left alone, the first time and the next ones. */
const CEILING_ROUNDS = [6, 12, 24]
const LONGEST_CEILING_ROUNDS = 48

/**
 * More than accidents: a third of the streams failed, connections that break more often than every two minutes, or a
 * tenth of S3's answers asking to slow down. Two at least of each: one of one is an accident too.
 */
export function isSevere(results: readonly CopyResult[]): boolean {
  const failed = failures(results).length
  const drops = sum(results, 'drops')
  const throttles = sum(results, 'throttles')
  return (
    (failed >= 2 && failed >= results.length / 3) ||
    (drops >= 2 && drops > sum(results, 'seconds') / 120) ||
    (throttles >= 2 && throttles > sum(results, 'partsSent') / 9)
  )
}

/**
 * Errors with a number of streams that never worked are put down to the number: a ceiling. With one that worked they
 * are put down to the link: it is climbed again from below, and a second failure there makes a ceiling.
 */
export function blame(pace: Pace, ran: number, failed: number): Pace {
  const { home: _, ...homeless } = pace
  const worked = rateOf(pace, ran) !== undefined
  const measured = pace.measured.filter(({ streams }) => streams < ran)
  if (ran === 1 || worked || measured.length === 0) return { ...homeless, measured }
  return { ...capped(homeless, ran, failed), measured }
}

/** No more than the streams that didn't fail or, where that isn't told, than halfway to the number that worked. */
export function capped(pace: Pace, ran: number, failed: number): Pace {
  const proven = Math.max(1, ...pace.measured.map(({ streams }) => streams).filter((streams) => streams < ran))
  const survived = failed > 0 ? ran - failed : Math.floor((proven + ran) / 2)
  const streams = Math.max(1, pace.home ?? 1, Math.min(survived, ran - 1))
  const times = (pace.ceiling?.times ?? 0) + 1
  const untilRound = pace.rounds + (CEILING_ROUNDS[times - 1] ?? LONGEST_CEILING_ROUNDS)
  return { ...pace, ceiling: { streams, untilRound, times } }
}

/** More streams than the ceiling ran well: it was chance, or is over. */
export function passed(pace: Pace, ran: number): Pace {
  if (pace.ceiling === undefined || ran <= pace.ceiling.streams) return pace
  const { ceiling: _, ...free } = pace
  return free
}

/** The errors of the streams that failed. */
export function failures(results: readonly CopyResult[]): StreamFailure[] {
  return results.map(({ error }) => error).filter((error) => error !== undefined)
}

/** A count or the seconds of all streams together. */
export function sum(
  results: readonly CopyResult[],
  field: 'bytesSent' | 'partsSent' | 'drops' | 'throttles' | 'seconds',
): number {
  return results.reduce((total, result) => total + result[field], 0)
}
