/** Raw requests, signed by the vendor's package: what a recording holds, sent again. */
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Key } from './vendor.ts'

/** What the package asks of a hash, made of the one that Node.js has. */
class Sha256 {
  readonly #secret: string | Uint8Array | undefined
  #hash: Hash | Hmac
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret =
      secret === undefined || typeof secret === 'string'
        ? secret
        : ArrayBuffer.isView(secret)
          ? new Uint8Array(secret.buffer, secret.byteOffset, secret.byteLength)
          : new Uint8Array(secret)
    this.#hash = this.#begin()
  }
  #begin(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret)
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    if (typeof data === 'string') this.#hash.update(data)
    else if (ArrayBuffer.isView(data)) this.#hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    else this.#hash.update(new Uint8Array(data))
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.#hash.digest()))
  }
  reset(): void {
    this.#hash = this.#begin()
  }
}

export interface RawRequest {
  service: 'ec2' | 'ebs' | 'sts'
  method?: string
  path?: string
  query?: Record<string, string>
  headers?: Record<string, string>
  form?: Record<string, string>
  body?: string | Uint8Array
  at?: Date
}

export interface RawAnswer {
  status: number
  headers: Headers
  bytes: Uint8Array
  text: string
}

export async function signedRequest(
  url: string,
  { accessKeyId, secretAccessKey, sessionToken }: Key,
  { service, method = 'POST', path = '/', query = {}, headers = {}, form, body, at = new Date() }: RawRequest,
  region = 'eu-central-1',
): Promise<RawAnswer> {
  const { hostname, port, host } = new URL(url)
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
  const signer = new SignatureV4({ service, region, credentials, sha256: Sha256 })
  const sent = form === undefined ? body : new URLSearchParams(form).toString()
  const request = await signer.sign(
    {
      method,
      protocol: 'http:',
      hostname,
      port: Number(port),
      path,
      query,
      headers: {
        host,
        ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        ...headers,
      },
      body: sent,
    },
    { signingDate: at },
  )
  const search = new URLSearchParams(query).toString()
  const { host: _host, ...rest } = request.headers
  const answer = await fetch(`${url}${path}${search === '' ? '' : `?${search}`}`, {
    method,
    headers: rest,
    ...(sent === undefined ? {} : { body: typeof sent === 'string' ? sent : new Uint8Array(sent) }),
  })
  const bytes = new Uint8Array(await answer.arrayBuffer())
  return { status: answer.status, headers: answer.headers, bytes, text: Buffer.from(bytes).toString('utf8') }
}
