/** HTTP as bytes: what a request looked like goes out unchanged, and an answer comes back with its headers in order. */
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { gunzipSync } from 'node:zlib'

export interface RawResponse {
  version: string
  status: number
  reason: string
  headers: [string, string][]
  body: string
  /** The connection ended without a whole answer. */
  cut: boolean
}

function parse(received: Buffer, ended: boolean): RawResponse | undefined {
  const end = received.indexOf('\r\n\r\n')
  if (end < 0) return ended ? { version: '', status: 0, reason: '', headers: [], body: '', cut: true } : undefined
  const [first = '', ...lines] = received.subarray(0, end).toString('latin1').split('\r\n')
  const [, version = '', status = '0', reason = ''] = /^HTTP\/(\S+) (\d+) ?(.*)$/.exec(first) ?? []
  if (status === '100') return parse(received.subarray(end + 4), ended)
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  const length = headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1]
  const rest = received.subarray(end + 4)
  if (length === undefined ? !ended : rest.length < Number(length) && !ended) return undefined
  const bytes = length === undefined ? rest : rest.subarray(0, Number(length))
  const gzip = headers.some(([name, value]) => name.toLowerCase() === 'content-encoding' && value === 'gzip')
  const cut = length !== undefined && bytes.length < Number(length)
  return {
    version,
    status: Number(status),
    reason,
    headers,
    body: (gzip ? gunzipSync(bytes) : bytes).toString('utf8'),
    cut,
  }
}

/** Send bytes to a port and read one answer. `plain` skips TLS. */
export async function exchange(
  port: number,
  bytes: string | Buffer,
  options: { plain?: boolean } = {},
): Promise<RawResponse> {
  return await new Promise((resolve, reject) => {
    const socket: Socket =
      options.plain === true
        ? connect(port, '127.0.0.1')
        : connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    let received = Buffer.alloc(0)
    let settled = false
    const settle = (ended: boolean): void => {
      const response = settled ? undefined : parse(received, ended)
      if (response === undefined) return
      settled = true
      socket.destroy()
      resolve(response)
    }
    socket.setTimeout(20_000, () => {
      socket.destroy()
      reject(new Error('no answer within 20 seconds'))
    })
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, typeof chunk === 'string' ? Buffer.from(chunk) : chunk])
      settle(false)
    })
    socket.on('error', () => settle(true))
    socket.on('close', () => settle(true))
    socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  })
}

/** A request from its parts; `Host` and `Content-Length` are added. */
export function request(method: string, path: string, headers: Record<string, string> = {}, body?: string): Buffer {
  const payload = Buffer.from(body ?? '', 'utf8')
  const all = { Host: '127.0.0.1', Accept: 'application/json', ...headers }
  const lines = [`${method} ${path} HTTP/1.1`, ...Object.entries(all).map(([name, value]) => `${name}: ${value}`)]
  if (body !== undefined) {
    if (!Object.keys(all).some((name) => name.toLowerCase() === 'content-type')) {
      lines.push('Content-Type: application/x-www-form-urlencoded')
    }
    lines.push(`Content-Length: ${payload.length}`)
  }
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), payload])
}
