/** Runs the workflows that look after the bucket, here or on AWS, and prints the report that each leaves. */
import { stateFolder, synthesise } from '#place'
import { join } from 'node:path'
import type { Command } from 'commander'
import { createS3Client } from '../../../functions/aws/s3-client.ts'
import { readFailure } from '../../../functions/domain/backup/failure.ts'
import { openLocalRunner, type UpkeepWorkflow } from '../../run/local-runner.ts'
import type { UnreadReport } from '../../run/read-report.ts'
import type { ReportOf, ToldReport } from '../../run/report-shapes.ts'
import { openStepFunctions } from '../../run/aws-account.ts'
import type { BucketOptions } from '../bucket-store.ts'
import { openDisplay } from '../print/display.ts'
import { executionName } from './execution-name.ts'
import { exitCodeOf, exitCodeOfFailure, exitCodes } from '../exit-codes.ts'
import { keyPrefixFrom } from '../key-prefix.ts'
import { addPlaceOptions } from '../shared-options.ts'
import { type DeployedOptions, type OutputOptions, showOn } from './run-command.ts'
import { followDeployed, startDeployed } from './run-deployed.ts'
import { type Line, printLines, textOf } from '../print/terminal.ts'
import type { StopSignals } from '../stop-signals.ts'

/** One piece of such work, as a command asks for it. */
export interface Upkeep<Workflow extends UpkeepWorkflow> {
  workflow: Workflow
  /** The execution's input. */
  request: unknown
  /** What it is called in sentences: `sweep`. */
  noun: string
  /** The report for people, a line each. */
  lines: (report: ReportOf<Workflow>) => readonly Line[]
  /** What the command ends with, where the report tells more than its outcome. */
  exitCode?: (report: ReportOf<Workflow>) => number
  /** Said when it is stopped here, where its own clean-up takes a while. */
  stopping?: string
}

export interface UpkeepOptions extends DeployedOptions, Partial<BucketOptions> {
  local?: boolean
}

/** The options of commands that run such a workflow here or on AWS. */
export function withUpkeepOptions(command: Command): Command {
  return addPlaceOptions(command.option('--json', 'print the report as one line of JSON at the end of standard output'))
}

/**
 * Do it from this machine, with the definition and functions that a deployment would use. Returns the exit code.
 * @param sites by name, each as the JSON text of its secret; none where the workflow talks to none
 */
export async function upkeepHere<Workflow extends UpkeepWorkflow>(
  upkeep: Upkeep<Workflow>,
  options: BucketOptions & OutputOptions,
  stop: StopSignals,
  sites: Readonly<Record<string, string>> = {},
): Promise<number> {
  const display = openDisplay(process.stderr)
  try {
    const assembly = await synthesise(() =>
      display.say('Building the workflow and its functions (once, until they change) …'),
    )
    const { stopping } = upkeep
    if (stopping !== undefined) stop.onInterrupt(() => display.say(stopping))
    const name = executionName('local')
    const runner = await openLocalRunner({
      sites,
      bucket: options.bucket,
      keyPrefix: keyPrefixFrom(options.prefix ?? ''),
      s3Url: options.s3,
      assembly,
      logFile: join(stateFolder, 'logs', `${name}.log`),
    })
    try {
      const { result, told } = await runner.upkeep(upkeep.workflow, upkeep.request, name, showOn(display), stop)
      const { error = result.status, cause } = result
      display.end()
      const code =
        told === undefined ? unreported(upkeep.noun, { error, cause }, options) : finish(upkeep, told, options)
      return stop.interrupt.aborted ? exitCodes.interrupted : code
    } finally {
      await runner.close()
    }
  } finally {
    display.end()
  }
}

/** Start the deployment's own workflow and follow it. Returns the exit code. */
export async function upkeepOnAws<Workflow extends UpkeepWorkflow>(
  upkeep: Upkeep<Workflow>,
  options: DeployedOptions,
  stop: StopSignals,
): Promise<number> {
  const clients = { sfn: openStepFunctions(), s3: createS3Client() }
  const { deployment, stateMachine: stateMachineArn } = options
  const { workflow, request, noun } = upkeep
  const executionArn = await startDeployed({ job: request, workflow, stateMachineArn, deployment }, clients.sfn)
  const display = openDisplay(process.stderr)
  display.say(`following ${executionArn}`)
  try {
    const end = await followDeployed(workflow, executionArn, clients, display, stop.interrupt)
    display.end()
    return 'reportKey' in end ? finish(upkeep, end, options) : unreported(noun, end, options)
  } catch (error) {
    if (!stop.interrupt.aborted) throw error
    display.say(`The ${noun} goes on in AWS and leaves its report in the archive bucket.`)
    display.say(`Stop it: aws stepfunctions stop-execution --execution-arn ${executionArn}`)
    return exitCodes.interrupted
  } finally {
    display.end()
  }
}

function finish<Workflow extends UpkeepWorkflow>(
  { lines, exitCode = ({ outcome }) => exitCodeOf(outcome) }: Upkeep<Workflow>,
  told: ToldReport<ReportOf<Workflow>> | UnreadReport,
  { json = false }: OutputOptions,
): number {
  const { bucket, reportKey } = told
  if ('unread' in told) {
    const { outcome, summary, unread } = told
    const printed = { outcome, summary, notes: [unread], reportAt: `s3://${bucket}/${reportKey}` }
    process.stdout.write(json ? `${JSON.stringify(printed)}\n` : textOf([summary, unread]))
    return exitCodeOf(outcome)
  }
  const { report } = told
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`)
  else printLines([...lines(report), `Report: s3://${bucket}/${reportKey}`])
  return exitCode(report)
}

/** It ended before its report. */
function unreported(
  noun: string,
  { error, cause }: { error: string; cause?: string | undefined },
  { json = false }: OutputOptions,
): number {
  const { name, message } = readFailure({ Error: error, Cause: cause })
  const summary = `The ${noun} stopped: ${message}`
  process.stdout.write(json ? `${JSON.stringify({ outcome: 'failed', summary })}\n` : textOf([summary]))
  return exitCodeOfFailure(name)
}
