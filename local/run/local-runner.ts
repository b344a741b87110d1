import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { compileCache } from '#place'
import { createS3Client, type S3ClientOptions } from '../../functions/aws/s3-client.ts'
import { RunInterrupted } from '../../functions/contracts/errors.ts'
import type { StoreEnv } from '../../functions/contracts/task-env.ts'
import type { RunReport } from '../../functions/contracts/report.ts'
import type { WorkflowKey } from '../../lib/workflow-names.ts'
import { codeBuildTasks, supportsCodeBuild } from '../asl/integrations/codebuild.ts'
import { executionTasks, supportsExecutions } from '../asl/integrations/executions.ts'
import { nestedTasks, supportsNested } from '../asl/integrations/nested-executions.ts'
import { integrations } from '../asl/integrations/integrations.ts'
import { lambdaTasks } from '../asl/integrations/lambda.ts'
import {
  type Clock,
  type ExecutionResult,
  type HistoryEvent,
  type ItemStore,
  loadStateMachine,
  startExecution,
  type TaskHandler,
} from '../asl/interpreter.ts'
import { supportsLambda } from '../asl/load/resources.ts'
import type { OnJudgement } from '../iam/guard.ts'
import type { Role, SessionCredentials } from '../iam/session.ts'
import { requireAccount } from './aws-account.ts'
import { runBuild } from './build-host.ts'
import { CliError } from './cli-error.ts'
import { readAssembly, stemOf, workflowOf } from './synthesised.ts'
import { identifyProcess } from '../../functions/runtime/process-identity.ts'
import { type HostLimits, startFunctionHost } from './function-host.ts'
import { fetchReport, realPatience, type UnreadReport } from './read-report.ts'
import { type ReportingWorkflow, type ReportOf, type ReportShape, shapeOf, type ToldReport } from './report-shapes.ts'
import { openSessions, roleOf, type RoleSession } from './role-sessions.ts'
import { storeLocks } from './store-locks.ts'
import { startSecretsEndpoint } from './secrets-endpoint.ts'
import { siteSecretsOf } from './site-secrets.ts'

/** What the runs of one runner share. */
export interface LocalSettings {
  /** Sites by name, each as the JSON text of its secret. */
  sites: Readonly<Record<string, string>>
  /** The site that jobs without one mean. Not every workflow talks to a site. */
  defaultSite?: string
  bucket: string
  /** In front of every key; ends with `/` or is empty. */
  keyPrefix: string
  /** What the functions expect of an existing bucket's owner. */
  owner?: Pick<StoreEnv, 'BUCKET_OWNER' | 'OBJECT_ACL'>
  /** Endpoint of S3 when it isn't AWS. */
  s3Url: string | undefined
  /** Folder that `cdk synth` wrote. */
  assembly: string
  /** Everything the functions print goes there. */
  logFile: string
  /** The clock of the workflow's waits; the real one unless told. */
  clock?: Clock
  /** Where other limits hold for the functions' processes than a person's machine bears. */
  hostLimits?: Partial<HostLimits>
  /** Told of each right of the synthesised roles that was used or lacked, but for those that S3 judges. */
  onJudgement?: OnJudgement
}

export interface LocalRunListener {
  onEvent(event: HistoryEvent): void
  /** A line of JSON that a function printed, parsed. */
  onLog(line: Readonly<Record<string, unknown>>): void
  /** Something that a person should know while the command waits: a sentence. */
  onWait?(message: string): void
}

export interface LocalRunEnd {
  result: ExecutionResult
  /** Absent when the run never got as far as its report, or when S3 doesn't give it. */
  report: RunReport | undefined
  /** What is known of a report that S3 doesn't give. */
  unread?: UnreadReport
}

export interface LocalUpkeepEnd<Report> {
  result: ExecutionResult
  /** Its report and where it lies. Absent when it never got as far. */
  told: ToldReport<Report> | UnreadReport | undefined
}

