/** A bucket of another account, as its owner prepares it: what roles may do there is judged by both accounts' policies. */
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ownerPolicy } from '../../functions/domain/doctor/owner-setup.ts'
import { deployments } from '../lib/deployments.ts'
import { synthesise } from '../lib/synthesise.ts'
import { openSite, type Site, type SiteOptions } from './harness.ts'

const { existing } = deployments.inBucketOfAnotherAccount.bucket
const setup = { bucket: 'archives', keyPrefix: '', abandonedUploadDays: 20, guest: '000000000000', sendsAcl: true }
const expects = { BUCKET_OWNER: existing.account, OBJECT_ACL: existing.objectAcl }
const policiesSchema = z.record(
  z.string(),
  z.object({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) }),
)

let site: Site
afterEach(() => site.close())

async function open(options: SiteOptions): Promise<void> {
  const { exports } = await synthesise('inBucketOfAnotherAccount')
  // Region and account as this machine has them.
  const { account, region } = deployments.inBucketOfAnotherAccount
  const here = JSON.stringify(exports.toJSON()['Resources'])
    .replaceAll(account, '000000000000')
    .replaceAll(region, 'local')
  const policies = policiesSchema.parse(JSON.parse(here))
  const owner = { account: existing.account, policy: ownerPolicy(setup) }
  site = await openSite({ functions: { policies }, restores: true, keepsVersions: true, owner, expects, ...options })
}

const nightly = { site: 'hq', guests: { vmids: [100] }, backup: { storage: 'local' } }

describe('a deployment whose bucket is of another account', () => {
  it('archives, reads back, prunes and restores there, and neither account refuses anything', async () => {
    await open({})
    const run = await site.run(nightly)
    expect(run.report?.outcome).toBe('succeeded')
    expect((await site.run(nightly)).report?.outcome).toBe('succeeded')
    const verified = await site.upkeep('verifyArchives', { archives: ['archives/hq/vm-100/'] })
    expect(verified.result.status).toBe('SUCCEEDED')
    const pruned = await site.upkeep('pruneArchives', { site: 'hq', retention: { 'keep-last': 1 } })
    expect(pruned.told?.report?.outcome).toBe('succeeded')
    const target = { id: '9100', storage: 'local-lvm', confirm: true }
    const restored = await site.upkeep('restoreGuest', { site: 'hq', archive: 'hq/vm-100', ...target })
    expect(restored.told?.report?.outcome).toBe('succeeded')
    expect(site.judgements.filter(({ allowed }) => !allowed)).toEqual([])
    const acls = site.judgements.filter(({ request: { action } }) => action === 's3:PutObjectAcl')
    expect(acls.length).toBeGreaterThan(10)
  })

  it('stops before any backup where the owner let nobody in', async () => {
    await open({ owner: { account: existing.account }, mayBeRefused: /./ })
    const run = await site.run(nightly)
    expect(run.report?.outcome).not.toBe('succeeded')
    expect(JSON.stringify(run)).toMatch(/access denied.*isn't of account 210987654321/)
    expect(await site.keys('archives/')).toEqual([])
  })

  it('stops before any backup where the bucket is of somebody else, and names whose it has to be', async () => {
    await open({ expects: { BUCKET_OWNER: '111122223333' } })
    const run = await site.run(nightly)
    expect(run.report?.outcome).not.toBe('succeeded')
    expect(JSON.stringify(run)).toContain("S3 also answers so if the bucket isn't of account 111122223333")
    expect(await site.keys('')).toEqual([])
  })

  it('stops before any backup where the bucket refuses ACLs, and names the field that sends them', async () => {
    await open({})
    site.faults.plan = ({ operation }) =>
      /^(PutObject|CreateMultipartUpload)$/.test(operation) ? { code: 'AccessControlListNotSupported' } : undefined
    const run = await site.run(nightly)
    expect(run.report?.outcome).not.toBe('succeeded')
    expect(JSON.stringify(run)).toContain('the bucket refuses ACLs. Take objectAcl out of bucket.existing')
  })
})
