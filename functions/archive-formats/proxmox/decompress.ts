/** What an archive's compressor made, back as a stream: whole, checked by the compressor's own sums, in constant memory. */
import { pipeline, Readable, type Transform } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import type { Compression } from '../../contracts/verification.ts'
import { Damage } from '../damage.ts'
import { decompressLzop } from './lzop.ts'
import { cutAtFrames } from '../zstd-frames.ts'

/** Chunks of this size are few enough to cost nothing each, and small enough to stay in the processor's cache. */
const CHUNK_BYTES = 256 * 1024

/** Something a reader should know and that is no fault. */
export type Note = (text: string) => void

/** @throws Damage where the compressor's own format or sums are broken, or something follows its end */
export async function* decompress(
  source: AsyncIterable<Buffer>,
  compression: Compression,
  note: Note = () => undefined,
): AsyncGenerator<Buffer> {
  if (compression === 'none') yield* source
  else if (compression === 'lzo') yield* fromLzop(source, note)
  else if (compression === 'gzip') yield* fromGzip(source)
  else yield* fromZstd(source, note)
}

async function* fromLzop(source: AsyncIterable<Buffer>, note: Note): AsyncGenerator<Buffer> {
  const facts = { parts: 0, partsWithoutChecksum: 0 }
  yield* decompressLzop(source, facts)
  if (facts.partsWithoutChecksum > 0)
    note('The lzop file holds no checksums of its content: flipped bits may go unseen.')
}

async function* fromZstd(source: AsyncIterable<Buffer>, note: Note): AsyncGenerator<Buffer> {
  const facts = { frames: 0, framesWithoutChecksum: 0 }
  const counted = { bytes: 0, lastNotZero: 0 }
  const zstd = createZstdDecompress({ chunkSize: CHUNK_BYTES })
  yield* through(cutAtFrames(source, facts), zstd, 'zstd', counted)
  if (zstd.bytesWritten !== counted.bytes) {
    throw new Damage(
      'zstd-trailing-data',
      `zstd took no more after byte ${zstd.bytesWritten}.`,
      'file',
      zstd.bytesWritten,
    )
  }
  if (facts.framesWithoutChecksum > 0) {
    note(`${facts.framesWithoutChecksum} of ${facts.frames} zstd frames hold no checksum: flipped bits may go unseen.`)
  }
}

/**
 * Members one after the other are one content (RFC 1952). gzip accepts zeroes after the last, which tapes and block
 * devices leave there, and warns of anything else.
 */
async function* fromGzip(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const counted = { bytes: 0, lastNotZero: 0 }
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES })
  yield* through(source, gunzip, 'gzip', counted)
  const end = gunzip.bytesWritten
  if (counted.lastNotZero > end) {
    const message = `${counted.bytes - end} bytes follow the end of the gzip data at byte ${end}.`
    throw new Damage('gzip-trailing-data', message, 'file', end)
  }
}

async function* through(
  source: AsyncIterable<Buffer>,
  transform: Transform & { bytesWritten: number },
  name: 'gzip' | 'zstd',
  /** Filled while reading; `lastNotZero`: where the last byte ends that isn't zero. */
  counted: { bytes: number; lastNotZero: number },
): AsyncGenerator<Buffer> {
  async function* count(): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      const last = chunk.findLastIndex((byte) => byte !== 0)
      if (last >= 0) counted.lastNotZero = counted.bytes + last + 1
      counted.bytes += chunk.length
      yield chunk
    }
  }
  // The loop below sees every error; the callback keeps Node from throwing it a second time.
  pipeline(Readable.from(count(), { objectMode: true }), transform, () => undefined)
  try {
    for await (const chunk of transform as AsyncIterable<Buffer>) yield chunk
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!/^(Z|ZSTD)_/.test(code)) throw error
    const at = transform.bytesWritten
    const found = code === 'Z_BUF_ERROR' ? 'cut-short' : 'data'
    const what = found === 'cut-short' ? 'ends too early' : `is damaged (${(error as Error).message})`
    // zlib takes whatever follows a member of gzip for the next one, and misses or refuses that one's header.
    const or = name === 'gzip' && mayFollow(error as Error) ? ', or something else follows its end' : ''
    const message = `The ${name} data ${what}${or}; it was read up to about byte ${at}.`
    throw new Damage(`${name}-${found}`, message, 'file', at)
  }
}

/** Whether zlib may have met other bytes behind whole data. Its other complaints are about what a header announced. */
function mayFollow({ message }: Error): boolean {
  return /^(unexpected end of file|incorrect header check)$/.test(message)
}
