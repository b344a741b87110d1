/** An account with an archived instance, whose disks restores bring back: with the roles of a deployment, enforced. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import { type RestoreReport, restoreReportSchema } from '../../functions/contracts/restore-report.ts'
import { realClock } from '../../local/asl/interpreter.ts'
import type { ExecutionResult, HistoryEvent } from '../../local/asl/interpreter.ts'
import { type Guard, guardOf, type Judgement } from '../../local/iam/guard.ts'
import { readSession } from '../../local/iam/session.ts'
import { seededContent } from '../../local/labs/ec2/disk.ts'
import { type Ec2Lab, startEc2Lab } from '../../local/labs/ec2/lab.ts'
import { openLocalRunner } from '../../local/run/local-runner.ts'
import { startS3 } from '../../local/s3/server.ts'
import { killFunction } from './kill-function.ts'
import { synthesiseWith } from './synthesise-with.ts'

export const WEB = 'i-0123456789abcdef0'
/** Another one, with one small disk. */
export const DB = 'i-0fedcba9876543210'
export const KEY = 'arn:aws:kms:eu-central-1:000000000000:key/00000000-1111-4222-8333-444444444444'
const bucket = 'archives'
const credentials = { accessKeyId: 'e2e', secretAccessKey: 'e2e-secret-key' }
/** Waits of the workflow pass this much faster. */
const HASTE = 20

export interface RestoreListening {
  /** A part was brought; states that are entered. */
  onPart?: () => void
  onState?: (name: string) => void
  interrupt?: AbortSignal
  kill?: AbortSignal
}

export interface Ec2RestoreBed {
  lab: Ec2Lab
  directory: string
  judgements: Judgement[]
  restore(
    request: object,
    listening?: RestoreListening,
  ): Promise<{ result: ExecutionResult; report: RestoreReport | undefined }>
  /** Leases of restores that died lapse, and the daily sweep comes. */
  sweep(): Promise<ExecutionResult>
  kill(stem: string): Promise<number>
  keys(prefix: string): Promise<string[]>
  put(key: string, body: string): Promise<void>
  remove(key: string): Promise<void>
  close(): Promise<void>
}