/** Workflows that look after what is in the bucket: each leaves a report. */
export type UpkeepWorkflow = Exclude<ReportingWorkflow, 'exportRun'>

/** An execution that ended without a word. */
export interface DeadExecution {
  /** The clean-up's input: `detail` of EventBridge's event about it, as far as it is known, and what else the workflow takes. */
  detail: Readonly<Record<string, unknown>>
  /** Executions by which it may hold guests; all are taken to be dead. */
  executions: readonly string[]
}

interface StopSignals {
  interrupt: AbortSignal
  kill: AbortSignal
}

export interface LocalRunner {
  /** The synthesised roles with this run's own places: what everything that it runs may do. */
  roles: readonly Role[]
  /**
   * Run a job: `request` is the execution's input as the workflow gets it on AWS, `name` the execution's name. When
   * `interrupt` fires, the run ends as after a failure: running functions are stopped, the workflow's own clean-up stops
   * jobs and aborts uploads, and the report says so. When `kill` fires, everything stops at once.
   */
  run(
    request: unknown,
    name: string,
    listener: LocalRunListener,
    signals: StopSignals,
    /** Export run unless told; Export guest takes an item of a run's plan and leaves no report. */
    workflow?: 'exportRun' | 'exportGuest',
  ): Promise<LocalRunEnd>
  /** Run one of the workflows that look after the bucket. `request` and `name` are the execution's input and name. */
  upkeep<Workflow extends UpkeepWorkflow>(
    workflow: Workflow,
    request: unknown,
    name: string,
    listener: LocalRunListener,
    signals: StopSignals,
  ): Promise<LocalUpkeepEnd<ReportOf<Workflow>>>
  /**
   * Clean up after an execution that is dead, with the workflow that does it on AWS: its jobs are stopped, its guests given
   * back, its report written. `name` is the clean-up's own.
   */
  cleanUp(
    dead: DeadExecution,
    name: string,
    listener: LocalRunListener,
    signals: StopSignals,
    /** Of a run unless told. */
    workflow?: 'cleanUpRun' | 'cleanUpRestore',
  ): Promise<ExecutionResult>
  close(): Promise<void>
}

const SECRET_PREFIX = 'guestlift/site/'
/** What metrics of this machine are told apart by; nothing here reads them. */
const LOCAL_DEPLOYMENT = 'local'
/** Only needed for signatures where the endpoint isn't AWS. */
const ANY_REGION = 'us-east-1'

