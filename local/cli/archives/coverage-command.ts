import { type Command, InvalidArgumentError, Option } from 'commander'
import { PARKED_TAG } from '../../../functions/contracts/coverage.ts'
import { type CoverageRules, uncoveredStates } from '../../../functions/domain/coverage/coverage.ts'
import { duration } from '../../../functions/domain/time/duration.ts'
import { judgeCoverage } from '../../../functions/operations/coverage/judge-coverage.ts'
import { requireKnownSite, strangeSite } from '../../../functions/operations/catalogue/known-sites.ts'
import { readSiteFile } from '../../run/site-file.ts'
import { openBucket, requestLine } from '../bucket-store.ts'
import { UsageError } from '../../run/cli-error.ts'
import { coverageRequestOf, guestsOfJob } from './coverage-request.ts'
import { exitCodes, exitHelp } from '../exit-codes.ts'
import { idAsWritten } from '../guest-words.ts'
import { counted } from '../../../functions/domain/words/counted.ts'
import { coverageLines } from '../print/print-coverage.ts'
import { printNotes, textOf } from '../print/terminal.ts'
import { addBucketOptions, addDeploymentOptions, siteFileOption, siteNameOption } from '../shared-options.ts'
import { type SiteName, siteNameFrom } from '../site/site-name.ts'
import { openSiteProvider } from '../site/site-provider.ts'
import type { StopSignals } from '../stop-signals.ts'
import { out } from '../stream-out.ts'
import { durationOption, utcOption } from '../time-option.ts'
import { upkeepOnAws } from '../run/upkeep-command.ts'

interface CoverageOptions {
  bucket?: string
  s3?: string
  prefix?: string
  deployment?: string
  stateMachine?: string
  siteFile?: string
  job?: string
  site?: string
  usualSite?: string
  every: number
  grace?: number
  shrunkBelow: number
  parkedTag?: string[]
  parked?: string[]
  rehearsed?: number
  json?: boolean
}

const DAY_MILLISECONDS = 86_400_000

export function addCoverageCommand(program: Command, stop: StopSignals): void {
  const command = program
    .command('coverage')
    .description('show which guests have a recent, whole and plausible archive, and which have not')
  addDeploymentOptions(command, { deployment: 'judge a site of this deployment there, by its own rules and schedules' })
  addBucketOptions(command, { condition: 'from here' })
    .addOption(siteFileOption(undefined, 'the site file: with it, guests that were never archived are shown too'))
    .addOption(siteNameOption('took-name'))
    .option(
      '--job <job.json>',
      'with --site-file: the job that archives the site; guests that it leaves out are shown as such',
    )
    .addOption(
      new Option('--every <duration>', 'how often guests are to be archived')
        .argParser(durationOption)
        .default(DAY_MILLISECONDS, '1 day'),
    )
    .option('--grace <duration>', 'how much later an archive may be (default: a quarter of --every)', durationOption)
    .option('--shrunk-below <share>', "an archive below this share of the guest's usual size is shrunk", share, 0.5)
    .option('--parked-tag <tag>', `guests with this tag are left out on purpose (default: ${PARKED_TAG})`, several)
    .option('--parked <guest>', 'this guest is left out on purpose: 100, vm-100 or hq/vm-100', several)
    .option(
      '--rehearsed <duration>',
      'how long ago a rehearsal of each guest may have passed; not judged unless given',
      durationOption,
    )
    .addOption(utcOption())
    .option('--json', 'print it as one line of JSON')
    .addHelpText(
      'after',
      exitHelp({
        succeeded: 'every guest is covered, parked, absent or gone',
        failed: 'some guest is not covered',
        partial: 'all known guests are covered, and the site may have more than this account sees',
      }),
    )
    .action(async (options: CoverageOptions) => {
      // There is nothing to clean up.
      stop.onInterrupt(() => process.exit(exitCodes.interrupted))
      const { bucket, deployment } = options
      if ((bucket === undefined) === (deployment === undefined))
        command.error('error: coverage needs either --bucket <name> or --deployment <name>')
      if (options.job !== undefined && options.siteFile === undefined)
        command.error('error: coverage --job needs --site-file <file>: without the site nobody knows its guests')
      if (deployment !== undefined) process.exitCode = await coverageOnAws({ ...options, deployment }, stop)
      if (bucket !== undefined) process.exitCode = await coverageHere({ ...options, bucket })
    })
}

