import { join } from 'node:path'
import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import type { SweepReport } from '../../functions/contracts/sweep.ts'
import { readFailure } from '../../functions/domain/failure.ts'
import { stateFolder, synthesise } from '../run/assembly.ts'
import { type LocalRunner, openLocalRunner } from '../run/local-runner.ts'
import { type Display, openDisplay } from './display.ts'
import { executionName } from './execution-name.ts'
import { exitCodeOf, exitCodes } from './exit-codes.ts'
import { keyPrefixFrom } from './key-prefix.ts'
import { sweepLines } from './print-sweep.ts'
import { type OutputOptions, showOn } from './run-command.ts'
import { followSweep, startDeployed } from './run-deployed.ts'
import type { StopSignals } from './stop-signals.ts'

interface SweepOptions extends OutputOptions {
  dryRun?: boolean
}

export interface LocalSweepOptions extends SweepOptions {
  bucket: string
  s3?: string
  prefix: string
}

export interface DeployedSweepOptions extends SweepOptions {
  deployment: string
  stateMachine?: string
}

/** How a sweep ended, wherever it ran. */
type SweepEnd =
  | { report: SweepReport; bucket: string; reportKey: string }
  | { report: undefined; error: string; cause?: string | undefined }

/** Drop abandoned uploads of a bucket from this machine. Returns the exit code. */
export async function sweepHere(options: LocalSweepOptions, stop: StopSignals): Promise<number> {
  const display = openDisplay(process.stderr)
  try {
    const assembly = await synthesise(() =>
      display.say('Building the workflow and its functions (once, until they change) …'),
    )
    const name = executionName('local')
    const runner = await openLocalRunner({
      sites: {},
      bucket: options.bucket,
      keyPrefix: keyPrefixFrom(options.prefix),
      s3Url: options.s3,
      assembly,
      logFile: join(stateFolder, 'logs', `${name}.log`),
    })
    const code = finish(await sweepToEnd(runner, name, display, options, stop), display, options)
    return stop.interrupt.aborted ? exitCodes.interrupted : code
  } finally {
    display.end()
  }
}

async function sweepToEnd(
  runner: LocalRunner,
  name: string,
  display: Display,
  { dryRun = false }: SweepOptions,
  stop: StopSignals,
): Promise<SweepEnd> {
  try {
    const { result, told } = await runner.sweep({ dryRun }, name, showOn(display), stop)
    const { error = result.status, cause } = result
    return told ?? { report: undefined, error, cause }
  } finally {
    await runner.close()
  }
}

/** Start a deployment's sweep and follow it. Returns the exit code. */
export async function sweepOnAws(options: DeployedSweepOptions, stop: StopSignals): Promise<number> {
  const clients = { sfn: new SFNClient({}), s3: new S3Client({}) }
  const { deployment, stateMachine: stateMachineArn } = options
  const job = { dryRun: options.dryRun === true }
  const executionArn = await startDeployed({ job, workflow: 'sweep-uploads', stateMachineArn, deployment }, clients.sfn)
  const display = openDisplay(process.stderr)
  display.say(`following ${executionArn}`)
  try {
    return finish(await followSweep(executionArn, clients, display, stop.interrupt), display, options)
  } catch (error) {
    if (!stop.interrupt.aborted) throw error
    display.say('The sweep goes on in AWS and leaves its report below sweeps/ in the archive bucket.')
    display.say(`Stop it: aws stepfunctions stop-execution --execution-arn ${executionArn}`)
    return exitCodes.interrupted
  } finally {
    display.end()
  }
}

function finish(end: SweepEnd, display: Display, options: SweepOptions): number {
  display.end()
  const report = end.report ?? unreported(end.error, end.cause)
  if (options.json === true) process.stdout.write(`${JSON.stringify(report)}\n`)
  else {
    const place = end.report === undefined ? [] : [`Report: s3://${end.bucket}/${end.reportKey}`]
    process.stdout.write(`${[...sweepLines(report), ...place].join('\n')}\n`)
  }
  return exitCodeOf(report.outcome)
}

/** A sweep that ended before its report, in the words of `--json`. */
function unreported(error: string, cause: string | undefined) {
  const { message } = readFailure({ Error: error, Cause: cause })
  return { outcome: 'failed' as const, summary: `The sweep stopped: ${message}`, uploads: [] }
}
