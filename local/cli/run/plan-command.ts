import type { Command } from 'commander'
import { isAws } from '../../run/store-locks.ts'
import { exitCodes, exitHelp } from '../exit-codes.ts'
import { detailsOption } from '../shared-options.ts'
import { type ForesightOptions, openForesight, withForesightOptions } from './foresight.ts'
import { planLines } from '../print/print-plan.ts'
import { quoteLines } from '../print/print-prices.ts'
import { judgeBudget, type QuoteOptions, quoteForeseen, withQuoteOptions } from './quote-foreseen.ts'
import { complaintAboutSource } from '../site/site-provider.ts'
import type { StopSignals } from '../stop-signals.ts'

export interface PlanOptions extends ForesightOptions, QuoteOptions {
  details?: boolean
  json?: boolean
}

export function addPlanCommand(program: Command, stop: StopSignals): void {
  const command = program
    .command('plan')
    .description(
      'show what a job would archive, skip and leave out, why, and at what price. Nothing is changed; the way to each node is tested, and with --bucket the store',
    )
    .argument('<job.json>', 'the job, as for run')
    .addOption(detailsOption())
    .option('--json', 'print the plan as one line of JSON')
    .addHelpText(
      'after',
      exitHelp({
        succeeded: 'something would be archived',
        failed: 'nothing would be, because of the budget or for another reason',
      }),
    )
  withQuoteOptions(withForesightOptions(command)).action(async (jobFile: string, options: PlanOptions) => {
    const complaint = complaintAboutSource(options)
    if (complaint !== undefined) command.error(`error: ${complaint}`)
    // There is nothing to clean up.
    stop.onInterrupt(() => process.exit(exitCodes.interrupted))
    process.exitCode = await planHere(jobFile, options)
  })
}

/** Print what a run of the job would do and cost. Returns the exit code. */
export async function planHere(jobFile: string, options: PlanOptions): Promise<number> {
  const foreseen = await openForesight(jobFile, options, true)
  const { plan } = foreseen
  const quote = await quoteForeseen(foreseen, options)
  const budget = judgeBudget(foreseen)
  const { details = false, prices, s3 } = options
  // Of another store, prices of AWS say nothing, unless somebody asks for them or has their own.
  const priced = isAws(s3) || details || prices !== undefined ? quoteLines(quote, details) : []
  const priceLines = plan.totals.archive > 0 ? [...priced, ...budget.lines] : []
  const told = { ...plan, quote, budget: budget.lines }
  process.stdout.write(
    options.json === true ? `${JSON.stringify(told)}\n` : `${planLines(plan, priceLines).join('\n')}\n`,
  )
  return plan.totals.archive > 0 && !budget.stops ? exitCodes.succeeded : exitCodes.failed
}
