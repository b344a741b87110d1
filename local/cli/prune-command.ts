import { Option, type Command } from 'commander'
import { S3VersionStore } from '../../functions/aws/s3-version-store.ts'
import { siteNameSchema } from '../../functions/contracts/nouns.ts'
import { type Retention, retentionSchema } from '../../functions/contracts/retention.ts'
import { listPrices } from '../../functions/domain/list-prices.ts'
import { readRequest } from '../../functions/domain/request.ts'
import { validationMessage } from '../../functions/domain/validation-message.ts'
import { type KnownGuests, pruneSite, type SiteEnd } from '../../functions/operations/prune-site.ts'
import { type BucketOptions, openBucket, requestLine, withBucketOptions } from './bucket-store.ts'
import { CliError } from './cli-error.ts'
import { exitCodes } from './exit-codes.ts'
import { readJobFile } from './job-file.ts'
import { counted } from './print-catalogue.ts'
import { retentionLines } from './print-retention.ts'
import { openSiteProvider, siteJson } from './site-provider.ts'
import type { StopSignals } from './stop-signals.ts'
import { out } from './stream-out.ts'

const rules = ['keep-last', 'keep-hourly', 'keep-daily', 'keep-weekly', 'keep-monthly', 'keep-yearly'] as const

export interface PruneOptions extends BucketOptions {
  siteName: string
  siteFile?: string
  guest?: string[]
  keepAll?: boolean
  keepLast?: string
  keepHourly?: string
  keepDaily?: string
  keepWeekly?: string
  keepMonthly?: string
  keepYearly?: string
  timeZone?: string
  minimumArchives?: string
  largestShare?: string
  job?: string
  confirm?: boolean
  dryRun?: boolean
  json?: boolean
}

export function addPruneCommand(program: Command, stop: StopSignals): void {
  const command = withBucketOptions(program.command('prune'))
    .description('say which archives a retention would remove, and why; with --confirm, remove them for good')
    .requiredOption('--site-name <name>', 'the site whose archives are meant')
    .option('--site-file <site.json>', 'ask the site which guests are gone, in the shape of its secret')
    .option('--guest <id...>', 'only these guests')
    .option('--job <job.json>', "the job's own retention, in place of the rules below")
    .option('--keep-all', 'keep everything')
  for (const rule of rules) command.option(`--${rule} <count>`, 'as on Proxmox')
  command
    .option('--time-zone <name>', 'where days and weeks begin (UTC unless told)')
    .option('--minimum-archives <count>', 'no guest has fewer afterwards (1 unless told)')
    .option('--largest-share <share>', "the share of a guest's archives above which is warned (0.5 unless told)")
    .addOption(new Option('--dry-run', 'change nothing: the default').conflicts('confirm'))
    .option('--confirm', 'remove for good what the plan says, however much it is')
    .option('--json', 'print plan or report as one line of JSON')
    .addHelpText(
      'after',
      `
Without --confirm nothing is changed. Exit codes: 0 all as the rules say; 1 no guest could be looked at; 2 something is
locked, looks wrong or could not be removed; 64 wrong command line; 130 stopped by Ctrl-C, to be gone on with any time.`,
    )
    .action(async (options: PruneOptions) => {
      process.exitCode = await pruneHere(options, stop, (complaint) => command.error(`error: ${complaint}`))
    })
}

/** Print the plan, or carry it out. Returns the exit code. */
export async function pruneHere(
  options: PruneOptions,
  stop: StopSignals,
  refuse: (complaint: string) => never,
): Promise<number> {
  const site = siteNameSchema.safeParse(options.siteName)
  if (!site.success) refuse(`--site-name: ${validationMessage(site.error)}`)
  const policy = await policyOf(options, refuse)
  const known = options.siteFile === undefined ? undefined : await guestsOf(options.siteName, options.siteFile)
  const { client, store, keyPrefix, requests } = openBucket(options)
  const dryRun = options.confirm !== true
  const ports = {
    store,
    keyPrefix,
    versions: new S3VersionStore(client, options.bucket, () => new Date()),
    prices: listPrices,
    now: () => new Date(),
    // A first Ctrl-C ends with the archive that is under way.
    remainingMilliseconds: () => (stop.interrupt.aborted ? 0 : Number.POSITIVE_INFINITY),
    log: () => undefined,
  }
  stop.kill.addEventListener('abort', () => process.exit(exitCodes.interrupted), { once: true })
  const order = {
    site: options.siteName,
    policy,
    confirmed: true,
    dryRun,
    ...(options.guest === undefined ? {} : { guestIds: options.guest }),
    ...(known === undefined ? {} : { known }),
  }
  // Thousands of guests pass through here: each is told and forgotten, and only counts are kept.
  const tally: Tally = { guests: 0, troubled: 0, unquiet: 0, going: 0, removed: 0 }
  const { siteName } = options
  if (options.json === true)
    await out(`${JSON.stringify({ version: 1, site: siteName, dryRun, policy }).slice(0, -1)},"guests":[`)
  for await (const end of pruneSite(order, ports)) {
    if (options.json === true) await out(`${tally.guests === 0 ? '' : ','}${JSON.stringify(end)}`)
    else await out(`${retentionLines(end).join('\n')}\n`)
    count(end, tally)
    if (stop.interrupt.aborted) break
  }
  if (options.json === true) {
    await out(`],"requests":${JSON.stringify(Object.fromEntries(requests))}}\n`)
  } else {
    await out(`${closing(tally, dryRun, known !== undefined).join('\n')}\n`)
    process.stderr.write(`${requestLine(requests)}\n`)
  }
  client.destroy()
  return stop.interrupt.aborted ? exitCodes.interrupted : exitCodeOf(tally)
}

