/** A TLS server that writes exactly the bytes a test orders, cuts and stalls where it is told to. */
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { createIdentity, fingerprintOf, type Identity } from '../../../../local/labs/shared/certificate.ts'

export interface SeenRequest {
  method: string
  path: string
  /** By name in lower case. */
  headers: Record<string, string>
  /** Number of the connection it came on, from 1. */
  connection: number
}

/** Answers a request on its socket. `index` counts all requests, from 0. */
export type Script = (socket: TLSSocket, request: SeenRequest, index: number) => void | Promise<void>

export interface HostileServer {
  port: number
  url: string
  fingerprint: string
  requests: SeenRequest[]
  connections(): number
  /** Connections that are open now. */
  open(): number
  /** From now on connections get this certificate. */
  setIdentity(identity: Identity): void
  close(): Promise<void>
}

const names = ['127.0.0.1', 'localhost']
export const identity = createIdentity(names, new Date())
export const otherIdentity = createIdentity(names, new Date())

/** The TCP connection below each TLS connection. */
const tcpOf = new WeakMap<TLSSocket, Socket>()

/** End a connection by RST, without a word of TLS. */
export function reset(socket: TLSSocket): void {
  tcpOf.get(socket)?.resetAndDestroy()
}

export async function startHostileServer(script: Script): Promise<HostileServer> {
  const requests: SeenRequest[] = []
  const sockets = new Set<Socket>()
  const tcpByPort = new Map<number | undefined, Socket>()
  let connections = 0
  const server = createServer({ key: identity.key, cert: identity.cert }, (socket) => {
    const connection = ++connections
    sockets.add(socket)
    const tcp = tcpByPort.get(socket.remotePort)
    if (tcp !== undefined) tcpOf.set(socket, tcp)
    let pending = ''
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk: Buffer) => {
      pending += chunk.toString('latin1')
      for (let end = pending.indexOf('\r\n\r\n'); end >= 0; end = pending.indexOf('\r\n\r\n')) {
        const [line = '', ...fields] = pending.slice(0, end).split('\r\n')
        pending = pending.slice(end + 4)
        const [method = '', path = ''] = line.split(' ')
        const headers = Object.fromEntries(
          fields.map((field) => {
            const colon = field.indexOf(':')
            return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()]
          }),
        )
        const request = { method, path, headers, connection }
        void script(socket, request, requests.push(request) - 1)
      }
    })
  })
  server.on('connection', (socket: Socket) => tcpByPort.set(socket.remotePort, socket))
  // Handshakes that end badly are what some tests are about.
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `https://127.0.0.1:${port}`,
    fingerprint: fingerprintOf(identity.cert),
    requests,
    connections: () => connections,
    open: () => sockets.size,
    setIdentity: (next) => server.setSecureContext({ key: next.key, cert: next.cert }),
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Header lines by name; a value of `undefined` leaves the line out. */
export type Fields = Record<string, string | number | undefined>

export function head(status: number | string, fields: Fields): string {
  const statusLine = typeof status === 'string' ? status : `HTTP/1.1 ${status} Any Reason`
  const lines = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`)
  return `${statusLine}\r\n${lines.join('')}\r\n`
}

/** Bounds that a request asks for, both inclusive. */
export function askedRange(request: SeenRequest): { first: number; last: number } {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers['range'] ?? '') ?? []
  return { first: Number(first), last: Number(last) }
}
