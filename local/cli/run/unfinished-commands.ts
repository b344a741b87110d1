/** `guestlift unfinished`: objects among the archives that have no manifest, and what a person can do about them. */
import type { Command } from 'commander'
import { S3VersionStore } from '../../../functions/aws/s3-version-store.ts'
import { GuestliftError } from '../../../functions/contracts/errors.ts'
import type { UnfinishedArchive } from '../../../functions/contracts/unfinished.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { readFolder } from '../../../functions/domain/catalogue/catalogue.ts'
import { counted } from '../../../functions/domain/words/counted.ts'
import { listPrices } from '../../../functions/domain/prices/list-prices.ts'
import { formatDollars } from '../../../functions/domain/prices/prices.ts'
import { judgeJobOf } from '../../../functions/providers/registry.ts'
import { adoptUnfinished } from '../../../functions/operations/sweep/adopt-unfinished.ts'
import { findUnfinished, type FoundUnfinished } from '../../../functions/operations/sweep/find-unfinished.ts'
import { requireKnownSite } from '../../../functions/operations/catalogue/known-sites.ts'
import { placeOfGuest } from '../../../functions/operations/catalogue/named-guests.ts'
import { removeUnfinished } from '../../../functions/operations/sweep/remove-unfinished.ts'
import { toolVersion } from '../../../functions/runtime/version.ts'
import { isAws } from '../../run/store-locks.ts'
import { type BucketOptions, openBucket } from '../bucket-store.ts'
import { CliError } from '../../run/cli-error.ts'
import { siteOption, withBucketOptions } from '../shared-options.ts'
import { exitCodes, exitHelp } from '../exit-codes.ts'
import { GUEST_WORDS } from '../guest-words.ts'
import { textOf } from '../print/terminal.ts'
import type { StopSignals } from '../stop-signals.ts'
import { out } from '../stream-out.ts'

interface UnfinishedOptions extends BucketOptions {
  site?: string
  guest?: string
  json?: boolean
  confirm?: boolean
}

/** One archive and what became of it; `would`: in a dry run. */
interface End {
  archive: UnfinishedArchive
  outcome: 'listed' | 'adopted' | 'removed' | 'would' | 'left'
  /** Why it was left. */
  trouble?: string
}

const exits = exitHelp({
  succeeded: 'done, or nothing is unfinished',
  failed: 'a named folder is none of them',
  partial: 'something was left, and the lines say why',
})

export function addUnfinishedCommands(program: Command, stop: StopSignals): void {
  const command = program
    .command('unfinished')
    .description('objects below archives/ without a manifest, which cost money and are no archive')
  const finish = async (ends: AsyncGenerator<End>, options: UnfinishedOptions, verb: string) => {
    stop.onInterrupt(() => process.exit(exitCodes.interrupted))
    process.exitCode = await tell(ends, options, verb)
  }
  withNarrowing(command.command('list'))
    .description('list them with what they cost, and whether a record proves what they are')
    .addHelpText('after', exits)
    .action((options: UnfinishedOptions) => finish(listed(options), options, 'list'))
  withNarrowing(command.command('adopt'))
    .description(
      'write the manifest of those whose record and checksum prove what they are; a dry run without --confirm',
    )
    .argument('[folders...]', 'only these, as list shows them')
    .option('--confirm', 'write the manifests')
    .addHelpText('after', exits)
    .action((folders: string[], options: UnfinishedOptions) => finish(adopted(folders, options), options, 'adopt'))
  withNarrowing(command.command('remove'))
    .description('remove folders for good, older versions included; a dry run without --confirm')
    .argument('<folders...>', 'as list shows them: each may be the only copy of something')
    .option('--confirm', 'remove them')
    .addHelpText('after', exits)
    .action((folders: string[], options: UnfinishedOptions) => finish(removed(folders, options), options, 'remove'))
}

function withNarrowing(command: Command): Command {
  return withBucketOptions(command)
    .addOption(siteOption())
    .option('--guest <guest>', `only of this guest: ${GUEST_WORDS}`)
    .option('--json', 'print them as one line of JSON')
}

function portsOf(options: UnfinishedOptions) {
  const { client, store, keyPrefix } = openBucket(options)
  const now = () => new Date()
  const versions = new S3VersionStore(client, options.bucket, now)
  return { store, keyPrefix, versions, prices: listPrices, now, toolVersion }
}

type CommandPorts = ReturnType<typeof portsOf>

async function* listed(options: UnfinishedOptions): AsyncGenerator<End> {
  const ports = portsOf(options)
  await requireSite(options, ports)
  for await (const { archive } of findUnfinished(await filterOf(options, ports), ports))
    yield { archive, outcome: 'listed' }
}

