import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import type { GuestOutcome, RunReport } from '../../functions/contracts/report.ts'
import { LEASE_SECONDS } from '../../functions/domain/backup/guest-claim.ts'
import { type Clock, type ExecutionResult, type HistoryEvent, realClock } from '../../local/asl/interpreter.ts'
import { type Judgement, judgementText } from '../../local/iam/guard.ts'
import { type Lab, type LabOptions, startLab } from '../../local/labs/proxmox/lab.ts'
import { synthesise } from '../../local/run/assembly.ts'
import {
  type DeadExecution,
  type LocalRunEnd,
  type LocalSettings,
  type LocalRunner,
  type LocalUpkeepEnd,
  openLocalRunner,
  type UpkeepWorkflow,
} from '../../local/run/local-runner.ts'
import type { ReportOf } from '../../local/run/report-shapes.ts'
import type { DoneListener, FaultPlan } from '../../local/s3/faults.ts'
import type { Lack } from '../../local/s3/lacks.ts'
import { startS3 } from '../../local/s3/server.ts'
import { type FunctionChanges, ownAssembly } from './own-assembly.ts'

export const bucket = 'archives'
const credentials = { accessKeyId: 'e2e', secretAccessKey: 'e2e-secret-key' }

/** A process that ends and starts again costs a second of CPU time, and these tests have memory. */
const roomy = { mostShortEnvironments: 40, memoryMiB: 8_192, idleMilliseconds: 150_000 }

/** The workflow's waits and retries pass this much faster; its time limits, functions, sockets and the lab keep the real time. */
const HASTE = 20

export interface Site {
  /** Folder of the synthesised app whose functions run: this site's own, so that its processes can be told from others'. */
  assembly: string
  lab: Lab
  s3: S3Client
  /** Set by a test: what goes wrong in S3 next. */
  faults: { plan: FaultPlan | undefined; onDone?: DoneListener | undefined }
  run(job: unknown, options?: RunOptions): Promise<LocalRunEnd & { guests: Record<string, GuestOutcome> }>
  /** Run one of the workflows that look after the bucket. */
  upkeep<Workflow extends UpkeepWorkflow>(
    workflow: Workflow,
    request: unknown,
    listening?: Pick<RunOptions, 'onLog' | 'onEvent' | 'interrupt' | 'kill'> & { onState?: (state: string) => void },
  ): Promise<LocalUpkeepEnd<ReportOf<Workflow>>>
  /** Run the workflow that cleans up after an execution that is dead. */
  cleanUp(dead: DeadExecution, workflow?: 'cleanUpRun' | 'cleanUpRestore'): Promise<ExecutionResult>
  /** Where the object of a key lies on disk. */
  path(key: string): string
  keys(prefix?: string): Promise<string[]>
  openUploads(): Promise<string[]>
  text(key: string): Promise<string>
  put(key: string, body: string | Buffer): Promise<void>
  /** As if every execution that holds a guest had said nothing for longer than its claim lasts. */
  letClaimsLapse(): Promise<void>
  /** Waits and retries of the workflow pass so many times faster from now on; without a number, as usual. */
  hurry(times?: number): void
  /** What everything that runs here may do. */
  roles: LocalRunner['roles']
  /** What the synthesised roles were asked for and judged, all of it. */
  judgements: readonly Judgement[]
  /** All that the functions printed, and all events of all executions. */
  everythingSaid(): Promise<string>
  /** @throws when a role was refused something that the test did not expect: AWS would refuse it too */
  close(): Promise<void>
}

export interface RunOptions {
  interrupt?: AbortSignal
  /** Ends everything at once, without clean-up. */
  kill?: AbortSignal
  name?: string
  /** Told of each state that is entered, as `guest id: state`; where tests let things go wrong. */
  onState?: (state: string, guest: string | undefined) => void
  onPart?: () => void
  onEvent?: (event: HistoryEvent) => void
  /** Each line of JSON that a function printed, parsed. */
  onLog?: (line: Readonly<Record<string, unknown>>) => void
  /** Repeat one guest: the job is then an item of a run's plan. */
  workflow?: 'exportGuest'
}

