/** The listener: reads a request whole, lets a fault strike, and writes the answer. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Answer, pageAnswer, refusalAnswer } from './answers.ts'
import { throttled } from './errors.ts'
import type { Fate } from './faults.ts'
import { type Asked, askedOf, type LabState, serve } from './service.ts'
import { countConnections } from '../shared/count-connections.ts'
import { closeAtOnce, listenOnLoopback } from '../shared/loopback.ts'

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** What a fault answers in the place of the service; nothing where the service is to do its work. */
function instead({ service }: Asked, fate: Fate | undefined, id: string): Answer | undefined {
  if (fate?.kind === 'throttled') return refusalAnswer(service, throttled(service), id)
  if (fate?.kind === 'refused') return refusalAnswer(service, fate.refusal, id)
  if (fate?.kind === 'page') return pageAnswer(fate.status)
  return undefined
}

function write(response: ServerResponse, { status, headers, body }: Answer, now: Date, cut: boolean): void {
  response.sendDate = false
  response.writeHead(status, { date: now.toUTCString(), 'content-length': String(body.length), ...headers })
  if (!cut) {
    response.end(body)
    return
  }
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy())
}

async function handle(state: LabState, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodyOf(request)
  const incoming = { method: request.method ?? 'GET', target: request.url ?? '/', headers: request.headers, body }
  const asked = askedOf(incoming)
  const { service, action } = asked
  const fate = state.faults.take(action)
  const id = state.world.newId('request').slice('request-'.length)
  const seen = { service, action, region: '', accessKeyId: '', status: 0 }
  state.faults.seen.push(seen)
  if (fate?.kind === 'dropped') {
    request.socket.destroy()
    return
  }
  const early = instead(asked, fate, id)
  const { answer, who, region } =
    early === undefined ? serve(state, asked, incoming, id) : { answer: early, who: '', region: '' }
  Object.assign(seen, { accessKeyId: who, region })
  if (fate?.kind === 'held') await fate.until()
  if (fate?.kind === 'lost') {
    request.socket.destroy()
    return
  }
  if (response.destroyed) return
  seen.status = answer.status
  write(response, answer, state.world.now(), fate?.kind === 'cut')
}

/** Listen on 127.0.0.1; port 0 takes any free one. */
export async function startFront(state: LabState, port: number): Promise<{ url: string; close(): Promise<void> }> {
  const server: Server = createServer((request, response) => {
    handle(state, request, response).catch((error: unknown) => {
      if (request.socket.destroyed || response.headersSent) return
      // A mistake of the lab's own, not an answer of AWS.
      console.error(error)
      response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error))
    })
  })
  countConnections(server, 'connection', state.connections)
  // Clients keep connections for as long as they like; the lab ends none by itself.
  server.keepAliveTimeout = 120_000
  const listening = await listenOnLoopback(server, port)
  return {
    url: `http://127.0.0.1:${listening}`,
    close: () => closeAtOnce(server),
  }
}
