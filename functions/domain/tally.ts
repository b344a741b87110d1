import type { GuestOutcome, RunReport } from '../contracts/report.ts'

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
  const more = failed + skipped > 10 ? ` and ${failed + skipped - 10} more` : ''
  const tail = troubled === '' ? '.' : `: ${troubled}${more}.`
  const summary = `${succeeded} of ${guests.length} guests archived, ${failed} failed, ${skipped} skipped${tail}`
  return { outcome, summary, succeeded, failed, skipped }
}
