/** What the head of an answer over HTTP tells of the clock on the other side. */
import type { ClockOffset } from '../../contracts/evidence.ts'
import { measureOffset } from './clock-offset.ts'

/** When an answer was asked for and whole, by our clock, and the time in its head, of the endpoint that answered. */
export interface AnswerTiming {
  askedAt: Date
  answeredAt: Date
  /** The `Date` header as it came. */
  date?: string
}

const GOOD_FOR_SECONDS = 60
const QUICK_SECONDS = 5

/** As HTTP writes it; JavaScript's own parser takes nearly any text for a date. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

/** From the head of an answer: the clock of the endpoint, or of a proxy before it. `undefined` when it has no time. */
export function offsetByHeader({ askedAt, answeredAt, date = '' }: AnswerTiming): ClockOffset | undefined {
  const shown = HTTP_DATE.test(date) ? Date.parse(date) : Number.NaN
  return Number.isNaN(shown) ? undefined : measureOffset({ shownSeconds: shown / 1000, askedAt, answeredAt })
}

/** Whether an answer is fresh and quick enough to stand for the clock now. */
export function isGoodReading({ askedAt, answeredAt }: AnswerTiming, now: Date): boolean {
  const ageSeconds = Math.abs(now.getTime() - answeredAt.getTime()) / 1000
  return ageSeconds < GOOD_FOR_SECONDS && answeredAt.getTime() - askedAt.getTime() < 1000 * QUICK_SECONDS
}
