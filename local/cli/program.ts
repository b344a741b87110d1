import { Command } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { addCatalogueCommands } from './archives/catalogue-commands.ts'
import { addCoverageCommand } from './archives/coverage-command.ts'
import { addReportCommand } from './audit/report-command.ts'
import { addCompletionCommand } from './completion/completion-command.ts'
import { addDemoCommand } from './demo-command.ts'
import { groupCommands } from './help/group-commands.ts'
import { exitCodeLines, exitHelp } from './exit-codes.ts'
import { addDoctorCommand } from './doctor/doctor-command.ts'
import { addDrillCommand } from './archives/drill-command.ts'
import { addExtractCommand } from './extract/extract-command.ts'
import { addInitCommand } from './init/init-command.ts'
import { addGuestsCommand } from './site/guests-command.ts'
import { addNotifyCommand } from './notify/notify-command.ts'
import { addPlanCommand } from './run/plan-command.ts'
import { addPruneCommand } from './archives/prune-command.ts'
import { addRestoreCommand } from './archives/restore-command.ts'
import { addPriceCommands } from './archives/price-commands.ts'
import {
  type DeployedOptions,
  follow,
  type LocalOptions,
  type OutputOptions,
  runHere,
  runOnAws,
} from './run/run-command.ts'
import { settlePlace } from './settings/apply-settings.ts'
import { addConfigCommand } from './settings/config-command.ts'
import { addMcpCommand } from './mcp/mcp-command.ts'
import { addMetricsCommand } from './metrics/metrics-command.ts'
import { addPlatformsCommand } from './site/platforms-command.ts'
import { printLines } from './print/terminal.ts'
import { readOldSpellings } from './old-spellings.ts'
import {
  addPlaceOptions,
  detailsOption,
  notifyOption,
  requireOnePlace,
  siteFileOption,
  siteNameOption,
} from './shared-options.ts'
import { addSiteBookCommand } from './site/site-book-command.ts'
import { addSiteCommands } from './site/site-commands.ts'
import { addArchiveCommands } from './archives/archive-commands.ts'
import { addCopiesCommand } from './archives/copies-command.ts'
import { addVerifyCommand } from './archives/verify-command.ts'
import type { StopSignals } from './stop-signals.ts'
import { addSweepCommand } from './run/sweep-command.ts'
import { addUnfinishedCommands } from './run/unfinished-commands.ts'

type RunOptions = DeployedOptions & Partial<LocalOptions> & { local?: boolean; again?: string }

const runExits = exitHelp({
  succeeded: 'every guest archived',
  failed: 'no guest archived, or the run could not start',
  partial: 'some archived, some not',
})

/** Every command of `guestlift`. Parsing throws CommanderError in place of ending the process. */
export function guestliftProgram(stop: StopSignals): Command {
  const program: Command = new Command('guestlift')
  program
    .description('Archives virtual machines and containers off-site, and proves it.')
    .version(packageJson.version)
    .exitOverride()
    .hook('preAction', (_, command) => {
      readOldSpellings(command, (sentence) => process.stderr.write(`warning: ${sentence}\n`))
      settlePlace(command)
    })
    .addHelpText(
      'after',
      exitHelp({
        succeeded: "done; each command's own --help shows what 0, 1 and 2 mean for it",
        failed: 'not done',
        partial: 'done in part',
      }),
    )

  const run = program
    .command('run')
    .description('run a job: on AWS, or with --local on this machine')
    .argument('[job.json]', 'the job: {"site":"hq","guests":{"vmids":[100]}}; see docs/jobs.md')
    .option(
      '--again <run>',
      "in place of a job: archive exactly the guests that this run did not; takes its folder (runs/2026/11/22/nightly/), or on AWS its execution's ARN",
    )
    .addOption(detailsOption())
    .option('--json', "print the run's report as one line of JSON at the end of standard output")
  addPlaceOptions(run)
    .addOption(siteFileOption('with --local'))
    .addOption(siteNameOption('took-file'))
    .addOption(notifyOption('with --local'))
    .addHelpText('after', runExits)
    .action(async (jobFile: string | undefined, options: RunOptions) => {
      const asked = { jobFile, again: options.again }
      requireOnePlace(run, options.local === true)
      if (options.local !== true && options.notify !== undefined) {
        run.error('error: --notify is for --local: a deployment has its own notices (docs/deploy.md)')
      }
      process.exitCode =
        options.local === true
          ? await runHere(asked, localOptions(options, run), stop)
          : await runOnAws(asked, options, stop)
    })

  program
    .command('follow')
    .description('follow a run on AWS that was started earlier')
    .argument('<execution-arn>')
    .addOption(detailsOption())
    .option('--json', "print the run's report as one line of JSON at the end of standard output")
    .addHelpText('after', runExits)
    .action(async (executionArn: string, options: OutputOptions) => {
      process.exitCode = await follow(executionArn, options, stop)
    })

  addInitCommand(program, stop)
  addDoctorCommand(program, stop)
  addSweepCommand(program, stop)
  addUnfinishedCommands(program, stop)
  addSiteCommands(program, stop)
  addSiteBookCommand(program)
  addPlatformsCommand(program)
  addDemoCommand(program)
  addConfigCommand(program)

  program
    .command('exit-codes')
    .description('show what the exit codes of all commands mean')
    .addHelpText('after', exitHelp({ succeeded: 'shown' }))
    .action(() => {
      printLines(exitCodeLines)
    })

  addPlanCommand(program, stop)
  addGuestsCommand(program, stop)
  addVerifyCommand(program, stop)
  addRestoreCommand(program, stop)
  addDrillCommand(program, stop)
  addExtractCommand(program, stop)
  addPriceCommands(program, stop)
  addCatalogueCommands(program, stop)
  addPruneCommand(program, stop)
  addArchiveCommands(program)
  addCopiesCommand(program, stop)
  addCoverageCommand(program, stop)
  addNotifyCommand(program, stop)
  addReportCommand(program, stop)
  addMcpCommand(program, stop)
  addMetricsCommand(program, stop)
  addCompletionCommand(program)

  groupCommands(program)

  return program
}

function localOptions({ siteFile, bucket, prefix = '', ...rest }: RunOptions, run: Command): LocalOptions {
  if (siteFile === undefined || bucket === undefined) {
    run.error('error: run --local needs --site-file <file> and --bucket <name>')
  }
  return { ...rest, siteFile, bucket, prefix }
}
