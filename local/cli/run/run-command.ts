import { stateFolder, synthesise } from '#place'
import { join, relative } from 'node:path'
import type { SFNClient } from '@aws-sdk/client-sfn'
import { createS3Client } from '../../../functions/aws/s3-client.ts'
import type { RunReport } from '../../../functions/contracts/report.ts'
import { namedIds } from '../../../functions/contracts/selection.ts'
import { type Failure, readFailure } from '../../../functions/domain/backup/failure.ts'
import type { NoticeChannel } from '../../../functions/contracts/notice-channel.ts'
import { reportKey, runPrefix } from '../../../functions/domain/books/object-keys.ts'
import { readAgain } from '../../../functions/domain/selection/request.ts'
import { emptyOutcome } from '../../../functions/operations/books/outcomes.ts'
import { repeatRun } from '../../../functions/operations/run/repeat-run.ts'
import { workflowNames } from '../../../lib/workflow-names.ts'
import { type LocalRunListener, type LocalRunner, openLocalRunner } from '../../run/local-runner.ts'
import type { WrittenDocument } from '../../documents/read-document.ts'
import type { UnreadReport } from '../../run/read-report.ts'
import { readSiteFile } from '../../run/site-file.ts'
import { openStepFunctions } from '../../run/aws-account.ts'
import { readAgainOption } from './again-option.ts'
import { isAws } from '../../run/store-locks.ts'
import { openBucket } from '../bucket-store.ts'
import { cleanUpDeadRuns } from './clean-up-dead.ts'
import { UsageError } from '../../run/cli-error.ts'
import { type Display, openDisplay } from '../print/display.ts'
import { executionName } from './execution-name.ts'
import { exitCodeOfFailure, exitCodeOfRun, exitCodes } from '../exit-codes.ts'
import { readHappenings } from './run-events.ts'
import { readJobFile, requestIn } from './job-file.ts'
import { keyPrefixFrom } from '../key-prefix.ts'
import { readChannels } from '../notify/channels.ts'
import { notifyOfRun, type RunEnd } from '../notify/notify-of-run.ts'
import { printLines } from '../print/terminal.ts'
import { reportLines } from '../print/print-report.ts'
import { followDeployed, startDeployed } from './run-deployed.ts'
import { siteNameFrom } from '../site/site-name.ts'
import { tellStranger } from '../site/stranger-note.ts'
import type { StopSignals } from '../stop-signals.ts'

export interface OutputOptions {
  json?: boolean
  /** Prices in full, also for a store that isn't AWS. */
  details?: boolean
}

export interface LocalOptions extends OutputOptions {
  siteFile: string
  /** Its name, where the command line says it. */
  site?: string
  /** Its name, where settings say it. */
  usualSite?: string
  bucket: string
  s3?: string
  prefix: string
  notify?: string[]
}

export interface DeployedOptions extends OutputOptions {
  deployment: string
  stateMachine?: string
}

/** What `--json` prints for a run, also for one that ended before its own report. */
type PrintedReport = Pick<RunReport, 'outcome' | 'summary' | 'notes' | 'guests'> &
  Partial<RunReport> & {
    /** Where the report lies that could not be read. */
    reportAt?: string
  }

/** What is run: a job's file, or what an earlier run did not archive. */
export interface Asked {
  jobFile?: string | undefined
  /** As `readAgainOption` takes it. */
  again?: string | undefined
}

