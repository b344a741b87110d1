import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join, normalize } from 'node:path'
import type { TlsOptions } from 'node:tls'

export interface RangeServerOptions {
  tls: TlsOptions
  /** Folder whose files are served. */
  root: string
  /** The one value of Authorization that is let in, as `Basic …` or `Bearer …`. */
  auth?: string
  /** Called first; answers the request itself when it returns true. */
  misbehave?: (request: IncomingMessage, response: ServerResponse) => boolean
}

export interface RangeServer {
  /** `https://127.0.0.1:<port>` */
  url: string
  port: number
  /** Method, path and headers of every request, in order. */
  requests: { method: string; path: string; headers: IncomingMessage['headers'] }[]
  /** TLS connections so far. */
  connections(): number
  setTls(tls: TlsOptions): void
  /** Cut all connections, as a restart of the server does. */
  cut(): void
  close(): Promise<void>
}

/** Large slices cost the server little; it shares the machine with the client that is measured. */
const SLICE_BYTES = 256 * 1024

/** A file server with Range, ETag, Last-Modified and preconditions, as nginx behaves for one range at a time. */
export async function startRangeServer(options: RangeServerOptions): Promise<RangeServer> {
  const requests: RangeServer['requests'] = []
  let connections = 0
  const server = createServer(options.tls, (request, response) => {
    requests.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers })
    if (options.misbehave?.(request, response) === true) return
    if (options.auth !== undefined && request.headers.authorization !== options.auth) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="archives"' }).end()
      return
    }
    serve(request, response, options.root).catch(() => response.destroy())
  })
  server.on('secureConnection', () => connections++)
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    requests,
    connections: () => connections,
    setTls: (tls) => server.setSecureContext(tls),
    cut: () => server.closeAllConnections(),
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function serve(request: IncomingMessage, response: ServerResponse, root: string): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405).end()
    return
  }
  const path = decodeURIComponent(new URL(request.url ?? '/', 'https://server').pathname)
  const file = await stat(join(root, normalize(path))).catch(() => undefined)
  if (file?.isFile() !== true) {
    response.writeHead(404, { 'content-length': 0 }).end()
    return
  }
  const lastModified = file.mtime.toUTCString()
  const etag = `"${Math.floor(file.mtimeMs / 1000).toString(16)}-${file.size.toString(16)}"`
  const ifMatch = request.headers['if-match']
  const ifUnmodified = request.headers['if-unmodified-since']
  if ((ifMatch !== undefined && ifMatch !== etag) || (ifUnmodified !== undefined && ifUnmodified !== lastModified)) {
    response.writeHead(412, { 'content-length': 0 }).end()
    return
  }
  const fields = { etag, 'last-modified': lastModified, 'accept-ranges': 'bytes' }
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
  const start = from === undefined ? 0 : Number(from)
  const end = Math.min(to === undefined || to === '' ? file.size - 1 : Number(to), file.size - 1)
  if (from !== undefined && (start >= file.size || start > end)) {
    response.writeHead(416, { 'content-range': `bytes */${file.size}`, 'content-length': 0 }).end()
    return
  }
  response.writeHead(from === undefined ? 200 : 206, {
    ...fields,
    'content-length': end - start + 1,
    ...(from === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${file.size}` }),
  })
  if (request.method === 'HEAD' || file.size === 0) {
    response.end()
    return
  }
  const bytes = createReadStream(join(root, normalize(path)), { start, end, highWaterMark: SLICE_BYTES })
  bytes.on('error', () => response.destroy())
  response.on('close', () => bytes.destroy())
  bytes.pipe(response)
}
