/** Instances of EC2 through the whole workflow: the synthesised definitions and bundles, against the lab's account. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import { backupOptionsSchema } from '../../functions/contracts/backup-options.ts'
import { type Manifest, manifestSchema } from '../../functions/contracts/manifest.ts'
import { ec2SiteSchema } from '../../functions/providers/ec2/config.ts'
import { openEc2 } from '../../functions/providers/ec2/provider.ts'
import type { HistoryEvent } from '../../local/asl/history.ts'
import { realClock } from '../../local/asl/interpreter.ts'
import { type Guard, guardOf, type Judgement, judgementText } from '../../local/iam/guard.ts'
import { readSession } from '../../local/iam/session.ts'
import { seededContent } from '../../local/labs/ec2/disk.ts'
import { type Ec2Lab, startEc2Lab } from '../../local/labs/ec2/lab.ts'
import { type LocalRunner, openLocalRunner } from '../../local/run/local-runner.ts'
import { type S3Server, startS3 } from '../../local/s3/server.ts'
import { guestlift } from '../local/cli/command-line.ts'
import { synthesiseWith } from './synthesise-with.ts'

const bucket = 'archives'
const credentials = { accessKeyId: 'e2e', secretAccessKey: 'e2e-secret-key' }
/** Waits of the workflow pass this much faster. */
const HASTE = 20
const never = new AbortController().signal
const signals = { interrupt: never, kill: never }
const quiet = { onEvent: () => undefined, onLog: () => undefined }
const WEB = 'i-0123456789abcdef0'
const DB = 'i-0fedcba9876543210'
const KEY = 'arn:aws:kms:eu-central-1:111122223333:key/00000000-1111-4222-8333-444444444444'

let directory: string
let s3: S3Client
let server: S3Server
let lab: Ec2Lab
let runner: LocalRunner
/** What the functions' roles were asked for, by S3 and by AWS's other services. */
const judgements: Judgement[] = []
const guards = new Map<string, Guard>()
const closing: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guestlift-ec2-'))
  server = await startS3({
    directory: join(directory, 's3'),
    ...credentials,
    onJudgement: (judgement) => void judgements.push(judgement),
  })
  s3 = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials })
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  const written = (count: number, first = 0) => Array.from({ length: count }, (_, index) => first + index * 3)
  lab = await startEc2Lab({
    // The functions work with their own roles, as on AWS.
    findSession: (accessKeyId, sessionToken) => {
      const session = readSession(sessionToken, credentials.secretAccessKey)
      if (session?.accessKeyId !== accessKeyId) return undefined
      guards.set(
        session.role.arn,
        guardOf(session.role, (judgement) => void judgements.push(judgement)),
      )
      return { ...session, sessionToken, principal: session.role.arn }
    },
    authorize: ({ principal, action, resource, context }) =>
      guards.get(principal)?.refuses(action, resource, lowerCased(context)) === undefined,
    instances: [
      {
        id: WEB,
        name: 'web',
        tags: { backup: 'daily' },
        zone: 'eu-central-1b',
        volumes: [
          { device: '/dev/xvda', sizeGiB: 1, content: seededContent(written(60), 1) },
          {
            device: '/dev/sdf',
            sizeGiB: 1024,
            encrypted: true,
            kmsKeyId: KEY,
            content: seededContent(written(20, 1_900_000), 2),
          },
        ],
      },
      { id: DB, name: 'db', volumes: [{ device: '/dev/xvda', sizeGiB: 1, content: seededContent(written(9), 3) }] },
    ],
  })
  process.env['AWS_ACCESS_KEY_ID'] = credentials.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = credentials.secretAccessKey
  const real = realClock()
  const start = Date.now()
  runner = await openLocalRunner({
    sites: { aws: JSON.stringify(site()) },
    bucket,
    keyPrefix: '',
    s3Url: server.url,
    assembly: synthesiseWith(join(directory, 'app'), {
      name: 'example',
      sites: ['aws'],
      ec2: [{ site: 'aws', keyArns: [KEY] }],
    }),
    logFile: join(directory, 'functions.log'),
    hostLimits: { mostShortEnvironments: 40, memoryMiB: 8_192, idleMilliseconds: 150_000 },
    clock: {
      ...real,
      now: () => start + (Date.now() - start) * HASTE,
      sleep: (milliseconds, signal) => real.sleep(milliseconds / HASTE, signal),
    },
  })
  closing.push(
    () => runner.close(),
    () => lab.close(),
    () => server.close(),
  )
})

