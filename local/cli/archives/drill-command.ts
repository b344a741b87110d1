import type { Command } from 'commander'
import { asRestoreSite } from '../../../functions/domain/restore/restore-site.ts'
import { readSiteFile } from '../../run/site-file.ts'
import { exitHelp } from '../exit-codes.ts'
import { GUEST_WORDS, idAsWritten, idsInBucket } from '../guest-words.ts'
import { drillLines } from '../print/print-drill.ts'
import { type Upkeep, upkeepHere, upkeepOnAws, type UpkeepOptions, withUpkeepOptions } from '../run/upkeep-command.ts'
import { requireOnePlace, siteFilesOption } from '../shared-options.ts'
import { siteNameFrom } from '../site/site-name.ts'
import type { StopSignals } from '../stop-signals.ts'
import { type DrillOptions, drillRequestFrom, withDrillOptions } from './drill-options.ts'

type DrillCommandOptions = UpkeepOptions & DrillOptions & { siteFile?: string[] }

export function addDrillCommand(program: Command, stop: StopSignals): void {
  const command = program
    .command('drill')
    .description('rehearse restores: bring guests back without network, look whether they work, remove them again')
    .argument('[guests...]', `these guests, now: ${GUEST_WORDS}; without any, those that the policy says are due`)
  withUpkeepOptions(withDrillOptions(command))
    .addOption(siteFilesOption('with --local', 'the site file, and that of --from where it is another'))
    .addHelpText(
      'after',
      `
Each guest comes back under a free id of --ids, unplugged from the network, and is removed on every ending.
What each rehearsal showed is kept below drills/ in the bucket.
${exitHelp({
  succeeded: 'every rehearsal passed, or no guest is due',
  failed: 'a rehearsal failed, or the drill could not start',
  partial: 'all rehearsals passed, and some guest that is due can not be rehearsed',
})}`,
    )
    .action(async (ids: string[], options: DrillCommandOptions) => {
      const refuse = (complaint: string): never => command.error(`error: ${complaint}`)
      const isLocal = options.local === true
      requireOnePlace(command, isLocal)
      process.exitCode = await (isLocal ? drillHere : drillOnAws)(ids, options, stop, refuse)
    })
}

async function drillHere(
  ids: readonly string[],
  options: DrillCommandOptions,
  stop: StopSignals,
  refuse: (complaint: string) => never,
): Promise<number> {
  const { siteFile: paths, bucket } = options
  if (paths === undefined || bucket === undefined) {
    return refuse('drill --local needs --site-file <file> and --bucket <name>')
  }
  const sites: Record<string, string> = {}
  for (const path of paths) {
    const json = await readSiteFile(path)
    const only = paths.length === 1 ? { option: options.site, usual: options.usualSite } : {}
    const { name } = siteNameFrom({ ...only, file: { path, json } })
    sites[name] = json
  }
  const [only] = Object.keys(sites)
  const of = options.from ?? options.site ?? options.usualSite ?? only
  const named = await idsInBucket(ids, of, { ...options, bucket })
  const request = await drillRequestFrom(named, { ...options, site: options.site ?? only }, refuse)
  for (const site of [request.site, request.from ?? request.site]) {
    if (sites[site] === undefined) refuse(`site ${site} is asked, and no --site-file is of it`)
  }
  // The functions find out as well, by the secret that a deployment has and this machine lacks.
  asRestoreSite(JSON.parse(sites[request.site] ?? 'null'))
  return upkeepHere(drillOf(request), { ...options, bucket }, stop, sites)
}

async function drillOnAws(
  ids: readonly string[],
  options: DrillCommandOptions,
  stop: StopSignals,
  refuse: (complaint: string) => never,
): Promise<number> {
  const named = ids.map((text) => idAsWritten(text, options.from ?? options.site))
  return upkeepOnAws(drillOf(await drillRequestFrom(named, options, refuse)), options, stop)
}

function drillOf(request: unknown): Upkeep<'restoreDrill'> {
  return {
    workflow: 'restoreDrill',
    request,
    noun: 'drill',
    lines: drillLines,
    stopping: 'Stopping: what was put on the platform is being removed. Press Ctrl-C again to leave at once.',
  }
}
