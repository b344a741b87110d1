/** The listening side of pveproxy: TLS on one port, a redirect for those who speak plain HTTP to it, keep-alive. */
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import type { Identity } from '../shared/certificate.ts'
import {
  endsConnection,
  type Head,
  type HttpAnswer,
  HttpError,
  type HttpRequest,
  readHead,
  writeAnswer,
} from './http-message.ts'
import { listenOnLoopback } from '../shared/loopback.ts'

/** What becomes of one request: an answer, or a connection cut without one. */
export type Outcome = HttpAnswer | 'reset'
export type Handler = (request: HttpRequest, peer: string) => Promise<Outcome>

/** The real server drops a connection that has been silent for five seconds while it waits for a request. */
const IDLE_MS = 5_000
const REQUESTS_PER_CONNECTION = 100

export interface HttpFront {
  port: number
  /** Serve another certificate to connections from now on. */
  present(identity: Identity): void
  close(): Promise<void>
}

const NO_HEADERS = { version: '1.1', headers: new Map<string, string>() } as const

function serve(socket: Socket, handler: Handler, now: () => Date, reset: () => void): void {
  let received = Buffer.alloc(0)
  let busy = false
  let served = 0
  let idle: NodeJS.Timeout | undefined
  const disarm = (): void => clearTimeout(idle)
  const arm = (): void => {
    disarm()
    idle = setTimeout(() => socket.destroy(), IDLE_MS)
    idle.unref()
  }
  arm()

  const answer = (outcome: Outcome, request: Pick<HttpRequest, 'version' | 'headers'>): void => {
    if (outcome === 'reset') {
      reset()
      socket.destroy()
      return
    }
    served += 1
    const final = served >= REQUESTS_PER_CONNECTION ? { ...outcome, close: true } : outcome
    socket.write(writeAnswer(final, request, now()))
    if (endsConnection(final, request)) socket.end()
  }

  const refuse = (error: unknown): void => {
    const known = error instanceof HttpError ? error : new HttpError(500, 'internal error')
    answer(
      { status: known.status, reason: known.message, ...(known.withBody ? { body: known.message } : {}) },
      NO_HEADERS,
    )
  }

  let continued = false
  const next = async (): Promise<void> => {
    if (busy || socket.destroyed || socket.writableEnded) return
    let head: Head | undefined
    try {
      head = readHead(received)
    } catch (error) {
      received = Buffer.alloc(0)
      refuse(error)
      return
    }
    if (head === undefined) return
    if (received.length < head.length + head.bodyBytes) {
      if (!continued && head.request.headers.get('expect')?.toLowerCase() === '100-continue') {
        continued = true
        socket.write('HTTP/1.1 100 Continue\r\n\r\n')
      }
      return
    }
    continued = false
    const body = received.subarray(head.length, head.length + head.bodyBytes)
    received = received.subarray(head.length + head.bodyBytes)
    busy = true
    disarm()
    try {
      const outcome = await handler({ ...head.request, body }, socket.remoteAddress ?? '')
      if (!socket.destroyed) answer(outcome, head.request)
    } catch (error) {
      refuse(error)
    }
    busy = false
    if (!socket.destroyed && !socket.writableEnded) {
      arm()
      await next()
    }
  }

  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    if (!busy) arm()
    void next()
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', disarm)
}

/** Plain HTTP on the TLS port: GET and HEAD are sent on with 301, everything else with 308 (so that a POST stays one). */
function redirect(socket: Socket, port: number, now: () => Date): void {
  let received = Buffer.alloc(0)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    if (!received.includes('\r\n\r\n')) {
      if (received.length > 8192) socket.destroy()
      return
    }
    const [method = '', target = '/'] = received.toString('latin1').split(' ')
    const host = /\r\nhost:[ \t]*([^\r\n]+)/i.exec(received.toString('latin1'))?.[1] ?? `127.0.0.1:${port}`
    const isRead = method === 'GET' || method === 'HEAD'
    const reason = isRead ? 'Moved Permanently' : 'Permanent Redirect'
    const headers: [string, string][] = [['Location', `https://${host}${target}`]]
    socket.end(writeAnswer({ status: isRead ? 301 : 308, reason, headers, body: reason }, NO_HEADERS, now()))
  })
}

const closed = (server: Server | TlsServer): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
  })

/** Listen on loopback. `port` 0 takes any free one. */
export async function startHttpFront(
  port: number,
  identity: Identity,
  handler: Handler,
  now: () => Date,
): Promise<HttpFront> {
  const connections = new Set<Socket>()
  const plain = new Map<number, Socket>()
  const tls = createTlsServer({ cert: identity.cert, key: identity.key, minVersion: 'TLSv1.2' }, (socket) => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
    // Only the plain socket below can send a reset.
    const below = plain.get(socket.remotePort ?? 0)
    serve(socket, handler, now, () => below?.resetAndDestroy())
  })
  tls.on('tlsClientError', (_error, socket) => socket.destroy())
  const server = createServer((socket) => {
    const from = socket.remotePort ?? 0
    connections.add(socket)
    plain.set(from, socket)
    socket.on('close', () => {
      connections.delete(socket)
      plain.delete(from)
    })
    socket.on('error', () => socket.destroy())
    socket.once('data', (first: Buffer) => {
      socket.pause()
      socket.unshift(first)
      // A TLS handshake record starts with 0x16; nothing that is HTTP does.
      if (first[0] === 0x16) tls.emit('connection', socket)
      else {
        redirect(socket, listening, now)
        socket.resume()
      }
    })
  })
  const listening = await listenOnLoopback(server, port)
  return {
    port: listening,
    present: (other) => tls.setSecureContext({ cert: other.cert, key: other.key, minVersion: 'TLSv1.2' }),
    async close() {
      const ended = closed(server)
      for (const socket of connections) socket.destroy()
      await ended
    },
  }
}
