import type { GuestOutcome, RunReport } from '../../contracts/report.ts'

/** An archive of it was stored, be it less than its job requires. */
export function isStored({ outcome, artifacts }: Pick<GuestOutcome, 'outcome' | 'artifacts'>): boolean {
  return outcome === 'succeeded' || artifacts.length > 0
}

/** Outcome and one-sentence summary of a run from its guests' outcomes. Skipped guests were asked for and not archived. */
export function tally(guests: readonly GuestOutcome[]): Pick<RunReport, 'outcome' | 'summary'> & {
  succeeded: number
  failed: number
  skipped: number
} {
  const count = (outcome: GuestOutcome['outcome']) => guests.filter((guest) => guest.outcome === outcome).length
  const succeeded = count('succeeded')
  const failed = count('failed')
  const skipped = count('skipped')
  const outcome = succeeded === guests.length && succeeded > 0 ? 'succeeded' : succeeded > 0 ? 'partial' : 'failed'
  const troubled = guests
    .filter((guest) => guest.outcome !== 'succeeded')
    .slice(0, 10)
    .map((guest) => `${guest.id} (${guest.verdict})`)
    .join(', ')
  const lesser = guests.filter((guest) => guest.outcome === 'failed' && isStored(guest)).length
  const stored = lesser === 0 ? '' : ` (${lesser} of them stored, but less than required)`
  const more = failed + skipped > 10 ? ` and ${failed + skipped - 10} more` : ''
  const tail = troubled === '' ? '.' : `: ${troubled}${more}.`
  const summary = `${succeeded} of ${guests.length} guests archived, ${failed} failed${stored}, ${skipped} skipped${tail}`
  return { outcome, summary, succeeded, failed, skipped }
}
