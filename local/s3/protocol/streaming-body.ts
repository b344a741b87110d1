/**
 * The aws-chunked framing of request bodies: signed chunks, unsigned chunks, and trailers with or without a signature
 * (S3 API reference, "Transferring Payload in Multiple Chunks" and "Including Trailing Headers").
 */
import { createHash } from 'node:crypto'
import { S3Error } from '../errors.ts'
import { chunkStringToSign, signature, trailerStringToSign } from './canonical-request.ts'
import { type ChunkSigning, sameText } from './sigv4.ts'

/** S3's least size of a chunk that isn't the last. */
const SMALLEST_CHUNK_BYTES = 8192
const LONGEST_LINE_BYTES = 8192

export interface ChunkedOptions {
  signing?: ChunkSigning
  /** The trailer's name as announced by x-amz-trailer; any other one is refused. */
  trailerName?: string
  onTrailer: (value: string) => void
}

/** Bytes of a source, by line and by count, without copying what arrives in one piece. */
class ByteReader {
  readonly #source: AsyncIterator<Buffer>
  #held: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  async #more(): Promise<void> {
    const next = await this.#source.next()
    if (next.done === true) throw new S3Error('IncompleteBody')
    this.#held = this.#held.length === 0 ? next.value : Buffer.concat([this.#held, next.value])
  }

  /** The text before the next CR LF. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#held.indexOf('\r\n')
      if (end !== -1) {
        const text = this.#held.toString('latin1', 0, end)
        this.#held = this.#held.subarray(end + 2)
        return text
      }
      if (this.#held.length > LONGEST_LINE_BYTES) throw new S3Error('IncompleteBody')
      await this.#more()
    }
  }

  async *take(count: number): AsyncGenerator<Buffer> {
    let left = count
    while (left > 0) {
      if (this.#held.length === 0) await this.#more()
      const piece = this.#held.subarray(0, left)
      this.#held = this.#held.subarray(piece.length)
      left -= piece.length
      yield piece
    }
  }

  /** Nothing may follow the framing. */
  async expectEnd(): Promise<void> {
    const next = this.#held.length > 0 ? undefined : await this.#source.next()
    if (next === undefined || next.done !== true) throw new S3Error('IncompleteBody')
  }
}

/** @throws S3Error SignatureDoesNotMatch, InvalidChunkSizeError, MalformedTrailerError, IncompleteBody */
export async function* decodeChunks(source: AsyncIterable<Buffer>, options: ChunkedOptions): AsyncGenerator<Buffer> {
  const reader = new ByteReader(source)
  let previous = options.signing?.seed ?? ''
  let small = false
  for (;;) {
    const { size, given } = chunkHeader(await reader.line(), options.signing !== undefined)
    if (size > 0 && small) throw new S3Error('InvalidChunkSizeError')
    small = size < SMALLEST_CHUNK_BYTES
    const hash = options.signing === undefined ? undefined : createHash('sha256')
    for await (const piece of reader.take(size)) {
      hash?.update(piece)
      yield piece
    }
    if (size > 0 && (await reader.line()) !== '') throw new S3Error('IncompleteBody')
    if (options.signing !== undefined && hash !== undefined) {
      const { key, amzDate, scope } = options.signing
      const expected = signature(key, chunkStringToSign(amzDate, scope, previous, hash.digest('hex')))
      if (!sameText(expected, given)) throw wrongChunkSignature()
      previous = expected
    }
    if (size === 0) break
  }
  await readTrailer(reader, options, previous)
  await reader.expectEnd()
}

function chunkHeader(line: string, signed: boolean): { size: number; given: string } {
  const match = /^([0-9a-f]{1,16})(?:;chunk-signature=([0-9a-f]{64}))?$/i.exec(line)
  if (!match?.[1]) throw new S3Error('IncompleteBody')
  if (signed !== (match[2] !== undefined)) throw wrongChunkSignature()
  return { size: Number.parseInt(match[1], 16), given: match[2] ?? '' }
}

async function readTrailer(reader: ByteReader, options: ChunkedOptions, previous: string): Promise<void> {
  let canonical = ''
  let given: string | undefined
  for (let line = await reader.line(); line !== ''; line = await reader.line()) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase()
    const value = line.slice(colon + 1).trim()
    if (name === 'x-amz-trailer-signature') given = value
    else if (name === options.trailerName && canonical === '') {
      canonical = `${name}:${value}\n`
      options.onTrailer(value)
    } else throw new S3Error('MalformedTrailerError')
  }
  if (options.trailerName !== undefined && canonical === '') throw new S3Error('MalformedTrailerError')
  if (options.signing === undefined || options.trailerName === undefined) return
  const { key, amzDate, scope } = options.signing
  const expected = signature(key, trailerStringToSign(amzDate, scope, previous, canonical))
  if (given === undefined || !sameText(expected, given)) throw wrongChunkSignature()
}

function wrongChunkSignature(): S3Error {
  return new S3Error('SignatureDoesNotMatch')
}
