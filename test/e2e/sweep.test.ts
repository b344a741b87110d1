/** `guestlift sweep` as a person types it, against an S3 whose uploads are weeks old. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { crc32 } from 'node:zlib'
import { S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { S3ArchiveStore } from '../../functions/aws/s3-archive-store.ts'
import { sweepReportSchema } from '../../functions/contracts/sweep.ts'
import { newClaim } from '../../functions/domain/backup/guest-claim.ts'
import { uploadRecordKey } from '../../functions/domain/books/object-keys.ts'
import { writeUploadRecord } from '../../functions/operations/books/upload-record.ts'
import { synthesise } from '../../local/run/assembly.ts'
import type { FaultPlan } from '../../local/s3/faults.ts'
import { type S3Server, startS3 } from '../../local/s3/server.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const credentials = { accessKeyId: 'sweep', secretAccessKey: 'sweep-secret' }
const bucket = 'archives'
const DAY = 24 * 3_600_000
const part = Buffer.alloc(1000, 1)

let directory: string
let server: S3Server
let faults: FaultPlan | undefined
/** How far S3's clock is behind. */
let behind = 0

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guestlift-sweep-'))
  // The command would do it too; here its time counts to nobody's limit.
  await synthesise(() => undefined)
  server = await startS3({
    directory,
    ...credentials,
    buckets: [bucket],
    now: () => new Date(Date.now() - behind),
    faults: (request) => faults?.(request),
  })
})
afterAll(async () => {
  await server.close()
  await rm(directory, { recursive: true })
})

/**
 * A store whose first request is signed at the time that S3's clock shows. One store a request: the answer's date is the
 * real one, by which the SDK would correct the next.
 */
function storeBehind(milliseconds: number): S3ArchiveStore {
  behind = milliseconds
  const client = new S3Client({
    endpoint: server.url,
    region: 'us-east-1',
    credentials,
    forcePathStyle: true,
    systemClockOffset: -milliseconds,
  })
  return new S3ArchiveStore(client, bucket, { sleep: async () => undefined, random: () => 0.5 })
}

const keyOf = (guest: string): string => `p/archives/hq/${guest}/2026-10-01T02-00-00Z/disk.vma.zst`

/** An upload with one part, so many days old. */
async function openUpload(key: string, days: number): Promise<string> {
  const uploadId = await storeBehind(days * DAY).createUpload(key)
  await storeBehind(days * DAY).putPart(key, uploadId, 1, part, crc32(part))
  behind = 0
  return uploadId
}

async function writeRecord(key: string, uploadId: string, days: number): Promise<void> {
  const store = storeBehind(days * DAY)
  const source = { sizeBytes: 1000, modifiedAt: '2026-10-01T02:00:00.000Z', artifactRef: 'ref' }
  const openedAt = new Date(Date.now() - days * DAY).toISOString()
  const record = { version: 1 as const, key, uploadId, partSizeBytes: 1000, partCount: 1, source, openedAt }
  await writeUploadRecord({ store, keyPrefix: 'p/' }, record, undefined)
  behind = 0
}

