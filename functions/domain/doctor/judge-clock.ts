/** What a clock's offset is to the doctor. Pure. */
import type { ClockOffset } from '../../contracts/evidence.ts'
import { CLOCK_WARNING_SECONDS, leastOffSeconds, offsetInWords } from '../time/clock-offset.ts'
import { type Finding, failed, passed, warning } from './finding.ts'

/** @param complaint why no backup is made with it */
export function clockFinding(at: string, clock: ClockOffset, complaint: string | undefined): Finding {
  if (complaint !== undefined) return failed('clock', { name: 'ClockOff', message: complaint }, at)
  if (leastOffSeconds(clock) < CLOCK_WARNING_SECONDS) return passed('clock', 'within a minute of ours', at)
  return warning(
    'clock',
    `It is ${offsetInWords(clock)}. Backups go on, and their dates are off by that much. Set up NTP (chrony) on the node.`,
    at,
  )
}
