import { styleText } from 'node:util'
import { type Command, InvalidArgumentError } from 'commander'
import { formatBytes } from '../../functions/domain/byte-size.ts'
import { type CoverageRules, duration, type GuestCoverage, uncoveredStates } from '../../functions/domain/coverage.ts'
import { type Coverage, judgeCoverage } from '../../functions/operations/judge-coverage.ts'
import { type BucketOptions, openBucket, requestLine, withBucketOptions } from './bucket-store.ts'
import { columns, plain } from './columns.ts'
import { exitCodes } from './exit-codes.ts'
import { counted, shortTime } from './print-catalogue.ts'
import { openSiteProvider, siteJson, siteNameOf } from './site-provider.ts'
import type { StopSignals } from './stop-signals.ts'
import { out } from './stream-out.ts'
import { durationOption } from './time-option.ts'

interface CoverageOptions extends BucketOptions {
  siteFile?: string
  site?: string
  every: number
  grace?: number
  shrunkBelow: number
  parkedTag?: string[]
  parked?: string[]
  json?: boolean
}

const DAY_MILLISECONDS = 86_400_000
const PARKED_TAG = 'guestlift-parked'

export function addCoverageCommand(program: Command, stop: StopSignals): void {
  withBucketOptions(program.command('coverage'))
    .description('say which guests have a young, whole and plausible archive, and which have not')
    .option('--site-file <site.json>', 'the site, in the shape of its secret: tells guests that were never archived')
    .option('--site <name>', "the site's name in the bucket (with --site-file: the file's name unless told)")
    .option('--every <duration>', 'how often guests are to be archived', durationOption, DAY_MILLISECONDS)
    .option('--grace <duration>', 'how much later an archive may be (a quarter of --every unless told)', durationOption)
    .option('--shrunk-below <share>', "an archive below this share of the guest's usual size is shrunk", share, 0.5)
    .option('--parked-tag <tag>', `guests with this tag are left out on purpose (${PARKED_TAG} unless told)`, several)
    .option('--parked <id>', 'this guest is left out on purpose', several)
    .option('--json', 'print it as one line of JSON')
    .addHelpText(
      'after',
      `
Exit codes: 0 every guest is covered, parked or gone; 1 some guest is not covered; 2 all that are known are covered, and
the site may have more than this account was shown; 64 wrong command line.`,
    )
    .action(async (options: CoverageOptions) => {
      // There is nothing to clean up.
      stop.onInterrupt(() => process.exit(exitCodes.interrupted))
      process.exitCode = await coverageHere(options)
    })
}

/** Print how the guests are covered. Returns the exit code. */
async function coverageHere(options: CoverageOptions): Promise<number> {
  const { store, keyPrefix, requests } = openBucket(options)
  const site = options.site ?? (options.siteFile === undefined ? undefined : siteNameOf(options.siteFile))
  const provider =
    options.siteFile === undefined
      ? undefined
      : openSiteProvider(site ?? '', await siteJson(site ?? '', options.siteFile, undefined))
  try {
    const coverage = await judgeCoverage(site, rulesOf(options), {
      store,
      keyPrefix,
      now: () => new Date(),
      ...(provider === undefined ? {} : { provider }),
    })
    if (options.json === true) {
      await out(`${JSON.stringify({ version: 1, ...coverage, requests: Object.fromEntries(requests) })}\n`)
    } else {
      await out(`${coverageLines(coverage, rulesOf(options)).join('\n')}\n`)
      process.stderr.write(`${requestLine(requests)}\n`)
    }
    if (coverage.guests.some(({ state }) => uncoveredStates.includes(state))) return exitCodes.failed
    // Without the site's file nobody claimed to know all guests; with it, a list that may lack some proves nothing.
    return provider !== undefined && coverage.unknown.length > 0 ? exitCodes.partial : exitCodes.succeeded
  } finally {
    await provider?.close()
  }
}

function rulesOf({ every, grace, shrunkBelow, parkedTag, parked }: CoverageOptions): CoverageRules {
  return {
    everyMilliseconds: every,
    graceMilliseconds: grace ?? every / 4,
    shrunkBelow,
    parkedTags: parkedTag ?? [PARKED_TAG],
    parkedIds: parked ?? [],
  }
}

function coverageLines({ guests, counts, unknown }: Coverage, rules: CoverageRules): string[] {
  const told = Object.entries(counts).flatMap(([state, count]) => (count === 0 ? [] : [`${count} ${state}`]))
  const within = `within ${duration(rules.everyMilliseconds + rules.graceMilliseconds)}`
  return [
    ...columns(guests.map(row)),
    `${counted(guests.length, 'guest')}, to be archived ${within}: ${told.length === 0 ? 'none' : told.join(', ')}.`,
    ...unknown.map((note) => `note: ${plain(note)}`),
  ]
}

function row({ state, site, guest, name, newestAt, archives, sizeBytes, lastVerifiedAt, reasons }: GuestCoverage) {
  const colour = uncoveredStates.includes(state) ? 'red' : state === 'covered' ? 'green' : 'dim'
  return [
    styleText(colour, state),
    site,
    `${guest.kind} ${guest.id}`,
    plain(name),
    newestAt === undefined ? 'no archive' : shortTime(newestAt),
    archives === 0 ? '' : `${counted(archives, 'archive')}, ${formatBytes(sizeBytes)}`,
    lastVerifiedAt === undefined ? '' : `verified ${lastVerifiedAt.slice(0, 10)}`,
    plain(reasons.join(' ')),
  ]
}

function share(text: string): number {
  const value = Number(text)
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('Give a share from 0 to 1.')
  return value
}

function several(value: string, previous: string[] = []): string[] {
  return [...previous, ...value.split(',').map((part) => part.trim())]
}
