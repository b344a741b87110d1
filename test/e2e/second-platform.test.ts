/** A platform unlike Proxmox VE in all that the core might take for granted goes through the whole workflow. */
import { randomBytes } from 'node:crypto'
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
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import { manifestSchema } from '../../functions/contracts/manifest.ts'
import { realClock } from '../../local/asl/interpreter.ts'
import { type Judgement, judgementText } from '../../local/iam/guard.ts'
import { type LocalRunner, openLocalRunner } from '../../local/run/local-runner.ts'
import { startS3 } from '../../local/s3/server.ts'
import { type IslandCloud, type IslandGuest, startIsland } from '../second-platform/island-cloud.ts'
import { synthesiseIsland } from '../second-platform/synthesise-island.ts'

const bucket = 'archives'
const credentials = { accessKeyId: 'e2e', secretAccessKey: 'e2e-secret-key' }
/** Waits of the workflow pass this much faster. */
const HASTE = 20
const never = new AbortController().signal
const quiet = { onEvent: () => undefined, onLog: () => undefined }

const guests: IslandGuest[] = ['web', 'db', 'mail'].map((name, index) => ({
  id: `${index}f1c7a52-8d1e-4b7a-9c3e-6a1b2c3d4e5f`,
  name,
  disks: { 'system.img': randomBytes(300_000 + index), 'data/volume-1.img': randomBytes(70_000 + index) },
}))

let directory: string
let s3: S3Client
let cloud: IslandCloud
let runner: LocalRunner
const judgements: Judgement[] = []
const closing: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guestlift-island-'))
  const server = await startS3({
    directory: join(directory, 's3'),
    ...credentials,
    onJudgement: (judgement) => void judgements.push(judgement),
  })
  s3 = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials })
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  cloud = await startIsland(guests, s3)
  process.env['AWS_ACCESS_KEY_ID'] = credentials.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = credentials.secretAccessKey
  const real = realClock()
  const start = Date.now()
  runner = await openLocalRunner({
    sites: { far: JSON.stringify({ provider: 'island', url: cloud.url, key: cloud.key }) },
    bucket,
    keyPrefix: '',
    s3Url: server.url,
    assembly: await synthesiseIsland(join(directory, 'app')),
    logFile: join(directory, 'functions.log'),
    // A process that ends and starts again costs a second of CPU time.
    hostLimits: { mostShortEnvironments: 40, memoryMiB: 8_192, idleMilliseconds: 150_000 },
    clock: {
      ...real,
      now: () => start + (Date.now() - start) * HASTE,
      sleep: (milliseconds, signal) => real.sleep(milliseconds / HASTE, signal),
    },
  })
  closing.push(
    () => runner.close(),
    () => cloud.close(),
    () => server.close(),
  )
})

afterAll(async () => {
  for (const close of closing) await close()
  s3.destroy()
  await rm(directory, { recursive: true, force: true })
})

async function keys(prefix: string): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }))
  return Contents.flatMap(({ Key }) => Key ?? [])
}

async function bytes(Key: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))
  return Buffer.from((await Body?.transformToByteArray()) ?? [])
}

describe('a platform without nodes, storages, log and route', () => {
  it('archives three guests with two disks each, though a release fails once and each takes minutes', async () => {
    cloud.refuseRemovals = 1
    const job = { site: 'far', guests: { ids: guests.map(({ id }) => id) } }
    const { result, report } = await runner.run(job, 'run-1', quiet, { interrupt: never, kill: never })
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    expect(report?.guests.map(({ name, outcome, reason }) => ({ name, outcome, reason }))).toEqual(
      guests.map(({ name }) => ({ name, outcome: 'succeeded', reason: '' })),
    )
    for (const { id, name, disks } of guests) {
      const [manifestKey = ''] = (await keys(`archives/far/vm-${id}/`)).filter((key) => key.endsWith('/manifest.json'))
      const manifest = manifestSchema.parse(JSON.parse((await bytes(manifestKey)).toString()))
      expect(manifest).toMatchObject({ platform: 'island', guest: { id, name }, verdict: { name: 'archived' } })
      expect(manifest.artifacts.map(({ fileName }) => fileName)).toEqual(Object.keys(disks))
      for (const { key, fileName } of manifest.artifacts) {
        expect((await bytes(key)).equals(disks[fileName] ?? Buffer.alloc(0))).toBe(true)
      }
      expect(manifest.sideFiles.map((key) => key.split('/').at(-1))).toEqual(['guest.json'])
    }
  })

  it('leaves nothing on the platform', () => {
    expect([...cloud.exports.values()]).toEqual([])
  })

  it('has its archives in the catalogue, each whole', async () => {
    const index = await keys('catalogue/')
    expect(index.filter((key) => guests.some(({ id }) => key.includes(id)))).toHaveLength(guests.length)
  })

  it('asked for nothing that its roles refuse', () => {
    expect(judgements.length).toBeGreaterThan(0)
    expect(judgements.filter(({ allowed }) => !allowed).map(judgementText)).toEqual([])
  })

  it('has a stray removed by the sweep, and what is young or not ours left alone', async () => {
    const [web] = guests
    const made = { guestId: web?.id ?? '', looksLeft: 0, files: [] }
    const [old, young] = ['2025-01-01T00:00:00.000Z', new Date().toISOString()]
    cloud.exports.set('old', { ...made, id: 'old', token: '0f1e2d3c4b5a6978', createdAt: old, removal: 1 })
    cloud.exports.set('young', { ...made, id: 'young', token: '0f1e2d3c4b5a6979', createdAt: young })
    cloud.exports.set('foreign', { ...made, id: 'foreign', token: '', createdAt: old })
    const request = { dryRun: true, sites: ['far'] }
    const signals = { interrupt: never, kill: never }
    const dry = await runner.upkeep('sweepUploads', request, 'sweep-1', quiet, signals)
    expect(dry.told).toMatchObject({ report: { strays: [{ site: 'far', removed: 1, outcome: 'succeeded' }] } })
    expect([...cloud.exports.keys()]).toEqual(['old', 'young', 'foreign'])
    const { result, told } = await runner.upkeep(
      'sweepUploads',
      { ...request, dryRun: false },
      'sweep-2',
      quiet,
      signals,
    )
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    expect(told).toMatchObject({ report: { strays: [{ summary: 'Site far: 1 stray was removed.' }] } })
    expect([...cloud.exports.keys()]).toEqual(['young', 'foreign'])
  })
})
