/** What sessions of roles may do here: each operation asks for the rights that S3 asks for. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Judgement } from '../../../local/iam/guard.ts'
import { readPolicy } from '../../../local/iam/policy.ts'
import { openSession, type Role } from '../../../local/iam/session.ts'
import { failure, type Fixture, KEYS, rawRequest, startFixture } from './fixture.ts'

let fixture: Fixture
let judgements: Judgement[] = []
let Bucket: string
let lockable: string
let versionId: string | undefined
const Key = 'archives/a'

beforeAll(async () => {
  fixture = await startFixture({ onJudgement: (judgement) => judgements.push(judgement) })
  Bucket = await fixture.bucket()
  lockable = await fixture.bucket({ ObjectLockEnabledForBucket: true })
  await fixture.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  versionId = (await fixture.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'a', Tagging: 'a=b' }))).VersionId
})
beforeEach(() => {
  judgements = []
})
afterAll(() => fixture.close())

const roleArn = 'arn:aws:iam::000000000000:role/copy-parts'

/** A client of a role that may do this, and nothing else. */
function clientOf(...statements: object[]): S3Client {
  const role: Role = {
    name: 'copy-parts',
    arn: roleArn,
    identity: readPolicy({ Statement: statements }, 'identity'),
    resource: [],
  }
  return fixture.client({ credentials: openSession(role, KEYS.secretAccessKey) })
}

const may = (...actions: string[]) => ({
  Effect: 'Allow',
  Action: actions.map((action) => `s3:${action}`),
  Resource: [Bucket, lockable].flatMap((name) => [`arn:aws:s3:::${name}`, `arn:aws:s3:::${name}/*`]),
})

type Send = (client: S3Client) => Promise<unknown>

/** Passes with these rights and with none less. */
async function needs(send: Send, ...actions: string[]): Promise<void> {
  for (const left of actions) {
    const fewer = clientOf(may(...actions.filter((action) => action !== left), 'GetBucketTagging'))
    expect(await failure(send(fewer)), `without ${left}`).toMatchObject({
      code: expect.stringMatching(/AccessDenied|^403$|Unknown/),
      status: 403,
    })
  }
  await send(clientOf(may(...actions)))
}

describe('a session of a role', () => {
  it('is refused in the words of S3, and the refusal is told', async () => {
    const { code, status, message } = await failure(
      clientOf(may('PutObject')).send(new GetObjectCommand({ Bucket, Key })),
    )
    expect({ code, status }).toEqual({ code: 'AccessDenied', status: 403 })
    expect(message).toBe(
      `User: arn:aws:sts::000000000000:assumed-role/copy-parts/copy-parts is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::${Bucket}/archives/a" because no identity-based policy allows the s3:GetObject action`,
    )
    expect(judgements.map(({ role, allowed, request }) => [role, allowed, request.action, request.resource])).toEqual([
      ['copy-parts', false, 's3:GetObject', `arn:aws:s3:::${Bucket}/archives/a`],
    ])
  })

  it('needs a token that the administrator’s key sealed', async () => {
    const role: Role = {
      name: 'r',
      arn: roleArn,
      identity: readPolicy({ Statement: may('*') }, 'identity'),
      resource: [],
    }
    const own = openSession(role, KEYS.secretAccessKey)
    const forged = openSession(role, 'another secret')
    const get = (credentials: typeof own) =>
      failure(fixture.client({ credentials }).send(new GetObjectCommand({ Bucket, Key })))
    expect((await get(forged)).code).toBe('InvalidToken')
    expect((await get({ ...own, sessionToken: forged.sessionToken })).code).toBe('InvalidToken')
    expect((await get({ ...own, secretAccessKey: KEYS.secretAccessKey })).code).toBe('SignatureDoesNotMatch')
    expect((await get({ ...own, accessKeyId: KEYS.accessKeyId })).code).toBe('InvalidAccessKeyId')
  })

  it('outlives a restart of the server, which keeps no register', async () => {
    const credentials = openSession(
      { name: 'r', arn: roleArn, identity: readPolicy({ Statement: may('GetObject') }, 'identity'), resource: [] },
      KEYS.secretAccessKey,
    )
    await fixture.restart()
    // The administrator's again: the first client of a fixture.
    fixture.client()
    const { Body } = await fixture.client({ credentials }).send(new GetObjectCommand({ Bucket, Key }))
    expect(await Body?.transformToString()).toBe('a')
  })

  it('may presign what it may do, and its URL carries its token', async () => {
    const url = await getSignedUrl(clientOf(may('PutObject')), new PutObjectCommand({ Bucket, Key: 'archives/signed' }))
    expect(
      (await rawRequest(url, { method: 'PUT', body: 'b', path: url.slice(new URL(url).origin.length) })).status,
    ).toBe(200)
    const denied = await getSignedUrl(clientOf(may('GetObject')), new PutObjectCommand({ Bucket, Key: 'archives/x' }))
    expect((await rawRequest(denied, { method: 'PUT', body: 'b' })).status).toBe(403)
  })

  it('is not an administrator of policies, who alone passes what a policy denies to all', async () => {
    const policy = {
      Statement: { Effect: 'Deny', Principal: '*', Action: 's3:GetBucketPolicy', Resource: `arn:aws:s3:::${lockable}` },
    }
    const put = new PutBucketPolicyCommand({ Bucket: lockable, Policy: JSON.stringify(policy) })
    expect((await failure(clientOf(may('GetObject')).send(put))).code).toBe('AccessDenied')
    await fixture.s3.send(put)
  })
})

