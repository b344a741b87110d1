/** The listener: reads a request whole, lets a fault strike, and writes the answer. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { type Answer, type Incoming, pageAnswer, refusalAnswer } from './answers.ts'
import { Refusal } from './errors.ts'
import type { Fate, SeenCall } from './faults.ts'
import { seenOf } from './seen.ts'
import { type Asked, askedOf, serve } from './service.ts'
import type { Identity } from '../shared/certificate.ts'
import { countConnections } from '../shared/count-connections.ts'
import { closeAtOnce, listenOnLoopback } from '../shared/loopback.ts'
import type { LabState } from './world.ts'

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function answerOf(state: LabState, incoming: Incoming, asked: Asked, fate: Fate | undefined, id: string): Answer {
  if (fate?.kind === 'page') return pageAnswer(fate.status)
  try {
    if (fate?.kind === 'refused') throw fate.refusal
    return serve(state, incoming, asked, fate?.kind === 'whole')
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return refusalAnswer(asked.service, error, id, state.world.now())
  }
}

/** The sum and the length still tell of the right bytes. */
function damaged({ body, headers, status }: Answer): Answer {
  const wrong = Uint8Array.from(body)
  const middle = Math.floor(wrong.length / 2)
  wrong[middle] = (wrong[middle] ?? 0) ^ 0xff
  return { status, headers, body: wrong }
}

function write(response: ServerResponse, answer: Answer, common: Record<string, string>, fate: Fate | undefined): void {
  const { status, headers, body } = fate?.kind === 'corrupt' ? damaged(answer) : answer
  const sent = fate?.kind === 'truncated' ? body.subarray(0, Math.floor(body.length / 2)) : body
  response.sendDate = false
  response.writeHead(status, {
    ...common,
    ...(status === 204 ? {} : { 'content-length': String(sent.length) }),
    ...headers,
  })
  if (fate?.kind !== 'cut') {
    response.end(sent)
    return
  }
  response.write(sent.subarray(0, Math.floor(sent.length / 2)), () => response.destroy())
}

function begin(state: LabState, incoming: Incoming, asked: Asked): { seen: SeenCall; fate: Fate | undefined } {
  const seen = seenOf(incoming, asked)
  state.faults.seen.push(seen)
  return { seen, fate: state.faults.take(asked.call) }
}

const commonOf = (state: LabState, { headers }: Incoming, { service }: Asked, id: string): Record<string, string> => ({
  date: state.world.now().toUTCString(),
  'x-ms-request-id': id,
  ...(typeof headers['x-ms-client-request-id'] === 'string' && service === 'blob'
    ? { 'x-ms-client-request-id': headers['x-ms-client-request-id'] }
    : {}),
  ...(service === 'blob' ? { 'x-ms-version': String(headers['x-ms-version'] ?? '2018-03-28') } : {}),
})

async function handle(state: LabState, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodyOf(request)
  const url = new URL(request.url ?? '/', state.url)
  const incoming = { method: request.method ?? 'GET', url, headers: request.headers, body }
  const asked = askedOf(incoming)
  const { seen, fate } = begin(state, incoming, asked)
  if (fate?.kind === 'dropped') {
    request.socket.destroy()
    return
  }
  if (fate?.kind === 'first') fate.act()
  const id = state.world.newGuid()
  const answer = answerOf(state, incoming, asked, fate, id)
  if (fate?.kind === 'held') await fate.until()
  if (fate?.kind === 'lost') {
    request.socket.destroy()
    return
  }
  if (response.destroyed) return
  seen.status = answer.status
  write(response, answer, commonOf(state, incoming, asked, id), fate)
}

/** Listen on 127.0.0.1 by TLS; port 0 takes any free one. The state gets to know its address. */
export async function startFront(
  state: LabState,
  { cert, key }: Identity,
  port: number,
): Promise<{ close(): Promise<void> }> {
  const server: Server = createServer({ cert, key }, (request, response) => {
    handle(state, request, response).catch((error: unknown) => {
      if (request.socket.destroyed || response.headersSent) return
      // A mistake of the lab's own, not an answer of Azure.
      console.error(error)
      response.writeHead(500, { 'content-type': 'text/plain' }).end('The lab made a mistake.')
    })
  })
  countConnections(server, 'secureConnection', state.connections)
  // Clients keep connections for as long as they like; the lab ends none by itself.
  server.keepAliveTimeout = 120_000
  const listening = await listenOnLoopback(server, port)
  state.url = `https://127.0.0.1:${listening}`
  return { close: () => closeAtOnce(server) }
}
