/** `guestlift site`: what the bucket knows of a site, and a person's word that another cluster is meant. */
import type { Command } from 'commander'
import { siteNameSchema } from '../../../functions/contracts/nouns.ts'
import type { SiteBook } from '../../../functions/contracts/site-book.ts'
import { absenceText, absentGuests, goneRule } from '../../../functions/domain/identity/presence.ts'
import { requireKnownSite } from '../../../functions/operations/catalogue/known-sites.ts'
import { acceptCluster, readSiteBook } from '../../../functions/operations/books/site-book.ts'
import { type BucketOptions, openBucket } from '../bucket-store.ts'
import { withBucketOptions } from '../shared-options.ts'
import { exitCodes, exitHelp } from '../exit-codes.ts'
import { textOf } from '../print/terminal.ts'
import { ownDay } from '../print/own-time.ts'
import { type ConfigurationOptions, showConfiguration } from './site-configuration.ts'
import { AT_HELP, untilOption, utcOption } from '../time-option.ts'

interface ShowOptions extends BucketOptions {
  json?: boolean
}

export function addSiteBookCommand(program: Command): void {
  const site = program.command('site').description('which cluster the archives of a site come from, and who is absent')
  withBucketOptions(site.command('show'))
    .description('show the cluster that is known and the guests that its lists lack')
    .argument('<site>', 'name of the site')
    .option('--json', 'print the record as one line of JSON')
    .addHelpText('after', exitHelp({ succeeded: 'shown' }))
    .action(async (name: string, options: ShowOptions, command: Command) => {
      process.exitCode = await show(nameOf(name, command), options)
    })
  withBucketOptions(site.command('accept'))
    .description('take another cluster for the site from now on; absences of its guests are counted anew')
    .argument('<site>', 'name of the site')
    .requiredOption('--cluster <id>', 'the cluster, as named by the error that refused it')
    .addHelpText('after', exitHelp({ succeeded: 'accepted' }))
    .action(async (name: string, options: BucketOptions & { cluster: string }, command: Command) => {
      process.exitCode = await accept(nameOf(name, command), options)
    })
  withBucketOptions(site.command('configuration'))
    .description('show how the site was set up when a run kept it: storages, users, rights, networks, firewall')
    .argument('<site>', 'name of the site')
    .option('--at <time>', AT_HELP.replace('archive', 'record'), untilOption)
    .addOption(utcOption())
    .option('--part <name>', 'all of one part, as JSON: storages, users, …')
    .option('--changes', 'what changed from record to record')
    .option('--json', 'print the whole record as one line of JSON')
    .addHelpText(
      'after',
      exitHelp({ succeeded: 'shown', failed: 'nothing was kept', partial: 'shown, and parts may be incomplete' }),
    )
    .action(async (name: string, options: ConfigurationOptions, command: Command) => {
      process.exitCode = await showConfiguration(nameOf(name, command), options)
    })
}

function nameOf(name: string, command: Command): string {
  const parsed = siteNameSchema.safeParse(name)
  return parsed.success ? parsed.data : command.error('error: a site name has 1 to 63 letters, digits or inner hyphens')
}

async function show(site: string, options: ShowOptions): Promise<number> {
  const { client, store, keyPrefix } = openBucket(options)
  try {
    await requireKnownSite(site, { store, keyPrefix })
    const { book } = await readSiteBook(site, { store, keyPrefix })
    process.stdout.write(options.json === true ? `${JSON.stringify(book)}\n` : textOf(linesOf(book)))
    return exitCodes.succeeded
  } finally {
    client.destroy()
  }
}

function linesOf(book: SiteBook): string[] {
  const { site, cluster, listedAt } = book
  const absent = absentGuests(book)
  return [
    cluster === undefined
      ? `Site ${site}: no cluster is known yet. The next run, pruning or check of its coverage records the one that answers.`
      : `Site ${site}: cluster ${cluster.id}, since ${ownDay(cluster.pinnedAt)}.`,
    ...(listedAt === undefined ? ['No whole list of its guests was recorded yet.'] : []),
    ...absent.map((guest) => `${guest.kind} ${guest.id}: ${guest.gone ? 'gone, ' : ''}${absenceText(guest)}`),
    ...(absent.some(({ gone }) => !gone) ? [goneRule] : []),
  ]
}

async function accept(site: string, { cluster, ...options }: BucketOptions & { cluster: string }): Promise<number> {
  const { client, store, keyPrefix } = openBucket(options)
  try {
    await requireKnownSite(site, { store, keyPrefix })
    await acceptCluster(site, cluster, { store, keyPrefix, now: () => new Date() })
    process.stdout.write(`Site ${site}: cluster ${cluster} is accepted. Absences of its guests begin anew.\n`)
    return exitCodes.succeeded
  } finally {
    client.destroy()
  }
}