/** Without `auth`: the functions work with their own roles. */
function site() {
  return { provider: 'ec2', regions: lab.regions, endpoints: { ec2: lab.url, ebs: lab.url, sts: lab.url } }
}

/** Listens to a run, and does something when it comes to a state for the first time. */
function onceAt(state: string, act: () => void) {
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

afterAll(async () => {
  for (const close of closing) await close()
  s3.destroy()
  await rm(directory, { recursive: true, force: true })
})

function lowerCased(context: Record<string, string[]>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(context).map(([key, values]) => [key.toLowerCase(), values]))
}

async function keys(prefix: string): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }))
  return Contents.flatMap(({ Key }) => Key ?? [])
}

async function bytes(Key: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))
  return Buffer.from((await Body?.transformToByteArray()) ?? [])
}

async function manifestsOf(id: string): Promise<Manifest[]> {
  const all = (await keys(`archives/aws/vm-${id}/`)).filter((key) => key.endsWith('/manifest.json'))
  return Promise.all(all.map(async (key) => manifestSchema.parse(JSON.parse((await bytes(key)).toString()))))
}

describe('instances of EC2', () => {
  it('are archived with all their volumes, and no snapshot stays', async () => {
    const job = { site: 'aws', guests: { tags: ['backup=daily'] } }
    const { result, report } = await runner.run(job, 'run-1', quiet, signals)
    expect(report?.guests.map(({ name, outcome, reason }) => ({ name, outcome, reason }))).toEqual([
      { name: 'web', outcome: 'succeeded', reason: '' },
    ])
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    expect(lab.control.snapshots()).toEqual([])
    const [manifest] = await manifestsOf(WEB)
    expect(manifest).toMatchObject({ platform: 'ec2', guest: { id: WEB, name: 'web' }, verdict: { name: 'archived' } })
    expect(manifest?.artifacts.map(({ fileName }) => fileName).toSorted()).toEqual(['sdf.raw.zst', 'xvda.raw.zst'])
    expect(manifest?.sideFiles.some((key) => key.endsWith('/guest.json'))).toBe(true)
    // Each block once, and of a disk of a TiB only what was ever written.
    expect(lab.control.blocksRead).toHaveLength(80)
  })

  it('are what zstd makes of their objects', async () => {
    const [manifest] = await manifestsOf(WEB)
    const small = manifest?.artifacts.find(({ fileName }) => fileName === 'xvda.raw.zst')
    const archive = join(directory, 'xvda.raw.zst')
    await writeFile(archive, await bytes(small?.key ?? ''))
    execFileSync('zstd', ['-d', '-q', '--sparse', archive])
    const volume = lab.control
      .volumes()
      .find(({ attachment, sizeGiB }) => attachment?.instanceId === WEB && sizeGiB === 1)
    const source = join(directory, 'source.raw')
    lab.control.disk(volume?.id ?? '').saveTo(source)
    execFileSync('cmp', [source, join(directory, 'xvda.raw')])
    expect((await readFile(archive)).length).toBe(small?.sizeBytes)
    await rm(join(directory, 'xvda.raw'))

    const named = [`aws/vm-${WEB}`, '--bucket', bucket, '--s3', server.url]
    const listed = await guestlift(['extract', ...named, '--list', '--json'])
    expect(JSON.parse(listed.out)).toMatchObject({
      disks: [
        { name: 'sdf', sizeBytes: 2 ** 40 },
        { name: 'xvda', sizeBytes: 2 ** 30 },
      ],
    })
    const taken = await guestlift(['extract', ...named, '--disk', 'xvda', '-o', join(directory, 'taken.raw')])
    expect(taken).toMatchObject({ code: 0, error: expect.stringContaining('has the CRC-32 that its manifest states') })
    execFileSync('cmp', [source, join(directory, 'taken.raw')])
    const none = await guestlift(['extract', ...named, '--disk', 'xvdz', '-o', join(directory, 'none.raw')])
    expect(none).toMatchObject({ code: 1, error: expect.stringContaining('It holds: sdf, xvda.') })
    await Promise.all(['source.raw', 'taken.raw'].map((name) => rm(join(directory, name))))
  })
})

