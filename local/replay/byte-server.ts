/** A TLS server that writes exactly the bytes it is told to, and remembers every request it was sent. */
import { once } from 'node:events'
import { createServer, type TLSSocket } from 'node:tls'
import { fingerprintOf, type Identity } from '../labs/shared/certificate.ts'

export interface SeenRequest {
  method: string
  path: string
  headers: Record<string, string>
  body: string
}

/**
 * What the server does with a request: bytes to write, then keep the connection, close it, cut it (RST), or write one byte
 * at a time every `drip` milliseconds.
 */
export interface Reply {
  bytes: string | Buffer
  after?: 'keep' | 'close' | 'reset'
  drip?: number
}
export type Script = (request: SeenRequest, index: number) => Reply | Promise<Reply>

export interface ByteServer {
  endpoint: string
  identity: Identity
  fingerprint: string
  requests: SeenRequest[]
  /** Application bytes received, requests or not. */
  bytesReceived(): number
  connections(): number
  close(): Promise<void>
}

/** Listens on loopback; port 0 takes a free one. */
export async function startByteServer(script: Script, identity: Identity, listenAt = 0): Promise<ByteServer> {
  const requests: SeenRequest[] = []
  const sockets = new Set<TLSSocket>()
  let bytes = 0
  let connections = 0
  const server = createServer({ key: identity.key, cert: identity.cert }, (socket) => {
    connections += 1
    sockets.add(socket)
    let pending: Buffer = Buffer.alloc(0)
    let busy = Promise.resolve()
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      pending = Buffer.concat([pending, chunk])
      for (let taken = takeRequest(pending); taken !== undefined; taken = takeRequest(pending)) {
        pending = taken.rest
        const { request } = taken
        const index = requests.push(request) - 1
        busy = busy.then(async () => write(socket, await script(request, index)))
      }
    })
  })
  // Errors of the handshake are what some callers provoke.
  server.on('tlsClientError', () => undefined)
  server.listen(listenAt, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    endpoint: `https://127.0.0.1:${port}`,
    identity,
    fingerprint: fingerprintOf(identity.cert),
    requests,
    bytesReceived: () => bytes,
    connections: () => connections,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

async function write(socket: TLSSocket, reply: Reply): Promise<void> {
  if (reply.drip === undefined) {
    socket.write(reply.bytes)
  } else {
    for (const byte of Buffer.from(reply.bytes)) {
      if (socket.destroyed) return
      socket.write(Buffer.from([byte]))
      await new Promise((resolve) => setTimeout(resolve, reply.drip))
    }
  }
  if (reply.after === 'close') socket.end()
  if (reply.after === 'reset') socket.destroy()
}

function takeRequest(buffer: Buffer): { request: SeenRequest; rest: Buffer } | undefined {
  const end = buffer.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [line = '', ...fields] = buffer.subarray(0, end).toString('latin1').split('\r\n')
  const headers = Object.fromEntries(
    fields.map((field) => [
      field.slice(0, field.indexOf(':')).toLowerCase(),
      field.slice(field.indexOf(':') + 1).trim(),
    ]),
  )
  const length = Number(headers['content-length'] ?? 0)
  if (buffer.length < end + 4 + length) return undefined
  const [method = '', path = ''] = line.split(' ')
  const body = buffer.subarray(end + 4, end + 4 + length).toString('utf8')
  return { request: { method, path, headers, body }, rest: buffer.subarray(end + 4 + length) }
}

/** A whole answer. Bodies other than text are sent as JSON. */
export function answer(status: number, reason: string, body: unknown = ''): Reply {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const head = `HTTP/1.1 ${status} ${reason}\r\nContent-Length: ${Buffer.byteLength(text)}\r\nContent-Type: application/json\r\n\r\n`
  return { bytes: head + text, after: status >= 400 ? 'close' : 'keep' }
}

export const data = (value: unknown): Reply => answer(200, 'OK', { data: value })
