/**
 * The frames of a disk's archive: data, holes, pads (RFC 8878). Each data frame holds its content's size and checksum, so
 * that it can be read alone and proves itself.
 */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { constants, crc32, createZstdCompress, zstdCompress } from 'node:zlib'
import type { FrameEntry } from '../../contracts/disk-archive.ts'

/** A frame that is ready to be sent. */
export interface Frame {
  bytes: Buffer
  /** Of the disk; 0 for a pad. */
  diskBytes: number
  /** Low word of the content's XXH64, which a frame ends with; 0 for a pad. */
  checksum: number
  crc32: number
}

/** The content of a hole frame: more saves next to nothing, since zstd needs four bytes for each 128 KiB. */
export const HOLE_BYTES = 64 * 2 ** 20

/** A skippable frame that only fills up. Readers pass over all sixteen skippable magic numbers. */
export const PAD_MAGIC = 0x184d2a50
const PAD_HEADER_BYTES = 8

/** Few enough chunks for a frame of incompressible data, little memory lost for a small one. */
const CHUNK_BYTES = 256 * 1024
const ZEROS_BYTES = 2 ** 20

const compress = promisify(zstdCompress)

function parameters(level: number, sizeBytes: number) {
  return {
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_checksumFlag]: 1,
      [constants.ZSTD_c_contentSizeFlag]: 1,
    },
    pledgedSrcSize: sizeBytes,
    chunkSize: CHUNK_BYTES,
  }
}

/** Compressed on a thread of Node's pool. */
export async function dataFrame(content: Buffer, level: number): Promise<Frame> {
  return frameOf(await compress(content, parameters(level, content.length)), content.length)
}

/** Frames of zeros, made once for each length. */
export class HoleFrames {
  readonly #made = new Map<number, Promise<Frame>>()

  of(sizeBytes: number): Promise<Frame> {
    const made = this.#made.get(sizeBytes) ?? zeroFrame(sizeBytes)
    this.#made.set(sizeBytes, made)
    return made
  }
}

/** In pieces, so that a hole takes no memory of its own length. */
async function zeroFrame(sizeBytes: number): Promise<Frame> {
  const zeros = Buffer.alloc(Math.min(ZEROS_BYTES, sizeBytes))
  function* pieces(): Generator<Buffer> {
    for (let left = sizeBytes; left > 0; left -= zeros.length) yield zeros.subarray(0, left)
  }
  const chunks: Buffer[] = []
  await pipeline(Readable.from(pieces()), createZstdCompress(parameters(1, sizeBytes)), async (made) => {
    for await (const chunk of made as AsyncIterable<Buffer>) chunks.push(chunk)
  })
  return frameOf(Buffer.concat(chunks), sizeBytes)
}

/** Fills a part up to a size. A pad has a header of eight bytes: what lacks less becomes a few bytes more. */
export function padFrame(lackingBytes: number): Frame {
  const bytes = Buffer.alloc(Math.max(PAD_HEADER_BYTES, lackingBytes))
  bytes.writeUInt32LE(PAD_MAGIC)
  bytes.writeUInt32LE(bytes.length - PAD_HEADER_BYTES, 4)
  return { bytes, diskBytes: 0, checksum: 0, crc32: crc32(bytes) }
}

export function entryOf({ bytes, diskBytes, checksum, crc32 }: Frame, times = 1): FrameEntry {
  return [bytes.length, diskBytes, checksum, crc32, times]
}

function frameOf(made: Buffer, diskBytes: number): Frame {
  // A chunk that is hardly used would keep all of its memory as long as its part lives.
  const bytes = made.length < made.buffer.byteLength ? Buffer.from(made) : made
  return { bytes, diskBytes, checksum: bytes.readUInt32LE(bytes.length - 4), crc32: crc32(bytes) }
}