describe('backups of instances that go wrong', () => {
  const db = { site: 'aws', guests: { ids: [DB] } }

  it('find their snapshots again when the answer to making them is lost, and make none twice', async () => {
    lab.control.resetCounts()
    const lose = onceAt('Create snapshots', () => lab.control.loseAnswer('CreateSnapshots'))
    const { report } = await runner.run(db, 'run-lost', lose, signals)
    expect(report?.guests).toMatchObject([{ name: 'db', outcome: 'succeeded' }])
    // One of them is a dry run, which asks for the right.
    expect(
      lab.control.seen.filter(({ action, status }) => action === 'CreateSnapshots' && status !== 412),
    ).toHaveLength(1)
    expect(lab.control.snapshots()).toEqual([])
  })

  it('say why AWS made no snapshot, and leave none', async () => {
    lab.control.holdSnapshots()
    const fail = () => {
      lab.control.failSnapshot(lab.control.snapshots()[0]?.id ?? '', 'Given key ID is not accessible')
      lab.control.finishSnapshots()
    }
    const { report } = await runner.run(db, 'run-error', onceAt('Wait for snapshots', fail), signals)
    expect(report?.guests).toMatchObject([
      { outcome: 'failed', reason: expect.stringContaining('Given key ID is not accessible') },
    ])
    expect(lab.control.snapshots()).toEqual([])
  })

  it('that a person stops leave nothing on the platform', async () => {
    lab.control.holdSnapshots()
    const stopping = new AbortController()
    const stop = onceAt('Wait for snapshots', () => stopping.abort())
    const { report } = await runner.run(db, 'run-stopped', stop, { interrupt: stopping.signal, kill: never })
    lab.control.finishSnapshots()
    expect(report?.guests).toMatchObject([{ outcome: 'failed' }])
    expect(lab.control.snapshots()).toEqual([])
  })

  it('of a dead run are found by their tags and removed by the sweep, and nobody else’s', async () => {
    for (const name of ['aws', 'another']) {
      const provider = openEc2(name, ec2SiteSchema.parse({ ...site(), auth: lab.credentials[0] }), {
        now: () => new Date(),
        sleep: async () => undefined,
        log: () => undefined,
      })
      const [guest] = await provider.findGuests([DB])
      if (guest !== undefined) await provider.start(guest, backupOptionsSchema.parse({}), '0f1e2d3c4b5a6978')
      await provider.close()
    }
    for (const snapshot of lab.control.snapshots()) snapshot.startedAt = new Date('2025-01-01')
    const order = { dryRun: false, sites: ['aws'] }
    const { told } = await runner.upkeep('sweepUploads', order, 'sweep-1', quiet, signals)
    expect(told).toMatchObject({ report: { strays: [{ site: 'aws', removed: 1, outcome: 'succeeded' }] } })
    expect(lab.control.snapshots().map(({ tags }) => tags.get('guestlift:site'))).toEqual(['another'])
  })
})

describe('the roles of a deployment with a site of EC2', () => {
  it('let it do all of this, and were asked', () => {
    expect(judgements.filter(({ allowed }) => !allowed).map(judgementText)).toEqual([])
    const asked = new Set(judgements.map(({ request: { action } }) => action))
    for (const action of ['ec2:CreateSnapshots', 'ec2:CreateTags', 'ebs:GetSnapshotBlock', 'ec2:DeleteSnapshot']) {
      expect(asked).toContain(action)
    }
  })
})
