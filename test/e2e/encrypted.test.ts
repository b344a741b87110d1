/** A bucket with a KMS key: what moves archives may use it. `test/lib/encrypted-bucket.test.ts` looks at each role. */
import { PutBucketEncryptionCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { deployments } from '../lib/deployments.ts'
import { synthesise } from '../lib/synthesise.ts'
import { bucket, openSite, type Site } from './harness.ts'

const { arn } = deployments.encryptedBySomebodysKey.bucket.kmsKey
const policiesSchema = z.object({
  Resources: z.record(
    z.string(),
    z.object({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).optional() }),
  ),
})

let site: Site
beforeAll(async () => {
  const { exports } = await synthesise('encryptedBySomebodysKey')
  const policies = z
    .record(z.string(), z.object({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) }))
    .parse(policiesSchema.parse(exports.toJSON()).Resources)
  site = await openSite({ functions: { policies }, restores: true, keepsVersions: true })
  await site.s3.send(
    new PutBucketEncryptionCommand({
      Bucket: bucket,
      ServerSideEncryptionConfiguration: {
        Rules: [
          {
            ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: arn },
            BucketKeyEnabled: true,
          },
        ],
      },
    }),
  )
})
afterAll(() => site.close())

describe('a deployment whose bucket has a KMS key', () => {
  it('archives, reads back and restores, and no role is refused the key', async () => {
    const run = await site.run({ site: 'hq', guests: { vmids: [100] }, backup: { storage: 'local' } })
    expect(run.report?.outcome).toBe('succeeded')
    const verified = await site.upkeep('verifyArchives', { archives: ['archives/hq/vm-100/'] })
    expect(verified.result.status).toBe('SUCCEEDED')
    const restored = await site.upkeep('restoreGuest', {
      site: 'hq',
      archive: 'hq/vm-100',
      id: '9100',
      storage: 'local-lvm',
      confirm: true,
    })
    expect(restored.told?.report?.outcome).toBe('succeeded')
    const used = site.judgements.filter(({ request: { action } }) => action.startsWith('kms:'))
    expect(new Set(used.map(({ request: { resource } }) => resource))).toEqual(new Set([arn]))
    expect(used.filter(({ allowed }) => !allowed)).toEqual([])
    expect(new Set(used.map(({ request: { action } }) => action))).toEqual(
      new Set(['kms:Decrypt', 'kms:GenerateDataKey']),
    )
  })
})
