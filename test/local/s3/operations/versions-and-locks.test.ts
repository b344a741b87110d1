import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
} from '@aws-sdk/client-s3'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failure, type Fixture, startFixture } from '../fixture.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await startFixture()
})
afterAll(() => fixture.close())

async function versioned(Status: 'Enabled' | 'Suspended' = 'Enabled'): Promise<string> {
  const Bucket = await fixture.bucket()
  await fixture.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }))
  return Bucket
}

const put = (Bucket: string, Key: string, Body: string, more: object = {}) =>
  fixture.s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))

async function text(Bucket: string, Key: string, VersionId?: string): Promise<string> {
  const answer = await fixture.s3.send(new GetObjectCommand({ Bucket, Key, VersionId }))
  return (await answer.Body?.transformToString()) ?? ''
}

describe('versions', () => {
  it('keeps every version, with the current one as the plain file', async () => {
    const Bucket = await versioned()
    const one = await put(Bucket, 'k', 'one')
    const two = await put(Bucket, 'k', 'two')
    expect(one.VersionId).not.toBe(two.VersionId)
    const plain = () => readFileSync(join(fixture.directory, Bucket, 'k'), 'utf8')
    expect([plain(), await text(Bucket, 'k'), await text(Bucket, 'k', one.VersionId)]).toEqual(['two', 'two', 'one'])
    await fixture.s3.send(new DeleteObjectCommand({ Bucket, Key: 'k', VersionId: two.VersionId }))
    expect([plain(), await text(Bucket, 'k')]).toEqual(['one', 'one'])
  })

  it('hides behind a delete marker and reappears when the marker is deleted', async () => {
    const Bucket = await versioned()
    const one = await put(Bucket, 'dir/k', 'one')
    const marker = await fixture.s3.send(new DeleteObjectCommand({ Bucket, Key: 'dir/k' }))
    expect(marker.DeleteMarker).toBe(true)
    expect((await failure(text(Bucket, 'dir/k'))).code).toBe('NoSuchKey')
    expect((await failure(text(Bucket, 'dir/k', marker.VersionId))).code).toBe('MethodNotAllowed')
    expect(await text(Bucket, 'dir/k', one.VersionId)).toBe('one')
    expect((await fixture.s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0)
    expect((await failure(text(Bucket, 'dir/k', 'unknown'))).code).toBe('NoSuchVersion')
    await fixture.s3.send(new DeleteObjectCommand({ Bucket, Key: 'dir/k', VersionId: marker.VersionId }))
    expect(await text(Bucket, 'dir/k')).toBe('one')
  })

  it('lists versions and markers newest first, paging within a key', async () => {
    const Bucket = await versioned()
    const ids: (string | undefined)[] = []
    for (const body of ['1', '2', '3']) ids.unshift((await put(Bucket, 'a', body)).VersionId)
    await put(Bucket, 'b', 'x')
    await fixture.s3.send(new DeleteObjectCommand({ Bucket, Key: 'b' }))
    const first = await fixture.s3.send(new ListObjectVersionsCommand({ Bucket, MaxKeys: 2 }))
    expect(first.Versions?.map((item) => item.VersionId)).toEqual(ids.slice(0, 2))
    expect(first.Versions?.map((item) => item.IsLatest)).toEqual([true, false])
    expect(first).toMatchObject({ IsTruncated: true, NextKeyMarker: 'a', NextVersionIdMarker: ids[1] })
    const rest = await fixture.s3.send(
      new ListObjectVersionsCommand({
        Bucket,
        KeyMarker: first.NextKeyMarker,
        VersionIdMarker: first.NextVersionIdMarker,
      }),
    )
    expect(rest.Versions?.map((item) => [item.Key, item.IsLatest])).toEqual([
      ['a', false],
      ['b', false],
    ])
    expect(rest.DeleteMarkers?.map((item) => [item.Key, item.IsLatest])).toEqual([['b', true]])
    expect(rest.IsTruncated).toBe(false)
  })

  it('writes the null version while suspended and keeps the others', async () => {
    const Bucket = await versioned()
    const one = await put(Bucket, 'k', 'one')
    await fixture.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } }))
    await put(Bucket, 'k', 'null one')
    await put(Bucket, 'k', 'null two')
    expect(await text(Bucket, 'k', 'null')).toBe('null two')
    expect(await text(Bucket, 'k', one.VersionId)).toBe('one')
    const all = await fixture.s3.send(new ListObjectVersionsCommand({ Bucket }))
    expect(all.Versions?.map((item) => item.VersionId)).toEqual(['null', one.VersionId])
  })
})

