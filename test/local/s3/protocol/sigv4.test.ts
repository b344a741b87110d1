import { GetObjectCommand, HeadBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errorCode, failure, type Fixture, KEYS, rawRequest, startFixture } from '../fixture.ts'
import { presign, sha256, signHeaders } from '../signer.ts'

let fixture: Fixture
let Bucket: string
beforeAll(async () => {
  fixture = await startFixture()
  Bucket = await fixture.bucket()
  await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'secret' }))
})
afterAll(() => fixture.close())

const urlOf = (path: string) => `${fixture.server.url}/${Bucket}/${path}`
const EMPTY = sha256('')

describe('signed headers', () => {
  it('let the owner in and nobody else', async () => {
    const get = (credentials: { accessKeyId: string; secretAccessKey: string }) =>
      fixture.client({ credentials }).send(new GetObjectCommand({ Bucket, Key: 'k' }))
    expect(await (await get(KEYS)).Body?.transformToString()).toBe('secret')
    expect(await failure(get({ ...KEYS, secretAccessKey: 'wrong' }))).toMatchObject({
      code: 'SignatureDoesNotMatch',
      status: 403,
    })
    expect(await failure(get({ ...KEYS, accessKeyId: 'NOBODY' }))).toMatchObject({
      code: 'InvalidAccessKeyId',
      status: 403,
    })
  })

  it('are required', async () => {
    const answer = await rawRequest(urlOf('k'))
    expect([answer.status, errorCode(answer)]).toEqual([403, 'AccessDenied'])
    const old = await rawRequest(urlOf('k'), { headers: { authorization: 'AWS x:y' } })
    expect([old.status, errorCode(old)]).toEqual([400, 'InvalidRequest'])
  })

  it('are refused 15 minutes early or late', async () => {
    for (const offset of [-16, 16]) {
      const date = new Date(Date.now() + offset * 60_000)
      const { headers } = signHeaders({ method: 'GET', url: urlOf('k'), payloadHash: EMPTY, date })
      const answer = await rawRequest(urlOf('k'), { headers })
      expect([answer.status, errorCode(answer)]).toEqual([403, 'RequestTimeTooSkewed'])
    }
    const date = new Date(Date.now() - 14 * 60_000)
    const { headers } = signHeaders({ method: 'GET', url: urlOf('k'), payloadHash: EMPTY, date })
    expect((await rawRequest(urlOf('k'), { headers })).status).toBe(200)
  })

  it('cover the path, the query, the method, and every x-amz header', async () => {
    const { headers } = signHeaders({ method: 'GET', url: urlOf('k'), payloadHash: EMPTY })
    expect(errorCode(await rawRequest(urlOf('other'), { headers }))).toBe('SignatureDoesNotMatch')
    expect(errorCode(await rawRequest(urlOf('k?versionId=x'), { headers }))).toBe('SignatureDoesNotMatch')
    expect(errorCode(await rawRequest(urlOf('k'), { headers, method: 'DELETE' }))).toBe('SignatureDoesNotMatch')
    const added = await rawRequest(urlOf('k'), { headers: { ...headers, 'x-amz-meta-evil': '1' } })
    expect([errorCode(added), added.text.includes('x-amz-meta-evil')]).toEqual(['AccessDenied', true])
  })

  it('cover the body by its hash', async () => {
    const { headers } = signHeaders({ method: 'PUT', url: urlOf('new'), payloadHash: sha256('good') })
    const answer = await rawRequest(urlOf('new'), { method: 'PUT', headers, body: 'evil' })
    expect([answer.status, errorCode(answer)]).toEqual([400, 'XAmzContentSHA256Mismatch'])
    expect((await failure(fixture.s3.send(new GetObjectCommand({ Bucket, Key: 'new' })))).code).toBe('NoSuchKey')
    expect((await rawRequest(urlOf('new'), { method: 'PUT', headers, body: 'good' })).status).toBe(200)
  })

  it('are bound to the server’s region when it has one', async () => {
    await fixture.restart({ region: 'eu-central-1' })
    const wrong = await failure(
      fixture.client({ region: 'us-west-2' }).send(new GetObjectCommand({ Bucket, Key: 'k' })),
    )
    expect(wrong.code).toBe('AuthorizationHeaderMalformed')
    expect(wrong.message).toContain("expecting 'eu-central-1'")
    await fixture.client({ region: 'eu-central-1' }).send(new HeadBucketCommand({ Bucket }))
    await fixture.restart()
  })
})

describe('presigned URLs', () => {
  it('read, write and upload parts without headers', async () => {
    expect((await rawRequest(presign('GET', urlOf('k')))).text).toBe('secret')
    expect((await rawRequest(presign('PUT', urlOf('pre')), { method: 'PUT', body: 'by url' })).status).toBe(200)
    expect((await rawRequest(presign('GET', urlOf('pre')))).text).toBe('by url')
  })

  it('work for nothing but what was signed', async () => {
    const url = presign('GET', urlOf('k'))
    expect(errorCode(await rawRequest(url.replace('/k?', '/pre?')))).toBe('SignatureDoesNotMatch')
    expect(errorCode(await rawRequest(url, { method: 'DELETE' }))).toBe('SignatureDoesNotMatch')
    const flipped = url.slice(0, -1) + (url.endsWith('0') ? '1' : '0')
    expect(errorCode(await rawRequest(flipped))).toBe('SignatureDoesNotMatch')
    expect(errorCode(await rawRequest(url.replace('Expires=60', 'Expires=6000')))).toBe('SignatureDoesNotMatch')
    const sneaky = await rawRequest(presign('PUT', urlOf('pre')), {
      method: 'PUT',
      body: 'x',
      headers: { 'x-amz-storage-class': 'GLACIER' },
    })
    expect([sneaky.status, errorCode(sneaky)]).toEqual([403, 'AccessDenied'])
  })

  it('expire, and are valid a week at most', async () => {
    const old = presign('GET', urlOf('k'), { date: new Date(Date.now() - 61_000), expires: 60 })
    const answer = await rawRequest(old)
    expect([answer.status, errorCode(answer)]).toEqual([403, 'AccessDenied'])
    expect(answer.text).toContain('Request has expired')
    const hours = presign('GET', urlOf('k'), { date: new Date(Date.now() - 7_200_000), expires: 8000 })
    expect((await rawRequest(hours)).status).toBe(200)
    const long = await rawRequest(presign('GET', urlOf('k'), { expires: 604_801 }))
    expect(errorCode(long)).toBe('AuthorizationQueryParametersError')
  })
})

describe('addressing', () => {
  it('understands the virtual-host style below localhost', async () => {
    const host = `${Bucket}.localhost`
    const { headers } = signHeaders({
      method: 'GET',
      url: `${fixture.server.url}/k`,
      payloadHash: EMPTY,
      headers: { host },
    })
    expect((await rawRequest(`${fixture.server.url}/k`, { headers })).text).toBe('secret')
  })
})