/** Runs the synthesised workflow with its bundled functions on this machine, against real sites and a real S3 endpoint. */
export async function openLocalRunner(settings: LocalSettings): Promise<LocalRunner> {
  const { machines, functions, builds, roles } = await readAssembly(settings.assembly, {
    archiveBucket: settings.bucket,
  })
  const clientWith = (credentials?: S3ClientOptions['credentials']) =>
    createS3Client({
      ...(settings.s3Url === undefined ? {} : { endpoint: settings.s3Url }),
      ...(needsRegion(settings) ? { region: ANY_REGION } : {}),
      ...(credentials === undefined ? {} : { credentials }),
    })
  const s3 = clientWith()
  // The functions look for region and credentials where this process does: what is missing is told before they start.
  await requireAccount(s3)
  await makeLogFolder(dirname(settings.logFile))
  const log = createWriteStream(settings.logFile, { flags: 'a' })
  const secrets = await startSecretsEndpoint(siteSecretsOf(SECRET_PREFIX, settings.sites))
  const own = { bucket: settings.bucket, keyPrefix: settings.keyPrefix, secretPrefix: SECRET_PREFIX }
  const sessionOf = await openSessions(s3, settings.s3Url, functions, {
    own,
    sites: Object.keys(settings.sites),
    onJudgement: settings.onJudgement,
  })
  const region = await s3.config.region()
  const environmentOf = (kind: 'functions' | 'builds', name: string): NodeJS.ProcessEnv => {
    const session = sessionOf(roleOf(roles, kind, name))
    return functionEnvironment(settings, secrets.urlFor(session.guard), session, region)
  }
  const listeners = new Set<LocalRunListener>()
  const host = startFunctionHost(
    functions,
    (stem) => ({
      ...environmentOf('functions', stem),
      NODE_COMPILE_CACHE: compileCache,
      NODE_OPTIONS: functions[stem]?.environment['NODE_OPTIONS'],
    }),
    heard,
    settings.hostLimits,
  )
  function heard(stem: string, line: string): void {
    log.write(`${stem} ${line}\n`)
    const parsed = parseLine(line)
    if (parsed !== undefined) for (const listener of listeners) listener.onLog(parsed)
  }
  const lambda = lambdaTasks((functionName, payload, { signal }) => host.invoke(stemOf(functionName), payload, signal))
  const codeBuild = codeBuildTasks(async (order, { signal }) => {
    const build = builds[order.projectName]
    if (build === undefined) throw new Error(`There is no project ${order.projectName} in the assembly`)
    return runBuild(build, order, environmentOf('builds', build.name), (line) => heard(build.name, line), signal)
  })
  /** Of runs whose process is dead; every other execution is taken to be at work. */
  const ended = new Set<string>()
  const executions = executionTasks((executionArn) => (ended.has(executionArn) ? 'ABORTED' : 'RUNNING'))
  const integrationsWith = (nested: TaskHandler) =>
    integrations((resource) => {
      if (supportsLambda(resource)) return lambda
      if (supportsCodeBuild(resource)) return codeBuild
      if (supportsExecutions(resource)) return executions
      return supportsNested(resource) ? nested : undefined
    })
  async function execute(
    workflow: WorkflowKey,
    request: unknown,
    name: string,
    listener: LocalRunListener,
    { interrupt, kill }: StopSignals,
  ): Promise<{ result: ExecutionResult; history: readonly HistoryEvent[] }> {
    // An execution within this one has the same.
    const isFirst = !listeners.has(listener)
    listeners.add(listener)
    const { guard, credentials } = sessionOf(roleOf(roles, 'machines', workflow))
    const files = credentials === undefined ? s3 : clientWith(credentials)
    const { supports, tasks } = integrationsWith(
      nestedTasks(async ({ stateMachineArn, name: itsName, input }, { interrupted, signal }) => {
        const its = { interrupt: interrupted, kill: AbortSignal.any([signal, kill]) }
        return (await execute(workflowOf(stateMachineArn), input, itsName, listener, its)).result
      }),
    )
    const execution = startExecution(loadStateMachine(machines[workflow], { supports }), request, {
      name,
      machineName: workflow,
      startedAt: new Date().toISOString(),
      ...(settings.clock === undefined ? {} : { clock: settings.clock }),
      tasks,
      refuses: (action, resource) => guard.refuses(action, resource),
      s3: itemStore(files),
      onEvent: (event) => listener.onEvent(event),
      signal: kill,
    })
    const onInterrupt = () => execution.interrupt(RunInterrupted.errorName, 'The run was stopped by its operator.')
    if (interrupt.aborted) onInterrupt()
    interrupt.addEventListener('abort', onInterrupt, { once: true })
    const result = await execution.result.finally(() => {
      interrupt.removeEventListener('abort', onInterrupt)
      if (files !== s3) files.destroy()
      if (isFirst) listeners.delete(listener)
    })
    return { result, history: execution.history }
  }

  return {
    roles: Object.values(roles).flatMap((byName) =>
      Object.values<Role>(byName).map((role) => sessionOf(role).guard.role),
    ),
    async run(request, name, listener, signals, workflow = 'exportRun') {
      const { result, history } = await execute(workflow, request, name, listener, signals)
      const told = await readReport(history, s3, shapeOf('exportRun'), listener, signals)
      return { result, report: told?.report, ...(told !== undefined && 'unread' in told ? { unread: told } : {}) }
    },
    async upkeep(workflow, request, name, listener, signals) {
      const { result, history } = await execute(workflow, request, name, listener, signals)
      return { result, told: await readReport(history, s3, shapeOf(workflow), listener, signals) }
    },
    async cleanUp({ detail, executions: held }, name, listener, signals, workflow = 'cleanUpRun') {
      for (const execution of held) ended.add(execution)
      return (await execute(workflow, detail, name, listener, signals)).result
    },
    async close() {
      await Promise.all([host.close(), secrets.close()])
      s3.destroy()
      await new Promise((resolve) => log.end(resolve))
    },
  }
}

