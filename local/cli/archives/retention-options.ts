/** A retention as it is told on the command line: by rules as on Proxmox, or by a job that has one. */
import type { Command } from 'commander'
import { siteNameSchema } from '../../../functions/contracts/nouns.ts'
import { type Retention, retentionSchema } from '../../../functions/contracts/retention.ts'
import { validationMessage } from '../../../functions/domain/words/validation-message.ts'
import { lookAtSite } from '../../../functions/operations/selection/look-at-site.ts'
import { knownGuests } from '../../../functions/operations/pruning/plan-pruning.ts'
import type { KnownGuests } from '../../../functions/operations/pruning/prune-site.ts'
import type { BookPorts } from '../../../functions/operations/books/site-book.ts'
import { CliError, UsageError } from '../../run/cli-error.ts'
import { readSiteFile } from '../../run/site-file.ts'
import { readJobFile, requestIn } from '../run/job-file.ts'
import { siteFileOption } from '../shared-options.ts'
import { siteNameFrom } from '../site/site-name.ts'
import { openSiteProvider, siteJson } from '../site/site-provider.ts'

const rules = ['keep-last', 'keep-hourly', 'keep-daily', 'keep-weekly', 'keep-monthly', 'keep-yearly'] as const

export interface RetentionOptions {
  site?: string
  /** Where settings name the site. */
  usualSite?: string
  siteFile?: string
  job?: string
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
}

/** All but `--site`, which not every command describes alike. */
export function withRetentionOptions(command: Command): Command {
  command
    .addOption(siteFileOption(undefined, 'the site file: the site is asked which guests are gone'))
    .option('--job <job.json>', "the job's own retention, in place of the rules below")
    .option('--keep-all', 'keep everything')
  for (const rule of rules) command.option(`--${rule} <count>`, 'as on Proxmox')
  return command
    .option('--time-zone <name>', 'where days and weeks begin (default: UTC)')
    .option('--minimum-archives <count>', 'no guest has fewer afterwards (default: 1)')
    .option('--largest-share <share>', "warn when more than this share of a guest's archives would go (default: 0.5)")
}

export interface SiteRetention {
  site: string
  policy: Retention
}

/** @throws CliError about the job; `refuse` gets what is wrong with the command line */
export async function siteRetention(
  options: RetentionOptions,
  refuse: (complaint: string) => never,
): Promise<SiteRetention> {
  const { site, usualSite } = options
  const name = siteNameSchema.optional().safeParse(site)
  if (!name.success) refuse(`--site: ${validationMessage(name.error)}`)
  const given = givenRules(options)
  const own = await nameInFile(options)
  if (options.job !== undefined) {
    if (Object.keys(given).length > 0) refuse("--job brings its own retention; it can't be combined with other rules")
    const { job } = requestIn(await readJobFile(options.job), own ?? usualSite)
    if (own !== undefined && job.site !== own) {
      throw new UsageError(`The job is for site ${job.site}, not ${own}.`)
    }
    if (job.retention === undefined) throw new CliError(`The job ${options.job} has no retention: it keeps everything.`)
    return { site: job.site, policy: job.retention }
  }
  if (!Object.keys(given).some((rule) => rule.startsWith('keep-'))) {
    refuse('say what is to be kept: --keep-last 3, other --keep-… rules, or --job <job.json>')
  }
  const parsed = retentionSchema.safeParse(given)
  if (!parsed.success) return refuse(validationMessage(parsed.error))
  const named = own ?? usualSite ?? refuse('say whose archives are meant: --site <name>')
  return { site: named, policy: parsed.data }
}

/** The name that the command line or the site file itself says. What a file is called is no name to prune by. */
async function nameInFile({ site, siteFile: path }: RetentionOptions): Promise<string | undefined> {
  if (path === undefined) return site
  const { name, told } = siteNameFrom({ option: site, file: { path, json: await readSiteFile(path) } })
  return told ? name : undefined
}

/** Whether anything was said about a retention at all. */
export function tellsRetention(options: RetentionOptions): boolean {
  const { site, siteFile, job } = options
  return [site, siteFile, job].some((told) => told !== undefined) || Object.keys(givenRules(options)).length > 0
}

/** How a site is asked from here. `record`: keep what was found in the bucket, as a pruning that removes does. */
export interface AskedSite extends Pick<BookPorts, 'store' | 'keyPrefix'> {
  siteFile: string | undefined
  record: boolean
  confirmedGone?: boolean
}

/** The guests that the site has now and those that it lacks since when, where its file was given. */
export async function askedGuests(site: string, asked: AskedSite): Promise<{ known?: KnownGuests }> {
  const { siteFile, record, confirmedGone = false, ...bucket } = asked
  if (siteFile === undefined) return {}
  const provider = await openSiteProvider(site, await siteJson(site, siteFile, undefined))
  try {
    const order = { site, provider, record, confirmedGone, settle: record }
    return { known: knownGuests(await lookAtSite(order, { ...bucket, now: () => new Date() })) }
  } finally {
    await provider.close()
  }
}

function givenRules(options: RetentionOptions): Record<string, unknown> {
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
  return {
    ...Object.fromEntries(
      counts.flatMap(([name, text]) =>
        text === undefined ? [] : [[name, text.trim() === '' ? Number.NaN : Number(text)]],
      ),
    ),
    ...(options.keepAll === true ? { 'keep-all': true } : {}),
    ...(options.timeZone === undefined ? {} : { timeZone: options.timeZone }),
  }
}