describe('Object Lock', () => {
  const soon = () => new Date(Date.now() + 60_000)

  it('keeps a locked version from deletion, lets a marker be set, and bypasses only GOVERNANCE', async () => {
    const Bucket = await fixture.bucket({ ObjectLockEnabledForBucket: true })
    for (const ObjectLockMode of ['COMPLIANCE', 'GOVERNANCE'] as const) {
      const { VersionId } = await put(Bucket, ObjectLockMode, 'x', {
        ObjectLockMode,
        ObjectLockRetainUntilDate: soon(),
      })
      const remove = (BypassGovernanceRetention?: boolean) =>
        fixture.s3.send(new DeleteObjectCommand({ Bucket, Key: ObjectLockMode, VersionId, BypassGovernanceRetention }))
      expect(await failure(remove())).toMatchObject({ code: 'AccessDenied', status: 403 })
      const marker = await fixture.s3.send(new DeleteObjectCommand({ Bucket, Key: ObjectLockMode }))
      expect(marker.DeleteMarker).toBe(true)
      const bypassed = await remove(true).then(
        () => 'deleted',
        () => 'kept',
      )
      expect(bypassed).toBe(ObjectLockMode === 'COMPLIANCE' ? 'kept' : 'deleted')
    }
  })

  it('reports one locked version among many deletions without stopping', async () => {
    const Bucket = await fixture.bucket({ ObjectLockEnabledForBucket: true })
    const locked = await put(Bucket, 'locked', 'x', { ObjectLockLegalHoldStatus: 'ON' })
    const free = await put(Bucket, 'free', 'x')
    const answer = await fixture.s3.send(
      new DeleteObjectsCommand({
        Bucket,
        Delete: {
          Objects: [
            { Key: 'locked', VersionId: locked.VersionId },
            { Key: 'free', VersionId: free.VersionId },
          ],
        },
      }),
    )
    expect(answer.Errors?.map((item) => [item.Key, item.Code])).toEqual([['locked', 'AccessDenied']])
    expect(answer.Deleted?.map((item) => item.Key)).toEqual(['free'])
    await fixture.s3.send(new PutObjectLegalHoldCommand({ Bucket, Key: 'locked', LegalHold: { Status: 'OFF' } }))
    const hold = await fixture.s3.send(new GetObjectLegalHoldCommand({ Bucket, Key: 'locked' }))
    expect(hold.LegalHold?.Status).toBe('OFF')
    await fixture.s3.send(new DeleteObjectCommand({ Bucket, Key: 'locked', VersionId: locked.VersionId }))
  })

  it('applies the bucket’s default retention and lets it only be extended', async () => {
    const Bucket = await fixture.bucket({ ObjectLockEnabledForBucket: true })
    const ObjectLockConfiguration = {
      ObjectLockEnabled: 'Enabled' as const,
      Rule: { DefaultRetention: { Mode: 'COMPLIANCE' as const, Days: 3 } },
    }
    await fixture.s3.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }))
    const stored = await fixture.s3.send(new GetObjectLockConfigurationCommand({ Bucket }))
    expect(stored.ObjectLockConfiguration).toEqual(ObjectLockConfiguration)
    await put(Bucket, 'k', 'x')
    const { Retention } = await fixture.s3.send(new GetObjectRetentionCommand({ Bucket, Key: 'k' }))
    const until = Retention?.RetainUntilDate ?? new Date(0)
    expect(Math.round((until.getTime() - Date.now()) / 86_400_000)).toBe(3)
    const retain = (RetainUntilDate: Date) =>
      fixture.s3.send(
        new PutObjectRetentionCommand({ Bucket, Key: 'k', Retention: { Mode: 'COMPLIANCE', RetainUntilDate } }),
      )
    expect((await failure(retain(new Date(until.getTime() - 1000)))).code).toBe('AccessDenied')
    await retain(new Date(until.getTime() + 1000))
    const head = await fixture.s3.send(new HeadObjectCommand({ Bucket, Key: 'k' }))
    expect(head).toMatchObject({
      ObjectLockMode: 'COMPLIANCE',
      ObjectLockRetainUntilDate: new Date(until.getTime() + 1000),
    })
  })

  it('refuses locks in the past, on other buckets, and suspending versioning', async () => {
    const plain = await fixture.bucket()
    const locking = await fixture.bucket({ ObjectLockEnabledForBucket: true })
    const lock = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: soon() }
    expect((await failure(put(plain, 'k', 'x', lock))).code).toBe('InvalidRequest')
    const past = { ...lock, ObjectLockRetainUntilDate: new Date(0) }
    expect((await failure(put(locking, 'k', 'x', past))).code).toBe('InvalidArgument')
    const suspend = new PutBucketVersioningCommand({
      Bucket: locking,
      VersioningConfiguration: { Status: 'Suspended' },
    })
    expect(await failure(fixture.s3.send(suspend))).toMatchObject({ code: 'InvalidBucketState', status: 409 })
    const without = fixture.s3.send(new GetObjectLockConfigurationCommand({ Bucket: plain }))
    expect((await failure(without)).code).toBe('ObjectLockConfigurationNotFoundError')
  })
})