describe('operations ask for the rights that S3 asks for', () => {
  it('when listing: by its prefix, delimiter and number, and versions and uploads by rights of their own', async () => {
    await needs((client) => client.send(new ListObjectsV2Command({ Bucket })), 'ListBucket')
    await needs((client) => client.send(new ListObjectVersionsCommand({ Bucket })), 'ListBucketVersions')
    await needs((client) => client.send(new ListMultipartUploadsCommand({ Bucket })), 'ListBucketMultipartUploads')
    const limited = clientOf({
      ...may('ListBucket'),
      Condition: { StringLike: { 's3:prefix': 'claims/*' }, NumericLessThanEquals: { 's3:max-keys': 10 } },
    })
    await limited.send(new ListObjectsV2Command({ Bucket, Prefix: 'claims/hq/', MaxKeys: 10 }))
    for (const input of [{}, { Prefix: 'claims/', MaxKeys: 11 }, { Prefix: 'archives/', MaxKeys: 1 }])
      expect((await failure(limited.send(new ListObjectsV2Command({ Bucket, ...input })))).status).toBe(403)
  })

  it('when reading: with a version by the version’s right', async () => {
    expect.hasAssertions()
    await needs((client) => client.send(new GetObjectCommand({ Bucket, Key })), 'GetObject')
    await needs((client) => client.send(new HeadObjectCommand({ Bucket, Key })), 'GetObject')
    await needs(
      (client) => client.send(new GetObjectCommand({ Bucket, Key, VersionId: versionId })),
      'GetObjectVersion',
    )
    const attributes = { Bucket, Key, ObjectAttributes: ['ObjectSize' as const] }
    await needs((client) => client.send(new GetObjectAttributesCommand(attributes)), 'GetObject', 'GetObjectAttributes')
    await needs(
      (client) => client.send(new GetObjectAttributesCommand({ ...attributes, VersionId: versionId })),
      'GetObjectVersion',
      'GetObjectVersionAttributes',
    )
  })

  it('when an object is absent: 404 only for those who may list', async () => {
    const missing = { Bucket, Key: 'archives/none' }
    const [blind, seeing] = [clientOf(may('GetObject')), clientOf(may('GetObject', 'ListBucket'))]
    expect(await failure(blind.send(new GetObjectCommand(missing)))).toMatchObject({
      code: 'AccessDenied',
      status: 403,
    })
    expect((await failure(blind.send(new HeadObjectCommand(missing)))).status).toBe(403)
    expect(await failure(seeing.send(new GetObjectCommand(missing)))).toMatchObject({ code: 'NoSuchKey', status: 404 })
    expect((await failure(seeing.send(new HeadObjectCommand(missing)))).status).toBe(404)
  })

  it('when writing: If-Match needs to read, If-None-Match doesn’t', async () => {
    expect.hasAssertions()
    const { ETag } = await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'b', Body: 'b' }))
    await needs(
      (client) => client.send(new PutObjectCommand({ Bucket, Key: 'b', Body: 'b', IfMatch: ETag })),
      'GetObject',
      'PutObject',
    )
    let count = 0
    await needs(
      (client) =>
        client.send(new PutObjectCommand({ Bucket, Key: `once-${(count += 1)}`, Body: 'b', IfNoneMatch: '*' })),
      'PutObject',
    )
    await needs(
      (client) => client.send(new PutObjectCommand({ Bucket, Key: 'b', Body: 'b', Tagging: 'a=b' })),
      'PutObject',
      'PutObjectTagging',
    )
    await needs(
      (client) => client.send(new PutObjectTaggingCommand({ Bucket, Key: 'b', Tagging: { TagSet: [] } })),
      'PutObjectTagging',
    )
    await needs(
      (client) => client.send(new CopyObjectCommand({ Bucket, Key: 'c', CopySource: `${Bucket}/b` })),
      'GetObject',
      'PutObject',
    )
  })

  it('when uploading in parts', async () => {
    expect.hasAssertions()
    const upload = { Bucket, Key: 'archives/parts' }
    await needs((client) => client.send(new CreateMultipartUploadCommand(upload)), 'PutObject')
    const { UploadId } = await fixture.s3.send(new CreateMultipartUploadCommand(upload))
    const part = { ...upload, UploadId, PartNumber: 1, Body: 'part' }
    await needs((client) => client.send(new UploadPartCommand(part)), 'PutObject')
    await needs((client) => client.send(new ListPartsCommand({ ...upload, UploadId })), 'ListMultipartUploadParts')
    const { ETag } = await fixture.s3.send(new UploadPartCommand(part))
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
    const complete = new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload })
    await needs((client) => client.send(complete), 'PutObject')
    const second = await fixture.s3.send(new CreateMultipartUploadCommand(upload))
    const abort = new AbortMultipartUploadCommand({ ...upload, UploadId: second.UploadId })
    await needs((client) => client.send(abort), 'AbortMultipartUpload')
  })

  it('when removing: versions by a right of their own, many of them one by one', async () => {
    await needs((client) => client.send(new DeleteObjectCommand({ Bucket, Key: 'b' })), 'DeleteObject')
    await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'b', Body: 'b' }))
    const ETag = (await fixture.s3.send(new HeadObjectCommand({ Bucket, Key: 'b' }))).ETag
    await needs(
      (client) => client.send(new DeleteObjectCommand({ Bucket, Key: 'b', IfMatch: ETag })),
      'DeleteObject',
      'GetObject',
    )
    const made = await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'c', Body: 'c' }))
    await needs(
      (client) => client.send(new DeleteObjectCommand({ Bucket, Key: 'c', VersionId: made.VersionId })),
      'DeleteObjectVersion',
    )
    const folder = { ...may('DeleteObject'), Resource: `arn:aws:s3:::${Bucket}/uploads/*` }
    const Objects = [{ Key: 'uploads/1' }, { Key: 'archives/1' }, { Key: 'uploads/2', VersionId: made.VersionId }]
    const { Deleted = [], Errors = [] } = await clientOf(folder).send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects } }),
    )
    expect(Deleted.map((one) => one.Key)).toEqual(['uploads/1'])
    expect(Errors.map((one) => [one.Key, one.Code])).toEqual([
      ['archives/1', 'AccessDenied'],
      ['uploads/2', 'AccessDenied'],
    ])
  })

  it('when a lock or tags are shown: without their rights they are left out, and nothing is refused', async () => {
    const ObjectLockRetainUntilDate = new Date(Date.now() + 3_600_000)
    const locked = { Bucket: lockable, Key: 'archives/locked' }
    const put = new PutObjectCommand({
      ...locked,
      Body: 'l',
      Tagging: 'a=b',
      ObjectLockMode: 'GOVERNANCE',
      ObjectLockRetainUntilDate,
      ObjectLockLegalHoldStatus: 'ON',
      ChecksumAlgorithm: 'CRC32',
    })
    await needs(
      (client) => client.send(put),
      'PutObject',
      'PutObjectTagging',
      'PutObjectRetention',
      'PutObjectLegalHold',
    )
    const head = async (...actions: string[]) => {
      const client = clientOf(may('GetObject', ...actions))
      const { ObjectLockMode, ObjectLockLegalHoldStatus } = await client.send(new HeadObjectCommand(locked))
      const { TagCount } = await client.send(new GetObjectCommand(locked))
      return { ObjectLockMode, ObjectLockLegalHoldStatus, TagCount }
    }
    judgements = []
    expect(await head()).toEqual({})
    expect(judgements.filter(({ allowed }) => !allowed)).toEqual([])
    expect(await head('GetObjectRetention')).toEqual({ ObjectLockMode: 'GOVERNANCE' })
    expect(await head('GetObjectLegalHold', 'GetObjectTagging')).toEqual({
      ObjectLockLegalHoldStatus: 'ON',
      TagCount: 1,
    })
    await needs((client) => client.send(new GetObjectRetentionCommand(locked)), 'GetObjectRetention')
  })

  it('when the bucket’s policy denies what the role allows', async () => {
    const resource = readPolicy(
      {
        Statement: {
          Effect: 'Deny',
          Principal: '*',
          Action: 's3:PutObject',
          Resource: `arn:aws:s3:::${Bucket}/archives/*`,
          Condition: { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } },
        },
      },
      'resource',
    )
    const identity = readPolicy({ Statement: may('PutObject') }, 'identity')
    const credentials = openSession({ name: 'w', arn: roleArn, identity, resource }, KEYS.secretAccessKey)
    const client = fixture.client({ credentials })
    const put = { Bucket, Key: 'archives/new', Body: 'n' }
    expect((await failure(client.send(new PutObjectCommand(put)))).message).toContain(
      'explicit deny in a resource-based',
    )
    await client.send(new PutObjectCommand({ ...put, IfNoneMatch: '*' }))
    await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'archives/parts-2' }))
  })
})

