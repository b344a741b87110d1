/** A bucket whose owner each request names: S3 refuses what would go to somebody else's bucket of the same name. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { CreateBucketCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { S3ArchiveStore } from '../../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../../functions/aws/s3-client.ts'
import { storeFact } from '../../../functions/aws/s3-errors.ts'
import type { BucketOwner } from '../../../functions/aws/s3-owner.ts'
import { S3VersionStore } from '../../../functions/aws/s3-version-store.ts'
import { type Fixture, KEYS, rawRequest, startFixture } from '../../local/s3/fixture.ts'
import { archiveStoreConformance } from './conformance.ts'

const OWNER = '210987654321'
const retry = { random: () => 0.5, sleep: async () => undefined }
const MIB = 2 ** 20

async function open(owner: BucketOwner) {
  const fixture = await startFixture({ ownerAccount: OWNER })
  await fixture.s3.send(new CreateBucketCommand({ Bucket: 'archives' }))
  await fixture.s3.send(
    new PutBucketVersioningCommand({ Bucket: 'archives', VersioningConfiguration: { Status: 'Enabled' } }),
  )
  const client = createS3Client({
    endpoint: fixture.server.url,
    region: 'us-east-1',
    credentials: KEYS,
    maxAttempts: 1,
    owner,
  })
  const store = new S3ArchiveStore(client, 'archives', retry)
  return { fixture, client, store }
}

archiveStoreConformance('S3ArchiveStore with the right owner and an ACL', async () => {
  const { fixture, client, store } = await open({ account: OWNER, objectAcl: 'bucket-owner-full-control' })
  return {
    store,
    smallestPartBytes: 5 * MIB,
    close: async () => {
      client.destroy()
      await fixture.close()
    },
  }
})

describe('a bucket of another owner', () => {
  let fixture: Fixture
  let stranger: S3ArchiveStore
  let versions: S3VersionStore
  let close: () => Promise<void>
  const key = 'archives/a'
  const bytes = Buffer.from('bytes')
  const part = { crc32: crc32(bytes), md5: createHash('md5').update(bytes).digest('base64'), sizeBytes: bytes.length }
  let uploadId: string
  let etag: string

  beforeAll(async () => {
    const right = await open({ account: OWNER })
    fixture = right.fixture
    uploadId = await right.store.createUpload(key)
    etag = (await right.store.writeText(key, 'text')) ?? ''
    const owner = { account: '111122223333' }
    const settings = { endpoint: fixture.server.url, region: 'us-east-1', credentials: KEYS, maxAttempts: 1, owner }
    const client = createS3Client(settings)
    stranger = new S3ArchiveStore(client, 'archives', retry)
    versions = new S3VersionStore(client, 'archives', () => new Date())
    close = async () => {
      right.client.destroy()
      client.destroy()
      await fixture.close()
    }
  })
  afterAll(() => close())

  const all = async <Item>(items: AsyncIterable<Item>): Promise<void> => {
    for await (const _ of items);
  }

  it.each<[string, () => Promise<unknown>]>([
    ['opening an upload', () => stranger.createUpload('archives/b')],
    ['listing uploads', () => stranger.listUploadsBelow('archives/')],
    ['listing parts', () => stranger.listParts(key, uploadId)],
    ['sending a part', () => stranger.putPart(key, uploadId, 1, bytes, part.crc32)],
    ['completing an upload', () => stranger.completeUpload(key, uploadId, [], 0)],
    ['ending an upload', () => stranger.abortUpload(key, uploadId)],
    ['looking at an object', () => stranger.head(key)],
    ['reading a text', () => stranger.readText(key)],
    ['reading a range', () => stranger.readRange(key, { firstByte: 0, lastByte: 1, etag })],
    ['looking whether it is frozen', () => stranger.frozenState(key)],
    ['thawing', () => stranger.thaw(key, { tier: 'standard', days: 1 })],
    ['writing a text', () => stranger.writeText('runs/a', 'text')],
    ['replacing a text', () => stranger.writeText(key, 'text', { onlyIf: { etag } })],
    ['removing an object', () => stranger.remove(key)],
    ['listing keys', () => stranger.listKeys('archives/')],
    ['listing folders', () => stranger.listFolders('archives/')],
    ['listing versions', () => all(versions.listVersions('archives/'))],
    ['asking for a lock', () => versions.lockOf(key, 'null')],
    ['removing a version', () => versions.removeVersion({ key, versionId: 'null', etag })],
  ])('refuses %s, with the owner that was expected', async (_, ask) => {
    await expect(ask()).rejects.toThrow(
      /access denied.*S3 also answers so if the bucket isn't of account 111122223333, as bucket\.existing of the deployment says/s,
    )
  })

  it('refuses what is asked of it by a signed URL', async () => {
    const put = await stranger.presignPart(key, uploadId, 1, part)
    const sent = await rawRequest(put.url, { method: 'PUT', headers: put.headers, body: bytes })
    expect(sent.status).toBe(403)
    const get = await stranger.presignRange(key, { firstByte: 0, lastByte: 1, etag })
    expect((await rawRequest(get.url, { method: 'GET', headers: get.headers })).status).toBe(403)
    const whole = await stranger.presignObject(key, 60)
    expect((await rawRequest(whole, { method: 'GET' })).status).toBe(403)
    // In lower case, or S3 does not look at it.
    expect(new URL(whole).searchParams.get('x-amz-expected-bucket-owner')).toBe('111122223333')
  })
})

describe('a bucket that refuses ACLs', () => {
  it('is named with the field that sends them', () => {
    const error = Object.assign(new Error('The bucket does not allow ACLs'), { name: 'AccessControlListNotSupported' })
    expect(storeFact(error, { bucket: 'archives', key: 'a', verb: 'write' }).message).toBe(
      "can't write s3://archives/a: the bucket refuses ACLs. Take objectAcl out of bucket.existing in the deployment, and deploy again (AccessControlListNotSupported)",
    )
  })
})
