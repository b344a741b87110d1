import type { Command } from 'commander'
import { S3VersionStore } from '../../../functions/aws/s3-version-store.ts'
import type { Destination } from '../../../functions/contracts/prices.ts'
import { listPrices } from '../../../functions/domain/prices/list-prices.ts'
import { billBucket } from '../../../functions/operations/foresight/bill-bucket.ts'
import { type ForeseenRetention, foreseeRetention } from '../../../functions/operations/foresight/foresee-retention.ts'
import { requireKnownSite } from '../../../functions/operations/catalogue/known-sites.ts'
import { type BucketOptions, openBucket, requestLine } from '../bucket-store.ts'
import { formerSiteNameOption } from '../old-spellings.ts'
import { isSetting } from '../settings/apply-settings.ts'
import { detailsOption, siteNameOption, withBucketOptions } from '../shared-options.ts'
import { exitCodes, exitHelp } from '../exit-codes.ts'
import { type ForesightOptions, openForesight, withForesightOptions } from '../run/foresight.ts'
import { readPrices, withPriceOptions } from '../run/price-file.ts'
import { billLines, foreseenRetentionLines, quoteLines } from '../print/print-prices.ts'
import { judgeBudget, type QuoteOptions, quoteForeseen, withQuoteOptions } from '../run/quote-foreseen.ts'
import {
  askedGuests,
  type RetentionOptions,
  siteRetention,
  tellsRetention,
  withRetentionOptions,
} from './retention-options.ts'
import { complaintAboutSource } from '../site/site-provider.ts'
import { printNotes, textOf } from '../print/terminal.ts'
import type { StopSignals } from '../stop-signals.ts'

interface BillOptions extends BucketOptions, RetentionOptions {
  prices?: string
  destination: Destination
  details?: boolean
  json?: boolean
}

export function addPriceCommands(program: Command, stop: StopSignals): void {
  program
    .command('prices')
    .description('print the price table as JSON, to be changed and given with --prices')
    .action(() => {
      process.stdout.write(`${JSON.stringify(listPrices, null, 2)}\n`)
    })
    .addHelpText('after', exitHelp({ succeeded: 'printed' }))

  const quote = program
    .command('quote')
    .description('estimate what a run of a job and keeping its archives would cost; changes nothing')
    .argument('<job.json>', 'the job, as for run')
    .addOption(detailsOption())
    .option('--json', 'print the quote as one line of JSON')
    .addHelpText(
      'after',
      exitHelp({
        succeeded: 'quoted',
        failed: 'nothing would be archived, because of the budget or for another reason',
      }),
    )
  withQuoteOptions(withForesightOptions(quote)).action(
    async (jobFile: string, options: ForesightOptions & QuoteOptions & { json?: boolean; details?: boolean }) => {
      const complaint = complaintAboutSource(options)
      if (complaint !== undefined) quote.error(`error: ${complaint}`)
      stop.onInterrupt(() => process.exit(exitCodes.interrupted))
      const foreseen = await openForesight(jobFile, options)
      const quoted = await quoteForeseen(foreseen, options)
      const { archive } = foreseen.plan.totals
      const budget = judgeBudget(foreseen)
      const told = { version: 1, site: foreseen.job.site, ...quoted, budget: budget.lines, notes: foreseen.plan.notes }
      print(options, told, [...quoteLines(quoted, options.details === true), ...budget.lines])
      process.exitCode = archive > 0 && !budget.stops ? exitCodes.succeeded : exitCodes.failed
    },
  )

  const bill = withBucketOptions(program.command('bill'))
    .description(
      'estimate what the bucket costs a month, by guest and class, what restoring it would cost, and what a retention would change',
    )
    .addOption(siteNameOption('took-name', 'with rules of a retention: the site whose archives they are for'))
    .addOption(formerSiteNameOption())
  withRetentionOptions(withPriceOptions(bill))
    .addOption(detailsOption())
    .option('--json', 'print the bill as one line of JSON')
    .addHelpText(
      'after',
      `
A retention (--job, or --site with --keep-… rules) is only looked at, as by prune without --confirm.${exitHelp({ succeeded: 'the bill is printed', partial: 'a guest could not be looked at' })}`,
    )
    .action(async (options: BillOptions) => {
      stop.onInterrupt(() => process.exit(exitCodes.interrupted))
      const { siteFile: _, ...told } = options
      // The site is asked about a retention alone.
      const asked = isSetting(bill, 'siteFile') && !tellsRetention(told) ? told : options
      process.exitCode = await billHere(asked, (complaint) => bill.error(`error: ${complaint}`))
    })
}

async function billHere(options: BillOptions, refuse: (complaint: string) => never): Promise<number> {
  const asked = tellsRetention(options) ? await siteRetention(options, refuse) : undefined
  const table = await readPrices(options.prices)
  const opened = openBucket(options)
  const { client, store, keyPrefix, requests } = opened
  if (asked !== undefined) await requireKnownSite(asked.site, { store, keyPrefix })
  const versions = new S3VersionStore(client, options.bucket, () => new Date())
  const bill = await billBucket({ store, versions, keyPrefix }, { table, destination: options.destination })
  let retention: ForeseenRetention | undefined
  if (asked !== undefined) {
    // As a person who prunes by hand and looks at the plan before.
    const site = { siteFile: options.siteFile, store, keyPrefix, record: false }
    const order = { ...asked, by: 'bill', confirmed: true, ...(await askedGuests(asked.site, site)) }
    const rest = { now: () => new Date(), remainingMilliseconds: () => Number.POSITIVE_INFINITY, log: () => undefined }
    retention = await foreseeRetention(order, { store, versions, keyPrefix, prices: table, ...rest })
  }
  const told = { ...bill, ...(retention === undefined ? {} : { retention }), requests: Object.fromEntries(requests) }
  print(options, told, [
    ...billLines(bill, options.details === true),
    ...(retention === undefined ? [] : foreseenRetentionLines(retention, bill.mostDollars)),
  ])
  if (options.json !== true) printNotes([requestLine(opened, { table })])
  client.destroy()
  return retention === undefined || retention.troubled.length === 0 ? exitCodes.succeeded : exitCodes.partial
}

function print({ json = false }: { json?: boolean }, told: object, lines: readonly string[]): void {
  process.stdout.write(json ? `${JSON.stringify(told)}\n` : textOf(lines))
}
