/** One signed call of an AWS service: sent once, its answer taken in whole. What the answer means is the caller's. */
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import type { Readable } from 'node:stream'
import { HttpRequest } from '@smithy/core/protocols'
import { SignatureV4 } from '@smithy/signature-v4'
import type { AccessKey } from '../contracts/aws-access.ts'
import { requestHandler } from './request-handler.ts'

export interface SignedCall {
  service: 'ec2' | 'ebs' | 'sts'
  region: string
  method: 'GET' | 'POST' | 'PUT'
  url: URL
  headers?: Readonly<Record<string, string>>
  body?: string | Buffer
  /** Takes the bytes of a body that is exactly as long. Any other body comes as `body`. */
  target?: Buffer | undefined
}

export interface Answer {
  status: number
  /** By name in lower case. */
  headers: Readonly<Record<string, string>>
  /** Empty where the target took it. */
  body: Buffer
  /** The target is full, and nothing was left over. */
  filledTarget: boolean
  /** When it was asked for and whole, by our clock. */
  askedAt: Date
  answeredAt: Date
}

/** No answer, or no whole one. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

const CONNECT_MILLISECONDS = 10_000
/** Longest silence. */
const IDLE_MILLISECONDS = 45_000
/** The longest answer is a page of 10,000 block tokens, about 3 MiB. Something else talks without end. */
const LONGEST_ANSWER_BYTES = 64 * 2 ** 20

/** Sends calls over kept connections. */
export class AwsCalls {
  readonly #handler: ReturnType<typeof requestHandler>
  readonly #now: () => Date

  constructor(now: () => Date, maxSockets: number) {
    this.#now = now
    this.#handler = requestHandler({
      maxSockets,
      connectionTimeout: CONNECT_MILLISECONDS,
      socketTimeout: IDLE_MILLISECONDS,
    })
  }

  /** @throws NoAnswer, the signal's reason */
  async send(call: SignedCall, key: AccessKey, signal?: AbortSignal): Promise<Answer> {
    signal?.throwIfAborted()
    const { url, method, body, service, region, target } = call
    const askedAt = this.#now()
    const bare = new HttpRequest({
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port === '' ? {} : { port: Number(url.port) }),
      method,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { host: url.host, 'user-agent': 'guestlift', ...call.headers },
      ...(body === undefined ? {} : { body }),
    })
    const signer = new SignatureV4({ service, region, credentials: identityOf(key), sha256: NodeSha256 })
    const request = new HttpRequest(await signer.sign(bare, { signingDate: askedAt }))
    try {
      const options = signal === undefined ? {} : { abortSignal: signal }
      const { response } = await this.#handler.handle(request, options)
      const whole = await takeIn(response.body as Readable, target)
      const { statusCode: status, headers } = response
      return { status, headers: lowerCase(headers), ...whole, askedAt, answeredAt: this.#now() }
    } catch (error) {
      signal?.throwIfAborted()
      throw new NoAnswer(`${url.host}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  }

  close(): void {
    this.#handler.destroy()
  }
}

function identityOf({ accessKeyId, secretAccessKey, sessionToken }: AccessKey) {
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** Straight into the target for as long as the bytes fit; an answer that is something else is kept apart. */
async function takeIn(source: Readable, target: Buffer | undefined): Promise<Pick<Answer, 'body' | 'filledTarget'>> {
  const pieces: Buffer[] = []
  let sizeBytes = 0
  for await (const piece of source as AsyncIterable<Buffer>) {
    if (target !== undefined && sizeBytes + piece.length <= target.length) piece.copy(target, sizeBytes)
    else {
      // Longer than the block that was asked for: what the target took is the front of it.
      if (target !== undefined && pieces.length === 0) pieces.push(Buffer.from(target.subarray(0, sizeBytes)))
      pieces.push(piece)
    }
    sizeBytes += piece.length
    if (sizeBytes > LONGEST_ANSWER_BYTES) throw new Error('the answer has no end')
  }
  const filledTarget = target !== undefined && pieces.length === 0 && sizeBytes === target.length
  if (filledTarget) return { body: Buffer.alloc(0), filledTarget }
  if (target !== undefined && pieces.length === 0) pieces.push(Buffer.from(target.subarray(0, sizeBytes)))
  return { body: Buffer.concat(pieces), filledTarget: false }
}

/** The signer's interface over Node.js' own SHA-256: the SDK's is JavaScript. */
class NodeSha256 {
  readonly #secret: Uint8Array | string | undefined
  #sum: Hash | Hmac

  constructor(secret?: ArrayBuffer | ArrayBufferView | string) {
    this.#secret = secret === undefined || typeof secret === 'string' ? secret : bytesOf(secret)
    this.#sum = this.#begin()
  }

  update(data: ArrayBuffer | ArrayBufferView | string): void {
    this.#sum.update(typeof data === 'string' ? data : bytesOf(data))
  }

  async digest(): Promise<Uint8Array> {
    return this.#sum.digest()
  }

  reset(): void {
    this.#sum = this.#begin()
  }

  #begin(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret)
  }
}

function bytesOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}
