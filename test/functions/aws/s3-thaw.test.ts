import { PutObjectCommand } from '@aws-sdk/client-s3'
import type { IncomingMessage } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { S3ArchiveStore } from '../../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../../functions/aws/s3-client.ts'
import type { Fault } from '../../../local/s3/faults.ts'
import { MemoryStore } from '../../fakes/memory-store.ts'
import { type Fixture, KEYS, startFixture } from '../../local/s3/fixture.ts'
import { type HostileAnswer, type HostileStore, startHostileStore } from './hostile-store.ts'
import { thawConformance } from './thaw-conformance.ts'

/** Short of what a clock may be off before S3 refuses its signatures. */
const THAW_MILLISECONDS = 60_000
const DAY_MILLISECONDS = 86_400_000
const retry = { random: () => 0.5, sleep: async () => undefined }

const storeAt = (endpoint: string, bucket: string): S3ArchiveStore =>
  new S3ArchiveStore(
    createS3Client({ endpoint, region: 'us-east-1', credentials: KEYS, maxAttempts: 2 }),
    bucket,
    retry,
  )

thawConformance('S3ArchiveStore on the embedded S3', async () => {
  let ahead = 0
  const now = (): Date => new Date(Date.now() + ahead)
  const fixture = await startFixture({ now, thawMilliseconds: THAW_MILLISECONDS })
  const bucket = await fixture.bucket()
  return {
    store: storeAt(fixture.server.url, bucket),
    freeze: async (Key, Body, StorageClass) => {
      const put = new PutObjectCommand({ Bucket: bucket, Key, Body, StorageClass })
      return (await fixture.s3.send(put)).ETag ?? ''
    },
    endThaws: () => {
      ahead += THAW_MILLISECONDS
    },
    now,
    close: () => fixture.close(),
  }
})

thawConformance('MemoryStore', async () => {
  const now = (): Date => new Date('2026-11-24T02:00:00Z')
  const store = new MemoryStore(now)
  return {
    store,
    freeze: async (key, text, storageClass) => {
      store.cold.set(key, { storageClass, state: 'frozen' })
      return (await store.writeText(key, text)) ?? ''
    },
    endThaws: () => store.endThaws(),
    now,
    close: async () => undefined,
  }
})

describe('thawing in the embedded S3', () => {
  let fixture: Fixture
  let store: S3ArchiveStore
  let bucket: string
  let now = new Date()
  let fault: Fault | undefined

  beforeAll(async () => {
    fixture = await startFixture({
      now: () => now,
      thawMilliseconds: THAW_MILLISECONDS,
      faults: ({ operation }) => (operation === 'RestoreObject' ? fault : undefined),
    })
    bucket = await fixture.bucket()
    store = storeAt(fixture.server.url, bucket)
    await fixture.s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'cold', Body: 'x', StorageClass: 'GLACIER' }))
  })
  afterEach(() => {
    fault = undefined
  })
  afterAll(() => fixture.close())

  it('takes another tier as the way out when there is no room for the fast one', async () => {
    fault = { code: 'GlacierExpeditedRetrievalNotAvailable' }
    await expect(store.thaw('cold', { days: 1, tier: 'expedited' })).rejects.toMatchObject({
      name: 'StoreUnavailable',
      message: `can't thaw s3://${bucket}/cold: S3 has no room for tier expedited now. Take tier standard or bulk, or try again later.`,
    })
  })

  it('names the right that is missing', async () => {
    fault = { code: 'AccessDenied' }
    await expect(store.thaw('cold', { days: 1, tier: 'bulk' })).rejects.toMatchObject({
      name: 'StoreDenied',
      message: expect.stringMatching(/can't thaw .*RestoreObject/),
    })
  })

  it('finds itself at work when its answer was lost', async () => {
    let lost = false
    fault = undefined
    await fixture.s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'lost', Body: 'x', StorageClass: 'GLACIER' }))
    await fixture.restart({
      faults: ({ operation }) => {
        if (operation !== 'RestoreObject' || lost) return undefined
        lost = true
        return 'lose-answer'
      },
    })
    const again = storeAt(fixture.server.url, bucket)
    expect(await again.thaw('lost', { days: 1, tier: 'bulk' })).toBe('under-way')
  })

  it('lasts until midnight after the days that were asked for, and then begins anew', async () => {
    const again = storeAt(fixture.server.url, bucket)
    expect(await again.thaw('cold', { days: 2, tier: 'standard' })).toBe('begun')
    const daysLater = (now.getTime() + THAW_MILLISECONDS) / DAY_MILLISECONDS + 2
    const readableUntil = new Date(Math.ceil(daysLater) * DAY_MILLISECONDS).toISOString()
    now = new Date(now.getTime() + THAW_MILLISECONDS)
    expect(await again.frozenState('cold')).toEqual({ storageClass: 'GLACIER', state: 'readable', readableUntil })
    now = new Date(readableUntil)
    // A refusal that has a body tells the client's clock the time; that of HEAD has none.
    await again.listKeys('')
    expect(await again.frozenState('cold')).toEqual({ storageClass: 'GLACIER', state: 'frozen' })
    expect(await again.thaw('cold', { days: 2, tier: 'standard' })).toBe('begun')
  })
})

