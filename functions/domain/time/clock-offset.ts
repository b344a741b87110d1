/** How far a platform's clock is off ours: how it is measured, and from where on it is told or refused. */
import type { ClockOffset } from '../../contracts/evidence.ts'
import { counted } from '../words/counted.ts'

/** From here on it is a warning: more than a slow answer and whole seconds explain. */
export const CLOCK_WARNING_SECONDS = 60
/**
 * Beyond it no backup is made, unless the site allows more: as far as a right clock drifts in a year without anybody
 * looking, and as far as S3 lets its callers be off.
 */
export const CLOCK_TOLERANCE_SECONDS = 900

/** A time that the platform showed in its answer, and when the answer was asked for and whole, by our clock. */
export interface ClockReading {
  /** Seconds since 1970, cut off to whole ones. */
  shownSeconds: number
  askedAt: Date
  answeredAt: Date
}

/** The platform read its clock at some moment between asking and answer, and dropped the fraction of the second. */
export function measureOffset({ shownSeconds, askedAt, answeredAt }: ClockReading): ClockOffset {
  const [asked, answered] = [askedAt.getTime() / 1000, answeredAt.getTime() / 1000]
  return {
    offsetSeconds: rounded(shownSeconds + 0.5 - (asked + answered) / 2),
    uncertaintySeconds: rounded(0.5 + Math.abs(answered - asked) / 2),
    measuredAt: answeredAt.toISOString(),
  }
}

/** How much it is off at least; 0 where it may be right. */
export function leastOffSeconds({ offsetSeconds, uncertaintySeconds }: ClockOffset): number {
  return Math.max(0, Math.abs(offsetSeconds) - uncertaintySeconds)
}

/** `5 years behind`, `3 minutes ahead`: a phrase. */
export function offsetInWords({ offsetSeconds }: ClockOffset): string {
  return `${durationInWords(Math.abs(offsetSeconds))} ${offsetSeconds < 0 ? 'behind' : 'ahead'}`
}

/** A warning for people where the clock is off by a minute or more: one sentence or two. */
export function clockWarning(node: string | undefined, clock: ClockOffset): string | undefined {
  if (leastOffSeconds(clock) < CLOCK_WARNING_SECONDS) return undefined
  return (
    `The clock of ${node === undefined ? 'its node' : `node ${node}`} was ${offsetInWords(clock)} when the backup started. Set up NTP (chrony) there: the times ` +
    'in file names and logs of this archive are off by that much.'
  )
}

const units = [
  { name: 'year', seconds: 365.25 * 86_400 },
  { name: 'day', seconds: 86_400 },
  { name: 'hour', seconds: 3_600 },
  { name: 'minute', seconds: 60 },
  { name: 'second', seconds: 1 },
] as const

/** In the largest unit of which there are two or more, rounded: `26 hours`, `2 days`. */
export function durationInWords(seconds: number): string {
  const unit = units.find((one) => Math.round(seconds / one.seconds) >= 2) ?? { name: 'second', seconds: 1 }
  return counted(Math.round(seconds / unit.seconds), unit.name)
}

function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000
}
