/** An independent little signer for requests that no SDK would make: presigned, chunk-signed, skewed, tampered. */
import { createHash, createHmac } from 'node:crypto'
import { KEYS } from './fixture.ts'

export function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

export function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex')
}

export function amzDate(date: Date): string {
  return `${date.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`
}

export function scopeOf(date: Date, region = 'us-east-1'): string {
  return `${amzDate(date).slice(0, 8)}/${region}/s3/aws4_request`
}

export function keyFor(date: Date, region = 'us-east-1', secret = KEYS.secretAccessKey): Buffer {
  const day = amzDate(date).slice(0, 8)
  return hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), 's3'), 'aws4_request')
}

export interface ToSign {
  method: string
  url: string
  headers?: Record<string, string>
  payloadHash: string
  date?: Date
  region?: string
  secret?: string
}

/** Headers to send, and the signature on its own for chunk chains. Expects an already encoded path. */
export function signHeaders(input: ToSign): { headers: Record<string, string>; signature: string } {
  const { method, payloadHash, date = new Date(), region = 'us-east-1', secret } = input
  const url = new URL(input.url)
  const headers: Record<string, string> = {
    host: url.host,
    'x-amz-content-sha256': payloadHash,
    'x-amz-date': amzDate(date),
    ...input.headers,
  }
  const names = Object.keys(headers).toSorted()
  const query = url.search
    .slice(1)
    .split('&')
    .filter(Boolean)
    .toSorted()
    .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
    .join('&')
  const canonical = [
    method,
    url.pathname,
    query,
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    payloadHash,
  ].join('\n')
  const text = ['AWS4-HMAC-SHA256', amzDate(date), scopeOf(date, region), sha256(canonical)].join('\n')
  const signature = hmac(keyFor(date, region, secret), text).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${KEYS.accessKeyId}/${scopeOf(date, region)}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  return { headers: { ...headers, authorization }, signature }
}

export function presign(method: string, target: string, options: { date?: Date; expires?: number } = {}): string {
  const { date = new Date(), expires = 60 } = options
  const url = new URL(target)
  const pairs = [
    ...url.searchParams.entries(),
    ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
    ['X-Amz-Credential', `${KEYS.accessKeyId}/${scopeOf(date)}`],
    ['X-Amz-Date', amzDate(date)],
    ['X-Amz-Expires', String(expires)],
    ['X-Amz-SignedHeaders', 'host'],
  ].map(([name = '', value = '']) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
  const query = pairs.toSorted().join('&')
  const canonical = [method, url.pathname, query, `host:${url.host}`, '', 'host', 'UNSIGNED-PAYLOAD'].join('\n')
  const text = ['AWS4-HMAC-SHA256', amzDate(date), scopeOf(date), sha256(canonical)].join('\n')
  return `${url.origin}${url.pathname}?${query}&X-Amz-Signature=${hmac(keyFor(date), text).toString('hex')}`
}

/** A body in signed chunks, with an optional signed trailer. */
export function signedChunks(
  chunks: readonly Buffer[],
  seed: string,
  date: Date,
  trailer?: readonly [name: string, value: string],
): Buffer {
  const empty = sha256('')
  const out: Buffer[] = []
  let previous = seed
  for (const chunk of [...chunks, Buffer.alloc(0)]) {
    const text = ['AWS4-HMAC-SHA256-PAYLOAD', amzDate(date), scopeOf(date), previous, empty, sha256(chunk)].join('\n')
    previous = hmac(keyFor(date), text).toString('hex')
    out.push(Buffer.from(`${chunk.length.toString(16)};chunk-signature=${previous}\r\n`), chunk)
    if (chunk.length > 0) out.push(Buffer.from('\r\n'))
  }
  if (trailer) {
    const line = `${trailer[0]}:${trailer[1]}`
    const text = ['AWS4-HMAC-SHA256-TRAILER', amzDate(date), scopeOf(date), previous, sha256(`${line}\n`)].join('\n')
    const signature = hmac(keyFor(date), text).toString('hex')
    out.push(Buffer.from(`${line}\r\nx-amz-trailer-signature:${signature}\r\n`))
  }
  out.push(Buffer.from('\r\n'))
  return Buffer.concat(out)
}
