import { type Command, Option } from 'commander'
import packageJson from '../../../package.json' with { type: 'json' }
import { type BucketOptions, openBucket } from '../bucket-store.ts'
import { exitCodes, exitHelp } from '../exit-codes.ts'
import { withBucketOptions } from '../shared-options.ts'
import type { StopSignals } from '../stop-signals.ts'
import { durationOption } from '../time-option.ts'

const DAY_MILLISECONDS = 86_400_000

export function addMcpCommand(program: Command, stop: StopSignals): void {
  withBucketOptions(program.command('mcp'))
    .description('answer the questions of agents about the bucket, by the Model Context Protocol on standard input')
    .addOption(
      new Option('--every <duration>', 'how often guests are to be archived, where no check of coverage says it')
        .argParser(durationOption)
        .default(DAY_MILLISECONDS, '1 day'),
    )
    .addHelpText('after', exitHelp({ succeeded: 'the other side closed the connection' }))
    .action(async (options: BucketOptions & { every: number }) => {
      stop.onInterrupt(() => process.exit(exitCodes.interrupted))
      await serve(options)
    })
}

/** Until standard input ends. Standard output is the protocol's alone. */
async function serve(options: BucketOptions & { every: number }): Promise<void> {
  const { StdioServerTransport } = await import('@modelcontextprotocol/sdk/server/stdio.js')
  const { mcpServer } = await import('./mcp-server.ts')
  const { store, keyPrefix } = openBucket(options)
  const server = mcpServer(packageJson.version, {
    store,
    keyPrefix,
    now: () => new Date(),
    s3: options.s3,
    everyMilliseconds: options.every,
  })
  const ended = new Promise<void>((resolve) => {
    process.stdin.once('end', resolve)
    process.stdin.once('close', resolve)
  })
  await server.connect(new StdioServerTransport())
  await ended
  await server.close()
}
