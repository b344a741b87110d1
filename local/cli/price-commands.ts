import { type Command, Option } from 'commander'
import { S3VersionStore } from '../../functions/aws/s3-version-store.ts'
import { type Destination, destinationSchema } from '../../functions/contracts/prices.ts'
import { listPrices } from '../../functions/domain/list-prices.ts'
import { billBucket } from '../../functions/operations/bill-bucket.ts'
import { type BucketOptions, openBucket, withBucketOptions } from './bucket-store.ts'
import { exitCodes } from './exit-codes.ts'
import { type ForesightOptions, openForesight, withForesightOptions } from './foresight.ts'
import { readPrices } from './price-file.ts'
import { billLines, quoteLines } from './print-prices.ts'
import { judgeBudget, type QuoteOptions, quoteForeseen, withQuoteOptions } from './quote-foreseen.ts'
import { complaintAboutSource } from './site-provider.ts'
import type { StopSignals } from './stop-signals.ts'

interface BillOptions extends BucketOptions {
  prices?: string
  destination: Destination
  json?: boolean
}

export function addPriceCommands(program: Command, stop: StopSignals): void {
  program
    .command('prices')
    .description("print the price table as JSON: a beginning for one's own, to be given with --prices")
    .action(() => {
      process.stdout.write(`${JSON.stringify(listPrices, null, 2)}\n`)
    })

  const quote = program
    .command('quote')
    .description('say what a run of a job and keeping its archives would cost, without changing anything')
    .argument('<job.json>', 'the job, as for run')
    .option('--json', 'print the quote as one line of JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 quoted; 1 nothing would be archived, for the budget or else; 64 wrong command line.',
    )
  withQuoteOptions(withForesightOptions(quote)).action(
    async (jobFile: string, options: ForesightOptions & QuoteOptions & { json?: boolean }) => {
      const complaint = complaintAboutSource(options)
      if (complaint !== undefined) quote.error(`error: ${complaint}`)
      stop.onInterrupt(() => process.exit(exitCodes.interrupted))
      const foreseen = await openForesight(jobFile, options)
      const quoted = await quoteForeseen(foreseen, options)
      const { archive } = foreseen.plan.totals
      const budget = judgeBudget(foreseen)
      const told = { version: 1, site: foreseen.job.site, ...quoted, budget: budget.lines, notes: foreseen.plan.notes }
      print(options, told, [...quoteLines(quoted), ...budget.lines])
      process.exitCode = archive > 0 && !budget.stops ? exitCodes.succeeded : exitCodes.failed
    },
  )

  withBucketOptions(program.command('bill'))
    .description('say what lies in the bucket costs a month, by guest and class, and what restoring it would')
    .option('--prices <prices.json>', 'your own price table, in the shape that `guestlift prices` prints')
    .addOption(
      new Option('--destination <where>', 'where a restore would read it to')
        .choices(destinationSchema.options)
        .default('internet'),
    )
    .option('--json', 'print the bill as one line of JSON')
    .action(async (options: BillOptions) => {
      stop.onInterrupt(() => process.exit(exitCodes.interrupted))
      const table = await readPrices(options.prices)
      const { client, store, keyPrefix } = openBucket(options)
      const versions = new S3VersionStore(client, options.bucket, () => new Date())
      const bill = await billBucket({ store, versions, keyPrefix }, { table, destination: options.destination })
      print(options, bill, billLines(bill))
    })
}

function print({ json = false }: { json?: boolean }, told: object, lines: readonly string[]): void {
  process.stdout.write(json ? `${JSON.stringify(told)}\n` : `${lines.join('\n')}\n`)
}
