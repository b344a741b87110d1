/** Answers on the wire: headers every answer has, files streamed, errors as S3's XML. */
import { closeSync, createReadStream } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { S3Error } from './errors.ts'
import type { FileBody, S3Response } from './operations/call.ts'
import { element, renderXml } from './protocol/xml.ts'

const READ_BYTES = 256 * 1024
/** By it, a run on the same machine knows that sessions of its roles are known here. */
export const SERVER_NAME = 'guestlift-s3'
const KEEP_ALIVE_MS = 5_000

/** Who asked, for the headers and error bodies of the answer. */
export interface Exchange {
  response: ServerResponse
  method: string
  resource: string
  requestId: string
}

export async function sendResponse(exchange: Exchange, answer: S3Response): Promise<void> {
  const { response } = exchange
  const { body } = answer
  setHeaders(exchange, answer.headers ?? {})
  response.statusCode = answer.status
  if (answer.keepAlive) {
    await sendSlowly(exchange, answer.keepAlive)
    return
  }
  if (body === undefined) {
    if (exchange.method !== 'HEAD' && answer.status !== 204) response.setHeader('content-length', '0')
    response.end()
  } else if (typeof body === 'string') {
    response.setHeader('content-length', String(Buffer.byteLength(body)))
    response.end(exchange.method === 'HEAD' ? undefined : body)
  } else {
    await sendFile(response, body)
  }
}

function setHeaders(exchange: Exchange, headers: Record<string, string>): void {
  const { response, requestId } = exchange
  response.setHeader('x-amz-request-id', requestId)
  response.setHeader('x-amz-id-2', Buffer.from(requestId).toString('base64'))
  response.setHeader('server', SERVER_NAME)
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
}

async function sendFile(response: ServerResponse, body: FileBody): Promise<void> {
  if (body.length === 0) {
    closeSync(body.file)
    response.end()
    return
  }
  const { file, start, length } = body
  const stream = createReadStream('', { fd: file, start, end: start + length - 1, highWaterMark: READ_BYTES })
  // A client that goes away in the middle is its own business.
  await pipeline(stream, response).catch(() => response.destroy())
}

/** S3's way with long completions: 200 and an XML head at once, spaces while it works, then the result or an error. */
async function sendSlowly(exchange: Exchange, result: Promise<string>): Promise<void> {
  const { response } = exchange
  const head = '<?xml version="1.0" encoding="UTF-8"?>\n'
  response.write(head)
  const beat = setInterval(() => response.write(' '), KEEP_ALIVE_MS)
  try {
    response.end((await result).slice(head.length))
  } catch (cause) {
    response.end(errorXml(exchange, toS3Error(cause)).slice(head.length))
  } finally {
    clearInterval(beat)
  }
}

/** An error that isn't S3's own is ours: a full disk, a file changed from outside. Its message helps, so it is told. */
export function toS3Error(cause: unknown): S3Error {
  if (cause instanceof S3Error) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new S3Error('InternalError', { message: `We encountered an internal error. Please try again. (${reason})` })
}

export function sendError(exchange: Exchange, cause: unknown): void {
  const { response, method } = exchange
  if (response.headersSent) {
    response.destroy()
    return
  }
  const error = toS3Error(cause)
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  setHeaders(exchange, error.headers)
  response.statusCode = error.status
  if (error.status === 304) {
    response.end()
    return
  }
  const body = errorXml(exchange, error)
  response.setHeader('content-type', 'application/xml')
  if (method !== 'HEAD') response.setHeader('content-length', String(Buffer.byteLength(body)))
  response.end(method === 'HEAD' ? undefined : body)
}

function errorXml(exchange: Exchange, error: S3Error): string {
  return renderXml(
    element('Error', [
      element('Code', error.code),
      element('Message', error.message),
      ...error.details.map(([name, value]) => element(name, value)),
      element('Resource', exchange.resource),
      element('RequestId', exchange.requestId),
      element('HostId', Buffer.from(exchange.requestId).toString('base64')),
    ]),
    false,
  )
}
