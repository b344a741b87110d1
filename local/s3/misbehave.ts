/** Carrying out the faults that aren't answers. */
import { closeSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import type { Fault } from './faults.ts'
import type { S3Response } from './operations/call.ts'
import type { RequestBody } from './protocol/request-body.ts'
import type { S3Request } from './protocol/request.ts'
import { type Exchange, sendResponse } from './respond.ts'

/** Returns false when the fault concerns the answer and the operation is to go on. */
export async function misbehave(
  fault: 'cut' | 'silent',
  operation: string,
  request: S3Request,
  response: ServerResponse,
): Promise<boolean> {
  const { source } = request
  if (fault === 'cut' && operation === 'GetObject') return false
  if (source.headers.expect !== undefined) response.writeContinue()
  if (fault === 'silent') {
    source.resume()
    return true
  }
  const half = Number(source.headers['content-length'] ?? 0) / 2
  let seen = 0
  if (half > 0) {
    for await (const piece of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      seen += piece.length
      if (seen >= half) break
    }
  }
  source.destroy()
  return true
}

/** Any byte but the one that was sent. */
export function corrupted(body: RequestBody): RequestBody {
  return {
    declared: body.declared,
    get sizeBytes() {
      return body.sizeBytes
    },
    text: (limitBytes) => body.text(limitBytes),
    receive: (sink, compute) => body.receive(sink, compute, flipFirstByte()),
  }
}

/** The request as a store reads it that has this fault. */
export function asRead(request: S3Request, fault: Fault | undefined): S3Request {
  if (fault === 'bare-tags') return withBareTags(request)
  if (fault === 'no-conditions') return withoutHeaders(request, /^if-(none-)?match$/)
  return fault === 'no-checksums' ? withoutHeaders(request, /^x-amz-(checksum-|sdk-checksum)/) : request
}

/** The request as a store reads it that compares If-Match, quotes included, with an ETag that it keeps without. */
function withBareTags(request: S3Request): S3Request {
  return {
    ...request,
    header: (name) => {
      const value = request.header(name)
      return name === 'if-match' && value?.startsWith('"') === true ? 'quoted' : value
    },
  }
}

/** The request as an older store reads it, which passes over headers that it doesn't know. */
function withoutHeaders(request: S3Request, unknown: RegExp): S3Request {
  return { ...request, header: (name) => (unknown.test(name) ? undefined : request.header(name)) }
}

function flipFirstByte(): (piece: Buffer) => Buffer {
  let flipped = false
  return (piece) => {
    if (flipped || piece.length === 0) return piece
    flipped = true
    const other = Buffer.from(piece)
    other.writeUInt8(other.readUInt8(0) ^ 1, 0)
    return other
  }
}

/** The answer's headers promise all of it; the connection breaks after half. */
export async function sendHalf(exchange: Exchange, answer: S3Response): Promise<void> {
  const { response } = exchange
  if (typeof answer.body !== 'object' || answer.body.length < 2) {
    dropAnswer(exchange, answer)
    return
  }
  // Taken now: the response lets go of its socket once it believes it has finished.
  const { socket } = response
  const half = { ...answer.body, length: Math.floor(answer.body.length / 2) }
  await sendResponse(exchange, { ...answer, body: half })
  socket?.destroySoon()
}

export function dropAnswer(exchange: Exchange, answer: S3Response): void {
  if (typeof answer.body === 'object') closeSync(answer.body.file)
  exchange.response.destroy()
}
