import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import { RunInterrupted } from '../../functions/contracts/errors.ts'
import { type RunReport, runReportSchema } from '../../functions/contracts/report.ts'
import { tasks } from '../../functions/contracts/tasks.ts'
import { reportKey, runPrefix } from '../../functions/domain/object-keys.ts'
import { lambdaTasks } from '../asl/integrations/lambda.ts'
import {
  type ExecutionResult,
  type HistoryEvent,
  type ItemStore,
  loadStateMachine,
  startExecution,
} from '../asl/interpreter.ts'
import { readAssembly, stemOf } from '../synthesised.ts'
import { startFunctionHost } from './function-host.ts'
import { startSecretsEndpoint } from './secrets-endpoint.ts'

/** One run on this machine: the synthesised workflow, the bundled functions, a real site and a real S3 endpoint. */
export interface LocalRun {
  /** The execution's input, as the workflow gets it on AWS. */
  request: unknown
  /** Name of the execution; part of the run's keys. */
  name: string
  /** The site that jobs without one mean, and its configuration as JSON text. */
  siteName: string
  siteJson: string
  bucket: string
  /** In front of every key; ends with `/` or is empty. */
  keyPrefix: string
  /** Endpoint of S3 when it isn't AWS. */
  s3Url: string | undefined
  /** Folder that `cdk synth` wrote. */
  assembly: string
  /** Everything the functions print goes there. */
  logFile: string
}

export interface LocalRunListener {
  onEvent(event: HistoryEvent): void
  /** A line of JSON that a function printed, parsed. */
  onLog(line: Readonly<Record<string, unknown>>): void
}

export interface LocalRunEnd {
  result: ExecutionResult
  /** Absent when the run never got as far as its report. */
  report: RunReport | undefined
}

const SECRET_PREFIX = 'guestlift/site/'
/** Only needed for signatures where the endpoint isn't AWS. */
const ANY_REGION = 'us-east-1'

/**
 * Run a job on this machine. When `interrupt` fires, the run ends as after a failure: running functions are stopped, the
 * workflow's own clean-up stops jobs and aborts uploads, and the report says so. When `kill` fires, everything stops at once.
 */
export async function runLocal(
  run: LocalRun,
  listener: LocalRunListener,
  signals: { interrupt: AbortSignal; kill: AbortSignal },
): Promise<LocalRunEnd> {
  await mkdir(dirname(run.logFile), { recursive: true })
  const log = createWriteStream(run.logFile, { flags: 'a' })
  const { machines, functions } = await readAssembly(run.assembly, { archiveBucket: run.bucket })
  const machine = loadStateMachine(machines.exportRun)
  // A job may name the site, or mean the only one there is.
  const secrets = await startSecretsEndpoint({ [`${SECRET_PREFIX}${run.siteName}`]: run.siteJson })
  const s3 = createS3Client({
    ...(run.s3Url === undefined ? {} : { endpoint: run.s3Url }),
    ...(hasRegion() ? {} : run.s3Url === undefined ? {} : { region: ANY_REGION }),
  })
  const host = startFunctionHost(
    functions,
    () => functionEnvironment(run, secrets.url),
    (stem, line) => {
      log.write(`${stem} ${line}\n`)
      const parsed = parseLine(line)
      if (parsed !== undefined) listener.onLog(parsed)
    },
  )
  const startedAt = new Date().toISOString()
  try {
    const execution = startExecution(machine, run.request, {
      name: run.name,
      machineName: 'export-run',
      startedAt,
      tasks: lambdaTasks((functionName, payload, context) =>
        host.invoke(stemOf(functionName), payload, context.signal),
      ),
      s3: itemStore(s3),
      onEvent: (event) => listener.onEvent(event),
      signal: signals.kill,
    })
    const onInterrupt = () => execution.interrupt(RunInterrupted.errorName, 'The run was stopped by its operator.')
    if (signals.interrupt.aborted) onInterrupt()
    signals.interrupt.addEventListener('abort', onInterrupt, { once: true })
    const result = await execution.result
    const key = reportKey(runPrefix(run.keyPrefix, run.name, startedAt))
    return { result, report: await readReport(execution.history, s3, run.bucket, key) }
  } finally {
    await Promise.all([host.close(), secrets.close()])
    s3.destroy()
    await new Promise((resolve) => log.end(resolve))
  }
}

/** What a function may know of this machine: AWS's own settings and the paths that the SDK reads them from. */
function functionEnvironment(run: LocalRun, secretsUrl: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) =>
    /^(AWS_|HOME$|PATH$|LANG$|TZ$|NODE_EXTRA_CA_CERTS$)/.test(name),
  )
  return {
    ...(hasRegion() || run.s3Url === undefined ? {} : { AWS_REGION: ANY_REGION }),
    ...Object.fromEntries(inherited),
    ...(run.s3Url === undefined ? {} : { AWS_ENDPOINT_URL_S3: run.s3Url }),
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsUrl,
    ARCHIVE_BUCKET: run.bucket,
    KEY_PREFIX: run.keyPrefix,
    SITE_SECRET_PREFIX: SECRET_PREFIX,
    DEFAULT_SITE: run.siteName,
  }
}

function hasRegion(): boolean {
  return (process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'] ?? process.env['AWS_PROFILE']) !== undefined
}

function itemStore(s3: S3Client): ItemStore {
  return {
    getObject: async (Bucket, Key) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
      return (await Body?.transformToString()) ?? ''
    },
    putObject: async (Bucket, Key, Body, ContentType) => {
      await s3.send(new PutObjectCommand({ Bucket, Key, Body, ContentType }))
    },
  }
}

/** The report lies in the bucket; believed only when this execution's own Report run answered. */
async function readReport(
  history: readonly HistoryEvent[],
  s3: S3Client,
  bucket: string,
  key: string,
): Promise<RunReport | undefined> {
  const answered = history.some((event) => {
    const output = event.type === 'TaskSucceeded' ? event.details['output'] : undefined
    if (typeof output !== 'object' || output === null || !('Payload' in output)) return false
    return tasks.ReportRun.output.safeParse(output['Payload']).success
  })
  if (!answered) return undefined
  return runReportSchema.parse(JSON.parse(String(await itemStore(s3).getObject(bucket, key))))
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(line)
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
