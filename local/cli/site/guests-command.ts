import type { Command } from 'commander'
import { GuestliftError } from '../../../functions/contracts/errors.ts'
import { type GuestSelection, guestSelectionSchema, parseIdRange } from '../../../functions/contracts/selection.ts'
import { requireKnownKeys } from '../../../functions/operations/selection/require-known-keys.ts'
import { selectGuests } from '../../../functions/domain/selection/guest-selection.ts'
import { validationMessage } from '../../../functions/domain/words/validation-message.ts'
import type { GuestRecord } from '../../../functions/providers/guest-facts.ts'
import type { Provider } from '../../../functions/providers/provider.ts'
import { readSiteFile } from '../../run/site-file.ts'
import { exitCodes, exitHelp } from '../exit-codes.ts'
import { formerSiteNameOption } from '../old-spellings.ts'
import { deploymentOfSiteOption, siteFileOption, siteNameOption } from '../shared-options.ts'
import { guestLines, type ToldGuest } from '../print/print-guests.ts'
import { textOf } from '../print/terminal.ts'
import { complaintAboutSource, deploymentNamed, openSiteProvider, siteJson, type SiteOptions } from './site-provider.ts'
import { siteNameFrom } from './site-name.ts'
import type { StopSignals } from '../stop-signals.ts'

/** Command line option → key of a selection, and what it is called in help texts. */
const filters = {
  id: ['vmids', 'ids or ranges of ids, as 100,200-299'],
  name: ['names', 'names; * and ? stand for any characters and for one'],
  tag: ['tags', 'tags'],
  pool: ['pools', 'pools'],
  node: ['nodes', 'nodes'],
  state: ['states', 'states: running, stopped, paused, suspended, unknown'],
  kind: ['kinds', 'kinds: vm, container'],
  ha: ['ha', 'HA states, or managed, unmanaged'],
} as const
type FilterName = keyof typeof filters
const filterNames = Object.keys(filters) as FilterName[]

export type FilterOptions = Partial<Record<FilterName | `exclude${Capitalize<FilterName>}`, string[]>> & {
  templates?: string
}

export interface GuestsOptions extends SiteOptions, FilterOptions {
  details?: boolean
  json?: boolean
}

const several = (value: string, previous: string[] = []) => [
  ...previous,
  ...value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
]

export function addGuestsCommand(program: Command, stop: StopSignals): void {
  const command = program
    .command('guests')
    .description('list and search the guests of a site')
    .addOption(siteFileOption(undefined, 'the site file, as docs/sites.md describes it; needs no AWS'))
    .addOption(deploymentOfSiteOption('the deployment in whose secrets the site is found'))
    .addOption(
      siteNameOption(
        'took-file',
        'name of the site; with --deployment, which of its sites (default: its default site)',
      ),
    )
    .addOption(formerSiteNameOption())
  for (const name of filterNames) command.option(`--${name} <list>`, `only with these ${filters[name][1]}`, several)
  for (const name of filterNames)
    command.option(`--exclude-${name} <list>`, `without those with these ${filters[name][1]}`, several)
  command
    .option('--templates <choice>', 'include, leave-out or only (default: include, where there are any)')
    .option(
      '--details',
      'disks and which of them a backup holds, replication, description: one more call for each guest',
    )
    .option('--json', 'print the guests as one line of JSON')
    .addHelpText(
      'after',
      `
Options of one kind are alternatives, options of different kinds must all match, as in a job's "guests".${exitHelp({ succeeded: 'some guest was found', failed: 'none was' })}`,
    )
    .action(async (options: GuestsOptions) => {
      const selection = readFilter(options)
      const complaint = complaintAboutSource(options) ?? ('complaint' in selection ? selection.complaint : undefined)
      if (complaint !== undefined || 'complaint' in selection) return command.error(`error: ${complaint ?? ''}`)
      // There is nothing to clean up.
      stop.onInterrupt(() => process.exit(exitCodes.interrupted))
      process.exitCode = await listGuestsHere(options, selection)
    })
}