function guestlift(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = {
    ...process.env,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    NO_COLOR: '1',
  }
  return new Promise((resolve) => {
    execFile(process.execPath, ['bin/guestlift.ts', 'sweep', ...args], { cwd: root, env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

const here = (...args: string[]) =>
  guestlift('--local', '--bucket', bucket, '--s3', server.url, '--prefix', 'p', ...args)
const openKeys = async () => (await storeBehind(0).listUploadsBelow('')).map(({ key }) => key)

beforeEach(async () => {
  faults = undefined
  const store = storeBehind(0)
  for (const { key, uploadId } of await store.listUploadsBelow('')) await store.abortUpload(key, uploadId)
  for (const key of await store.listKeys('')) await store.remove(key)
})

describe('guestlift sweep --local', () => {
  it('tells in a dry run what a sweep then does', async () => {
    await openUpload(keyOf('vm-100'), 2)
    await writeRecord(keyOf('vm-101'), await openUpload(keyOf('vm-101'), 15), 15)
    await writeRecord(keyOf('vm-102'), await openUpload(keyOf('vm-102'), 13), 13)
    await openUpload(keyOf('vm-103'), 0)
    await openUpload(keyOf('vm-104'), 30)
    const claim = newClaim({ runId: 'nightly-7', execution: 'e' }, new Date())
    await storeBehind(0).writeText('p/claims/hq/vm-104.json', JSON.stringify(claim))
    await openUpload('p/archives/other.bin', 30)
    await openUpload('elsewhere/other.bin', 30)

    const dry = await here('--dry-run')
    expect(dry).toMatchObject({ code: 0 })
    expect(dry.stdout).toContain(`would be dropped: ${keyOf('vm-100')}`)
    expect(dry.stdout).toMatch(
      /\nWould drop 2 abandoned uploads holding 2\.0 KiB \(less than \$0\.01 so far\); kept 3 /,
    )
    expect(await openKeys()).toHaveLength(7)

    const swept = await here()
    expect(swept).toMatchObject({ code: 0 })
    expect(swept.stdout).toContain(`dropped: ${keyOf('vm-101')}`)
    expect(swept.stdout).toMatch(/kept: \S+vm-102\S+\n.*repetition of its guest can continue it until/)
    expect(swept.stdout).toMatch(/kept: \S+vm-103\S+\n.*Too recent/)
    expect(swept.stdout).toMatch(/kept: \S+vm-104\S+\n.*Run nightly-7 holds the guest/)
    expect(swept.stdout).not.toContain('other.bin')
    expect(await openKeys()).toEqual([
      'elsewhere/other.bin',
      keyOf('vm-102'),
      keyOf('vm-103'),
      keyOf('vm-104'),
      'p/archives/other.bin',
    ])
    expect(await storeBehind(0).listKeys('p/uploads/')).toEqual([uploadRecordKey('p/', keyOf('vm-102'))])

    const place = /Report: s3:\/\/archives\/(p\/sweeps\/\S+)/.exec(swept.stdout)?.[1] ?? ''
    const report = sweepReportSchema.parse(JSON.parse((await storeBehind(0).readText(place))?.text ?? '{}'))
    expect(report).toMatchObject({ dropped: 2, kept: 3, droppedBytes: 2000, foreignUploads: 1 })
    const gone = report.uploads.find(({ key }) => key === keyOf('vm-101'))
    expect(gone?.costDollars).toBeCloseTo((1000 / 2 ** 30) * ((15 * 24) / 730) * 0.023, 6)
  })

  it('drops the others when S3 refuses one, says why, and ends with 2', async () => {
    await openUpload(keyOf('vm-100'), 5)
    await openUpload(keyOf('vm-101'), 5)
    faults = ({ operation, key }) =>
      operation === 'AbortMultipartUpload' && key === keyOf('vm-100') ? { code: 'AccessDenied' } : undefined
    const swept = await here('--json')
    expect(swept).toMatchObject({ code: 2 })
    expect(JSON.parse(swept.stdout)).toMatchObject({
      outcome: 'partial',
      dropped: 1,
      failed: 1,
      summary: expect.stringContaining('1 upload could not be swept'),
      uploads: expect.arrayContaining([
        expect.objectContaining({
          outcome: 'failed',
          reason: expect.stringMatching(/access denied.*AbortMultipartUpload/),
        }),
      ]),
    })
    expect(await openKeys()).toEqual([keyOf('vm-100')])
  })

  it('says that the bucket does not exist, and ends with 1', async () => {
    const swept = await guestlift('--local', '--bucket', 'nowhere', '--s3', server.url, '--json')
    expect(swept).toMatchObject({ code: 1 })
    expect(JSON.parse(swept.stdout)).toMatchObject({
      outcome: 'failed',
      summary: expect.stringContaining('no such bucket'),
    })
  })

  it('wants a bucket', async () => {
    expect(await guestlift('--local')).toMatchObject({ code: 64, stderr: expect.stringContaining('--bucket <name>') })
  })
}, 600_000)
