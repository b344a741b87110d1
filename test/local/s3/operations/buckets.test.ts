import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketPolicyCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketPolicyCommand,
  GetPublicAccessBlockCommand,
  GetObjectTorrentCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketCorsCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketReplicationCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  SelectObjectContentCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failure, type Fixture, startFixture } from '../fixture.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await startFixture()
})
afterAll(() => fixture.close())

describe('buckets', () => {
  it('are created, found, listed and deleted', async () => {
    const Bucket = await fixture.bucket()
    expect((await fixture.s3.send(new HeadBucketCommand({ Bucket }))).BucketRegion).toBe('us-east-1')
    const names = (await fixture.s3.send(new ListBucketsCommand())).Buckets?.map((item) => item.Name)
    expect(names).toContain(Bucket)
    expect((await fixture.s3.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint).toBeUndefined()
    await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
    expect(await failure(fixture.s3.send(new DeleteBucketCommand({ Bucket })))).toMatchObject({
      code: 'BucketNotEmpty',
      status: 409,
    })
    const empty = await fixture.bucket()
    await fixture.s3.send(new DeleteBucketCommand({ Bucket: empty }))
    expect((await failure(fixture.s3.send(new HeadBucketCommand({ Bucket: empty })))).status).toBe(404)
  })

  it.each(['UPPER', 'ab', 'a..b', '192.168.1.1', '.s3', 'a_b'])('refuses the name %s', async (Bucket) => {
    expect((await failure(fixture.s3.send(new CreateBucketCommand({ Bucket })))).code).toBe('InvalidBucketName')
  })

  it('knows its region and refuses to create a bucket twice there', async () => {
    const CreateBucketConfiguration = { LocationConstraint: 'eu-central-1' as const }
    const create = () => fixture.s3.send(new CreateBucketCommand({ Bucket: 'in-europe', CreateBucketConfiguration }))
    await create()
    const where = await fixture.s3.send(new GetBucketLocationCommand({ Bucket: 'in-europe' }))
    expect(where.LocationConstraint).toBe('eu-central-1')
    expect(await failure(create())).toMatchObject({ code: 'BucketAlreadyOwnedByYou', status: 409 })
  })
})

describe('settings of a bucket', () => {
  it('keeps lifecycle rules', async () => {
    const Bucket = await fixture.bucket()
    const none = fixture.s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))
    expect((await failure(none)).code).toBe('NoSuchLifecycleConfiguration')
    const Rules = [
      {
        ID: 'r',
        Status: 'Enabled' as const,
        Filter: { Prefix: '' },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 16 },
      },
    ]
    await fixture.s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }))
    expect((await fixture.s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))).Rules).toEqual(Rules)
  })

  it('applies default encryption to new objects', async () => {
    const Bucket = await fixture.bucket()
    const KMSMasterKeyID = 'arn:aws:kms:eu-central-1:1:key/k'
    const rules = [
      {
        ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' as const, KMSMasterKeyID },
        BucketKeyEnabled: true,
      },
    ]
    await fixture.s3.send(
      new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules: rules } }),
    )
    const stored = await fixture.s3.send(new GetBucketEncryptionCommand({ Bucket }))
    expect(stored.ServerSideEncryptionConfiguration?.Rules).toEqual(rules)
    const answer = await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
    expect(answer).toMatchObject({
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: KMSMasterKeyID,
      BucketKeyEnabled: true,
    })
  })

  it('keeps the public access block and notifications', async () => {
    const Bucket = await fixture.bucket()
    const PublicAccessBlockConfiguration = {
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: true,
    }
    await fixture.s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }))
    const block = await fixture.s3.send(new GetPublicAccessBlockCommand({ Bucket }))
    expect(block.PublicAccessBlockConfiguration).toEqual(PublicAccessBlockConfiguration)
    await fixture.s3.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket,
        NotificationConfiguration: { EventBridgeConfiguration: {} },
      }),
    )
    const notifications = await fixture.s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }))
    expect(notifications.EventBridgeConfiguration).toBeDefined()
    await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
  })

  it('enforces Deny statements, by action, resource and condition', async () => {
    const Bucket = await fixture.bucket()
    const statement = (more: object) => ({ Effect: 'Deny', Principal: '*', ...more })
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        statement({ Action: 's3:PutObject', Resource: `arn:aws:s3:::${Bucket}/private/*` }),
        statement({ Action: ['s3:ListBucket'], Resource: `arn:aws:s3:::${Bucket}` }),
        statement({
          Action: 's3:*',
          Resource: `arn:aws:s3:::${Bucket}/kms/*`,
          Condition: { StringNotEquals: { 's3:x-amz-server-side-encryption': 'aws:kms' } },
        }),
        statement({
          Action: 's3:*',
          Resource: `arn:aws:s3:::${Bucket}/*`,
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        }),
      ],
    })
    await fixture.s3.send(new PutBucketPolicyCommand({ Bucket, Policy }))
    expect((await fixture.s3.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toBe(Policy)
    const put = (Key: string, more: object = {}) =>
      fixture.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ...more }))
    expect(await failure(put('private/a'))).toMatchObject({ code: 'AccessDenied', status: 403 })
    expect((await failure(fixture.s3.send(new ListObjectsV2Command({ Bucket })))).code).toBe('AccessDenied')
    expect((await failure(put('kms/a'))).code).toBe('AccessDenied')
    await put('kms/a', { ServerSideEncryption: 'aws:kms' })
    await put('public/a')
    await fixture.s3.send(new DeleteBucketPolicyCommand({ Bucket }))
    await put('private/a')
  })

  it('refuses policies that it could not enforce', async () => {
    const Bucket = await fixture.bucket()
    const attempt = (Policy: string) => failure(fixture.s3.send(new PutBucketPolicyCommand({ Bucket, Policy })))
    expect((await attempt('not json')).code).toBe('MalformedPolicy')
    const statement = { Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: `arn:aws:s3:::${Bucket}/*` }
    const condition = { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }
    const policy = JSON.stringify({ Statement: [{ ...statement, Condition: condition }] })
    expect(await attempt(policy)).toMatchObject({ code: 'NotImplemented', status: 501 })
  })
})

