import type { Job } from '../../contracts/job.ts'
import type { Budget } from '../../contracts/budget.ts'
import { formatDollarRange } from './prices.ts'
import type { Quote, QuotedGuest, QuoteTerms } from './quote.ts'

/** What a budget assumes, but for the job's own storage class: memory and streams as they are unless a deployment or a site says otherwise. */
export function budgetTerms({ storageClass = 'STANDARD' }: Pick<Job, 'storageClass'>): QuoteTerms {
  return { storageClass, days: 30, memoryMiB: 1769, streams: 4 }
}

/**
 * Why a run may cost more than its budget: a sentence; `undefined` where it can't. What can't be priced counts as too
 * dear, since a budget that is kept by guessing is none.
 */
export function overBudget(
  { dollarsPerRun }: Budget,
  quote: Pick<Quote, 'leastDollars' | 'mostDollars' | 'storageClass'>,
  guests: readonly QuotedGuest[],
): string | undefined {
  const unknown = guests.filter(({ expected }) => expected === undefined).map(({ id }) => id)
  const budget = `its budget of $${dollarsPerRun.toFixed(2)}`
  if (quote.mostDollars > dollarsPerRun) {
    return `The run with 30 days of its archives in ${quote.storageClass} may cost ${formatDollarRange(quote)}, above ${budget}.`
  }
  if (unknown.length === 0) return undefined
  return `Nobody knows how large ${unknown.join(', ')} will be, so the run may cost more than ${budget}.`
}
