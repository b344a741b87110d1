/** The commands that read the bucket alone: `list`, `show`, `search`, `catalog`. */
import { type Command, Option } from 'commander'
import { type BucketOptions, openBucket, requestLine } from '../bucket-store.ts'
import { type PageOptions, writePage } from './catalogue-page-command.ts'
import { archiveStates } from '../print/print-guest-list.ts'
import { detailsOption, siteOption, withBucketOptions } from '../shared-options.ts'
import { printNotes } from '../print/terminal.ts'
import { exitCodes, exitHelp } from '../exit-codes.ts'
import { GUEST_WORDS } from '../guest-words.ts'
import { type ListArchivesOptions, listArchivesHere, searchArchives } from './list-command.ts'
import { withPriceOptions } from '../run/price-file.ts'
import { counted } from '../../../functions/domain/words/counted.ts'
import { addSecondOptions } from '../second-bucket.ts'
import { type ShowOptions, showArchives } from './show-command.ts'
import type { StopSignals } from '../stop-signals.ts'
import { out } from '../stream-out.ts'
import { AT_HELP, SINCE_HELP, sinceOption, UNTIL_HELP, untilOption, utcOption } from '../time-option.ts'
import { requireKnownSite } from '../../../functions/operations/catalogue/known-sites.ts'
import { placeOfGuest } from '../../../functions/operations/catalogue/named-guests.ts'
import { rebuildCatalogue } from '../../../functions/operations/catalogue/rebuild-catalogue.ts'

const listExits = exitHelp({
  succeeded: 'found',
  failed: 'nothing was found',
  partial: 'found, and some of it is broken',
})

export function addCatalogueCommands(program: Command, stop: StopSignals): void {
  const finish = async (work: () => Promise<number>) => {
    // Reading leaves nothing to clean up, and an index written half-way is a copy that nobody believes.
    stop.onInterrupt(() => process.exit(exitCodes.interrupted))
    process.exitCode = await work()
  }
  withFilterOptions(withBucketOptions(program.command('list')))
    .description('list what the bucket holds: a line for each guest, about its newest archive')
    .argument(
      '[guest or key]',
      'the archives of this one: 100, vm-100, hq/vm-100, a name, or an address below archives/',
    )
    .option('--archives', 'a line for each archive, newest first')
    .addOption(
      new Option(
        '--state <state...>',
        'only guests whose newest archive is so; with --archives, only such archives',
      ).choices(archiveStates),
    )
    .addHelpText('after', listExits)
    .action((what: string | undefined, options: ListArchivesOptions) => finish(() => listArchivesHere(what, options)))
  withFilterOptions(withBucketOptions(program.command('search')))
    .description('find archives by name, notes, tags, id, node, site or day')
    .argument('<text>', 'words that all have to be found; * and ? stand for characters')
    .addHelpText('after', listExits)
    .action((text: string, options: ListArchivesOptions) => finish(() => searchArchives(text, options)))
  addSecondOptions(withPriceOptions(withBucketOptions(program.command('show'))))
    .description(
      "show a guest's archives and the newest that can be restored, or one archive; how to restore it, and what that costs",
    )
    .argument('<guest or key>', '100, vm-100, hq/vm-100, a name, or an address below archives/')
    .addOption(siteOption())
    .option('--at <time>', AT_HELP, untilOption)
    .addOption(utcOption())
    .option('--locks', 'ask S3 what holds each file now: a request for each')
    .addOption(detailsOption())
    .option('--json', 'print it as one line of JSON')
    .addHelpText(
      'after',
      exitHelp({
        succeeded: 'the newest archive is the one shown, whole',
        failed: 'nothing was found',
        partial: 'the newest is broken',
      }),
    )
    .action((what: string, options: ShowOptions) => finish(() => showArchives(what, options)))
  const catalog = program.command('catalog').description('index and page of the catalogue')
  withBucketOptions(catalog.command('rebuild'))
    .description('bring the index objects, which only speed reading up, in line with the manifests')
    .addOption(siteOption())
    .option('--guest <guest>', `only of this guest: ${GUEST_WORDS}`)
    .option('--json', 'print it as one line of JSON')
    .addHelpText('after', exitHelp({ succeeded: 'the index is in line with the manifests' }))
    .action((options: RebuildOptions) => finish(() => rebuildHere(options)))
  addPage(catalog, finish)
}

function addPage(catalog: Command, finish: (work: () => Promise<number>) => Promise<void>): void {
  withBucketOptions(catalog.command('page'))
    .description('write the catalogue as one HTML file that needs nothing else')
    .requiredOption('--out <file.html>', 'where to')
    .addOption(siteOption())
    .option('--guest <guest>', `only of this guest: ${GUEST_WORDS}`)
    .option('--since <time>', SINCE_HELP, sinceOption)
    .option('--until <time>', UNTIL_HELP, untilOption)
    .addOption(utcOption())
    .addHelpText('after', exitHelp({ succeeded: 'the page is written' }))
    .action((options: PageOptions) => finish(() => writePage(options)))
}

function withFilterOptions(command: Command): Command {
  return command
    .addOption(siteOption())
    .option('--guest <guest>', `only of this guest: ${GUEST_WORDS}`)
    .option('--since <time>', SINCE_HELP, sinceOption)
    .option('--until <time>', UNTIL_HELP, untilOption)
    .addOption(utcOption())
    .addOption(detailsOption())
    .option('--json', 'print them as one line of JSON; always each archive')
}

interface RebuildOptions extends BucketOptions {
  site?: string
  guest?: string
  json?: boolean
}

async function rebuildHere(options: RebuildOptions): Promise<number> {
  const opened = openBucket(options)
  const { store, keyPrefix, requests } = opened
  const { site, guest } = options
  if (site !== undefined) await requireKnownSite(site, { store, keyPrefix })
  const place = guest === undefined ? undefined : await placeOfGuest(guest, site, { store, keyPrefix })
  const { site: where = site } = place ?? {}
  const filter = {
    ...(where === undefined ? {} : { site: where }),
    ...(place === undefined ? {} : { guestId: place.id }),
  }
  const rebuilt = await rebuildCatalogue(filter, { store, keyPrefix })
  if (options.json === true)
    await out(`${JSON.stringify({ version: 1, ...rebuilt, requests: Object.fromEntries(requests) })}\n`)
  else {
    const { guests, archives, written, removed, reading } = rebuilt
    await out(
      `${counted(archives, 'archive')} of ${counted(guests, 'guest')}: ${counted(written, 'index object')} written, ${removed} removed; ` +
        `${counted(reading.fromManifests, 'manifest')} read, ${reading.fromIndex} known already.\n`,
    )
    printNotes([requestLine(opened)])
  }
  return exitCodes.succeeded
}
