/**
 * The arithmetic of AWS Signature Version 4, as the S3 API reference describes it ("Signature Calculations for the
 * Authorization Header" and its page on transferring a payload in multiple chunks). S3 encodes the path once.
 */
import { createHash, createHmac } from 'node:crypto'

export const EMPTY_SHA256 = createHash('sha256').digest('hex')

/** `date` is yyyymmdd. */
export interface Scope {
  date: string
  region: string
  service: string
}

export interface CanonicalParts {
  method: string
  /** Decoded. */
  path: string
  /** Decoded, without the signature itself. */
  query: readonly (readonly [string, string])[]
  /** Lower-case names in the order they were signed, with their raw values. */
  headers: readonly (readonly [string, string])[]
  payloadHash: string
}

export function scopeText(scope: Scope): string {
  return `${scope.date}/${scope.region}/${scope.service}/aws4_request`
}

/** RFC 3986 encoding with AWS's set of unreserved characters. */
export function uriEncode(text: string, keepSlash = false): string {
  const encoded = encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return keepSlash ? encoded.replaceAll('%2F', '/') : encoded
}

export function canonicalRequest(parts: CanonicalParts): string {
  const query = parts.query
    .map(([name, value]) => [uriEncode(name), uriEncode(value)] as const)
    .toSorted(([a, x], [b, y]) => (a === b ? order(x, y) : order(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  const headers = parts.headers.map(([name, value]) => `${name}:${value.trim().replaceAll(/ +/g, ' ')}\n`).join('')
  const names = parts.headers.map(([name]) => name).join(';')
  return [parts.method, uriEncode(parts.path, true), query, headers, names, parts.payloadHash].join('\n')
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

/** `amzDate` is the ISO basic form, 20261122T193138Z. */
export function stringToSign(amzDate: string, scope: Scope, canonical: string): string {
  return ['AWS4-HMAC-SHA256', amzDate, scopeText(scope), sha256Hex(canonical)].join('\n')
}

export function chunkStringToSign(amzDate: string, scope: Scope, previous: string, dataSha256: string): string {
  return ['AWS4-HMAC-SHA256-PAYLOAD', amzDate, scopeText(scope), previous, EMPTY_SHA256, dataSha256].join('\n')
}

export function trailerStringToSign(amzDate: string, scope: Scope, previous: string, trailer: string): string {
  return ['AWS4-HMAC-SHA256-TRAILER', amzDate, scopeText(scope), previous, sha256Hex(trailer)].join('\n')
}

export function signingKey(secretAccessKey: string, scope: Scope): Buffer {
  const steps = [scope.date, scope.region, scope.service, 'aws4_request']
  return steps.reduce<Buffer>(
    (key, step) => createHmac('sha256', key).update(step).digest(),
    Buffer.from(`AWS4${secretAccessKey}`),
  )
}

export function signature(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex')
}

export function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