/** Let the deployment judge one of its sites, and print its report. Returns the exit code. */
async function coverageOnAws(options: CoverageOptions & { deployment: string }, stop: StopSignals): Promise<number> {
  const request = await coverageRequestOf(options.deployment, options.site ?? options.usualSite)
  return upkeepOnAws({ workflow: 'judgeCoverage', request, noun: 'check', lines: coverageLines }, options, stop)
}

/** Print how the guests are covered. Returns the exit code. */
async function coverageHere(options: CoverageOptions & { bucket: string }): Promise<number> {
  const opened = openBucket(options)
  const { store, keyPrefix, requests } = opened
  const file =
    options.siteFile === undefined ? undefined : { path: options.siteFile, json: await readSiteFile(options.siteFile) }
  const job = options.job === undefined ? undefined : await guestsOfJob(options.job, options.every)
  const named =
    file === undefined && (options.site ?? options.usualSite) === undefined
      ? undefined
      : siteNameFrom({ option: options.site, usual: options.usualSite, job: job?.site, file })
  const site = named?.name
  const stranger = named === undefined ? undefined : await strangerTo(named, file !== undefined, { store, keyPrefix })
  const provider = file === undefined ? undefined : await openSiteProvider(site ?? '', file.json)
  try {
    const judged = await judgeCoverage(site, rulesOf(options), {
      store,
      keyPrefix,
      now: () => new Date(),
      ...(job === undefined ? {} : { schedules: [job.schedule] }),
      ...(provider === undefined ? {} : { provider }),
    })
    const coverage = { ...judged, unknown: [...judged.unknown, ...(stranger === undefined ? [] : [stranger])] }
    if (options.json === true) {
      await out(`${JSON.stringify({ version: 1, ...coverage, requests: Object.fromEntries(requests) })}\n`)
    } else {
      await out(textOf(hereLines(coverage, rulesOf(options))))
      printNotes([requestLine(opened)])
    }
    if (coverage.guests.some(({ state }) => uncoveredStates.includes(state))) return exitCodes.failed
    // Without the site's file nobody claimed to know all guests; with it, a list that may lack some proves nothing.
    const uncertain = coverage.doubted || (provider !== undefined && coverage.unknown.length > 0)
    return uncertain ? exitCodes.partial : exitCodes.succeeded
  } finally {
    await provider?.close()
  }
}

/**
 * Nothing in the bucket under this name, and other sites are: every guest would count as never archived. A name that
 * somebody wrote down is believed, with a note; what only a file is called is not.
 * @throws UsageError, UnknownSite
 */
async function strangerTo(
  { name, told }: SiteName,
  withFile: boolean,
  ports: Parameters<typeof strangeSite>[1],
): Promise<string | undefined> {
  // Without the site's file only archives are judged, and there are none.
  if (!withFile) await requireKnownSite(name, ports)
  const sentence = await strangeSite(name, ports)
  if (sentence === undefined || told) return sentence
  throw new UsageError(
    `${sentence} ${name} is only what the site file is called: say the site's name with --site, or as "name" in the file.`,
  )
}

function rulesOf({ every, grace, shrunkBelow, parkedTag, parked, rehearsed }: CoverageOptions): CoverageRules {
  return {
    everyMilliseconds: every,
    graceMilliseconds: grace ?? every / 4,
    shrunkBelow,
    parkedTags: parkedTag ?? [PARKED_TAG],
    parkedIds: (parked ?? []).map((text) => idAsWritten(text, undefined)),
    rehearsedMilliseconds: rehearsed,
  }
}

function hereLines(coverage: Awaited<ReturnType<typeof judgeCoverage>>, rules: CoverageRules): string[] {
  const { guests, counts } = coverage
  const told = Object.entries(counts).flatMap(([state, count]) => (count === 0 ? [] : [`${count} ${state}`]))
  const within = `within ${duration(rules.everyMilliseconds + rules.graceMilliseconds)}`
  const summary = `${counted(guests.length, 'guest')}, to be archived ${within}: ${told.length === 0 ? 'none' : told.join(', ')}.`
  return coverageLines({ ...coverage, summary })
}

function share(text: string): number {
  const value = Number(text)
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('Give a share from 0 to 1.')
  return value
}

function several(value: string, previous: string[] = []): string[] {
  return [...previous, ...value.split(',').map((part) => part.trim())]
}