describe('what S3 says of an object', () => {
  let stub: HostileStore
  let store: S3ArchiveStore
  let headers: Record<string, string> = {}
  let asked: string[] = []

  beforeAll(async () => {
    const answer = (request: IncomingMessage, sent: string): HostileAnswer => {
      asked.push(sent)
      return { status: request.method === 'HEAD' ? 200 : 202, headers: { etag: '"a"', 'x-amz-id-2': 'a', ...headers } }
    }
    stub = await startHostileStore(answer)
    store = storeAt(stub.url, 'archives')
  })
  afterEach(() => {
    asked = []
  })
  afterAll(() => stub.close())

  const restore = (text: string) => ({ 'x-amz-storage-class': 'GLACIER', 'x-amz-restore': text })
  const tier = { 'x-amz-storage-class': 'INTELLIGENT_TIERING', 'x-amz-archive-status': 'DEEP_ARCHIVE_ACCESS' }

  it.each<[string, Record<string, string>, object]>([
    ['nothing', {}, { storageClass: 'STANDARD', state: 'readable' }],
    ['an instant class', { 'x-amz-storage-class': 'GLACIER_IR' }, { storageClass: 'GLACIER_IR', state: 'readable' }],
    ['an archive class', { 'x-amz-storage-class': 'DEEP_ARCHIVE' }, { storageClass: 'DEEP_ARCHIVE', state: 'frozen' }],
    ['a thaw', restore('ongoing-request="true"'), { storageClass: 'GLACIER', state: 'thawing' }],
    [
      'a copy',
      restore('ongoing-request="false", expiry-date="Fri, 27 Nov 2026 00:00:00 GMT"'),
      { storageClass: 'GLACIER', state: 'readable', readableUntil: '2026-11-27T00:00:00.000Z' },
    ],
    ['a copy without an end', restore('ongoing-request="false"'), { storageClass: 'GLACIER', state: 'readable' }],
    ['something strange', restore('soon'), { storageClass: 'GLACIER', state: 'frozen' }],
    [
      'a tier at hand',
      { 'x-amz-storage-class': 'INTELLIGENT_TIERING' },
      { storageClass: 'INTELLIGENT_TIERING', state: 'readable' },
    ],
    ['a tier that is archived', tier, { storageClass: 'INTELLIGENT_TIERING', state: 'frozen' }],
    [
      'a tier that it leaves',
      { ...tier, 'x-amz-restore': 'ongoing-request="true"' },
      { storageClass: 'INTELLIGENT_TIERING', state: 'thawing' },
    ],
  ])('is understood: %s', async (_what, said, state) => {
    headers = said
    expect(await store.frozenState('a/b')).toEqual(state)
  })

  it('asks for no days where an object leaves its tier for good, and for no fast way out of the deepest', async () => {
    headers = tier
    expect(await store.thaw('a/b', { days: 3, tier: 'standard' })).toBe('begun')
    expect(asked.at(-1)).toMatch(/<Tier>Standard<\/Tier>/)
    expect(asked.at(-1)).not.toMatch(/Days/)
    headers = { 'x-amz-storage-class': 'GLACIER' }
    await store.thaw('a/b', { days: 3, tier: 'bulk' })
    expect(asked.at(-1)).toMatch(/<Days>3<\/Days>.*<Tier>Bulk<\/Tier>/)
    headers = tier
    await expect(store.thaw('a/b', { days: 3, tier: 'expedited' })).rejects.toMatchObject({
      name: 'StoreDenied',
      message: expect.stringMatching(/DEEP_ARCHIVE_ACCESS.*Take tier standard .*bulk/),
    })
  })
})
