/** The bucket's own policy, as the template has it, on the embedded S3: what a role may do is another matter. */
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { App } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parseDeployment } from '../../lib/deployment-config.ts'
import { StorageStack } from '../../lib/storage-stack.ts'
import { failure, type Fixture, startFixture } from '../local/s3/fixture.ts'

const FOLDER = 'vm/archives/hq/vm-100/2026-11-22T02-00-00Z'

/** The statements that guard archives. Those about TLS can't be tried without it. */
function guards(): object[] {
  const config = { name: 'test', sites: ['hq'], bucket: { keyPrefix: 'vm/' } }
  const stack = new StorageStack(new App(), parseDeployment(config, 'the test'))
  const [policy] = Object.values(Template.fromStack(stack).findResources('AWS::S3::BucketPolicy'))
  const { PolicyDocument } = z
    .object({ PolicyDocument: z.object({ Statement: z.array(z.looseObject({ Sid: z.string().optional() })) }) })
    .parse(policy?.['Properties'])
  const ours = PolicyDocument.Statement.filter(({ Sid }) => Sid !== undefined)
  expect(ours).toHaveLength(2)
  return ours
}

/** The same about the bucket of this name. */
function policyFor(Bucket: string, Statement: object[]): string {
  return JSON.stringify({ Statement }, (_, value: unknown) => {
    const join = (value as { 'Fn::Join'?: [string, unknown[]] } | null)?.['Fn::Join']
    return join === undefined ? value : `arn:aws:s3:::${Bucket}${String(join[1].at(-1))}`
  })
}

describe('the policy of the archive bucket', () => {
  let fixture: Fixture
  let Bucket: string
  beforeAll(async () => {
    const statements = guards()
    fixture = await startFixture()
    Bucket = await fixture.bucket()
    await fixture.s3.send(new PutBucketPolicyCommand({ Bucket, Policy: policyFor(Bucket, statements) }))
  })
  afterAll(() => fixture.close())

  const put = (Key: string, condition: object = {}) =>
    fixture.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ...condition }))
  const open = async (Key: string) => {
    const { UploadId } = await fixture.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }))
    const part = new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'x' })
    const { ETag } = await fixture.s3.send(part)
    return { Bucket, Key, UploadId, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } }
  }
  const denied = { code: 'AccessDenied', status: 403 }

  it('lets an archive and its manifest be written where nothing is, and never again', async () => {
    const upload = await open(`${FOLDER}/disk.vma.zst`)
    expect(await failure(fixture.s3.send(new CompleteMultipartUploadCommand(upload)))).toMatchObject(denied)
    await fixture.s3.send(new CompleteMultipartUploadCommand({ ...upload, IfNoneMatch: '*' }))
    const again = await open(`${FOLDER}/disk.vma.zst`)
    const overwriting = fixture.s3.send(new CompleteMultipartUploadCommand({ ...again, IfNoneMatch: '*' }))
    expect((await failure(overwriting)).code).toBe('PreconditionFailed')

    expect(await failure(put(`${FOLDER}/manifest.json`))).toMatchObject(denied)
    const { ETag } = await put(`${FOLDER}/manifest.json`, { IfNoneMatch: '*' })
    expect(await failure(put(`${FOLDER}/manifest.json`, { IfMatch: ETag }))).toMatchObject(denied)
    const CopySource = `${Bucket}/${FOLDER}/manifest.json`
    const copy = new CopyObjectCommand({ Bucket, Key: `${FOLDER}/guest.json`, CopySource })
    expect(await failure(fixture.s3.send(copy))).toMatchObject(denied)
  })

  it('lets what a verification found be replaced by whoever knows what is there', async () => {
    const { ETag } = await put(`${FOLDER}/verification.json`, { IfNoneMatch: '*' })
    expect(await failure(put(`${FOLDER}/verification.json`))).toMatchObject(denied)
    await put(`${FOLDER}/verification.json`, { IfMatch: ETag })
  })

  it('leaves the books to those who keep them', async () => {
    const { ETag } = await put('vm/claims/hq/vm-100.json')
    await put('vm/claims/hq/vm-100.json', { IfMatch: ETag })
    await put('vm/runs/2026/11/22/run/report.json')
    await expect(put('vm/runs/2026/11/22/run/report.json')).resolves.toBeDefined()
  })
})
