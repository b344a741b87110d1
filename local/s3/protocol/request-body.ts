/** A request's body, verified against everything the request says about it while it flows through: nothing is held. */
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { invalidArgument, S3Error } from '../errors.ts'
import {
  badDigest,
  type ChecksumAlgorithm,
  checksumHeader,
  declaredChecksum,
  startChecksum,
  validDigest,
} from './checksums.ts'
import type { S3Request } from './request.ts'
import type { PayloadProof } from './sigv4.ts'
import { decodeChunks } from './streaming-body.ts'

/** What arrived, all of it verified. `checksum.value` is base64. */
export interface Received {
  sizeBytes: number
  md5Hex: string
  checksum?: { algorithm: ChecksumAlgorithm; value: string }
}

/** Called for each piece in order; its promise holds the sender back. */
export type ByteSink = (piece: Buffer) => Promise<void> | void

export interface RequestBody {
  /** The bytes that will arrive, without framing. @throws S3Error MissingContentLength */
  readonly sizeBytes: number
  /** The algorithm that the request itself declares. */
  readonly declared: ChecksumAlgorithm | undefined
  /** `damage` is what the way here did to the bytes. @throws S3Error BadDigest, XAmzContentSHA256Mismatch, IncompleteBody, … after the last byte at the latest */
  receive: (sink: ByteSink, compute?: ChecksumAlgorithm, damage?: (piece: Buffer) => Buffer) => Promise<Received>
  /** A small body as text. @throws S3Error MaxMessageLengthExceeded */
  text: (limitBytes: number) => Promise<string>
}

/** @throws S3Error InvalidDigest, InvalidRequest, InvalidArgument for contradictory headers */
export function requestBody(
  request: S3Request,
  proof: PayloadProof,
  response: ServerResponse,
  operation: string,
): RequestBody {
  // On completion the header is about the whole object that the parts make, not about this request's XML.
  const declared = operation === 'CompleteMultipartUpload' ? undefined : declaredChecksum(request)
  const contentMd5 = request.header('content-md5')
  if (contentMd5 !== undefined && !/^[A-Za-z0-9+/]{22}==$/.test(contentMd5)) throw new S3Error('InvalidDigest')
  const receive: RequestBody['receive'] = async (sink, compute, damage) => {
    let expected = declared?.value
    const pieces = plainBytes(request, proof, response, declared?.algorithm, (value) => {
      if (declared) expected = validDigest(declared.algorithm, value)
    })
    const algorithm = declared?.algorithm ?? compute
    const sum = algorithm && startChecksum(algorithm)
    const md5 = createHash('md5')
    const sha256 = proof.kind === 'sha256' ? createHash('sha256') : undefined
    const announced = size()
    let sizeBytes = 0
    for await (const sent of pieces) {
      const piece = damage?.(sent) ?? sent
      sizeBytes += piece.length
      if (sizeBytes > announced) throw new S3Error('IncompleteBody')
      md5.update(piece)
      sha256?.update(piece)
      sum?.update(piece)
      const pause = sink(piece)
      if (pause) await pause
    }
    if (sizeBytes !== announced) throw new S3Error('IncompleteBody')
    if (proof.kind === 'sha256' && sha256?.digest('hex') !== proof.hex) throw new S3Error('XAmzContentSHA256Mismatch')
    const md5Digest = md5.digest()
    if (contentMd5 !== undefined && md5Digest.toString('base64') !== contentMd5) throw new S3Error('BadDigest')
    if (!algorithm || !sum) return { sizeBytes, md5Hex: md5Digest.toString('hex') }
    const value = sum.digest().toString('base64')
    if (declared && value !== expected) throw badDigest(algorithm)
    return { sizeBytes, md5Hex: md5Digest.toString('hex'), checksum: { algorithm, value } }
  }
  const size = (): number => announcedSize(request, proof)
  return {
    get sizeBytes() {
      return size()
    },
    declared: declared?.algorithm,
    receive,
    text: async (limitBytes) => {
      if (!hasBody(request)) return ''
      if (size() > limitBytes) throw new S3Error('MaxMessageLengthExceeded')
      const pieces: Buffer[] = []
      await receive((piece) => void pieces.push(piece))
      return Buffer.concat(pieces).toString('utf8')
    },
  }
}

function hasBody(request: S3Request): boolean {
  return request.header('content-length') !== undefined || request.header('transfer-encoding') !== undefined
}

function announcedSize(request: S3Request, proof: PayloadProof): number {
  const name = proof.kind === 'chunks' ? 'x-amz-decoded-content-length' : 'content-length'
  const text = request.header(name)
  if (text === undefined) {
    if (request.header('transfer-encoding') === undefined && proof.kind !== 'chunks') return 0
    throw new S3Error('MissingContentLength')
  }
  if (!/^\d{1,16}$/.test(text)) throw invalidArgument(`Value for ${name} is not a length in bytes.`, [name, text])
  return Number(text)
}

async function* plainBytes(
  request: S3Request,
  proof: PayloadProof,
  response: ServerResponse,
  algorithm: ChecksumAlgorithm | undefined,
  onTrailer: (value: string) => void,
): AsyncGenerator<Buffer> {
  // Only now may the client send: until here a refusal costs it nothing.
  if (request.header('expect')?.toLowerCase() === '100-continue') response.writeContinue()
  const source = wholeBody(request.source)
  if (proof.kind !== 'chunks') {
    yield* source
    return
  }
  const inTrailer = proof.trailer && request.header('x-amz-trailer') !== undefined
  yield* decodeChunks(source, {
    ...(proof.signing ? { signing: proof.signing } : {}),
    ...(inTrailer && algorithm ? { trailerName: checksumHeader(algorithm) } : {}),
    onTrailer,
  })
}

/** A connection that breaks in the middle is the client's incomplete body, not an error of ours. */
async function* wholeBody(source: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    // destroyOnReturn is off so that an error found half-way can still be answered on this connection.
    yield* source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ECONNRESET') throw new S3Error('IncompleteBody')
    throw cause
  }
  if (!source.complete) throw new S3Error('IncompleteBody')
}
