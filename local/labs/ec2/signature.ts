/**
 * Signatures of requests, version 4, checked by code of the lab's own: a client that signs with a package isn't judged by
 * the same package. (AWS, "Create a signed AWS API request".)
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

export interface SignedRequest {
  method: string
  /** As received: path and query, still encoded. */
  target: string
  headers: IncomingHttpHeaders
  body: Uint8Array
}

export interface Claim {
  accessKeyId: string
  date: string
  region: string
  service: string
  signedHeaders: string[]
  signature: string
}

const HEADER =
  /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/(\d{8})\/([^/,]+)\/([^/,]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/

export function claimOf(authorization: string): Claim | undefined {
  const [, accessKeyId, date, region, service, signed, signature] = HEADER.exec(authorization) ?? []
  if (accessKeyId === undefined || date === undefined || region === undefined || service === undefined) return undefined
  if (signed === undefined || signature === undefined) return undefined
  return { accessKeyId, date, region, service, signedHeaders: signed.split(';'), signature }
}

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** RFC 3986, which leaves fewer signs as they are than JavaScript does. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)

function canonicalQuery(query: string): string {
  const pairs = query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair): [string, string] => {
      const [name = '', ...value] = pair.split('=')
      return [encoded(decodeURIComponent(name)), encoded(decodeURIComponent(value.join('=')))]
    })
  return pairs
    .toSorted(([a, one], [b, other]) => (a < b ? -1 : a > b ? 1 : one < other ? -1 : one > other ? 1 : 0))
    .map((pair) => pair.join('='))
    .join('&')
}

/** Why the signature is none, or nothing when it is right. */
export function signatureFault(request: SignedRequest, claim: Claim, secret: string): string | undefined {
  const [path = '/', query = ''] = request.target.split('?')
  if (!claim.signedHeaders.includes('host')) return 'host is not signed'
  const unsigned = Object.keys(request.headers).filter(
    (name) => name.startsWith('x-amz-') && !claim.signedHeaders.includes(name),
  )
  // AWS wants these three among the signed ones; clients leave others of theirs out.
  const needed = unsigned.filter((name) =>
    ['x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'].includes(name),
  )
  if (needed.length > 0) return `${needed.join(', ')} is not signed`
  const told = String(request.headers['x-amz-content-sha256'] ?? sha256(request.body))
  if (told !== 'UNSIGNED-PAYLOAD' && told !== sha256(request.body)) return 'the body is another than was signed'
  const canonical = [
    request.method,
    path.split('/').map(encoded).join('/'),
    canonicalQuery(query),
    ...claim.signedHeaders.map(
      (name) =>
        `${name}:${String(request.headers[name] ?? '')
          .trim()
          .replace(/ +/g, ' ')}`,
    ),
    '',
    claim.signedHeaders.join(';'),
    told,
  ].join('\n')
  const scope = `${claim.date}/${claim.region}/${claim.service}/aws4_request`
  const text = `AWS4-HMAC-SHA256\n${String(request.headers['x-amz-date'])}\n${scope}\n${sha256(canonical)}`
  const key = [claim.region, claim.service, 'aws4_request'].reduce<Uint8Array>(
    (key, part) => hmac(key, part),
    hmac(`AWS4${secret}`, claim.date),
  )
  const [mine, theirs] = [hmac(key, text), Buffer.from(claim.signature, 'hex')]
  return timingSafeEqual(mine, theirs) ? undefined : 'the signature does not match'
}

/** Milliseconds since 1970 of an `x-amz-date`. */
export function signedAt(header: string | undefined): number | undefined {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(header ?? '') ?? []
  return year === undefined ? undefined : Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}
