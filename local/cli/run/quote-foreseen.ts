import { type Command, InvalidArgumentError, Option } from 'commander'
import { type StorageClass, storageClassSchema } from '../../../functions/contracts/prices.ts'
import { bandwidthRange } from '../../../functions/domain/prices/bandwidth-range.ts'
import { budgetTerms, overBudget } from '../../../functions/domain/prices/budget.ts'
import { listPrices } from '../../../functions/domain/prices/list-prices.ts'
import { type Quote, quoteRun } from '../../../functions/domain/prices/quote.ts'
import type { Foresight } from './foresight.ts'
import { readPrices } from './price-file.ts'

export interface QuoteOptions {
  prices?: string
  class?: StorageClass
  days: number
}

/** Of a copy function, unless a deployment says otherwise: one CPU. */
const USUAL_MEMORY_MIB = 1769

export function withQuoteOptions(command: Command): Command {
  return command
    .option('--prices <prices.json>', 'your own price table, in the shape that `guestlift prices` prints')
    .addOption(
      new Option('--class <storage-class>', "the class for the price (default: the job's own, or STANDARD)").choices(
        storageClassSchema.options,
      ),
    )
    .option('--days <days>', 'how many days of storage the price includes', wholeDays, 30)
}

function wholeDays(text: string): number {
  const days = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(days)) throw new InvalidArgumentError('a whole number of days.')
  return days
}

/** The price of what was foreseen. @throws CliError about the price file */
export async function quoteForeseen(
  { job, plan, siteLimits, deployment }: Foresight,
  { prices, class: asked, days }: QuoteOptions,
): Promise<Quote> {
  const storageClass = asked ?? job.storageClass ?? 'STANDARD'
  const guests = plan.guests.filter(({ fate }) => fate === 'archive')
  const terms = {
    storageClass,
    // A class that somebody asks about is looked at by itself.
    transitions: asked === undefined ? deployment?.bucket.transitions : undefined,
    days,
    memoryMiB: deployment?.transfer.memoryMiB ?? USUAL_MEMORY_MIB,
    streams: siteLimits.connectionsPerNode,
    bandwidth: bandwidthRange([siteLimits, job.limits]),
  }
  return quoteRun(guests, terms, await readPrices(prices))
}

/** What becomes of the job's budget, where it has one. Judged by the terms of a budget, not by those asked for. */
export function judgeBudget({ job, plan }: Foresight): { lines: string[]; stops: boolean } {
  const { budget, limits } = job
  if (budget === undefined) return { lines: [], stops: false }
  const guests = plan.guests.filter(({ fate }) => fate === 'archive')
  const quote = quoteRun(guests, { ...budgetTerms(job), bandwidth: bandwidthRange([limits]) }, listPrices)
  const reason = overBudget(budget, quote, guests)
  const within = `The run stays within its budget of $${budget.dollarsPerRun.toFixed(2)}.`
  if (reason === undefined) return { lines: [within], stops: false }
  const outcome = budget.confirmed ? 'It goes on, since that is confirmed.' : 'It would stop before it begins.'
  return { lines: [`${reason} ${outcome}`], stops: !budget.confirmed }
}
