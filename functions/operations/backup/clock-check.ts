import { ClockOff, GuestliftError } from '../../contracts/errors.ts'
import type { ClockOffset } from '../../contracts/evidence.ts'
import { durationInWords, leastOffSeconds, offsetInWords } from '../../domain/time/clock-offset.ts'
import type { Provider } from '../../providers/provider.ts'

type Clocked = Pick<Provider, 'clock' | 'clockToleranceSeconds'>

/** How far a node's clock is off now. Unknown where it can't be had: then nothing is refused for it. */
export async function readClock(node: string, provider: Clocked): Promise<ClockOffset | undefined> {
  try {
    return await provider.clock(node)
  } catch (error) {
    if (!(error instanceof GuestliftError) || error.group === 'fail-run') throw error
    return undefined
  }
}

/** Why no backup is made with a clock that is certainly further off than the site allows: archives are dated by it. */
export function clockComplaint(
  { site, node }: { site: string; node: string },
  clock: ClockOffset | undefined,
  { clockToleranceSeconds }: Pick<Clocked, 'clockToleranceSeconds'>,
  consequence = 'No backup is started.',
): string | undefined {
  if (clock === undefined || leastOffSeconds(clock) <= clockToleranceSeconds) return undefined
  return (
    `Site ${site}, node ${node}: its clock is ${offsetInWords(clock)}, and ${durationInWords(clockToleranceSeconds)} ` +
    `are allowed. ${consequence} Set up NTP (chrony) on the node and on those behind the site's endpoints, or ` +
    'allow more with clockToleranceSeconds in the site.'
  )
}

/**
 * @param consequence a sentence: what became of the backup
 * @throws ClockOff
 */
export function requireClock(
  place: { site: string; node: string },
  clock: ClockOffset | undefined,
  provider: Clocked,
  consequence: string,
): void {
  const complaint = clockComplaint(place, clock, provider, consequence)
  if (complaint !== undefined) throw new ClockOff(complaint)
}