/** What a function may know of this machine: AWS's own settings and the paths that the SDK reads them from. */
/** An installed package keeps logs below the user's home, which a service may not have. @throws CliError */
async function makeLogFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CliError(`No log can be kept: ${reason}. Set GUESTLIFT_HOME to a folder that can be written to.`, {
      cause,
    })
  })
}

function functionEnvironment(
  settings: LocalSettings,
  secretsUrl: string,
  { credentials }: RoleSession,
  region: string,
): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) =>
    /^(AWS_|HOME$|PATH$|LANG$|TZ$|NODE_EXTRA_CA_CERTS$|https?_proxy$)/i.test(name),
  )
  const thisProcess = identifyProcess()
  const locks = storeLocks(settings.s3Url, settings.bucket)
  return {
    ...Object.fromEntries(inherited),
    ...(thisProcess === undefined ? {} : { LOCAL_PROCESS: JSON.stringify(thisProcess) }),
    ...(needsRegion(settings) ? { AWS_REGION: ANY_REGION } : {}),
    ...(credentials === undefined ? {} : roleVariables(credentials, region)),
    ...(settings.s3Url === undefined ? {} : { AWS_ENDPOINT_URL_S3: settings.s3Url }),
    ...(locks === undefined ? {} : { STORE_LOCKS: locks }),
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsUrl,
    // That endpoint is this process's own, on a port that no proxy could reach.
    NO_PROXY: [new URL(secretsUrl).host, process.env['no_proxy'] ?? process.env['NO_PROXY'] ?? ''].join(','),
    ARCHIVE_BUCKET: settings.bucket,
    ...settings.owner,
    KEY_PREFIX: settings.keyPrefix,
    SITE_SECRET_PREFIX: SECRET_PREFIX,
    DEPLOYMENT: LOCAL_DEPLOYMENT,
    ...(settings.defaultSite === undefined ? {} : { DEFAULT_SITE: settings.defaultSite }),
  }
}

/** A profile would win over the role's key; the region that it gave is told by itself. */
function roleVariables(
  { accessKeyId, secretAccessKey, sessionToken }: SessionCredentials,
  region: string,
): NodeJS.ProcessEnv {
  return {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
    AWS_PROFILE: undefined,
    AWS_REGION: region,
  }
}

function needsRegion({ s3Url }: LocalSettings): boolean {
  const { AWS_REGION, AWS_DEFAULT_REGION, AWS_PROFILE } = process.env
  return s3Url !== undefined && (AWS_REGION ?? AWS_DEFAULT_REGION ?? AWS_PROFILE) === undefined
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

/** The report lies in the bucket, where an answer of this very execution says. `undefined` when none did. */
async function readReport<Report>(
  history: readonly HistoryEvent[],
  s3: S3Client,
  shape: ReportShape<Report>,
  { onWait = () => undefined }: Pick<LocalRunListener, 'onWait'>,
  { interrupt, kill }: StopSignals,
): Promise<ToldReport<Report> | UnreadReport | undefined> {
  for (const { type, details } of history.toReversed()) {
    const output = type === 'TaskSucceeded' ? details['output'] : undefined
    if (typeof output !== 'object' || output === null || !('Payload' in output)) continue
    const { success, data } = shape.answer.safeParse(output['Payload'])
    if (!success) continue
    const read = async (bucket: string, key: string) => String(await itemStore(s3).getObject(bucket, key))
    return fetchReport(data, shape, read, realPatience(onWait, AbortSignal.any([interrupt, kill])))
  }
  return undefined
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(line)
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
