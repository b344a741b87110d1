/** Archives in a bucket that was there before, also of another account. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ownerPolicy } from '../../functions/domain/doctor/owner-setup.ts'
import { foreignOwner } from '../../lib/account-config.ts'
import { DeploymentConfigError, parseDeployment } from '../../lib/deployment-config.ts'
import type { Role } from '../../local/iam/session.ts'
import { deployments } from './deployments.ts'
import { synthesise } from './synthesise.ts'

const rolesOf = async (name: 'inExistingBucket' | 'inBucketOfAnotherAccount'): Promise<Role[]> => {
  const { functions, machines, builds } = (await synthesise(name)).assembly.roles
  return [functions, machines, builds].flatMap((each) => Object.values<Role>(each))
}

/** What each function is told of its bucket. */
const environments = async (name: 'inExistingBucket' | 'inBucketOfAnotherAccount') =>
  Object.values((await synthesise(name)).assembly.functions)
    .map(({ environment }) => environment)
    .filter(({ ARCHIVE_BUCKET }) => ARCHIVE_BUCKET !== undefined)

describe('a deployment with an existing bucket', () => {
  it('makes no bucket and no storage stack, and its functions name the owner in each request', async () => {
    const { storage, exports } = await synthesise('inExistingBucket')
    expect(storage.toJSON()).toEqual({ Resources: {} })
    expect(exports.findResources('AWS::S3::Bucket')).toEqual({})
    expect(JSON.stringify(exports.toJSON())).not.toContain('Fn::ImportValue')
    const told = await environments('inExistingBucket')
    expect(told.length).toBeGreaterThan(30)
    // The account that the stack is deployed to, as this machine has it.
    for (const { ARCHIVE_BUCKET, BUCKET_OWNER, OBJECT_ACL } of told)
      expect([ARCHIVE_BUCKET, BUCKET_OWNER, OBJECT_ACL]).toEqual(['archives', '000000000000', undefined])
  })

  it('has a larger runner that names the owner too', async () => {
    const [build] = Object.values((await synthesise('inBucketOfAnotherAccount')).assembly.builds)
    expect(build?.environment).toMatchObject({ BUCKET_OWNER: '210987654321', OBJECT_ACL: 'bucket-owner-full-control' })
  })
})

describe('a deployment with a bucket of another account', () => {
  it('names that account, and leaves results of maps in a bucket of its own', async () => {
    for (const { BUCKET_OWNER, OBJECT_ACL } of await environments('inBucketOfAnotherAccount'))
      expect([BUCKET_OWNER, OBJECT_ACL]).toEqual(['210987654321', 'bucket-owner-full-control'])
    const { exports } = await synthesise('inBucketOfAnotherAccount')
    const [results = '', ...others] = Object.keys(exports.findResources('AWS::S3::Bucket'))
    expect(others).toEqual([])
    const written = Object.values(exports.findResources('AWS::StepFunctions::StateMachine'))
      .map((one) => JSON.stringify(one['Properties'].DefinitionString))
      .filter((definition) => definition.includes('ResultWriter'))
    expect(written).toHaveLength(2)
    for (const definition of written) expect(definition).toContain(`{"Ref":"${results}"}`)
  })

  it('shows no size of the bucket, which only its owner has', async () => {
    const { exports } = await synthesise('inBucketOfAnotherAccount')
    const [board] = Object.values(exports.findResources('AWS::CloudWatch::Dashboard'))
    expect(JSON.stringify(board)).not.toContain('BucketSizeBytes')
    expect(JSON.stringify(board)).toContain('GuestsCovered')
  })

  it('has the owner asked for all that a role does in the bucket, and for no more', async () => {
    const { name, existing } = deployments.inBucketOfAnotherAccount.bucket
    const asked = { bucket: name, keyPrefix: '', abandonedUploadDays: 20, guest: '123456789012' }
    const { Statement } = ownerPolicy({ ...asked, sendsAcl: existing.objectAcl !== undefined })
    const statement = z.looseObject({ Effect: z.string(), Action: z.union([z.string(), z.array(z.string())]) })
    const permitted = Statement.map((one) => statement.parse(one))
      .filter(({ Effect }) => Effect === 'Allow')
      .flatMap(({ Action }) => Action)
    const done = (await rolesOf('inBucketOfAnotherAccount')).flatMap(({ identity }) =>
      identity
        .filter(({ resources = [] }) => resources.some((each) => /^arn:aws:s3:::archives(\/|$)/.test(each)))
        .flatMap(({ actions = [] }) => actions),
    )
    expect(done.length).toBeGreaterThan(100)
    expect([...new Set(done)].filter((action) => !permitted.includes(action))).toEqual([])
    // The others are the doctor's.
    expect(permitted.filter((action) => !done.includes(action)).toSorted()).toEqual([
      's3:GetBucketObjectLockConfiguration',
      's3:GetBucketOwnershipControls',
      's3:GetBucketVersioning',
      's3:GetLifecycleConfiguration',
    ])
  })

  it('lets who writes objects send that one ACL, and nobody else any', async () => {
    const roles = await rolesOf('inBucketOfAnotherAccount')
    for (const { name, identity } of roles) {
      const on = (action: string) =>
        identity
          .filter(({ actions }) => actions?.includes(action))
          .flatMap(({ resources = [] }) => resources)
          .filter((each) => each.startsWith('arn:aws:s3:::archives/') && !each.includes('/map/'))
      expect([name, new Set(on('s3:PutObjectAcl'))]).toEqual([name, new Set(on('s3:PutObject'))])
      for (const { conditions } of identity.filter(({ actions }) => actions?.includes('s3:PutObjectAcl')))
        expect(conditions).toEqual({ StringEquals: { 's3:x-amz-acl': ['bucket-owner-full-control'] } })
    }
  })

  it('is one only where the accounts differ', () => {
    const { account, bucket } = deployments.inBucketOfAnotherAccount
    expect(foreignOwner({ account, bucket })).toBe('210987654321')
    expect(foreignOwner({ account: '210987654321', bucket })).toBeUndefined()
    expect(foreignOwner({ account, bucket: { existing: {} } })).toBeUndefined()
    expect(foreignOwner({ account, bucket: {} })).toBeUndefined()
  })
})

describe('what contradicts an existing bucket', () => {
  const existing = { account: '210987654321' }
  const account = '123456789012'
  it.each([
    [{ account, bucket: { existing } }, 'bucket.name: an existing bucket is named: write its name'],
    [
      { account, bucket: { name: 'archives', existing, objectLock: { mode: 'governance' as const, days: 30 } } },
      'bucket.objectLock: the owner of an existing bucket sets its Object Lock, not the deployment',
    ],
    [
      { account, bucket: { name: 'archives', existing, kmsKey: {} } },
      'bucket.kmsKey: an existing bucket has its own encryption: write the arn of the key that it uses',
    ],
    [
      { bucket: { name: 'archives', existing } },
      "account: write the deployment's own account too: whether the bucket is of another one decides what is deployed",
    ],
  ])('is refused in a sentence: %#', (config, sentence) => {
    const parse = () => parseDeployment({ name: 'example', sites: ['hq'], ...config }, 'the test')
    expect(parse).toThrow(DeploymentConfigError)
    expect(parse).toThrow(sentence)
  })
})
