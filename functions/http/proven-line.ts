/**
 * A line over Node.js's own client. Functions that move bytes ask platforms too, and undici, which Proxmox VE's line has,
 * is 446 KB that their bundles don't have otherwise.
 */
import { Agent, type IncomingMessage, request as ask } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Tls } from '../contracts/tls.ts'
import { type Dialer, type TlsFacts, tlsDialer } from '../tls/connect.ts'
import { type HttpAnswer, type HttpRequest, type Limits, type Line, Unanswered } from './api-line.ts'

/** Calls that are made at the same time. */
const CONNECTIONS = 4

/**
 * To an endpoint that proves who it is as a site's `tls` says.
 * @param endpoint scheme, host and port
 * @throws Unanswered from `request`, and nothing else
 */
export function openProvenLine(endpoint: string, tls: Tls, facts: TlsFacts, limits: Limits): Line {
  const { hostname, port } = new URL(endpoint)
  const dial = tlsDialer(tls, facts)
  const place = { hostname, port: port === '' ? 443 : Number(port), timeoutMilliseconds: limits.connectTimeoutMs }
  const agent = new ProvenAgent(dial, place)
  return {
    request: (given) => exchange(agent, new URL(endpoint).host, given, limits),
    close: async () => agent.destroy(),
  }
}

/** A connection is used only after the server proved who it is. What speaks over it doesn't know that it is TLS. */
export class ProvenAgent extends Agent {
  readonly #dial: Dialer
  readonly #place: Parameters<Dialer>[0]

  constructor(dial: Dialer, place: Parameters<Dialer>[0]) {
    super({ keepAlive: true, maxSockets: CONNECTIONS })
    this.#dial = dial
    this.#place = place
  }

  override createConnection(_options: unknown, callback?: (error: Error | null, socket: Duplex) => void): undefined {
    // Node.js takes no socket with an error, and its type asks for one.
    void this.#connect(callback as ((error: Error | null, socket?: Duplex) => void) | undefined)
  }

  async #connect(callback: ((error: Error | null, socket?: Duplex) => void) | undefined): Promise<void> {
    const outcome = await this.#dial(this.#place).catch(asError)
    if (outcome instanceof Error) callback?.(outcome)
    else callback?.(null, outcome)
  }
}

function exchange(agent: Agent, host: string, { method, path, headers, body = '' }: HttpRequest, limits: Limits) {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>()
  let connected = false
  const length = Buffer.byteLength(body)
  const sent = ask({ agent, method, path, headers: { host, ...headers, 'content-length': length } })
  const fail = (error: unknown) => {
    clearTimeout(timer)
    reject(new Unanswered(connected, asError(error)))
    sent.destroy()
  }
  const timer = setTimeout(
    () => fail(new Error(`no whole answer within ${limits.totalTimeoutMs / 1000} s`)),
    limits.totalTimeoutMs,
  )
  sent.on('socket', () => (connected = true))
  sent.on('error', fail)
  sent.setTimeout(limits.headersTimeoutMs, () => fail(new Error(`silent for ${limits.headersTimeoutMs / 1000} s`)))
  sent.on('response', (answer) => {
    readAnswer(answer, limits.maxBodyBytes).then((read) => {
      clearTimeout(timer)
      resolve(read)
    }, fail)
  })
  sent.end(body)
  return promise
}

async function readAnswer(answer: IncomingMessage, maxBodyBytes: number): Promise<HttpAnswer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBodyBytes) throw new Error(`an answer of more than ${maxBodyBytes} bytes`)
    chunks.push(chunk)
  }
  if (!answer.complete) throw new Error('the answer ended too early')
  const { statusCode = 0, statusMessage = '', headers } = answer
  const cookies = headers['set-cookie'] ?? []
  return {
    status: statusCode,
    reason: statusMessage,
    body: Buffer.concat(chunks).toString('utf8'),
    ...(headers.date === undefined ? {} : { date: headers.date }),
    ...(cookies.length === 0 ? {} : { cookies }),
    fields: headers,
  }
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