/** The instance has a disk of three parts, among them written zeros, and one of a TiB that is nearly empty and encrypted. */
export async function openEc2RestoreBed(): Promise<Ec2RestoreBed> {
  const directory = await mkdtemp(join(tmpdir(), 'guestlift-ec2-restore-'))
  const judgements: Judgement[] = []
  const onJudgement = (judgement: Judgement) => void judgements.push(judgement)
  const server = await startS3({ directory: join(directory, 's3'), ...credentials, onJudgement })
  const s3 = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials })
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  const guards = new Map<string, Guard>()
  const written = (count: number, first = 0) => Array.from({ length: count }, (_, index) => first + index * 3)
  const lab = await startEc2Lab({
    // That of the roles which are synthesised without one.
    account: '000000000000',
    settings: { snapshotAsks: 2 },
    // The functions work with their own roles, as on AWS.
    findSession: (accessKeyId, sessionToken) => {
      const session = readSession(sessionToken, credentials.secretAccessKey)
      if (session?.accessKeyId !== accessKeyId) return undefined
      guards.set(session.role.arn, guardOf(session.role, onJudgement))
      return { ...session, sessionToken, principal: session.role.arn }
    },
    authorize: ({ principal, action, resource, context }) =>
      guards.get(principal)?.refuses(action, resource, lowerCased(context)) === undefined,
    instances: [
      {
        id: WEB,
        name: 'web',
        zone: 'eu-central-1b',
        bootMode: 'uefi',
        architecture: 'arm64',
        volumes: [
          { device: '/dev/xvda', sizeGiB: 1, content: withZeros(seededContent(written(280), 1), [1, 2047]) },
          {
            device: '/dev/sdf',
            sizeGiB: 1024,
            encrypted: true,
            kmsKeyId: KEY,
            content: seededContent(written(10, 1_900_000), 2),
          },
        ],
      },
      { id: DB, name: 'db', volumes: [{ device: '/dev/xvda', sizeGiB: 1, content: seededContent(written(9), 3) }] },
    ],
  })
  process.env['AWS_ACCESS_KEY_ID'] = credentials.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = credentials.secretAccessKey
  const endpoints = { ec2: lab.url, ebs: lab.url, sts: lab.url }
  const assembly = synthesiseWith(join(directory, 'app'), {
    name: 'example',
    sites: ['aws'],
    ec2: [{ site: 'aws', keyArns: [KEY], restore: { keyArns: [KEY] } }],
  })
  const [real, start] = [realClock(), Date.now()]
  const runner = await openLocalRunner({
    sites: { aws: JSON.stringify({ provider: 'ec2', regions: lab.regions, endpoints, restore: {} }) },
    bucket,
    keyPrefix: '',
    s3Url: server.url,
    assembly,
    logFile: join(directory, 'functions.log'),
    hostLimits: { mostShortEnvironments: 40, memoryMiB: 8_192, idleMilliseconds: 150_000 },
    clock: {
      ...real,
      now: () => start + (Date.now() - start) * HASTE,
      sleep: (milliseconds, signal) => real.sleep(milliseconds / HASTE, signal),
    },
  })
  const never = new AbortController().signal
  let executions = 0
  const archived = await runner.run(
    { site: 'aws', guests: { ids: [WEB, DB] } },
    'run-1',
    { onEvent: () => undefined, onLog: () => undefined },
    { interrupt: never, kill: never },
  )
  if (archived.result.status !== 'SUCCEEDED') throw new Error(JSON.stringify(archived.result))
  lab.control.resetCounts()

  const keys = async (prefix: string): Promise<string[]> => {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }))
    return Contents.flatMap(({ Key }) => Key ?? [])
  }
  const text = async (Key: string): Promise<string> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))
    return (await Body?.transformToString()) ?? ''
  }
  const put = async (Key: string, Body: string): Promise<void> =>
    void (await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body })))
  return {
    lab,
    directory,
    judgements,
    restore: async (request, { onPart, onState, interrupt = never, kill = never } = {}) => {
      executions += 1
      const name = `restore-${executions}`
      const listener = {
        onEvent: ({ type, details }: HistoryEvent) => {
          if (type.endsWith('StateEntered')) onState?.(details['name'] as string)
        },
        onLog: (line: Record<string, unknown>) => {
          if (line['event'] === 'part-copied') onPart?.()
        },
      }
      const asked = { archive: `aws/vm-${DB}`, site: 'aws', confirm: true, ...request }
      const { result, told } = await runner.upkeep('restoreGuest', asked, name, listener, { interrupt, kill })
      const report = told === undefined || !('report' in told) ? undefined : restoreReportSchema.parse(told.report)
      return { result, report }
    },
    sweep: async () => {
      executions += 1
      for (const key of await keys('restores/open/')) {
        const held = JSON.parse(await text(key)) as Record<string, unknown>
        await put(key, JSON.stringify({ ...held, until: '2020-01-01T00:00:00.000Z' }))
      }
      const listener = { onEvent: () => undefined, onLog: () => undefined }
      const request = { sites: ['aws'] }
      const signals = { interrupt: never, kill: never }
      return (await runner.upkeep('sweepUploads', request, `sweep-${executions}`, listener, signals)).result
    },
    kill: (stem) => killFunction(assembly, stem),
    keys,
    remove: async (Key) => void (await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key }))),
    put,
    close: async () => {
      await runner.close()
      await lab.close()
      await server.close()
      s3.destroy()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function lowerCased(context: Record<string, string[]>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(context).map(([key, values]) => [key.toLowerCase(), values]))
}

function withZeros(
  content: ReturnType<typeof seededContent>,
  zeros: readonly number[],
): ReturnType<typeof seededContent> {
  const nothing = new Uint8Array(524_288)
  return {
    blocks: [...content.blocks, ...zeros].toSorted((one, other) => one - other),
    read: (index) => (zeros.includes(index) ? nothing : content.read(index)),
  }
}