describe('what is not implemented', () => {
  it('is answered 501 and never ignored', async () => {
    const Bucket = await fixture.bucket()
    const target = { Bucket, Key: 'k' }
    await fixture.s3.send(new PutObjectCommand({ ...target, Body: 'x' }))
    const { s3 } = fixture
    const calls: Promise<unknown>[] = [
      s3.send(new GetObjectTorrentCommand(target)),
      s3.send(
        new SelectObjectContentCommand({
          ...target,
          Expression: 'x',
          ExpressionType: 'SQL',
          InputSerialization: {},
          OutputSerialization: {},
        }),
      ),
      s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules: [] } })),
      s3.send(new PutBucketReplicationCommand({ Bucket, ReplicationConfiguration: { Role: 'r', Rules: [] } })),
      s3.send(new PutObjectCommand({ ...target, Body: 'x', WebsiteRedirectLocation: '/y' })),
      s3.send(
        new PutObjectCommand({ ...target, Body: 'x', SSECustomerAlgorithm: 'AES256', SSECustomerKey: '0'.repeat(32) }),
      ),
    ]
    for (const outcome of await Promise.all(calls.map(failure))) {
      expect(outcome).toMatchObject({ code: 'NotImplemented', status: 501 })
    }
  })

  it('has no ACLs, as new buckets on S3', async () => {
    const Bucket = await fixture.bucket()
    const put = (ACL: 'private' | 'public-read') =>
      fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ACL }))
    await put('private')
    expect((await failure(put('public-read'))).code).toBe('AccessControlListNotSupported')
    const acl = fixture.s3.send(new PutObjectAclCommand({ Bucket, Key: 'k', ACL: 'public-read' }))
    expect((await failure(acl)).code).toBe('AccessControlListNotSupported')
    expect((await failure(fixture.s3.send(new GetBucketCorsCommand({ Bucket })))).code).toBe('NoSuchCORSConfiguration')
  })
})
