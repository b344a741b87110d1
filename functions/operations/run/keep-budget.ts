import { BudgetExceeded } from '../../contracts/errors.ts'
import type { Job } from '../../contracts/job.ts'
import { bandwidthRange } from '../../domain/prices/bandwidth-range.ts'
import { budgetTerms, overBudget } from '../../domain/prices/budget.ts'
import { listPrices } from '../../domain/prices/list-prices.ts'
import { quoteRun } from '../../domain/prices/quote.ts'
import type { Provider } from '../../providers/provider.ts'
import { foreseeRun } from '../foresight/foresee-run.ts'
import type { Choice } from '../selection/choose-guests.ts'

/** A job with a budget that nobody confirmed: its guests are to be listed with everything that their price takes. */
export function hasBudgetToKeep({ budget }: Pick<Job, 'budget'>): boolean {
  return budget !== undefined && !budget.confirmed
}

/**
 * Before anything is started: refuse a job that may cost more than its budget. Sizes are those of the platform's own
 * older archives, else of the guests' disks. A job without a budget, or with a confirmed one, costs no call.
 * @param choice the job's guests, listed with `everything`
 * @throws BudgetExceeded, and the errors of a site that can't be asked
 */
export async function keepBudget(job: Job, choice: Choice, provider: Provider): Promise<void> {
  const { budget, site, limits } = job
  if (budget === undefined || !hasBudgetToKeep(job)) return
  const { guests } = await foreseeRun(job, { provider, choice })
  const archived = guests.filter(({ fate }) => fate === 'archive')
  const quote = quoteRun(archived, { ...budgetTerms(job), bandwidth: bandwidthRange([limits]) }, listPrices)
  const reason = overBudget(budget, quote, archived)
  if (reason === undefined) return
  throw new BudgetExceeded(
    `Site ${site}: ${reason} Nothing was started. Look at it with guestlift quote; then choose fewer guests, raise ` +
      'budget.dollarsPerRun, or set budget.confirmed to go on nevertheless.',
  )
}
