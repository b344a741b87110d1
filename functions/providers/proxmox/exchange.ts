/** One HTTP request and its whole answer over undici's client, with limits that end every wait. */
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import Client from 'undici/lib/dispatcher/client.js'
import type { Connector } from './connector.ts'
import { type HttpAnswer, type HttpRequest, type Limits, type Line, Unanswered } from '../../http/api-line.ts'

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
    // The API drops connections that were idle for 5 s; leaving first avoids sending into a connection that is closing.
    keepAliveTimeout: 3000,
    pipelining: 1,
  })
  return {
    request: (request) => exchange(client, request, limits, () => connections > 0),
    close: () => client.destroy(),
  }
}

function exchange(client: Client, request: HttpRequest, limits: Limits, connected: () => boolean): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let status = 0
    let reason = ''
    let encoding = ''
    let date: string | undefined
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
            reason = statusMessage ?? ''
          },
          onResponseData: (_controller, chunk) => {
            chunks.push(chunk)
          },
          onResponseEnd: () => {
            clearTimeout(timer)
            try {
              const body = unpacked(Buffer.concat(chunks), encoding, limits.maxBodyBytes)
              resolve({ status, reason, body: body.toString('utf8'), ...(date === undefined ? {} : { date }) })
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