/** Run a job on this machine against a real site and bucket. Returns the exit code. */
export async function runHere(asked: Asked, options: LocalOptions, stop: StopSignals): Promise<number> {
  const document = await requestOf(asked)
  const request = document.value
  const channels = await readChannels(options.notify ?? [])
  const siteJson = await readSiteFile(options.siteFile)
  // Checked here too, so that a typing error is told before anything is built or started.
  const again = readAgain(request)
  const names = { option: options.site, usual: options.usualSite, file: { path: options.siteFile, json: siteJson } }
  const { job, notes } =
    again === undefined ? requestIn(document, siteNameFrom(names).name) : await repeatRun(again, openBucket(options))
  siteNameFrom({ ...names, job: job.site })
  const display = openDisplay(process.stderr)
  try {
    const assembly = await synthesise(() =>
      display.say('Building the workflow and its functions (once, until they change) …'),
    )
    stop.onInterrupt(() =>
      display.say('Stopping: running backups and uploads are being cleaned up. Press Ctrl-C again to leave at once.'),
    )
    tellStranger(job.site, options, display)
    const name = executionName('local')
    const logFile = join(stateFolder, 'logs', `${name}.log`)
    const told = { ...options, logs: near(logFile) }
    const runner = await openLocalRunner({
      sites: { [job.site]: siteJson },
      defaultSite: job.site,
      bucket: options.bucket,
      keyPrefix: keyPrefixFrom(options.prefix),
      s3Url: options.s3,
      assembly,
      logFile,
    })
    const { result, report, unread } = await runToEnd(runner, options, job.site, { request, name }, display, stop)
    const known = report ?? (unread === undefined ? undefined : unreadReport(unread))
    const failure = readFailure({ Error: result.error ?? result.status, Cause: result.cause })
    const ended = known ?? unreported(namedIds(job.guests), notes, failure)
    const code = finish(ended, options.bucket, display, told, stop, known === undefined ? failure : undefined)
    const end = { ...placesOf(ended, options), report: ended, runId: name, site: job.site, log: told.logs }
    await notify(channels, end, options)
    return code
  } finally {
    display.end()
  }
}

async function notify(channels: readonly NoticeChannel[], end: RunEnd, options: LocalOptions): Promise<void> {
  if (channels.length === 0) return
  const { client, ...place } = openBucket(options)
  try {
    await notifyOfRun(channels, end, place)
  } finally {
    client.destroy()
  }
}

/** Where a run's report lies, and what repeats it; nothing of one that ended before its own report. */
function placesOf({ runId, startedAt }: PrintedReport, { bucket, prefix, s3, siteFile }: LocalOptions) {
  if (runId === undefined || startedAt === undefined) return {}
  const folder = runPrefix('', runId, startedAt)
  const place = [
    '--bucket',
    bucket,
    ...(s3 === undefined ? [] : ['--s3', s3]),
    ...(prefix === '' ? [] : ['--prefix', prefix]),
  ]
  return {
    reportAt: `s3://${bucket}/${reportKey(runPrefix(keyPrefixFrom(prefix), runId, startedAt))}`,
    again: ['npx guestlift run --local --again', folder, '--site-file', siteFile, ...place].join(' '),
  }
}

async function runToEnd(
  runner: LocalRunner,
  options: LocalOptions,
  site: string,
  { request, name }: { request: unknown; name: string },
  display: Display,
  stop: StopSignals,
) {
  try {
    await cleanUpDeadRuns(site, runner, openBucket(options), display, stop)
    return await runner.run(request, name, showOn(display), stop)
  } finally {
    await runner.close()
  }
}

/** Shows on a display what a local execution does. */
export function showOn(display: Display): LocalRunListener {
  const happeningsOf = readHappenings()
  return {
    onEvent: (event) => {
      for (const happening of happeningsOf(event)) display.show(happening)
    },
    // A copy answers only when its chunk is done; its log tells of each part.
    onLog: (line) => {
      if (line['event'] === 'store-call-failed' || line['event'] === 'platform-call-repeated') {
        display.show({ kind: 'call-repeated', reason: String(line['reason']) })
      }
      if (line['event'] !== 'part-copied') return
      display.show({ kind: 'copied', id: String(line['guest']), bytes: Number(line['readBytes'] ?? line['sizeBytes']) })
    },
    onWait: (message) => display.say(message),
  }
}

/** Start the deployed workflow with a job and follow it. Returns the exit code. */
export async function runOnAws(asked: Asked, options: DeployedOptions, stop: StopSignals): Promise<number> {
  const sfn = openStepFunctions()
  const document = await requestOf(asked, sfn)
  const request = document.value
  // Any site name passes: which sites exist is for the deployment to say.
  if (readAgain(request) === undefined) requestIn(document, 'site')
  const { deployment, stateMachine: stateMachineArn } = options
  const executionArn = await startDeployed({ job: request, stateMachineArn, deployment }, sfn)
  return follow(executionArn, options, stop)
}

