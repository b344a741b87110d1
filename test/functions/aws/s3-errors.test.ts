import { createServer } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { S3ArchiveStore } from '../../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../../functions/aws/s3-client.ts'
import { storeFact } from '../../../functions/aws/s3-errors.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** A store whose S3 gives this error to everything. */
async function storeThatAnswers(status: number, xml: string): Promise<S3ArchiveStore> {
  const server = createServer((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/xml', connection: 'close' })
    response.end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error>${xml}</Error>`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const client = createS3Client({ endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', credentials })
  closing.push(() => {
    client.destroy()
    server.close()
  })
  return new S3ArchiveStore(client, 'archives', { sleep: async () => undefined, random: () => 0.5 })
}

describe('an object in an archive class', () => {
  it.each([
    ['<StorageClass>GLACIER</StorageClass>', 'GLACIER'],
    [
      '<StorageClass>INTELLIGENT_TIERING</StorageClass><AccessTier>DEEP_ARCHIVE_ACCESS</AccessTier>',
      'DEEP_ARCHIVE_ACCESS',
    ],
    ['', 'an archive class'],
  ])('is told as such, with where it lies and what to do: %s', async (details, where) => {
    const store = await storeThatAnswers(403, `<Code>InvalidObjectState</Code><Message>No.</Message>${details}`)
    const fact = {
      name: 'ObjectFrozen',
      group: 'fail-guest',
      message: `s3://archives/a/b lies in ${where}; restore it first (aws s3api restore-object)`,
    }
    await expect(store.readText('a/b')).rejects.toMatchObject(fact)
    await expect(store.readRange('a/b', { firstByte: 0, lastByte: 0, etag: '"e"' })).rejects.toMatchObject(fact)
  })
})

describe('a KMS key that does not serve', () => {
  it.each([
    [400, 'KMS.DisabledException', 'is disabled.', "the bucket's KMS key is disabled. Enable it"],
    [400, 'KMS.KMSInvalidStateException', 'is pending deletion.', 'If its deletion is scheduled, cancel that now'],
    [400, 'KMS.NotFoundException', 'Invalid key.', 'Check the ARN of the key, its account and its region'],
    [
      403,
      'AccessDenied',
      'User: arn:aws:sts::1:assumed-role/r is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:k',
      "access denied (kms:GenerateDataKey) by the bucket's KMS key. Permit it to the identity",
    ],
  ])('is named with what to do: %s %s', async (status, code, message, said) => {
    const store = await storeThatAnswers(status, `<Code>${code}</Code><Message>${message}</Message>`)
    await expect(store.readText('a/b')).rejects.toMatchObject({
      name: 'StoreDenied',
      message: expect.stringContaining(said),
    })
  })
})

describe('an answer without an error code of S3', () => {
  it('is told by its status and content type', async () => {
    const error = Object.assign(new Error('UnknownError'), {
      $metadata: { httpStatusCode: 409 },
      $response: { headers: { 'content-type': 'text/html' } },
    })
    const action = { bucket: 'archives', key: 'a', verb: 'read' }
    expect(storeFact(error, action)).toMatchObject({
      name: 'StoreDenied',
      message: "can't read s3://archives/a: HTTP status 409 without an error code of S3 (text/html) (409)",
    })
    const away = Object.assign(new Error('UnknownError'), { $metadata: { httpStatusCode: 502 } })
    expect(storeFact(away, action)).toMatchObject({
      name: 'StoreUnavailable',
      message: expect.stringMatching(/HTTP status 502 without an error code of S3 \(no content type\)/),
    })
  })
})

describe('settings that are missing', () => {
  it('are told with what to set', () => {
    const action = { bucket: 'archives', key: 'a', verb: 'read' }
    expect(storeFact(new Error('Region is missing'), action).message).toMatch(/no AWS region is set. Set AWS_REGION/)
    const credentials = Object.assign(new Error('none'), { name: 'CredentialsProviderError' })
    expect(storeFact(credentials, action).message).toMatch(/no AWS credentials were found. Set AWS_ACCESS_KEY_ID/)
  })
})
