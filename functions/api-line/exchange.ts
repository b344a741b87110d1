/** One HTTP request and its whole answer over undici's client, with limits that end every wait. */
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import Client from 'undici/lib/dispatcher/client.js'
import type { Connector } from './connector.ts'

export interface Limits {
  connectTimeoutMs: number
  /** Longest wait for the answer's head. Proxmox's own proxy gives up on a slow backend after 30 s, a 401 takes 3 s. */
  headersTimeoutMs: number
  /** Longest pause inside the answer's body. */
  bodyTimeoutMs: number
  /** Longest whole exchange, so that an answer that drips can't hold a function. */
  totalTimeoutMs: number
  /** Logs of tasks and lists of guests are the largest answers; they reach megabytes. */
  maxBodyBytes: number
}

export const standardLimits: Limits = {
  connectTimeoutMs: 10_000,
  headersTimeoutMs: 45_000,
  bodyTimeoutMs: 30_000,
  totalTimeoutMs: 90_000,
  maxBodyBytes: 64 * 1024 * 1024,
}

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path: string
  headers: Record<string, string>
  body?: string
}

export interface HttpAnswer {
  status: number
  reason: string
  body: string
  /** The `Date` header as it came: the clock of what answered. */
  date?: string
  /** `Set-Cookie` headers as they came. */
  cookies?: readonly string[]
}

/** There is no whole answer. `sent` is false when provably not a byte of the request left. */
export class Unanswered extends Error {
  readonly sent: boolean

  constructor(sent: boolean, cause: Error) {
    super(cause.message, { cause })
    this.sent = sent
  }
}

/** A line to one endpoint. */
export interface Line {
  request(request: HttpRequest): Promise<HttpAnswer>
  close(): Promise<void>
}

/** @throws Unanswered from `request`, and nothing else */
export function openLine(endpoint: string, connector: Connector, limits: Limits): Line {
  let connections = 0
  const client = new Client(endpoint, {
    connect: (options, callback) =>
      connector(options, (...result) => {
        if (result[0] === null) connections += 1
        callback(...result)
      }),
    allowH2: false,
    headersTimeout: limits.headersTimeoutMs,
    bodyTimeout: limits.bodyTimeoutMs,
    maxResponseSize: limits.maxBodyBytes,
    // Proxmox drops connections that were idle for 5 s; leaving first avoids sending into a connection that is closing.
    keepAliveTimeout: 3000,
    pipelining: 1,
  })
  return {
    request: (request) => exchange(client, request, limits, () => connections > 0),
    close: () => client.destroy(),
  }
}

/** A bundle of lines to one endpoint, opened as they are needed: each request takes the one that is least busy. */
export function openLines(width: number, open: () => Line): Line {
  const lines: { line: Line; busy: number }[] = []
  const free = () => {
    const [least] = lines.toSorted((one, other) => one.busy - other.busy)
    if (least !== undefined && (least.busy === 0 || lines.length === width)) return least
    const fresh = { line: open(), busy: 0 }
    lines.push(fresh)
    return fresh
  }
  return {
    async request(request) {
      const taken = free()
      taken.busy += 1
      try {
        return await taken.line.request(request)
      } finally {
        taken.busy -= 1
      }
    },
    close: async () => {
      await Promise.all(lines.map(({ line }) => line.close()))
    },
  }
}

function exchange(client: Client, request: HttpRequest, limits: Limits, connected: () => boolean): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let status = 0
    let reason = ''
    let encoding = ''
    let date: string | undefined
    let cookies: string[] = []
    let stop: ((error: Error) => void) | undefined
    const fail = (error: Error) => {
      clearTimeout(timer)
      reject(new Unanswered(connected(), error))
    }
    const timer = setTimeout(() => {
      const error = new Error(`no whole answer within ${limits.totalTimeoutMs / 1000} s`)
      fail(error)
      stop?.(error)
    }, limits.totalTimeoutMs)
    try {
      client.dispatch(
        { ...request, body: request.body ?? null },
        {
          onRequestStart: (controller) => {
            stop = (error) => controller.abort(error)
          },
          onResponseStart: (_controller, statusCode, headers, statusMessage) => {
            status = statusCode
            encoding = String(headers['content-encoding'] ?? '').toLowerCase()
            date = [headers['date']].flat()[0]
            cookies = [headers['set-cookie'] ?? []].flat()
            reason = statusMessage ?? ''
          },
          onResponseData: (_controller, chunk) => {
            chunks.push(chunk)
          },
          onResponseEnd: () => {
            clearTimeout(timer)
            try {
              const body = unpacked(Buffer.concat(chunks), encoding, limits.maxBodyBytes)
              resolve({
                status,
                reason,
                body: body.toString('utf8'),
                ...(date === undefined ? {} : { date }),
                ...(cookies.length === 0 ? {} : { cookies }),
              })
            } catch (error) {
              fail(error instanceof Error ? error : new Error(String(error)))
            }
          },
          onResponseError: (_controller, error) => fail(error),
        },
      )
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)))
    }
  })
}

/** This client never asks for compression, but proxies in between compress for others and may not keep them apart. */
function unpacked(body: Buffer, encoding: string, maxOutputLength: number): Buffer {
  if (body.length === 0) return body
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return gunzipSync(body, { maxOutputLength })
    case 'deflate':
      return inflateSync(body, { maxOutputLength })
    case 'br':
      return brotliDecompressSync(body, { maxOutputLength })
    default:
      return body
  }
}
