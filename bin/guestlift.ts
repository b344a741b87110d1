import { Command, CommanderError } from 'commander'
import packageJson from '../package.json' with { type: 'json' }
import { GuestliftError } from '../functions/contracts/errors.ts'
import { addCatalogueCommands } from '../local/cli/catalogue-commands.ts'
import { CliError } from '../local/cli/cli-error.ts'
import { addCoverageCommand } from '../local/cli/coverage-command.ts'
import { exitCodes } from '../local/cli/exit-codes.ts'
import { outliveReaders } from '../local/cli/lost-terminal.ts'
import { addGuestsCommand } from '../local/cli/guests-command.ts'
import { addPlanCommand } from '../local/cli/plan-command.ts'
import { addPruneCommand } from '../local/cli/prune-command.ts'
import { addPriceCommands } from '../local/cli/price-commands.ts'
import {
  type DeployedOptions,
  follow,
  type LocalOptions,
  type OutputOptions,
  runHere,
  runOnAws,
} from '../local/cli/run-command.ts'
import { addSiteBookCommand } from '../local/cli/site-book-command.ts'
import { addSiteCommands } from '../local/cli/site-commands.ts'
import { AssemblyError } from '../local/synthesised.ts'
import { listenForStop } from '../local/cli/stop-signals.ts'
import { addVerifyCommand } from '../local/cli/verify-command.ts'
import { addSweepCommand } from '../local/cli/sweep-command.ts'
import { addUnfinishedCommands } from '../local/cli/unfinished-commands.ts'

type RunOptions = DeployedOptions & Partial<LocalOptions> & { local?: boolean; again?: string }

outliveReaders()
const stop = listenForStop()

const program: Command = new Command('guestlift')
program
  .description('Archives virtual machines and containers off-site, and proves it.')
  .version(packageJson.version)
  .exitOverride()
  .addHelpText(
    'after',
    `
Exit codes: 0 every guest archived; 2 some archived, some not; 1 none archived; 64 wrong command line; 130 stopped by Ctrl-C.`,
  )

program
  .command('run')
  .description('run a job: on AWS, or with --local on this machine')
  .argument('[job.json]', 'the job: {"site":"hq","guests":{"vmids":[100]}}; see the README')
  .option(
    '--again <run>',
    "in place of a job: archive exactly the guests that this run did not; its folder (runs/2026/11/22/nightly/), or on AWS its execution's ARN",
  )
  .option('--json', "print the run's report as one line of JSON at the end of standard output")
  .option('--deployment <name>', 'on AWS: the deployment whose workflow runs', 'example')
  .option('--state-machine <arn>', 'on AWS: the workflow itself, when it has another name')
  .option('--local', 'run the same workflow on this machine')
  .option('--site <site.json>', 'with --local: the site, in the shape of its secret')
  .option('--bucket <name>', 'with --local: the archive bucket')
  .option('--s3 <url>', 'with --local: endpoint of S3, when it is not AWS')
  .option('--prefix <prefix>', 'with --local: in front of every key', '')
  .action(async (jobFile: string | undefined, options: RunOptions) => {
    const asked = { jobFile, again: options.again }
    process.exitCode =
      options.local === true ? await runHere(asked, localOptions(options), stop) : await runOnAws(asked, options, stop)
  })

program
  .command('follow')
  .description('follow a run on AWS that was started earlier')
  .argument('<execution-arn>')
  .option('--json', "print the run's report as one line of JSON at the end of standard output")
  .action(async (executionArn: string, options: OutputOptions) => {
    process.exitCode = await follow(executionArn, options, stop)
  })

addSweepCommand(program, stop)
addUnfinishedCommands(program, stop)
addSiteCommands(program, stop)
addSiteBookCommand(program)

addPlanCommand(program, stop)
addGuestsCommand(program, stop)
addVerifyCommand(program, stop)
addPriceCommands(program, stop)
addCatalogueCommands(program, stop)
addPruneCommand(program, stop)
addCoverageCommand(program, stop)

/** Errors whose message says it all: ours, and AWS's answers (no credentials, no permission, no such thing). */
function isForPeople(error: unknown): error is Error {
  const fromAws = error instanceof Error && ('$metadata' in error || error.name === 'CredentialsProviderError')
  return fromAws || error instanceof CliError || error instanceof GuestliftError || error instanceof AssemblyError
}

function localOptions({ site, bucket, s3, prefix = '', json }: RunOptions): LocalOptions {
  if (site === undefined || bucket === undefined) {
    program.error('error: run --local needs --site <site.json> and --bucket <name>')
  }
  return { site, bucket, prefix, ...(s3 === undefined ? {} : { s3 }), ...(json === undefined ? {} : { json }) }
}

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : exitCodes.usage
  else {
    process.exitCode = exitCodes.failed
    console.error(isForPeople(error) ? `guestlift: ${error.message}` : error)
    if (process.argv.includes('--json')) {
      const reason = error instanceof Error ? error.message : String(error)
      console.log(JSON.stringify({ outcome: 'failed', summary: reason, notes: [], guests: [] }))
    }
  }
} finally {
  stop.release()
}
