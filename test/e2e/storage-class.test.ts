/** A job that names a storage class: archives are written there, proved, read back and restored, and priced so. */
import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bucket, openSite, type Site } from './harness.ts'

let site: Site
beforeAll(async () => {
  site = await openSite({ restores: true, keepsVersions: true })
})
afterAll(() => site.close())

const classOf = async (key: string) =>
  (await site.s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))).StorageClass ?? 'STANDARD'

describe('a job with a storage class', () => {
  it('puts archives there and records beside them in STANDARD, and all that reads them can', async () => {
    const job = { site: 'hq', guests: { vmids: [100] }, backup: { storage: 'local' }, storageClass: 'GLACIER_IR' }
    const run = await site.run(job)
    expect(run.report?.outcome).toBe('succeeded')
    const keys = await site.keys('archives/hq/vm-100/')
    const classes = await Promise.all(keys.map(async (key) => [/[^/]*$/.exec(key)?.[0], await classOf(key)]))
    expect(classes.filter(([name]) => /\.vma/.test(name ?? '') && !/log|notes|index/.test(name ?? ''))).toEqual([
      [expect.stringMatching(/\.vma\.zst$/), 'GLACIER_IR'],
    ])
    expect(Object.fromEntries(classes)).toMatchObject({ 'manifest.json': 'STANDARD' })
    const { items = [], leavesOut = [] } = run.report?.receipt ?? {}
    expect(items.map(({ what }) => what).join()).toContain('requests to write archives (GLACIER_IR)')
    expect(leavesOut.join()).toMatch(/keeping .* in GLACIER_IR: /)
    const manifest = await site.text(keys.find((key) => key.endsWith('/manifest.json')) ?? '')
    expect(manifest).toContain('requests to write archives (GLACIER_IR)')

    const verified = await site.upkeep('verifyArchives', { archives: ['archives/hq/vm-100/'] })
    expect(verified.result.status).toBe('SUCCEEDED')
    const target = { id: '9100', storage: 'local-lvm', confirm: true }
    const restored = await site.upkeep('restoreGuest', { site: 'hq', archive: 'hq/vm-100', ...target })
    expect(restored.told?.report?.outcome).toBe('succeeded')
  })

  it('is refused for a class that nothing reads without a restore', async () => {
    const job = { site: 'hq', guests: { vmids: [100] }, backup: { storage: 'local' }, storageClass: 'DEEP_ARCHIVE' }
    const run = await site.run(job)
    expect(JSON.stringify(run.result)).toContain(
      'archives are read back, which DEEP_ARCHIVE allows only after a restore: take GLACIER_IR',
    )
  })
})
