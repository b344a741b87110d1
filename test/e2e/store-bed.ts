/** What a whole run needs beside a platform: a folder, an embedded S3 that judges rights, and a runner in a hurry. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { type Manifest, manifestSchema } from '../../functions/contracts/manifest.ts'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import type { HistoryEvent } from '../../local/asl/history.ts'
import { realClock } from '../../local/asl/interpreter.ts'
import type { Judgement } from '../../local/iam/guard.ts'
import { type LocalRunner, openLocalRunner } from '../../local/run/local-runner.ts'
import type { DoneListener, FaultPlan } from '../../local/s3/faults.ts'
import { startS3 } from '../../local/s3/server.ts'
import { ownAssembly } from './own-assembly.ts'

export const bucket = 'archives'
export const credentials = { accessKeyId: 'e2e', secretAccessKey: 'e2e-secret-key' }
/** Waits of the workflow pass this much faster. */
const HASTE = 20

export interface StoreBed {
  directory: string
  /** Folder of the app whose functions run: this bed's own, so that its processes can be told from others'. */
  assembly: string
  s3: S3Client
  s3Url: string
  /** What goes wrong with S3. */
  s3Faults: { plan: FaultPlan | undefined; onDone: DoneListener | undefined }
  /** What the functions' roles were asked for. */
  judgements: Judgement[]
  onJudgement: (judgement: Judgement) => void
  /** @param sites as people write them, by name. @param app folder of the synthesised app. It ends with the bed. */
  openRunner(sites: Readonly<Record<string, object>>, app: string): Promise<LocalRunner>
  keys(prefix: string): Promise<string[]>
  bytes(key: string): Promise<Buffer>
  put(key: string, body: string): Promise<void>
  /** Of all archives of a virtual machine, oldest first. */
  manifestsOf(site: string, id: string): Promise<Manifest[]>
  close(): Promise<void>
}

/** @param name of what is tried, for the folder */
export async function openStoreBed(name: string): Promise<StoreBed> {
  const directory = await mkdtemp(join(tmpdir(), `guestlift-${name}-`))
  const judgements: Judgement[] = []
  const onJudgement = (judgement: Judgement) => void judgements.push(judgement)
  const s3Faults: StoreBed['s3Faults'] = { plan: undefined, onDone: undefined }
  const server = await startS3({
    directory: join(directory, 's3'),
    ...credentials,
    onJudgement,
    faults: (request) => s3Faults.plan?.(request),
    onDone: (done) => s3Faults.onDone?.(done),
  })
  const s3 = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials })
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  process.env['AWS_ACCESS_KEY_ID'] = credentials.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = credentials.secretAccessKey
  const assembly = join(directory, 'assembly')
  let runner: LocalRunner | undefined
  const keys: StoreBed['keys'] = async (Prefix) => {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix }))
    return Contents.flatMap(({ Key }) => Key ?? [])
  }
  const bytes: StoreBed['bytes'] = async (Key) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))
    return Buffer.from((await Body?.transformToByteArray()) ?? [])
  }
  return {
    directory,
    assembly,
    s3,
    s3Url: server.url,
    s3Faults,
    judgements,
    onJudgement,
    openRunner: async (sites, app) => {
      const [real, start] = [realClock(), Date.now()]
      runner = await openLocalRunner({
        sites: Object.fromEntries(Object.entries(sites).map(([site, written]) => [site, JSON.stringify(written)])),
        bucket,
        keyPrefix: '',
        s3Url: server.url,
        assembly: await ownAssembly(app, assembly, { haste: HASTE }),
        logFile: join(directory, 'functions.log'),
        // A process that ends and starts again costs a second of CPU time.
        hostLimits: { mostShortEnvironments: 40, memoryMiB: 8_192, idleMilliseconds: 150_000 },
        clock: {
          ...real,
          now: () => start + (Date.now() - start) * HASTE,
          sleep: (milliseconds, signal) => real.sleep(milliseconds / HASTE, signal),
        },
      })
      return runner
    },
    keys,
    bytes,
    manifestsOf: async (site, id) => {
      const all = (await keys(`archives/${site}/vm-${id}/`)).filter((key) => key.endsWith('/manifest.json'))
      return Promise.all(all.map(async (key) => manifestSchema.parse(JSON.parse((await bytes(key)).toString()))))
    },
    put: async (Key, Body) => void (await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }))),
    close: async () => {
      await runner?.close()
      await server.close()
      s3.destroy()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export const quiet = { onEvent: () => undefined, onLog: () => undefined }

/** Listens to a run, and does something when it comes to a state for the first time. */
export function onceAt(state: string, act: () => void) {
  let done = false
  return {
    ...quiet,
    onEvent: ({ type, details }: HistoryEvent) => {
      if (done || !type.endsWith('StateEntered') || details['name'] !== state) return
      done = true
      act()
    },
  }
}
