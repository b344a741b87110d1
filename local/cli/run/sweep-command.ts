import type { Command } from 'commander'
import { exitHelp } from '../exit-codes.ts'
import { sweepLines } from '../print/print-sweep.ts'
import { readSiteFile } from '../../run/site-file.ts'
import { siteNameFrom } from '../site/site-name.ts'
import type { StopSignals } from '../stop-signals.ts'
import { type Upkeep, upkeepHere, upkeepOnAws, type UpkeepOptions, withUpkeepOptions } from './upkeep-command.ts'

export function addSweepCommand(program: Command, stop: StopSignals): void {
  const command = withUpkeepOptions(program.command('sweep'))
    .description(
      'drop abandoned uploads, and what backups left on platforms: on AWS, or with --local from this machine',
    )
    .option('--dry-run', 'only show what would be dropped')
    .option('--site <site.json>', 'with --local: also look at this site for what backups left on it')
    .addHelpText(
      'after',
      exitHelp({
        succeeded: 'every open upload was looked at, and the abandoned ones dropped',
        failed: 'none could be',
        partial: 'some could not be',
      }),
    )
    .action(async ({ dryRun = false, site, ...options }: UpkeepOptions & { dryRun?: boolean; site?: string }) => {
      const sites = site === undefined ? {} : await siteIn(site)
      const sweep: Upkeep<'sweepUploads'> = {
        workflow: 'sweepUploads',
        // A deployment knows its own sites.
        request: options.local === true ? { dryRun, sites: Object.keys(sites) } : { dryRun },
        noun: 'sweep',
        lines: sweepLines,
      }
      if (options.local !== true) {
        process.exitCode = await upkeepOnAws(sweep, options, stop)
        return
      }
      const { bucket } = options
      if (bucket === undefined) return command.error('error: sweep --local needs --bucket <name>')
      process.exitCode = await upkeepHere(sweep, { ...options, bucket }, stop, sites)
    })
}

/** By its name, as the text of its secret. */
async function siteIn(path: string): Promise<Record<string, string>> {
  const json = await readSiteFile(path)
  return { [siteNameFrom({ file: { path, json } }).name]: json }
}
