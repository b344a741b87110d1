import { Option, type Command } from 'commander'
import { S3VersionStore } from '../../../functions/aws/s3-version-store.ts'
import { attentionTo } from '../../../functions/domain/retention/pruning-totals.ts'
import { listPrices } from '../../../functions/domain/prices/list-prices.ts'
import { requireKnownSite } from '../../../functions/operations/catalogue/known-sites.ts'
import { pruneSite, type SiteEnd } from '../../../functions/operations/pruning/prune-site.ts'
import { identifyProcess, isGone } from '../../../functions/runtime/process-identity.ts'
import { type BucketOptions, openBucket, requestLine } from '../bucket-store.ts'
import { executionName } from '../run/execution-name.ts'
import { exitCodes, exitHelp } from '../exit-codes.ts'
import { GUEST_WORDS, idAsWritten, idsInBucket } from '../guest-words.ts'
import { counted } from '../../../functions/domain/words/counted.ts'
import { pruningLines } from '../print/print-pruning.ts'
import { printNotes, textOf } from '../print/terminal.ts'
import { retentionLines } from '../print/print-retention.ts'
import { askedGuests, type RetentionOptions, siteRetention, withRetentionOptions } from './retention-options.ts'
import { alikeLines, isKnownTrouble, type Troubles } from '../run/told-troubles.ts'
import { formerSiteNameOption } from '../old-spellings.ts'
import { addBucketOptions, addDeploymentOptions, siteNameOption } from '../shared-options.ts'
import type { StopSignals } from '../stop-signals.ts'
import { out } from '../stream-out.ts'
import { utcOption } from '../time-option.ts'
import type { DeployedOptions } from '../run/run-command.ts'
import { upkeepOnAws } from '../run/upkeep-command.ts'

export interface PruneOptions extends BucketOptions, RetentionOptions {
  guest?: string[]
  confirm?: boolean
  confirmGone?: boolean
  dryRun?: boolean
  json?: boolean
}

type PruneCommandOptions = Omit<PruneOptions, 'bucket'> & Partial<DeployedOptions> & { bucket?: string }

export function addPruneCommand(program: Command, stop: StopSignals): void {
  const command = program
    .command('prune')
    .description('show which archives a retention would remove, and why; with --confirm, remove them for good')
  addBucketOptions(command, { condition: 'from here' })
  addDeploymentOptions(command, {
    deployment: "run this deployment's own workflow, which asks the site which guests are gone",
  })
    .addOption(siteNameOption('took-name', 'the site whose archives are meant (else: of the job)'))
    .addOption(formerSiteNameOption())
    .option('--guest <guest...>', `only these guests: ${GUEST_WORDS}`)
  withRetentionOptions(command)
    .addOption(new Option('--dry-run', 'change nothing: the default').conflicts('confirm'))
    .option('--confirm', 'remove for good what the plan shows, no matter how much it is')
    .option('--confirm-gone', "guests that the site doesn't list were removed on purpose, no matter how many")
    .addOption(utcOption())
    .option('--json', 'print plan or report as one line of JSON')
    .addHelpText(
      'after',
      `
Without --confirm nothing is changed. A pruning that was stopped can be continued at any time.
${exitHelp({
  succeeded: 'everything is as the rules say',
  failed: 'no guest could be looked at',
  partial: 'something is locked, looks wrong or could not be removed',
})}`,
    )
    .action(async ({ bucket, deployment, ...options }: PruneCommandOptions) => {
      const refuse = (complaint: string): never => command.error(`error: ${complaint}`)
      if (bucket !== undefined && deployment === undefined) {
        process.exitCode = await pruneHere({ ...options, bucket }, stop, refuse)
        return
      }
      if (bucket !== undefined || deployment === undefined) {
        return refuse('say where the archives are: either --bucket <name> or --deployment <name>')
      }
      if (options.siteFile !== undefined) refuse("a deployment asks the site itself: --site-file doesn't go with it")
      process.exitCode = await pruneOnAws({ ...options, deployment }, stop, refuse)
    })
}

