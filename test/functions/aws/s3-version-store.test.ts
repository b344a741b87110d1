import { PutBucketVersioningCommand } from '@aws-sdk/client-s3'
import { afterEach, describe, expect, it } from 'vitest'
import { openVersionedBucket, type VersionedBucket } from '../../fakes/versioned-bucket.ts'

describe('S3VersionStore', () => {
  let bucket: VersionedBucket
  afterEach(() => bucket.close())

  it('lists versions and delete markers, the current one of each key first', async () => {
    bucket = await openVersionedBucket()
    const first = await bucket.put('a/an ümlaut &+.json', 'one')
    const second = await bucket.put('a/an ümlaut &+.json', 'second')
    await bucket.store.remove('a/an ümlaut &+.json')
    await bucket.put('a/z.log', 'log', { storageClass: 'GLACIER' })
    await bucket.put('b/elsewhere', '')
    const found = await bucket.all('a/')
    expect(found.map(({ key, latest, deleteMarker, sizeBytes }) => [key, latest, deleteMarker, sizeBytes])).toEqual([
      ['a/an ümlaut &+.json', true, true, 0],
      ['a/an ümlaut &+.json', false, false, expect.any(Number)],
      ['a/an ümlaut &+.json', false, false, expect.any(Number)],
      ['a/z.log', true, false, 3],
    ])
    expect(new Set(found.slice(1, 3).map(({ versionId }) => versionId))).toEqual(new Set([first, second]))
    expect(found[3]?.storageClass).toBe('GLACIER')
  })

  it('lists more versions than a page holds, each once', async () => {
    bucket = await openVersionedBucket('versioned')
    const keys = Array.from({ length: 101 }, (_, index) => `many/${index}`)
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(keys.map((key) => bucket.put(key, '')))
    }
    const found = await bucket.all('many/')
    expect(found).toHaveLength(1010)
    expect(new Set(found.map(({ versionId }) => versionId)).size).toBe(1010)
  })

  it('removes one version for good, and one that is gone without a word', async () => {
    bucket = await openVersionedBucket()
    const old = await bucket.put('key', 'old')
    const current = await bucket.put('key', 'new')
    expect(await bucket.versions.removeVersion({ key: 'key', versionId: old })).toEqual({ outcome: 'removed' })
    expect(await bucket.versions.removeVersion({ key: 'key', versionId: old })).toEqual({ outcome: 'removed' })
    expect((await bucket.all()).map(({ versionId }) => versionId)).toEqual([current])
  })

  it('tells what holds a version, and until when, and removes nothing that is held', async () => {
    bucket = await openVersionedBucket()
    const retainUntil = new Date(Math.ceil(Date.now() / 1000) * 1000 + 86_400_000)
    const version = await bucket.put('key', 'text', { retainUntil })
    const lock = { legalHold: false, retainUntil: retainUntil.toISOString(), mode: 'COMPLIANCE' }
    expect(await bucket.versions.lockOf('key', version)).toEqual(lock)
    expect(await bucket.versions.removeVersion({ key: 'key', versionId: version })).toEqual({ outcome: 'locked', lock })

    const held = await bucket.put('held', 'text')
    await bucket.holdLegally('held', true)
    expect(await bucket.versions.removeVersion({ key: 'held', versionId: held })).toEqual({
      outcome: 'locked',
      lock: { legalHold: true },
    })
    await bucket.holdLegally('held', false)
    expect(await bucket.versions.lockOf('held', held)).toBeUndefined()
    expect(await bucket.versions.removeVersion({ key: 'held', versionId: held })).toEqual({ outcome: 'removed' })
    expect(await bucket.versions.lockOf('held', held)).toBeUndefined()
  })

  it('removes an object in Glacier without a restore', async () => {
    bucket = await openVersionedBucket()
    const version = await bucket.put('cold', 'text', { storageClass: 'DEEP_ARCHIVE' })
    expect(await bucket.versions.removeVersion({ key: 'cold', versionId: version })).toEqual({ outcome: 'removed' })
    expect(await bucket.all()).toEqual([])
  })

  it('takes the one version of a bucket without versions by its name', async () => {
    bucket = await openVersionedBucket('plain')
    await bucket.put('key', 'text')
    const [only] = await bucket.all()
    expect(only).toMatchObject({ versionId: 'null', latest: true })
    await bucket.versions.removeVersion({ key: 'key', versionId: 'null' })
    expect(await bucket.all()).toEqual([])
  })

  it('leaves what was written since in the place of the one version, where there are no versions', async () => {
    bucket = await openVersionedBucket('plain')
    await bucket.put('key', 'judged')
    const [judged] = await bucket.all()
    await bucket.put('key', 'later')
    const version = judged ?? { key: '', versionId: '' }
    expect(await bucket.versions.removeVersion(version)).toEqual({ outcome: 'changed' })
    const [later] = await bucket.all()
    expect(await bucket.versions.removeVersion(later ?? version)).toEqual({ outcome: 'removed' })
    expect(await bucket.versions.removeVersion(later ?? version)).toEqual({ outcome: 'removed' })
    expect(await bucket.all()).toEqual([])
  })

  it('removes an object from before there were versions for good, and does not only hide it', async () => {
    bucket = await openVersionedBucket('plain')
    for (const key of ['shown', 'hidden']) await bucket.put(key, 'old')
    const old = await bucket.all()
    const VersioningConfiguration = { Status: 'Enabled' } as const
    await bucket.client.send(new PutBucketVersioningCommand({ Bucket: 'archives', VersioningConfiguration }))
    await bucket.store.remove('hidden')
    for (const version of old) expect(await bucket.versions.removeVersion(version)).toEqual({ outcome: 'removed' })
    expect(await bucket.all()).toMatchObject([{ key: 'hidden', deleteMarker: true }])
  })
})
