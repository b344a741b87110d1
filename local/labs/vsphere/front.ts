/** A listener with a certificate of its own: reads a request whole, lets a fault strike, and writes the answer. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { createHash, X509Certificate } from 'node:crypto'
import { createIdentity, fingerprintOf, type Identity } from '../shared/certificate.ts'
import type { Fate } from './fates.ts'
import { nameOf } from './serve.ts'
import type { Incoming, Outgoing } from './wire/exchange.ts'
import type { FrontState } from './state.ts'
import { faultEnvelope } from './wire/envelope.ts'
import { closeAtOnce, listenOnLoopback } from '../shared/loopback.ts'

const CHUNK_BYTES = 1024 * 1024

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const PAGE = '<html><head><title>Maintenance</title></head><body><h1>Please come back later</h1></body></html>'

/** What a fault answers in the place of the server; nothing where the server is to do its work. */
function instead(fate: Fate | undefined): Outgoing | undefined {
  if (fate?.kind === 'page')
    return { status: fate.status, headers: { 'content-type': 'text/html' }, body: Buffer.from(PAGE) }
  if (fate?.kind !== 'fault') return undefined
  const body = Buffer.from(faultEnvelope(fate.fault))
  return { status: 500, headers: { 'content-type': 'text/xml; charset=utf-8' }, body }
}

function changed(answer: Outgoing, fate: Fate | undefined): Outgoing {
  if (fate?.kind === 'mangled') {
    const body = Buffer.from(fate.mangle(Buffer.from(answer.body).toString('utf8')))
    return { ...answer, body }
  }
  const { content, headers } = answer
  if (fate?.kind === 'whole' && content !== undefined) {
    const { 'content-range': _range, ...others } = headers
    const size = content.bytes.sizeBytes
    return {
      ...answer,
      status: 200,
      headers: { ...others, 'content-length': String(size) },
      content: { ...content, from: 0, length: size },
    }
  }
  if (fate?.kind === 'wrong range' && headers['content-range'] !== undefined) {
    const wrong = headers['content-range'].replace(
      /bytes (\d+)-(\d+)/,
      (_all, first: string, last: string) => `bytes ${Number(first) + 512}-${Number(last) + 512}`,
    )
    return { ...answer, headers: { ...headers, 'content-range': wrong } }
  }
  return answer
}

const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.once('drain', done)
    response.once('close', done)
  })

async function writeContent(
  state: FrontState,
  response: ServerResponse,
  answer: Outgoing,
  cut: boolean,
): Promise<void> {
  const { content } = answer
  if (content === undefined) return
  const end = content.from + (cut ? Math.floor(content.length / 2) : content.length)
  for (let at = content.from; at < end && !response.destroyed; ) {
    const bytes = content.bytes.read(at, Math.min(CHUNK_BYTES, end - at))
    at += bytes.length
    state.bytesRead.set(content.path, (state.bytesRead.get(content.path) ?? 0) + bytes.length)
    if (!response.write(bytes)) await drained(response)
  }
  if (cut) response.destroy()
  else response.end()
}

async function write(state: FrontState, response: ServerResponse, answer: Outgoing, cut: boolean): Promise<void> {
  const { status, headers, body, content, chunked } = answer
  response.sendDate = false
  const length = content === undefined && chunked !== true && headers['content-length'] === undefined
  response.writeHead(status, {
    date: state.world.now().toUTCString(),
    ...(length ? { 'content-length': String(body.length) } : {}),
    ...headers,
  })
  if (content !== undefined) await writeContent(state, response, answer, cut)
  else if (cut) response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy())
  else response.end(body)
}

export interface Front {
  url: string
  authority: string
  /** SHA-256 of the certificate, `AB:CD:…`. */
  fingerprint(): string
  sha1(): string
  /** Another certificate, as after a renewal. */
  renew(): void
  close(): Promise<void>
}

type Serve = (incoming: Incoming) => Outgoing | Promise<Outgoing>

async function handle(
  state: FrontState,
  serve: Serve,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = 'GET', url: target = '/', headers } = request
  const body = await bodyOf(request)
  const incoming = { method, target, headers, body }
  const what = nameOf(incoming)
  const fate = state.fates.take(what)
  const seen = { what, method, status: 0 }
  state.fates.seen.push(seen)
  if (fate?.kind === 'dropped') {
    request.socket.destroy()
    return
  }
  const answer = changed(instead(fate) ?? (await serve(incoming)), fate)
  if (fate?.kind === 'held') await fate.until
  if (fate?.kind === 'lost') {
    request.socket.destroy()
    return
  }
  if (response.destroyed) return
  seen.status = answer.status
  await write(state, response, answer, fate?.kind === 'cut')
}

/** Listen on 127.0.0.1; port 0 takes any free one. */
export async function startFront(state: FrontState, port: number, serve: Serve): Promise<Front> {
  const identity = (): Identity => createIdentity(['localhost', '127.0.0.1'], state.world.now())
  let current = identity()
  const server: Server = createServer({ cert: current.cert, key: current.key }, (request, response) => {
    handle(state, serve, request, response).catch((error: unknown) => {
      if (request.socket.destroyed || response.headersSent) return
      // A mistake of the lab's own, not an answer of a vCenter.
      console.error(error)
      response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error))
    })
  })
  // Clients keep connections for as long as they like; the lab ends none by itself.
  server.keepAliveTimeout = 120_000
  const listening = await listenOnLoopback(server, port)
  const authority = `127.0.0.1:${listening}`
  return {
    url: `https://${authority}`,
    authority,
    fingerprint: () => fingerprintOf(current.cert),
    sha1: () =>
      createHash('sha1')
        .update(new X509Certificate(current.cert).raw)
        .digest('hex')
        .toUpperCase()
        .match(/../g)
        ?.join(':') ?? '',
    renew: () => {
      current = identity()
      server.setSecureContext({ cert: current.cert, key: current.key })
      server.closeAllConnections()
    },
    close: () => closeAtOnce(server),
  }
}