/** Start the deployment's workflow and follow it. Returns the exit code. */
async function pruneOnAws(
  options: Omit<PruneCommandOptions, 'bucket'> & { deployment: string },
  stop: StopSignals,
  refuse: (complaint: string) => never,
): Promise<number> {
  const { site, policy } = await siteRetention(options, refuse)
  const { guest, confirm = false, confirmGone } = options
  const request = {
    site,
    retention: policy,
    ...(guest === undefined ? {} : { guests: guest.map((text) => idAsWritten(text, site)) }),
    dryRun: !confirm,
    confirmed: confirm,
    // Left out where nobody says so: functions of an earlier release don't know it.
    ...(confirmGone === true ? { confirmedGone: true } : {}),
  }
  return upkeepOnAws({ workflow: 'pruneArchives', request, noun: 'pruning', lines: pruningLines }, options, stop)
}

/** Print the plan, or carry it out. Returns the exit code. */
export async function pruneHere(
  options: PruneOptions,
  stop: StopSignals,
  refuse: (complaint: string) => never,
): Promise<number> {
  const { site, policy } = await siteRetention(options, refuse)
  const opened = openBucket(options)
  const { client, store, keyPrefix, requests } = opened
  await requireKnownSite(site, { store, keyPrefix })
  const guestIds = options.guest === undefined ? undefined : await idsInBucket(options.guest, site, options)
  const dryRun = options.confirm !== true
  const { siteFile, confirmGone: confirmedGone = false } = options
  const { known } = await askedGuests(site, { siteFile, store, keyPrefix, confirmedGone, record: !dryRun })
  const identity = identifyProcess()
  const ports = {
    ...(identity === undefined ? {} : { ownProcess: { identity, isGone } }),
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
    site,
    policy,
    by: executionName('cli'),
    confirmed: true,
    dryRun,
    ...(guestIds === undefined ? {} : { guestIds }),
    ...(known === undefined ? {} : { known }),
  }
  // Thousands of guests pass through here: each is told and forgotten, and only counts are kept.
  const troubles: Troubles = new Map()
  const tally: Tally = { guests: 0, troubled: 0, unquiet: 0, going: 0, removed: 0, locksNotAsked: 0 }
  if (options.json === true)
    await out(`${JSON.stringify({ version: 1, site, dryRun, policy }).slice(0, -1)},"guests":[`)
  for await (const end of pruneSite(order, ports)) {
    if (options.json === true) await out(`${tally.guests === 0 ? '' : ','}${JSON.stringify(end)}`)
    else if (!isKnownTrouble(end, troubles)) await out(textOf(retentionLines(end)))
    count(end, tally)
    if (stop.interrupt.aborted) break
  }
  if (options.json === true) {
    await out(`],"requests":${JSON.stringify(Object.fromEntries(requests))}}\n`)
  } else {
    await out(textOf([...alikeLines(troubles), ...closing(tally, dryRun, known !== undefined)]))
    printNotes([requestLine(opened)])
  }
  client.destroy()
  return stop.interrupt.aborted ? exitCodes.interrupted : exitCodeOf(tally)
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
  /** Of those to go in a dry run, those of which S3 wasn't asked for locks. */
  locksNotAsked: number
}

function count({ result }: SiteEnd, tally: Tally): void {
  tally.guests += 1
  if ('trouble' in result) {
    tally.troubled += 1
    return
  }
  if (attentionTo(result).length > 0 || result.locked > 0) tally.unquiet += 1
  tally.going += result.toRemove - result.locked
  tally.removed += result.removed
  tally.locksNotAsked += result.locksNotAsked ?? 0
}

function closing({ guests, going, removed, locksNotAsked }: Tally, dryRun: boolean, askedSite: boolean): string[] {
  if (guests === 0) return ['No guest with archives was found.']
  return [
    ...(askedSite ? [] : ['note: the site was not asked (--site-file), so guests that are gone count as present.']),
    ...(locksNotAsked === 0
      ? []
      : [
          `note: S3 was not asked whether locks hold ${counted(locksNotAsked, 'archive')} of these, to keep this short. Locked ones stay; --confirm asks for each. To have a guest's locks here, name it with --guest.`,
        ]),
    dryRun
      ? `Nothing was changed. ${counted(going, 'archive')} of ${counted(guests, 'guest')} would be removed; do it with --confirm.`
      : `Removed: ${counted(removed, 'archive')} of ${counted(guests, 'guest')}.`,
  ]
}

function exitCodeOf({ guests, troubled, unquiet }: Tally): number {
  if (guests > 0 && troubled === guests) return exitCodes.failed
  return troubled + unquiet > 0 ? exitCodes.partial : exitCodes.succeeded
}
