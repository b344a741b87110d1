import { ListObjectsCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failure, type Fixture, startFixture } from '../fixture.ts'

let fixture: Fixture
let Bucket: string
const KEYS = ['a', 'b/1', 'b/2', 'b/c/3', 'd', 'é', 'z&<>"\'', 'z z+%']

beforeAll(async () => {
  fixture = await startFixture()
  Bucket = await fixture.bucket()
  await Promise.all(KEYS.map((Key) => fixture.s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }))))
})
afterAll(() => fixture.close())

const list = (more: object = {}) => fixture.s3.send(new ListObjectsV2Command({ Bucket, ...more }))
const sorted = KEYS.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))

describe('listing objects', () => {
  it('gives all keys in byte order, whatever their characters', async () => {
    expect((await list()).Contents?.map((item) => item.Key)).toEqual(sorted)
    const encoded = await list({ EncodingType: 'url' })
    expect(encoded.Contents?.map((item) => decodeURIComponent(item.Key ?? ''))).toEqual(sorted)
  })

  it.each([1, 2, 3])('pages by %i without losing or repeating', async (MaxKeys) => {
    const seen: (string | undefined)[] = []
    let ContinuationToken: string | undefined
    do {
      const page = await list({ MaxKeys, ContinuationToken })
      expect(page.KeyCount).toBeLessThanOrEqual(MaxKeys)
      seen.push(...(page.Contents ?? []).map((item) => item.Key))
      ContinuationToken = page.NextContinuationToken
      expect(page.IsTruncated).toBe(ContinuationToken !== undefined)
    } while (ContinuationToken !== undefined)
    expect(seen).toEqual(sorted)
  })

  it('groups by delimiter, also across pages', async () => {
    const page = await list({ Delimiter: '/', MaxKeys: 2 })
    expect(page.Contents?.map((item) => item.Key)).toEqual(['a'])
    expect(page.CommonPrefixes?.map((item) => item.Prefix)).toEqual(['b/'])
    const rest = await list({ Delimiter: '/', ContinuationToken: page.NextContinuationToken })
    expect(rest.CommonPrefixes).toBeUndefined()
    expect(rest.Contents?.map((item) => item.Key)).toEqual(sorted.slice(4))
    const inner = await list({ Prefix: 'b/', Delimiter: '/' })
    expect(inner.Contents?.map((item) => item.Key)).toEqual(['b/1', 'b/2'])
    expect(inner.CommonPrefixes?.map((item) => item.Prefix)).toEqual(['b/c/'])
  })

  it('starts after a key, and says so for a prefix without objects', async () => {
    expect((await list({ StartAfter: 'b/2' })).Contents?.map((item) => item.Key)).toEqual(sorted.slice(3))
    expect(await list({ Prefix: 'nothing' })).toMatchObject({ KeyCount: 0, IsTruncated: false })
    expect((await list({ MaxKeys: 0 })).IsTruncated).toBe(false)
    expect((await failure(list({ ContinuationToken: 'made up' }))).code).toBe('InvalidArgument')
  })

  it('pages the old way with markers', async () => {
    const old = (more: object) => fixture.s3.send(new ListObjectsCommand({ Bucket, ...more }))
    const first = await old({ MaxKeys: 3, Delimiter: '/' })
    expect(first).toMatchObject({ IsTruncated: true, NextMarker: 'd' })
    const second = await old({ Marker: first.NextMarker, Delimiter: '/' })
    expect(second.Contents?.map((item) => item.Key)).toEqual(sorted.slice(5))
  })
})
