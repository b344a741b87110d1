/** A simulated vCenter, an embedded S3 and a runner whose functions work with their own roles, judged as on AWS. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import { type Manifest, manifestSchema } from '../../functions/contracts/manifest.ts'
import { realClock } from '../../local/asl/interpreter.ts'
import type { Judgement } from '../../local/iam/guard.ts'
import { startVsphereLab, type VsphereLab, type VsphereLabOptions } from '../../local/labs/vsphere/lab.ts'
import { synthesise } from '../../local/run/assembly.ts'
import { type LocalRunner, openLocalRunner } from '../../local/run/local-runner.ts'
import { startS3 } from '../../local/s3/server.ts'

export const bucket = 'archives'
const credentials = { accessKeyId: 'e2e', secretAccessKey: 'e2e-secret-key' }
/** Waits of the workflow pass this much faster. */
const HASTE = 20

export interface VsphereE2eBed {
  lab: VsphereLab
  s3Url: string
  runner: LocalRunner
  directory: string
  judgements: Judgement[]
  site: object
  keys(prefix: string): Promise<string[]>
  bytes(key: string): Promise<Buffer>
  manifestsOf(id: string): Promise<Manifest[]>
  close(): Promise<void>
}

/** @param site fields of the site besides */
export async function openVsphereBed(options: VsphereLabOptions, site: object = {}): Promise<VsphereE2eBed> {
  const directory = await mkdtemp(join(tmpdir(), 'guestlift-vsphere-'))
  const judgements: Judgement[] = []
  const onJudgement = (judgement: Judgement) => void judgements.push(judgement)
  const server = await startS3({ directory: join(directory, 's3'), ...credentials, onJudgement })
  const s3 = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials })
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  const lab = await startVsphereLab(options)
  process.env['AWS_ACCESS_KEY_ID'] = credentials.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = credentials.secretAccessKey
  const written = { ...lab.site(), ...site }
  const [real, start] = [realClock(), Date.now()]
  const runner = await openLocalRunner({
    sites: { hq: JSON.stringify(written) },
    bucket,
    keyPrefix: '',
    s3Url: server.url,
    // The app that all tests share: its site is hq.
    assembly: await synthesise(() => undefined),
    logFile: join(directory, 'functions.log'),
    hostLimits: { mostShortEnvironments: 40, memoryMiB: 8_192, idleMilliseconds: 150_000 },
    clock: {
      ...real,
      now: () => start + (Date.now() - start) * HASTE,
      sleep: (milliseconds, signal) => real.sleep(milliseconds / HASTE, signal),
    },
  })
  const keys = async (Prefix: string): Promise<string[]> => {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix }))
    return Contents.flatMap(({ Key }) => Key ?? [])
  }
  const bytes = async (Key: string): Promise<Buffer> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))
    return Buffer.from((await Body?.transformToByteArray()) ?? [])
  }
  return {
    lab,
    s3Url: server.url,
    runner,
    directory,
    judgements,
    site: written,
    keys,
    bytes,
    manifestsOf: async (id) => {
      const all = (await keys(`archives/hq/vm-${id}/`)).filter((key) => key.endsWith('/manifest.json'))
      return Promise.all(all.map(async (key) => manifestSchema.parse(JSON.parse((await bytes(key)).toString()))))
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
