import { chmod, rename, rm, writeFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { readMetrics } from '../../../functions/operations/monitoring/read-metrics.ts'
import { toolVersion } from '../../../functions/runtime/version.ts'
import { CliError } from '../../run/cli-error.ts'
import { type BucketOptions, openBucket, requestLine } from '../bucket-store.ts'
import { exitCodes, exitHelp } from '../exit-codes.ts'
import { printNotes } from '../print/terminal.ts'
import { withBucketOptions } from '../shared-options.ts'
import type { StopSignals } from '../stop-signals.ts'
import { out } from '../stream-out.ts'

interface MetricsOptions extends BucketOptions {
  prometheus?: true
  days: number
  out?: string
}

export function addMetricsCommand(program: Command, stop: StopSignals): void {
  const command = program
    .command('metrics')
    .description('print figures for monitoring from the last reports in the bucket')
  withBucketOptions(command)
    .option('--prometheus', "in the text format of Prometheus, for node_exporter's textfile collector")
    .addOption(new Option('--days <n>', 'look so many days back for reports').argParser(dayCount).default(14))
    .option('-o, --out <file.prom>', 'write it there, whole or not at all')
    .addHelpText(
      'after',
      exitHelp({ succeeded: 'made', partial: "made without what some record says, since that can't be read" }),
    )
    .action(async (options: MetricsOptions) => {
      stop.onInterrupt(() => process.exit(exitCodes.interrupted))
      if (options.prometheus !== true) command.error('error: metrics needs the form: --prometheus')
      process.exitCode = await metrics(options)
    })
}

async function metrics(options: MetricsOptions): Promise<number> {
  const opened = openBucket(options)
  const { store, keyPrefix } = opened
  const { text, unreadable } = await readMetrics(options.days, { store, keyPrefix, now: () => new Date(), toolVersion })
  if (options.out === undefined) await out(text)
  else await replace(options.out, text)
  printNotes([...unreadable.map((key) => `note: ${key} can't be read: its figures are missing.`), requestLine(opened)])
  return unreadable.length === 0 ? exitCodes.succeeded : exitCodes.partial
}

/** A collector that reads meanwhile sees the old file or the new one. Only files that end with `.prom` are read by it. */
async function replace(file: string, text: string): Promise<void> {
  const part = `${file}.${process.pid}.part`
  try {
    await writeFile(part, text)
    // The collector runs as somebody else.
    await chmod(part, 0o644)
    await rename(part, file)
  } catch (error) {
    await rm(part, { force: true })
    throw new CliError(
      `The figures can't be written to ${file}: ${error instanceof Error ? error.message : String(error)}.`,
      { cause: error },
    )
  }
}

function dayCount(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError('Give days, from 1 to 999.')
  return Number(text)
}