async function* adopted(folders: readonly string[], options: UnfinishedOptions): AsyncGenerator<End> {
  const ports = portsOf(options)
  for await (const found of chosen(folders, options, ports)) {
    yield await attempt(found, 'adopted', options, () =>
      adoptUnfinished(found, options.confirm !== true, { ...ports, judgeJobOf }),
    )
  }
}

async function* removed(folders: readonly string[], options: UnfinishedOptions): AsyncGenerator<End> {
  const ports = portsOf(options)
  for await (const found of chosen(folders, options, ports)) {
    yield await attempt(found, 'removed', options, () => removeUnfinished(found, options.confirm !== true, ports))
  }
}

async function attempt(
  { archive }: FoundUnfinished,
  done: 'adopted' | 'removed',
  { confirm = false }: UnfinishedOptions,
  step: () => Promise<unknown>,
): Promise<End> {
  try {
    await step()
    return { archive, outcome: confirm ? done : 'would' }
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    return { archive, outcome: 'left', trouble: error.message }
  }
}

/** All that fit, or those that are named. @throws CliError for a name that is none of them */
async function* chosen(
  folders: readonly string[],
  options: UnfinishedOptions,
  ports: CommandPorts,
): AsyncGenerator<FoundUnfinished> {
  await requireSite(options, ports)
  if (folders.length === 0) {
    yield* findUnfinished(await filterOf(options, ports), ports)
    return
  }
  for (const name of new Set(folders)) {
    // As the command shows it, or as an address of S3.
    const key = name.startsWith(`s3://${options.bucket}/`) ? name.slice(`s3://${options.bucket}/`.length) : name
    const place = readFolder(ports.keyPrefix, `${key.replace(/\/$/, '')}/-`)
    let any = false
    for await (const found of place === undefined
      ? []
      : findUnfinished({ site: place.site, guestId: place.guest.id }, ports)) {
      if (found.archive.folder !== place?.folder) continue
      any = true
      yield found
    }
    if (!any)
      throw new CliError(
        `${name} is no folder without a manifest in s3://${options.bucket}. See guestlift unfinished list.`,
      )
  }
}

async function requireSite({ site }: UnfinishedOptions, ports: CommandPorts): Promise<void> {
  if (site !== undefined) await requireKnownSite(site, ports)
}

async function filterOf({ site, guest }: UnfinishedOptions, ports: CommandPorts) {
  const place = guest === undefined ? undefined : await placeOfGuest(guest, site, ports)
  const { site: where = site } = place ?? {}
  return { ...(where === undefined ? {} : { site: where }), ...(place === undefined ? {} : { guestId: place.id }) }
}

async function tell(ends: AsyncGenerator<End>, options: UnfinishedOptions, verb: string): Promise<number> {
  const all: End[] = []
  for await (const end of ends) {
    all.push(end)
    if (options.json !== true) await out(textOf(linesOf(end, verb, options)))
  }
  const dollarsPerMonth = all.reduce((sum, { archive }) => sum + archive.dollarsPerMonth, 0)
  const sizeBytes = all.reduce((sum, { archive }) => sum + archive.sizeBytes, 0)
  if (options.json === true) {
    await out(`${JSON.stringify({ version: 1, unfinished: all, totals: { sizeBytes, dollarsPerMonth } })}\n`)
  } else {
    await out(
      all.length === 0
        ? 'Every folder among the archives has a manifest.\n'
        : `${counted(all.length, 'folder')} without a manifest, ${formatBytes(sizeBytes)}${priceOf(dollarsPerMonth, options)}.\n`,
    )
    if (all.some(({ outcome }) => outcome === 'would')) await out(`Nothing was changed. Repeat it with --confirm.\n`)
  }
  return all.some(({ outcome }) => outcome === 'left') ? exitCodes.partial : exitCodes.succeeded
}

/** Of another store, prices of AWS say nothing. */
function priceOf(dollarsPerMonth: number, { s3 }: UnfinishedOptions): string {
  return isAws(s3) ? `, ${formatDollars(dollarsPerMonth)} a month` : ''
}

function linesOf({ archive, outcome, trouble }: End, verb: string, options: UnfinishedOptions): string[] {
  const { folder, sizeBytes, dollarsPerMonth, state, reason } = archive
  const what = outcome === 'would' ? `would ${verb}` : outcome === 'listed' ? state : outcome
  return [
    `${what}: ${folder}`,
    `    ${formatBytes(sizeBytes)}${priceOf(dollarsPerMonth, options)}. ${trouble ?? reason}`,
  ]
}
