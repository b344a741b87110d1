/** A bucket that locks what is written takes no object without a sum over it (S3 user guide, "Managing Object Lock"). */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import {
  CreateBucketCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { S3ArchiveStore } from '../../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../../functions/aws/s3-client.ts'
import { startS3 } from '../../../local/s3/server.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
const Bucket = 'locked'

describe('a bucket with a default retention', () => {
  let directory: string
  let server: Awaited<ReturnType<typeof startS3>>
  let bare: S3Client
  let store: S3ArchiveStore
  beforeAll(async () => {
    // Whatever an account's profiles say.
    vi.stubEnv('AWS_REQUEST_CHECKSUM_CALCULATION', 'when_required')
    directory = await mkdtemp(join(tmpdir(), 'guestlift-locked-'))
    server = await startS3({ directory, ...credentials })
    const at = { endpoint: server.url, region: 'us-east-1', credentials }
    bare = new S3Client({ ...at, forcePathStyle: true, maxAttempts: 1, requestChecksumCalculation: 'WHEN_REQUIRED' })
    await bare.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
    const Rule = { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } } as const
    const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled', Rule } as const
    await bare.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }))
    store = new S3ArchiveStore(createS3Client(at), Bucket, { sleep: async () => undefined, random: () => 0.5 })
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    bare.destroy()
    await server.close()
    await rm(directory, { recursive: true })
  })

  it('refuses an object and a part without a sum', async () => {
    const refused = { name: 'InvalidRequest', message: expect.stringContaining('x-amz-checksum') }
    await expect(bare.send(new PutObjectCommand({ Bucket, Key: 'bare', Body: 'x' }))).rejects.toMatchObject(refused)
    const UploadId = await store.createUpload('parts')
    const part = new UploadPartCommand({ Bucket, Key: 'parts', UploadId, PartNumber: 1, Body: 'x' })
    await expect(bare.send(part)).rejects.toMatchObject(refused)
  })

  it('takes texts, parts, and parts that a node sends, each with its sum', async () => {
    const etag = await store.writeText('record', 'one', { onlyIf: { absent: true } })
    expect(await store.writeText('record', 'two', { onlyIf: { etag: etag ?? '' } })).toBeDefined()
    const key = 'archive'
    const uploadId = await store.createUpload(key)
    const body = Buffer.alloc(5 * 2 ** 20, 7)
    const first = await store.putPart(key, uploadId, 1, body, crc32(body))
    const tail = Buffer.from('end')
    const md5 = (await import('node:crypto')).createHash('md5').update(tail).digest('base64')
    const { url, headers } = await store.presignPart(key, uploadId, 2, {
      sizeBytes: tail.length,
      crc32: crc32(tail),
      md5,
    })
    const { 'content-length': _, ...sent } = headers
    expect((await fetch(url, { method: 'PUT', headers: sent, body: tail })).status).toBe(200)
    const parts = await store.listParts(key, uploadId)
    expect(parts[0]?.crc32).toBe(first.crc32)
    const whole = crc32(Buffer.concat([body, tail]))
    expect(await store.completeUpload(key, uploadId, parts, whole)).toMatchObject({ crc32: whole })
  })
})