/** What is asked for, and where it is written. */
async function requestOf({ jobFile, again }: Asked, sfn?: SFNClient): Promise<WrittenDocument> {
  if (jobFile !== undefined && again === undefined) {
    return readJobFile(jobFile)
  }
  if (jobFile === undefined && again !== undefined) {
    return { value: { again: await readAgainOption(again, sfn) }, refusal: (error) => error }
  }
  throw new UsageError('Say what to run: either a job file, or --again with a run that is to be repeated.')
}

/** Follow a run that was started earlier. Returns the exit code. */
export async function follow(executionArn: string, options: OutputOptions, stop: StopSignals): Promise<number> {
  const display = openDisplay(process.stderr)
  const logs = logGroupsOf(executionArn)
  display.say(`following ${executionArn}`)
  try {
    const clients = { sfn: openStepFunctions(), s3: createS3Client() }
    const end = await followDeployed('exportRun', executionArn, clients, display, stop.interrupt)
    if ('error' in end) {
      const failure = readFailure({ Error: end.error, Cause: end.cause })
      const notes = logs === undefined ? [] : [`What the functions logged is in the ${logs}.`]
      return finish(unreported([], notes, failure), '', display, options, stop, failure)
    }
    return finish(end.report ?? unreadReport(end), end.bucket, display, { ...options, logs }, stop)
  } catch (error) {
    if (!stop.interrupt.aborted) throw error
    display.say(`The run goes on in AWS. Follow it again: guestlift follow ${executionArn}`)
    display.say(`Stop it: aws stepfunctions stop-execution --execution-arn ${executionArn}`)
    return exitCodes.interrupted
  } finally {
    display.end()
  }
}

function finish(
  report: PrintedReport,
  bucket: string,
  display: Display,
  options: OutputOptions & { s3?: string; logs?: string | undefined },
  stop: StopSignals,
  /** Why there is no report of the run's own. */
  failure?: Failure,
): number {
  display.end()
  if (options.json === true) process.stdout.write(`${JSON.stringify(report)}\n`)
  else {
    const { s3, logs, details = false } = options
    const price = details ? 'in full' : isAws(s3) ? 'short' : 'none'
    // Where the run itself stopped, no line is about a guest.
    const lines = (id: string) => (failure === undefined ? `, lines with "guest":"${id}"` : '')
    const words = {
      price,
      ...(logs === undefined ? {} : { logOf: (id: string) => logs + lines(id) }),
    } as const
    printLines(reportLines(report, bucket, words))
  }
  if (stop.interrupt.aborted) return exitCodes.interrupted
  return failure === undefined ? exitCodeOfRun(report) : exitCodeOfFailure(failure.name)
}

/** Where the functions of a deployment log; `undefined` where the workflow's name doesn't say which one it is. */
function logGroupsOf(executionArn: string): string | undefined {
  const [, deployment] = new RegExp(`:guestlift-(.+)-${workflowNames.exportRun}:`).exec(executionArn) ?? []
  return deployment === undefined ? undefined : `log groups /aws/lambda/guestlift-${deployment}-*`
}

/** A path as it is shortest from here. */
function near(path: string): string {
  const fromHere = relative(process.cwd(), path)
  return fromHere.startsWith('..') ? path : fromHere
}

/** A run whose report lies in the bucket: its outcome counts, and nothing is known here of single guests. */
function unreadReport({ outcome, summary, bucket, reportKey, unread }: UnreadReport): PrintedReport {
  return { outcome, summary, notes: [unread], guests: [], reportAt: `s3://${bucket}/${reportKey}` }
}

/** A run that ended before its report: every guest that was asked for failed for the same reason. */
function unreported(ids: readonly string[], notes: string[], failure: Failure): PrintedReport {
  const guests = ids.map((id) => emptyOutcome({ id }, 'failed', failure.name, failure.message, 0))
  return { outcome: 'failed', summary: `The run stopped: ${failure.message}`, notes, guests }
}
