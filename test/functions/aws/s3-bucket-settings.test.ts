/** What the doctor reads of a bucket that somebody else keeps, as its owner set it by the commands. */
import {
  type LifecycleRule,
  PutBucketLifecycleConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readBucketSettings } from '../../../functions/aws/s3-bucket-settings.ts'
import { ownerFindings } from '../../../functions/domain/doctor/judge-owner-setup.ts'
import { ownerLifecycle, ownerPolicy } from '../../../functions/domain/doctor/owner-setup.ts'
import { type Fixture, startFixture } from '../../local/s3/fixture.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await startFixture()
})
afterAll(() => fixture.close())

async function rulesSeen(...Rules: LifecycleRule[]) {
  const Bucket = await fixture.bucket()
  const LifecycleConfiguration = { Rules }
  await fixture.s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration }))
  const { owner } = await readBucketSettings(fixture.s3, Bucket, true)
  return owner?.rules
}

const on = { Status: 'Enabled' } as const

describe('the settings of a bucket that somebody else keeps', () => {
  it('are not asked for of a bucket of our own', async () => {
    expect(await readBucketSettings(fixture.s3, await fixture.bucket())).not.toHaveProperty('owner')
  })

  it('are known to be absent where nothing is set', async () => {
    expect((await readBucketSettings(fixture.s3, await fixture.bucket(), true)).owner).toEqual({
      rules: { value: [] },
      ownership: { value: 'none' },
      policy: { value: undefined },
    })
  })

  it('are unknown, with the reason, where they may not be read', async () => {
    const { owner } = await readBucketSettings(fixture.s3, 'misspelt', true)
    for (const one of [owner?.rules, owner?.ownership, owner?.policy])
      expect(one).toEqual({ unknown: expect.stringContaining('there is no such bucket') })
  })

  it('leave nothing to say where the owner ran the commands', async () => {
    const Bucket = await fixture.bucket()
    const setup = { bucket: Bucket, keyPrefix: 'vm/', abandonedUploadDays: 20, sendsAcl: false }
    const LifecycleConfiguration = ownerLifecycle(setup) as { Rules: LifecycleRule[] }
    const OwnershipControls = { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' as const }] }
    const Policy = JSON.stringify(ownerPolicy({ ...setup, guest: '123456789012' }))
    await fixture.s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration }))
    await fixture.s3.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls }))
    await fixture.s3.send(new PutBucketPolicyCommand({ Bucket, Policy }))
    const { owner } = await readBucketSettings(fixture.s3, Bucket, true)
    if (owner === undefined) throw new Error('nothing was read')
    const about = { keyPrefix: 'vm/', foreignOwner: '210987654321', sendsAcl: false, deployment: 'prod' }
    expect(ownerFindings(owner, { name: Bucket, ...about }).map(({ verdict }) => verdict)).toEqual(
      ['rules', 'ownership', 'policy'].map(() => 'passed'),
    )
  })

  it('tell rules that remove archives from those for other objects', async () => {
    const tagged = { Tag: { Key: 'a', Value: 'b' } }
    const expires = { Expiration: { Days: 30 } }
    expect(
      await rulesSeen(
        { ...on, ID: 'old form', Prefix: 'vm/', ...expires },
        { ...on, ID: 'for large ones', Filter: { ObjectSizeGreaterThan: 1 }, ...expires },
        { ...on, ID: 'tagged', Filter: tagged, ...expires },
        { ...on, ID: 'both', Filter: { And: { Prefix: 'vm/', Tags: [tagged.Tag] } }, ...expires },
        { ...on, ID: 'markers', Filter: { Prefix: '' }, Expiration: { ExpiredObjectDeleteMarker: true } },
        { Status: 'Disabled', ID: 'off', Filter: { Prefix: '' }, ...expires },
        { ...on, Filter: { Prefix: '' }, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 3 } },
      ),
    ).toEqual({
      value: [
        { id: 'old form', prefix: 'vm/', isLimited: false, removes: true },
        { id: 'for large ones', prefix: '', isLimited: true, removes: true },
        { id: 'tagged', prefix: '', isLimited: true, removes: false },
        { id: 'both', prefix: 'vm/', isLimited: true, removes: false },
        { id: 'markers', prefix: '', isLimited: false, removes: false },
        { id: 'without a name', prefix: '', isLimited: false, removes: false, abandonedUploadDays: 3 },
      ],
    })
  })
})