async function policyOf(options: PruneOptions, refuse: (complaint: string) => never): Promise<Retention> {
  const counts: [string, string | undefined][] = [
    ['keep-last', options.keepLast],
    ['keep-hourly', options.keepHourly],
    ['keep-daily', options.keepDaily],
    ['keep-weekly', options.keepWeekly],
    ['keep-monthly', options.keepMonthly],
    ['keep-yearly', options.keepYearly],
    ['minimumArchives', options.minimumArchives],
    ['largestShare', options.largestShare],
  ]
  const given: Record<string, unknown> = Object.fromEntries(
    counts.flatMap(([name, text]) =>
      text === undefined ? [] : [[name, text.trim() === '' ? Number.NaN : Number(text)]],
    ),
  )
  if (options.keepAll === true) given['keep-all'] = true
  if (options.timeZone !== undefined) given['timeZone'] = options.timeZone
  if (options.job !== undefined) {
    if (Object.keys(given).length > 0) refuse("--job brings its own retention; it can't be combined with other rules")
    const { job } = readRequest(await readJobFile(options.job), options.siteName)
    if (job.site !== options.siteName) throw new CliError(`The job is for site ${job.site}, not ${options.siteName}.`)
    if (job.retention === undefined) throw new CliError(`The job ${options.job} has no retention: it keeps everything.`)
    return job.retention
  }
  if (!Object.keys(given).some((name) => name.startsWith('keep-'))) {
    refuse('say what is to be kept: --keep-last 3, other --keep-… rules, or --job <job.json>')
  }
  const parsed = retentionSchema.safeParse(given)
  return parsed.success ? parsed.data : refuse(validationMessage(parsed.error))
}

async function guestsOf(site: string, file: string): Promise<KnownGuests> {
  const provider = openSiteProvider(site, await siteJson(site, file, undefined))
  try {
    const { guests, mayLack } = await provider.listGuests()
    return { guests, ...(mayLack === undefined ? {} : { mayLack }) }
  } finally {
    await provider.close()
  }
}

interface Tally {
  guests: number
  /** That could not be looked at. */
  troubled: number
  /** With something that is locked, was left, or looks wrong. */
  unquiet: number
  /** Archives that are to go and aren't locked, and those that went. */
  going: number
  removed: number
}

function count({ result }: SiteEnd, tally: Tally): void {
  tally.guests += 1
  if ('trouble' in result) {
    tally.troubled += 1
    return
  }
  const odd = result.archives.some(({ outcome, guard }) => outcome === 'left' || guard === 'newest-looks-wrong')
  if (odd || result.locked > 0) tally.unquiet += 1
  tally.going += result.toRemove - result.locked
  tally.removed += result.removed
}

function closing({ guests, going, removed }: Tally, dryRun: boolean, askedSite: boolean): string[] {
  if (guests === 0) return ['No guest with archives was found.']
  return [
    ...(askedSite ? [] : ['note: the site was not asked (--site-file), so guests that are gone count as present.']),
    dryRun
      ? `Nothing was changed. ${counted(going, 'archive')} of ${counted(guests, 'guest')} would be removed; do it with --confirm.`
      : `Removed: ${counted(removed, 'archive')} of ${counted(guests, 'guest')}.`,
  ]
}

function exitCodeOf({ guests, troubled, unquiet }: Tally): number {
  if (guests > 0 && troubled === guests) return exitCodes.failed
  return troubled + unquiet > 0 ? exitCodes.partial : exitCodes.succeeded
}