type Awaitable<T> = T | Promise<T>

export interface SiteOptions extends Omit<LabOptions, 'directory'> {
  /** Folder of the synthesised app; synthesised anew unless told. */
  app?: string
  /** Limits of the functions other than those of the template, and what their processes load first. */
  functions?: FunctionChanges
  /** What a test lets the roles be refused, by action and resource. */
  mayBeRefused?: RegExp
  /** Whether the bucket keeps versions, as a deployment's does. */
  keepsVersions?: boolean
  /** Whether the bucket can lock objects, which has it keep versions, too. */
  locks?: boolean
  /** The site has an account that brings guests back. */
  restores?: boolean
  /** What the store does without, of what AWS does. */
  lacks?: readonly Lack[]
  /** The account that owns the bucket, where it is another than that of the roles; and what its owner let it be. */
  owner?: { account: string; policy?: object }
  /** What the functions expect of the bucket's owner. */
  expects?: LocalSettings['owner']
  /** Somebody else's store, in place of the embedded S3. */
  s3?: { url: string; accessKeyId: string; secretAccessKey: string }
}

const never = new AbortController().signal

/** A lab, an S3 and a runner over the real bundles. `variants` are further sites derived from the lab's own. */
export async function openSite(
  {
    functions = {},
    app,
    mayBeRefused,
    keepsVersions = false,
    locks = false,
    restores = false,
    lacks = [],
    s3: given,
    owner,
    expects,
    ...options
  }: SiteOptions = {},
  variants: (site: Record<string, unknown>, lab: Lab) => Awaitable<Record<string, unknown>> = () => ({}),
): Promise<Site> {
  const directory = await mkdtemp(join(tmpdir(), 'guestlift-e2e-'))
  const assembly = await ownAssembly(app ?? (await synthesise(() => undefined)), join(directory, 'assembly'), {
    ...functions,
    haste: HASTE,
  })
  const lab = await startLab({
    directory: join(directory, 'lab'),
    guestBytes: 2 * 2 ** 20,
    secondsPerDump: 0.2,
    unauthorizedDelaySeconds: 0,
    ...options,
  })
  const faults: Site['faults'] = { plan: undefined }
  const judgements: Judgement[] = []
  const onJudgement = (judgement: Judgement) => void judgements.push(judgement)
  const key = given ?? credentials
  const embedded = () =>
    startS3({
      directory: join(directory, 's3'),
      ...credentials,
      faults: (request) => faults.plan?.(request),
      onDone: (done) => faults.onDone?.(done),
      onJudgement,
      lacks,
      ...(owner !== undefined && { ownerAccount: owner.account }),
    })
  const server = given === undefined ? await embedded() : { url: given.url, close: async () => undefined }
  // Lock files of this store alone: nothing of a test lies in the home of who runs it.
  process.env['XDG_STATE_HOME'] = join(directory, 'state')
  const s3 = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials: key })
  await s3.send(new CreateBucketCommand({ Bucket: bucket, ...(locks && { ObjectLockEnabledForBucket: true }) }))
  if (keepsVersions) {
    await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  }
  if (owner?.policy !== undefined) {
    await s3.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify(owner.policy) }))
  }
  const sites = { hq: lab.site({ restores }), ...(await variants(lab.site({ restores }), lab)) }
  process.env['AWS_ACCESS_KEY_ID'] = key.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = key.secretAccessKey
  let waitsPass = HASTE
  const runner: LocalRunner = await openLocalRunner({
    sites: Object.fromEntries(
      Object.entries(sites).map(([name, site]) => [name, typeof site === 'string' ? site : JSON.stringify(site)]),
    ),
    defaultSite: 'hq',
    bucket,
    keyPrefix: '',
    s3Url: server.url,
    ...(expects !== undefined && { owner: expects }),
    assembly,
    logFile: join(directory, 'functions.log'),
    clock: hastyClock(() => waitsPass),
    hostLimits: roomy,
    onJudgement,
  })
  let runs = 0
  const events: string[] = []
  return {
    assembly,
    hurry: (times) => {
      waitsPass = times ?? HASTE
    },
    lab,
    s3,
    faults,
    roles: runner.roles,
    judgements,
    async run(job, { interrupt = never, kill = never, name, onState, onPart, onEvent, onLog, workflow } = {}) {
      runs += 1
      const guestOf = new Map<string, string>()
      const end = await runner.run(
        job,
        name ?? `run-${runs}`,
        {
          onEvent: (event) => {
            const { type, execution, details } = event
            events.push(JSON.stringify(event))
            onEvent?.(event)
            const input = details['input'] as (GuestInput & { item?: GuestInput }) | undefined
            // A leg of a guest's work is an execution of its own.
            const guest = (input?.guest ?? input?.item?.guest)?.id
            if (type === 'ExecutionStarted' && guest !== undefined) guestOf.set(execution, guest)
            if (type.endsWith('StateEntered')) onState?.(details['name'] as string, guestOf.get(execution))
          },
          onLog: (line) => {
            onLog?.(line)
            if (line['event'] === 'part-copied') onPart?.()
          },
        },
        { interrupt, kill },
        workflow,
      )
      return { ...end, guests: byId(end.report) }
    },
    async upkeep(
      workflow,
      request,
      { onLog = () => undefined, onEvent, onState, interrupt = never, kill = never } = {},
    ) {
      runs += 1
      const listener = {
        onEvent: (event: HistoryEvent) => {
          events.push(JSON.stringify(event))
          onEvent?.(event)
          if (event.type.endsWith('StateEntered')) onState?.(event.details['name'] as string)
        },
        onLog,
      }
      return runner.upkeep(workflow, request, `upkeep-${runs}`, listener, { interrupt, kill })
    },
    async cleanUp(dead, workflow) {
      runs += 1
      const listener = {
        onEvent: (event: HistoryEvent) => void events.push(JSON.stringify(event)),
        onLog: () => undefined,
      }
      return runner.cleanUp(dead, `clean-up-${runs}`, listener, { interrupt: never, kill: never }, workflow)
    },
    path: (key) => join(directory, 's3', bucket, key),
    async keys(prefix = '') {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }))
      return Contents.flatMap(({ Key }) => Key ?? [])
    },
    async openUploads() {
      const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
      return Uploads.flatMap(({ Key }) => Key ?? [])
    },
    async text(key) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
      return (await Body?.transformToString()) ?? ''
    },
    async put(key, body) {
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }))
    },
    async letClaimsLapse() {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'claims/' }))
      for (const { Key: key } of Contents) {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
        const renewedAt = new Date(Date.now() - (LEASE_SECONDS + 1) * 1000).toISOString()
        const claim = { ...JSON.parse((await Body?.transformToString()) ?? '{}'), renewedAt }
        await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: JSON.stringify(claim) }))
      }
    },
    async everythingSaid() {
      return `${await readFile(join(directory, 'functions.log'), 'utf8')}\n${events.join('\n')}`
    },
    async close() {
      s3.destroy()
      await runner.close()
      await Promise.all([lab.close(), server.close()])
      await rm(directory, { recursive: true, force: true })
      const refused = judgements.filter(({ allowed }) => !allowed).map(judgementText)
      const unexpected = refused.filter((text) => mayBeRefused?.test(text) !== true)
      if (unexpected.length > 0) throw new Error(`Refused as AWS would: ${[...new Set(unexpected)].join('; ')}`)
    },
  }
}

interface GuestInput {
  guest?: { id?: string }
}

function byId(report: RunReport | undefined): Record<string, GuestOutcome> {
  return Object.fromEntries((report?.guests ?? []).map((guest) => [guest.id, guest]))
}

/** No wait between two tries is longer. Time limits are, by the haste that they are lengthened by. */
const LONGEST_WAIT_MILLISECONDS = 300_000

/** @param haste of waits; time limits keep to the usual one */
function hastyClock(haste: () => number): Clock {
  const real = realClock()
  const start = Date.now()
  return {
    now: () => start + (Date.now() - start) * HASTE,
    sleep: (milliseconds, signal) =>
      real.sleep(milliseconds / (milliseconds <= LONGEST_WAIT_MILLISECONDS ? haste() : HASTE), signal),
    during: (work) => work(),
  }
}
