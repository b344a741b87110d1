/** What is in a frame: checked by the checksum that it ends with. */
import { Readable } from 'node:stream'
import { createZstdDecompress } from 'node:zlib'
import type { Piece } from '../../domain/encoding/part-encoder.ts'
import { Damage } from '../damage.ts'

/** Content is handed on in pieces of this size, and looked at for zeros so. */
const PIECE_BYTES = 2 ** 20
const ZEROS = Buffer.alloc(PIECE_BYTES)
/** Frames of holes are a few kilobytes, and data frames seldom; more of them remembered would help nobody. */
const MAX_REMEMBERED_BYTES = 64 * 1024
const MAX_REMEMBERED = 64

/**
 * Reads frames, and remembers those that held nothing but zeros: the same bytes hold the same content, so that of a
 * thousand equal hole frames one is decompressed.
 */
export class FrameContents {
  /** With how many zeros each holds. */
  readonly #zeros = new Map<string, number>()

  /**
   * The content in order, from `positionBytes` of the disk on; zeros come without bytes.
   * @param offset where the frame lies in the file, for findings
   * @throws Damage
   */
  async *of(frame: Buffer, contentBytes: number, positionBytes: number, offset: number): AsyncGenerator<Piece> {
    const memorable = frame.length <= MAX_REMEMBERED_BYTES ? frame.toString('latin1') : undefined
    if (memorable !== undefined && this.#zeros.get(memorable) === contentBytes) {
      yield { positionBytes, sizeBytes: contentBytes }
      return
    }
    let [at, zeroBytes] = [positionBytes, 0]
    for await (const bytes of decompressed(frame, contentBytes, offset)) {
      if (at + bytes.length > positionBytes + contentBytes) throw differs(offset, contentBytes)
      const zeros = isZero(bytes)
      if (zeros) zeroBytes += bytes.length
      yield { positionBytes: at, sizeBytes: bytes.length, ...(zeros ? {} : { bytes }) }
      at += bytes.length
    }
    if (at !== positionBytes + contentBytes) throw differs(offset, contentBytes)
    if (memorable !== undefined && zeroBytes === contentBytes && this.#zeros.size < MAX_REMEMBERED) {
      this.#zeros.set(memorable, contentBytes)
    }
  }
}

export function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const piece = bytes.subarray(at, at + PIECE_BYTES)
    if (!piece.equals(ZEROS.subarray(0, piece.length))) return false
  }
  return true
}

async function* decompressed(frame: Buffer, contentBytes: number, offset: number): AsyncGenerator<Buffer> {
  const stream = createZstdDecompress({ chunkSize: Math.max(64, Math.min(PIECE_BYTES, contentBytes)) })
  Readable.from([frame]).pipe(stream)
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) yield chunk
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!/^(Z|ZSTD)_/.test(code)) throw error
    throw new Damage(
      'zstd-data',
      `The frame at byte ${offset} is damaged (${(error as Error).message}).`,
      'file',
      offset,
    )
  }
}

function differs(offset: number, contentBytes: number): Damage {
  const message = `The frame at byte ${offset} doesn't hold the ${contentBytes} bytes that its header says.`
  return new Damage('zstd-data', message, 'file', offset)
}