/** Print the guests of a site that fit. Returns the exit code. */
export async function listGuestsHere(options: GuestsOptions, selection: GuestSelection): Promise<number> {
  const deployment = options.deployment === undefined ? undefined : await deploymentNamed(options.deployment)
  const { siteFile: path, site: option, usualSite: usual } = options
  const file = path === undefined ? undefined : { path, json: await readSiteFile(path) }
  const site =
    file === undefined
      ? (option ?? usual ?? deployment?.defaultSite ?? deployment?.sites[0] ?? '')
      : siteNameFrom({ option, usual, file }).name
  const provider = await openSiteProvider(site, file?.json ?? (await siteJson(site, undefined, deployment)))
  try {
    const asked = withTemplates(selection, provider)
    requireKnownKeys(site, asked, provider)
    const list = await provider.listGuests('everything')
    const { decisions, missing, unmatched } = selectGuests(list.guests, asked)
    // A guest that can't be told apart may be the one that is looked for.
    const found = decisions.filter(({ verdict }) => verdict !== 'left-out')
    const notes = [
      ...found.flatMap(({ guest, verdict, reason }) =>
        verdict === 'undecided' ? [`Guest ${guest.id} may not fit. ${reason}`] : [],
      ),
      ...missing.map((id) => `There is no guest ${id}, or this account isn't shown it.`),
      ...unmatched,
      ...(list.mayLack === undefined ? [] : [list.mayLack]),
      ...(list.poolsMayLack === undefined || !mentionsPools(selection) ? [] : [list.poolsMayLack]),
      ...list.notes,
    ]
    const guests: ToldGuest[] = []
    for (const { guest } of found) {
      guests.push(options.details === true ? await withDetails(guest, provider, notes) : guest)
    }
    const told = { version: 1, site, guests, notes }
    process.stdout.write(options.json === true ? `${JSON.stringify(told)}\n` : textOf(guestLines(told)))
    return guests.length > 0 ? exitCodes.succeeded : exitCodes.failed
  } finally {
    await provider.close()
  }
}

/** A list shows templates unless told, where a platform has them; a job leaves them out. */
function withTemplates(selection: GuestSelection, { selectionKeys }: Provider): GuestSelection {
  if (selection.templates !== undefined || !selectionKeys.includes('templates')) return selection
  return { ...selection, templates: 'include' }
}

async function withDetails(guest: GuestRecord, provider: Provider, notes: string[]): Promise<ToldGuest> {
  try {
    return { ...guest, details: await provider.describeGuest(guest) }
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    notes.push(error.message)
    return guest
  }
}

const mentionsPools = ({ pools, exclude }: GuestSelection): boolean =>
  pools !== undefined || exclude?.pools !== undefined

/** The options as a selection, or what is wrong with them. */
export function readFilter(options: FilterOptions): GuestSelection | { complaint: string } {
  const exclude = filterFrom((name) => options[`exclude${capitalised(name)}`])
  const wanted = filterFrom((name) => options[name])
  const { templates } = options
  const selection = {
    ...(Object.keys(wanted).length === 0 && templates !== 'only' ? { all: true } : wanted),
    ...(templates === undefined ? {} : { templates }),
    ...(Object.keys(exclude).length === 0 ? {} : { exclude }),
  }
  const parsed = guestSelectionSchema.safeParse(selection)
  return parsed.success ? parsed.data : { complaint: validationMessage(parsed.error) }
}

function filterFrom(valuesOf: (name: FilterName) => string[] | undefined): Record<string, unknown> {
  const filter: Record<string, unknown> = {}
  for (const name of filterNames) {
    const values = valuesOf(name)
    if (values === undefined) continue
    if (name !== 'id') filter[filters[name][0]] = values
    else {
      const ranges = values.filter((value) => parseIdRange(value) !== undefined)
      // A number that no vmid has is a typing error, where it is short enough to be meant as one.
      const vmids = values.filter((value) => /^\d{1,9}$/.test(value))
      const ids = values.filter((value) => !ranges.includes(value) && !vmids.includes(value))
      if (vmids.length > 0) filter['vmids'] = vmids.map(Number)
      if (ids.length > 0) filter['ids'] = ids
      if (ranges.length > 0) filter['ranges'] = ranges
    }
  }
  return filter
}

function capitalised<Name extends string>(name: Name): Capitalize<Name> {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}` as Capitalize<Name>
}
