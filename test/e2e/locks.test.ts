/** Archives under Object Lock: given, read back, missed where they are lacking, and read again by verification. */
import { HeadObjectCommand, PutObjectRetentionCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { manifestSchema } from '../../functions/contracts/manifest.ts'
import { pinSchema } from '../../functions/contracts/pin.ts'
import { guestRetentionSchema } from '../../functions/contracts/retention-report.ts'
import { verificationSchema } from '../../functions/contracts/verification.ts'
import { bucket, openSite, type Site } from './harness.ts'

const objectLock = { mode: 'governance', days: 30 }
const job = { site: 'hq', guests: { vmids: [100] }, backup: { storage: 'local' }, objectLock }

let site: Site
let folder: string
beforeAll(async () => {
  site = await openSite({ locks: true })
})
afterAll(() => site.close())

const head = (Key: string) => site.s3.send(new HeadObjectCommand({ Bucket: bucket, Key }))
const verified = async () => verificationSchema.parse(JSON.parse(await site.text(`${folder}verification.json`)))

describe('a job that locks its archives', () => {
  it('has each object of them locked, and their manifest says so as S3 does', async () => {
    const { report, guests } = await site.run(job)
    expect(report?.outcome).toBe('succeeded')
    const { manifestKey = '' } = guests['100'] ?? {}
    folder = manifestKey.slice(0, -'manifest.json'.length)
    const keys = await site.keys(folder)
    expect(keys.length).toBeGreaterThan(2)
    for (const key of keys) {
      const { ObjectLockMode: mode, ObjectLockRetainUntilDate: until } = await head(key)
      expect([key, mode]).toEqual([key, 'GOVERNANCE'])
      expect(Math.round(((until?.getTime() ?? 0) - Date.now()) / 86_400_000)).toBe(30)
    }
    const [artifact] = manifestSchema.parse(JSON.parse(await site.text(manifestKey))).artifacts
    const until = (await head(artifact?.key ?? '')).ObjectLockRetainUntilDate?.toISOString()
    expect(artifact?.lock).toEqual({ mode: 'governance', until })
  })

  it('is verified with its lock, which the verdict notes', async () => {
    const { told } = await site.upkeep('verifyArchives', { archives: [folder] })
    expect(told?.report).toMatchObject({ outcome: 'succeeded', accepted: 1 })
    expect(await verified()).toMatchObject({ result: 'accepted', locks: [{ mode: 'governance' }] })
  })

  it('is a failure of verification once somebody has lifted the lock, and is not refused: its bytes are good', async () => {
    const Key = (await verified()).locks?.map(({ fileName }) => `${folder}${fileName}`)[0] ?? ''
    await site.s3.send(
      new PutObjectRetentionCommand({ Bucket: bucket, Key, Retention: {}, BypassGovernanceRetention: true }),
    )
    const { result, told } = await site.upkeep('verifyArchives', { archives: [folder] })
    expect(result).toMatchObject({ status: 'FAILED', error: 'ArchiveUnlocked' })
    expect(told?.report).toMatchObject({ outcome: 'partial', accepted: 1, refused: 0, unlocked: 1 })
    expect((await verified()).lockTrouble).toMatch(/S3 shows no lock on it, and its manifest has a lock until/)
  })

  it('loses nothing to a retention that a lock outlives, and says until when it stays', async () => {
    const rules = { ...job, guests: { vmids: [101] }, retention: { 'keep-last': 1, largestShare: 1 } }
    await site.run(rules)
    const { report } = await site.run(rules)
    expect(report?.outcome).toBe('succeeded')
    const kept = (await site.keys('archives/hq/container-101/')).filter((key) => key.endsWith('/manifest.json'))
    expect(kept).toHaveLength(2)
    const [key = ''] = await site.keys('retention/hq/container-101/')
    const { archives, summary } = guestRetentionSchema.parse(JSON.parse(await site.text(key)))
    expect(archives.map(({ decision, outcome }) => outcome ?? decision)).toEqual(['locked', 'keep'])
    expect(archives[0]?.reason).toMatch(/; locked until \d{4}-\d\d-\d\d/)
    expect(summary).toMatch(/locked/)
  })

  it('pins each archive of a job that says so, before the archive counts', async () => {
    const { guests } = await site.run({ ...job, guests: { vmids: [101] }, pin: 'before the move' })
    const [pin = ''] = await site.keys('retention/hq/container-101/pins/')
    const { folder: pinned, reason } = pinSchema.parse(JSON.parse(await site.text(pin)))
    expect([`${pinned}manifest.json`, reason]).toEqual([guests['101']?.manifestKey, 'before the move'])
  })

  it('locks no archive of a job that asks for none', async () => {
    const { guests } = await site.run({ ...job, guests: { vmids: [103] }, objectLock: undefined })
    const { manifestKey = '' } = guests['103'] ?? {}
    expect((await head(manifestKey)).ObjectLockMode).toBeUndefined()
    expect(await site.text(manifestKey)).not.toContain('"lock"')
  })
})

describe('a job whose archives can’t be locked as it asks', () => {
  it('fails before a byte is copied in a bucket without Object Lock, with what to do', async () => {
    const plain = await openSite()
    try {
      const { report, guests } = await plain.run(job)
      expect(report?.outcome).toBe('failed')
      expect(guests['100']).toMatchObject({ outcome: 'failed', verdict: 'LockMissing' })
      expect(guests['100']?.reason).toMatch(/can't be locked: the bucket has no Object Lock.*Leave objectLock out/)
      expect(await plain.keys('archives/')).toEqual([])
      expect(await plain.openUploads()).toEqual([])
    } finally {
      await plain.close()
    }
  })

  it('fails where nobody may see the locks, since an answer without a lock proves none', async () => {
    const withoutRights = { 'write-manifest': 's3:GetObjectRetention' }
    const blind = await openSite({ locks: true, functions: { withoutRights }, mayBeRefused: /GetObjectRetention/ })
    try {
      const { guests } = await blind.run(job)
      expect(guests['100']).toMatchObject({ outcome: 'failed', verdict: 'LockMissing' })
      expect(guests['100']?.reason).toContain('S3 shows no lock on it. It is stored whole, without a manifest')
      expect((await blind.keys('archives/')).map((key) => key.replace(/.*\./, ''))).toEqual(['zst'])
    } finally {
      await blind.close()
    }
  })
})
