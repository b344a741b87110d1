import type { Command } from 'commander'
import { exitHelp } from '../exit-codes.ts'
import { sweepLines } from '../print/print-sweep.ts'
import type { StopSignals } from '../stop-signals.ts'
import { type Upkeep, upkeepHere, upkeepOnAws, type UpkeepOptions, withUpkeepOptions } from './upkeep-command.ts'

export function addSweepCommand(program: Command, stop: StopSignals): void {
  const command = withUpkeepOptions(program.command('sweep'))
    .description('drop abandoned uploads: on AWS, or with --local from this machine')
    .option('--dry-run', 'only show what would be dropped')
    .addHelpText(
      'after',
      exitHelp({
        succeeded: 'every open upload was looked at, and the abandoned ones dropped',
        failed: 'none could be',
        partial: 'some could not be',
      }),
    )
    .action(async ({ dryRun = false, ...options }: UpkeepOptions & { dryRun?: boolean }) => {
      const sweep: Upkeep<'sweepUploads'> = {
        workflow: 'sweepUploads',
        request: { dryRun },
        noun: 'sweep',
        lines: sweepLines,
      }
      if (options.local !== true) {
        process.exitCode = await upkeepOnAws(sweep, options, stop)
        return
      }
      const { bucket } = options
      if (bucket === undefined) return command.error('error: sweep --local needs --bucket <name>')
      process.exitCode = await upkeepHere(sweep, { ...options, bucket }, stop)
    })
}
