import type { Command } from 'commander'
import { isAws } from '../../run/store-locks.ts'
import { exitHelp } from '../exit-codes.ts'
import { sweepLines } from '../print/print-sweep.ts'
import { readSiteFile } from '../../run/site-file.ts'
import { requireOnePlace, siteFileOption, siteNameOption } from '../shared-options.ts'
import { type NameSources, siteNameFrom } from '../site/site-name.ts'
import type { StopSignals } from '../stop-signals.ts'
import { type Upkeep, upkeepHere, upkeepOnAws, type UpkeepOptions, withUpkeepOptions } from './upkeep-command.ts'

interface SweepOptions extends UpkeepOptions {
  dryRun?: boolean
  siteFile?: string
  site?: string
  usualSite?: string
}

export function addSweepCommand(program: Command, stop: StopSignals): void {
  const command = withUpkeepOptions(program.command('sweep'))
    .description(
      'drop abandoned uploads, and what backups left on platforms: on AWS, or with --local from this machine',
    )
    .option('--dry-run', 'only show what would be dropped')
    .addOption(siteFileOption('with --local', 'also look at this site for what backups left on it'))
    .addOption(siteNameOption('took-file'))
    .addHelpText(
      'after',
      exitHelp({
        succeeded: 'every open upload was looked at, and the abandoned ones dropped',
        failed: 'none could be',
        partial: 'some could not be',
      }),
    )
    .action(async ({ dryRun = false, siteFile, site, usualSite, ...options }: SweepOptions) => {
      requireOnePlace(command, options.local === true)
      const sites = siteFile === undefined ? {} : await siteIn(siteFile, { option: site, usual: usualSite })
      const sweep: Upkeep<'sweepUploads'> = {
        workflow: 'sweepUploads',
        // A deployment knows its own sites.
        request: options.local === true ? { dryRun, sites: Object.keys(sites) } : { dryRun },
        noun: 'sweep',
        lines: (report) => sweepLines(report, options.local !== true || isAws(options.s3)),
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
async function siteIn(path: string, names: NameSources): Promise<Record<string, string>> {
  const json = await readSiteFile(path)
  return { [siteNameFrom({ ...names, file: { path, json } }).name]: json }
}
