/**
 * HTTP as pveproxy speaks it. Node's own server can't: it refuses raw reason phrases and doubled headers, answers
 * HEAD by itself and accepts chunked bodies. Limits and texts are those of pve-http-server 6.0 (AnyEvent.pm).
 */
import { gzipSync } from 'node:zlib'

export interface HttpRequest {
  method: string
  /** As sent: path and query, still encoded. */
  target: string
  version: '1.0' | '1.1'
  /** Names in lower case; of a repeated header the last counts. */
  headers: Map<string, string>
  body: Buffer
}

export interface HttpAnswer {
  status: number
  reason: string
  contentType?: string
  body?: string | Buffer
  headers?: [string, string][]
  /** The answer came through pvedaemon, whose `Connection: close` is passed on beside the proxy's own. */
  relayed?: boolean
  /** Close after this answer, whatever its status. */
  close?: boolean
}

export class HttpError extends Error {
  readonly status: number
  readonly withBody: boolean
  constructor(status: number, text: string, withBody = true) {
    super(text)
    this.status = status
    this.withBody = withBody
  }
}

const MAX_HEADER_BYTES = 8 * 1024
const MAX_HEAD_BYTES = 64 * 1024
const MAX_HEADER_LINES = 64
const MAX_BODY_BYTES = 512 * 1024
const METHODS = new Set(['GET', 'POST', 'PUT', 'DELETE'])

export interface Head {
  request: Omit<HttpRequest, 'body'>
  bodyBytes: number
  /** Bytes of the head, its empty line included. */
  length: number
}

/**
 * Read a request's head from what has arrived, or `undefined` while it is incomplete.
 * @throws HttpError for everything that the real server refuses before looking at the path
 */
export function readHead(received: Buffer): Head | undefined {
  const end = received.indexOf('\r\n\r\n')
  if (end < 0) {
    if (received.length > MAX_HEAD_BYTES) throw new HttpError(400, 'Bad Request', false)
    return undefined
  }
  const [requestLine = '', ...lines] = received.subarray(0, end).toString('latin1').split('\r\n')
  // The request line isn't counted: a long path alone is no error.
  if (end - requestLine.length > MAX_HEADER_BYTES) throw new HttpError(500, 'header size exceeds limit')
  if (lines.length > MAX_HEADER_LINES) throw new HttpError(500, 'too many http header lines (> 64)')
  // The method is what stands before " path HTTP/": a blank in the path shifts it, and the real parser says so.
  const match = /(\S+)[^\S\r\n]+(\S+)[^\S\r\n]+HTTP\/(\d+)\.(\d+)$/.exec(requestLine)
  if (match === null) throw new HttpError(400, 'bad request', false)
  const [, method = '', target = '', major, minor] = match
  if (major !== '1') throw new HttpError(506, `http protocol version ${major}.${minor} not supported`)
  if (!METHODS.has(method)) throw new HttpError(501, `method '${method}' not available`, false)
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  return {
    request: { method, target, version: minor === '0' ? '1.0' : '1.1', headers },
    bodyBytes: bodyBytes(method, headers),
    length: end + 4,
  }
}

function bodyBytes(method: string, headers: Map<string, string>): number {
  const encoding = headers.get('transfer-encoding')
  if (encoding !== undefined) {
    throw encoding.toLowerCase() === 'chunked'
      ? new HttpError(501, 'chunked transfer encoding not supported')
      : new HttpError(501, `Unknown transfer encoding '${encoding}'`)
  }
  const length = Number(headers.get('content-length') ?? 0)
  if (!Number.isSafeInteger(length) || length <= 0) return 0
  if (method === 'GET' || method === 'DELETE') throw new HttpError(501, `Unexpected content for method '${method}'`)
  const type = (headers.get('content-type') ?? '').split(';')[0]?.trim() ?? ''
  if (type === 'multipart/form-data') return length
  if (length > MAX_BODY_BYTES) throw new HttpError(501, 'for data too large')
  if (type !== '' && type !== 'application/x-www-form-urlencoded' && type !== 'application/json') {
    throw new HttpError(506, `upload 'Content-Type '${type}' not implemented`)
  }
  return length
}

/** Whether the connection ends with this answer: every error ends it, as do HTTP/1.0 and a client that asks. */
export function endsConnection(answer: HttpAnswer, request: Pick<HttpRequest, 'version' | 'headers'>): boolean {
  if (answer.status >= 400 || answer.close === true || request.version === '1.0') return true
  return (request.headers.get('connection') ?? '').toLowerCase() === 'close'
}

/** The answer as bytes: head in latin1 with the error text as reason phrase, body in UTF-8. */
export function writeAnswer(answer: HttpAnswer, request: Pick<HttpRequest, 'version' | 'headers'>, now: Date): Buffer {
  let body = answer.body === undefined ? undefined : Buffer.from(answer.body)
  const ends = endsConnection(answer, request)
  const date = now.toUTCString()
  const lines = [`HTTP/${request.version} ${answer.status} ${answer.reason}`, 'Cache-Control: max-age=0']
  if (ends) lines.push('Connection: close')
  else lines.push(...(answer.relayed === true ? ['Connection: close'] : []), 'Connection: Keep-Alive')
  lines.push(`Date: ${date}`, 'Pragma: no-cache', 'Server: pve-api-daemon/3.0')
  const wantsGzip = /\bgzip\b/.test(request.headers.get('accept-encoding') ?? '')
  if (body !== undefined && body.length > 1024 && wantsGzip) {
    body = gzipSync(body)
    lines.push('Content-Encoding: gzip')
  }
  // An empty body has no length, not even after a success: clients that wait for one wait until the idle timeout.
  if (body !== undefined && body.length > 0) lines.push(`Content-Length: ${body.length}`)
  if (answer.contentType !== undefined) lines.push(`Content-Type: ${answer.contentType}`)
  lines.push(`Expires: ${date}`)
  for (const [header, value] of answer.headers ?? []) lines.push(`${header}: ${value}`)
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  return body === undefined ? head : Buffer.concat([head, body])
}
