import { describe, expect, it } from 'vitest'
import {
  canonicalRequest,
  chunkStringToSign,
  EMPTY_SHA256,
  sha256Hex,
  signature,
  signingKey,
  stringToSign,
  trailerStringToSign,
  uriEncode,
} from '../../../../local/s3/protocol/canonical-request.ts'

// All values are those of the worked examples in the S3 API reference ("Signature Calculations…", "…in Multiple Chunks",
// "…Including Trailing Headers"), for the example key of the AWS documentation.
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const SCOPE = { date: '20130524', region: 'us-east-1', service: 's3' }
const DATE = '20130524T000000Z'
const HOST = ['host', 'examplebucket.s3.amazonaws.com'] as const

function sign(canonical: string): string {
  return signature(signingKey(SECRET, SCOPE), stringToSign(DATE, SCOPE, canonical))
}

describe('Signature Version 4, by the examples of the S3 API reference', () => {
  it('signs GET Object with a range', () => {
    const canonical = canonicalRequest({
      method: 'GET',
      path: '/test.txt',
      query: [],
      headers: [HOST, ['range', 'bytes=0-9'], ['x-amz-content-sha256', EMPTY_SHA256], ['x-amz-date', DATE]],
      payloadHash: EMPTY_SHA256,
    })
    expect(sha256Hex(canonical)).toBe('7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972')
    expect(sign(canonical)).toBe('f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41')
  })

  it('signs PUT Object with a $ in its key', () => {
    const payloadHash = '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072'
    const canonical = canonicalRequest({
      method: 'PUT',
      path: '/test$file.text',
      query: [],
      headers: [
        ['date', 'Fri, 24 May 2013 00:00:00 GMT'],
        HOST,
        ['x-amz-content-sha256', payloadHash],
        ['x-amz-date', DATE],
        ['x-amz-storage-class', 'REDUCED_REDUNDANCY'],
      ],
      payloadHash,
    })
    expect(sign(canonical)).toBe('98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd')
  })

  it.each([
    [[['lifecycle', '']], 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'],
    [
      [
        ['prefix', 'J'],
        ['max-keys', '2'],
      ],
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    ],
  ] as const)('signs GET Bucket with the query %j', (query, expected) => {
    const canonical = canonicalRequest({
      method: 'GET',
      path: '/',
      query: query.map(([name, value]) => [name, value] as const),
      headers: [HOST, ['x-amz-content-sha256', EMPTY_SHA256], ['x-amz-date', DATE]],
      payloadHash: EMPTY_SHA256,
    })
    expect(sign(canonical)).toBe(expected)
  })

  it('signs a presigned GET', () => {
    const canonical = canonicalRequest({
      method: 'GET',
      path: '/test.txt',
      query: [
        ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
        ['X-Amz-Credential', 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request'],
        ['X-Amz-Date', DATE],
        ['X-Amz-Expires', '86400'],
        ['X-Amz-SignedHeaders', 'host'],
      ],
      headers: [HOST],
      payloadHash: 'UNSIGNED-PAYLOAD',
    })
    expect(sign(canonical)).toBe('aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404')
  })

  it('signs chunks one after the other', () => {
    const key = signingKey(SECRET, SCOPE)
    const seed = '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9'
    const first = signature(key, chunkStringToSign(DATE, SCOPE, seed, sha256Hex('a'.repeat(65_536))))
    expect(first).toBe('ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648')
    const second = signature(key, chunkStringToSign(DATE, SCOPE, first, sha256Hex('a'.repeat(1024))))
    expect(second).toBe('0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497')
    const last = signature(key, chunkStringToSign(DATE, SCOPE, second, EMPTY_SHA256))
    expect(last).toBe('b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9')
  })

  it('signs chunks with a trailer', () => {
    const key = signingKey(SECRET, SCOPE)
    const seed = '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e'
    const first = signature(key, chunkStringToSign(DATE, SCOPE, seed, sha256Hex('a'.repeat(65_536))))
    expect(first).toBe('b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2')
    const second = signature(key, chunkStringToSign(DATE, SCOPE, first, sha256Hex('a'.repeat(1024))))
    expect(second).toBe('1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7')
    const last = signature(key, chunkStringToSign(DATE, SCOPE, second, EMPTY_SHA256))
    expect(last).toBe('2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992')
    const trailer = signature(key, trailerStringToSign(DATE, SCOPE, last, 'x-amz-checksum-crc32c:sOO8/Q==\n'))
    expect(trailer).toBe('d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435')
  })

  it('encodes as AWS does: everything but the unreserved characters, slashes kept on demand', () => {
    expect(uriEncode("a b/ü!'()*~-_.+")).toBe('a%20b%2F%C3%BC%21%27%28%29%2A~-_.%2B')
    expect(uriEncode('a/b c', true)).toBe('a/b%20c')
  })
})
