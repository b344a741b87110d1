import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { S3ArchiveStore } from '../../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../../functions/aws/s3-client.ts'
import { lockIn, lockInput, lockRefusal } from '../../../functions/aws/s3-object-lock.ts'
import { readPolicy } from '../../../local/iam/policy.ts'
import { openSession } from '../../../local/iam/session.ts'
import { openVersionedBucket, type VersionedBucket } from '../../fakes/versioned-bucket.ts'

let locking: VersionedBucket
let plain: VersionedBucket
beforeAll(async () => {
  locking = await openVersionedBucket('locking')
  plain = await openVersionedBucket('versioned')
})
afterAll(async () => {
  await locking.close()
  await plain.close()
})

const lock = { mode: 'compliance', until: '2099-01-01T00:00:00.000Z' } as const
const body = Buffer.from('an archive')

/** The same bucket for a role that may do this, and nothing else. */
function storeOf(url: string, actions: readonly string[], Condition = {}): S3ArchiveStore {
  const Resource = ['arn:aws:s3:::archives', 'arn:aws:s3:::archives/*']
  const Statement = [{ Effect: 'Allow', Action: actions.map((one) => `s3:${one}`), Resource, Condition }]
  const role = { name: 'r', arn: 'arn:aws:iam::000000000000:role/r', resource: [] }
  const credentials = openSession({ ...role, identity: readPolicy({ Statement }, 'identity') }, 'test')
  const client = createS3Client({ endpoint: url, region: 'us-east-1', credentials, maxAttempts: 1 })
  return new S3ArchiveStore(client, 'archives', { sleep: async () => undefined, random: () => 0.5 })
}

describe('an object that is begun with a lock', () => {
  it('has it once its upload is completed, as S3 shows it with the time of its beginning', async () => {
    const { store } = locking
    const uploadId = await store.createUpload('archives/a', { lock })
    const part = await store.putPart('archives/a', uploadId, 1, body, crc32(body))
    const stored = await store.completeUpload('archives/a', uploadId, [part], crc32(body))
    expect(stored.lock).toEqual({ ...lock, writtenAt: expect.stringMatching(/Z$/) })
    expect(await store.head('archives/a')).toEqual(stored)
  })

  it('has it at once when it is small, and on a store without full-object CRC-32, too', async () => {
    const { store } = locking
    await store.writeText('archives/b', 'text', { lock, onlyIf: { absent: true } })
    expect((await store.head('archives/b'))?.lock).toMatchObject(lock)
    const uploadId = await store.bare.create('archives/c', { lock })
    const md5 = createHash('md5').update(body).digest('hex')
    const part = await store.bare.putPart('archives/c', uploadId, 1, [body], { md5, etagIsMd5: true })
    expect((await store.bare.complete('archives/c', uploadId, [part], undefined)).lock).toMatchObject(lock)
  })

  it('shows no lock without one, and a legal hold beside it', async () => {
    const { store } = locking
    await store.writeText('archives/d', 'text')
    expect(await store.head('archives/d')).not.toHaveProperty('lock')
    await locking.holdLegally('archives/d', true)
    expect((await store.head('archives/d'))?.lock).toEqual({ legalHold: true, writtenAt: expect.any(String) })
    await locking.holdLegally('archives/d', false)
    expect(await store.head('archives/d')).not.toHaveProperty('lock')
  })

  it('is refused where the bucket has no Object Lock, with what to do', async () => {
    const refused = {
      name: 'LockMissing',
      message: expect.stringMatching(/^s3:\/\/archives\/archives\/e can't be locked: the bucket has no Object Lock/),
    }
    await expect(plain.store.createUpload('archives/e', { lock })).rejects.toMatchObject(refused)
    await expect(plain.store.bare.create('archives/e', { lock })).rejects.toMatchObject(refused)
    await expect(plain.store.writeText('archives/e', 'x', { lock })).rejects.toMatchObject(refused)
  })
})

describe('a role', () => {
  it('sees of a lock what it has the rights for, and nothing is taken for a lock in place of that', async () => {
    await locking.store.writeText('archives/seen', 'text', { lock })
    await locking.holdLegally('archives/seen', true)
    const shown = async (...rights: string[]) =>
      (await storeOf(locking.url, ['GetObject', 'ListBucket', ...rights]).head('archives/seen'))?.lock
    expect(await shown()).toBeUndefined()
    expect(await shown('GetObjectRetention')).toMatchObject(lock)
    expect(await shown('GetObjectRetention')).not.toHaveProperty('legalHold')
    expect(await shown('GetObjectLegalHold')).toEqual({ legalHold: true, writtenAt: expect.any(String) })
  })

  it('locks with the right to, for as long as it may, and is told which right it lacks', async () => {
    const until = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()
    const held = (days: number) => ({ mode: 'governance', until: until(days) }) as const
    const without = storeOf(locking.url, ['PutObject'])
    const lacking = {
      name: 'StoreDenied',
      message: expect.stringContaining('(s3:PutObject and s3:PutObjectRetention)'),
    }
    await expect(without.createUpload('archives/f', { lock: held(1) })).rejects.toMatchObject(lacking)
    await expect(without.writeText('archives/f', 'x', { lock: held(1) })).rejects.toMatchObject(lacking)
    const NumericLessThanEqualsIfExists = { 's3:object-lock-remaining-retention-days': '10' }
    const bounded = storeOf(locking.url, ['PutObject', 'PutObjectRetention'], { NumericLessThanEqualsIfExists })
    await bounded.writeText('archives/f', 'x', { lock: held(10) })
    await expect(bounded.writeText('archives/g', 'x', { lock: held(11) })).rejects.toMatchObject(lacking)
  })
})

describe('what S3 says of locks', () => {
  const $metadata = {}

  it('is read as far as it is known', () => {
    const until = new Date(lock.until)
    expect(lockIn({ $metadata })).toBeUndefined()
    expect(lockIn({ $metadata, ObjectLockLegalHoldStatus: 'OFF' })).toBeUndefined()
    expect(lockIn({ $metadata, ObjectLockMode: 'COMPLIANCE' })).toBeUndefined()
    expect(lockIn({ $metadata, ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: until })).toEqual({
      ...lock,
      mode: 'governance',
    })
    expect(lockIn({ $metadata, ObjectLockMode: 'STRICTEST' as never, ObjectLockRetainUntilDate: until })).toEqual({
      until: lock.until,
    })
  })

  it('is asked for in its own words', () => {
    expect(lockInput(undefined)).toEqual({})
    expect(lockInput(lock)).toEqual({ ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: new Date(lock.until) })
    expect(lockInput({ ...lock, mode: 'governance' })).toMatchObject({ ObjectLockMode: 'GOVERNANCE' })
  })

  it('is another refusal where it is not about locks', () => {
    const error = (name: string, message: string) => Object.assign(new Error(message), { name })
    expect(lockRefusal(error('InvalidRequest', 'Missing required header'), 'b', 'k')).toBeUndefined()
    expect(lockRefusal(error('AccessDenied', 'Object Lock'), 'b', 'k')).toBeUndefined()
    expect(lockRefusal(error('InvalidRequest', 'Bucket is missing ObjectLockConfiguration'), 'b', 'k')?.name).toBe(
      'LockMissing',
    )
  })
})