describe('a bucket with a KMS key', () => {
  const key = 'arn:aws:kms:eu-central-1:111122223333:key/6f0e0b7e-0000-4000-8000-000000000001'
  const use = (...actions: string[]) => ({
    Effect: 'Allow',
    Action: actions.map((action) => `kms:${action}`),
    Resource: key,
    Condition: { StringLike: { 'kms:ViaService': 's3.*' } },
  })

  it('wants the use of the key from who reads or writes there', async () => {
    const encrypted = await fixture.bucket()
    const byKey = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: key } as const }
    await fixture.s3.send(
      new PutBucketEncryptionCommand({ Bucket: encrypted, ServerSideEncryptionConfiguration: { Rules: [byKey] } }),
    )
    const objects = {
      Effect: 'Allow',
      Action: ['s3:GetObject', 's3:PutObject'],
      Resource: `arn:aws:s3:::${encrypted}/*`,
    }
    const put = new PutObjectCommand({ Bucket: encrypted, Key, Body: 'a' })
    const get = new GetObjectCommand({ Bucket: encrypted, Key })
    const writer = clientOf(objects, use('GenerateDataKey'))
    expect(await failure(clientOf(objects, use('Decrypt')).send(put))).toMatchObject({
      code: 'AccessDenied',
      message: expect.stringContaining('kms:GenerateDataKey'),
    })
    await writer.send(put)
    expect(await failure(writer.send(get))).toMatchObject({ message: expect.stringContaining('kms:Decrypt') })
    await clientOf(objects, use('Decrypt')).send(get)
  })
})
