/** A simulated account, an embedded S3 and a runner whose functions work with their own roles, judged as on AWS. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import { realClock } from '../../local/asl/interpreter.ts'
import { type Guard, guardOf, type Judgement } from '../../local/iam/guard.ts'
import { readSession } from '../../local/iam/session.ts'
import { type Ec2Lab, type Ec2LabOptions, startEc2Lab } from '../../local/labs/ec2/lab.ts'
import { type LocalRunner, openLocalRunner } from '../../local/run/local-runner.ts'
import type { DoneListener, FaultPlan } from '../../local/s3/faults.ts'
import { startS3 } from '../../local/s3/server.ts'
import type { DeploymentConfig } from '../../lib/deployment-config.ts'
import { synthesiseWith } from './synthesise-with.ts'

export const WEB = 'i-0123456789abcdef0'
/** Another one, with one small disk. */
export const DB = 'i-0fedcba9876543210'
export const bucket = 'archives'
const credentials = { accessKeyId: 'e2e', secretAccessKey: 'e2e-secret-key' }
/** Waits of the workflow pass this much faster. */
const HASTE = 20

export interface Ec2E2eBed {
  lab: Ec2Lab
  s3: S3Client
  s3Url: string
  /** What goes wrong with S3. */
  s3Faults: { plan: FaultPlan | undefined; onDone: DoneListener | undefined }
  runner: LocalRunner
  directory: string
  /** Folder of the synthesised app. */
  assembly: string
  /** What the functions' roles were asked for, by S3 and by AWS's other services. */
  judgements: Judgement[]
  /** As a person writes it. Without `auth`, the functions work with their own roles. */
  site: object
  keys(prefix: string): Promise<string[]>
  bytes(key: string): Promise<Buffer>
  close(): Promise<void>
}

/** @param site fields of the site besides */
export async function openEc2Bed(
  account: Pick<Ec2LabOptions, 'account' | 'settings' | 'instances'>,
  ec2: NonNullable<DeploymentConfig['ec2']>,
  site: object = {},
): Promise<Ec2E2eBed> {
  const directory = await mkdtemp(join(tmpdir(), 'guestlift-ec2-'))
  const judgements: Judgement[] = []
  const onJudgement = (judgement: Judgement) => void judgements.push(judgement)
  const s3Faults: Ec2E2eBed['s3Faults'] = { plan: undefined, onDone: undefined }
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
  const guards = new Map<string, Guard>()
  const lab = await startEc2Lab({
    ...account,
    findSession: (accessKeyId, sessionToken) => {
      const session = readSession(sessionToken, credentials.secretAccessKey)
      if (session?.accessKeyId !== accessKeyId) return undefined
      guards.set(session.role.arn, guardOf(session.role, onJudgement))
      return { ...session, sessionToken, principal: session.role.arn }
    },
    authorize: ({ principal, action, resource, context }) =>
      guards.get(principal)?.refuses(action, resource, lowerCased(context)) === undefined,
  })
  process.env['AWS_ACCESS_KEY_ID'] = credentials.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = credentials.secretAccessKey
  const endpoints = { ec2: lab.url, ebs: lab.url, sts: lab.url }
  const written = { provider: 'ec2', regions: lab.regions, endpoints, ...site }
  const assembly = synthesiseWith(join(directory, 'app'), { name: 'example', sites: ['aws'], ec2 })
  const [real, start] = [realClock(), Date.now()]
  const runner = await openLocalRunner({
    sites: { aws: JSON.stringify(written) },
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
  return {
    lab,
    s3,
    s3Url: server.url,
    s3Faults,
    runner,
    directory,
    assembly,
    judgements,
    site: written,
    keys: async (Prefix) => {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix }))
      return Contents.flatMap(({ Key }) => Key ?? [])
    },
    bytes: async (Key) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))
      return Buffer.from((await Body?.transformToByteArray()) ?? [])
    },
    close: async () => {
      await runner.close()
      await lab.close()
      await server.close()
      s3.destroy()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Written blocks with holes between them. */
export function written(count: number, first = 0): number[] {
  return Array.from({ length: count }, (_, index) => first + index * 3)
}

/** Keys of conditions as the evaluator has them. */
function lowerCased(context: Record<string, string[]>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(context).map(([key, values]) => [key.toLowerCase(), values]))
}
