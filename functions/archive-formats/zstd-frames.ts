/**
 * Walks the outside of a zstd file (RFC 8878): frames, blocks, checksums, without decompressing anything. Node's
 * decompressor drops what follows a frame within one chunk and takes it for the end (seen with 24.21): the walk cuts
 * its input at the ends of frames, and finds what no decompressor complains about.
 */
import { Damage } from './damage.ts'

const MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50
/** The platform restores with `zstd -d`, which refuses frames that need more memory than this (zstd 1.5.4). */
const LARGEST_WINDOW_BYTES = 128 * 1024 * 1024

/** Whether these four bytes, little endian, begin a frame. Sixteen of them mark frames without content, as pzstd's first. */
export function beginsZstdFrame(magic: number): boolean {
  return magic === MAGIC || (magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC
}

export interface ZstdFacts {
  frames: number
  /** Frames that don't end with a sum of their content: a flipped bit in those may go unseen. */
  framesWithoutChecksum: number
}

type Step = 'magic' | 'descriptor' | 'frame-header' | 'skip-size' | 'block' | 'end'

/** Passes all bytes on, in chunks that end where frames end. @throws Damage */
export async function* cutAtFrames(source: AsyncIterable<Buffer>, facts: ZstdFacts): AsyncGenerator<Buffer> {
  const walk = new FrameWalk(facts)
  let offset = 0
  for await (const chunk of source) {
    let start = 0
    for (let at = 0; at < chunk.length; ) {
      at += walk.advance(chunk, at, offset)
      if (walk.atBoundary) {
        yield chunk.subarray(start, at)
        start = at
      }
    }
    offset += chunk.length
    if (start < chunk.length) yield chunk.subarray(start)
  }
  if (!walk.atBoundary) {
    throw new Damage('zstd-cut-short', `The zstd file ends at byte ${offset}, within a frame.`, 'file', offset)
  }
}

class FrameWalk {
  atBoundary = true
  readonly #facts: ZstdFacts
  /** What the gathered bytes will be. */
  #step: Step = 'magic'
  #wanted = 4
  readonly #gathered: number[] = []
  /** Bytes to pass over before `#step`. */
  #pass = 0
  #descriptor = 0
  #checksum = false

  constructor(facts: ZstdFacts) {
    this.#facts = facts
  }

  /** Take bytes of the chunk from `at`; `offset` is where the chunk stands in the file. Returns how many. */
  advance(chunk: Buffer, at: number, offset: number): number {
    this.atBoundary = false
    if (this.#pass > 0) {
      const step = Math.min(this.#pass, chunk.length - at)
      this.#pass -= step
      this.#settle()
      return step
    }
    this.#gathered.push(chunk[at] ?? 0)
    if (this.#gathered.length === this.#wanted) {
      this.#read(Buffer.from(this.#gathered.splice(0)), offset + at + 1)
      this.#settle()
    }
    return 1
  }

  #settle(): void {
    if (this.#pass > 0 || this.#step !== 'end') return
    this.#expect('magic', 4)
    this.atBoundary = true
  }

  #expect(step: Step, wanted: number): void {
    this.#step = step
    this.#wanted = wanted
  }

  #read(bytes: Buffer, end: number): void {
    const at = end - bytes.length
    if (this.#step === 'magic') this.#readMagic(bytes.readUInt32LE(0), at)
    else if (this.#step === 'skip-size') {
      this.#pass = bytes.readUInt32LE(0)
      this.#step = 'end'
    } else if (this.#step === 'descriptor') this.#readDescriptor(bytes[0] ?? 0, at)
    else if (this.#step === 'frame-header') this.#readFrameHeader(bytes, at)
    else this.#readBlock(bytes.readUIntLE(0, 3), at)
  }

  #readMagic(magic: number, at: number): void {
    if (magic === MAGIC) return this.#expect('descriptor', 1)
    if (beginsZstdFrame(magic)) return this.#expect('skip-size', 4)
    const what = this.#facts.frames === 0 ? 'The file does not begin as zstd' : 'What follows is no zstd frame'
    throw new Damage('zstd-trailing-data', `${what} (byte ${at}).`, 'file', at)
  }

  #readDescriptor(descriptor: number, at: number): void {
    if ((descriptor & 0x08) !== 0) {
      throw new Damage('zstd-header', `The zstd frame at byte ${at - 4} uses a reserved bit.`, 'file', at)
    }
    this.#descriptor = descriptor
    this.#checksum = (descriptor & 0x04) !== 0
    this.#facts.frames += 1
    if (!this.#checksum) this.#facts.framesWithoutChecksum += 1
    const { windowBytes, dictionaryBytes, sizeBytes } = headerFields(descriptor)
    this.#expect('frame-header', windowBytes + dictionaryBytes + sizeBytes)
  }

  #readFrameHeader(header: Buffer, at: number): void {
    const needed = windowOf(header, this.#descriptor)
    if (needed > LARGEST_WINDOW_BYTES) {
      const mebibytes = Math.ceil(needed / 1024 ** 2)
      throw new Damage(
        'zstd-window',
        `The zstd frame whose header is at byte ${at} was made with a long window. ` +
          `Reading it takes ${mebibytes} MiB of memory, and zstd, as a restore runs it, refuses more than 128. Its content may be whole: unpack it with ` +
          `"zstd -d --long=${Math.ceil(Math.log2(needed))}" and compress it again without --long.`,
        'file',
        at,
      )
    }
    this.#expect('block', 3)
  }

  #readBlock(header: number, at: number): void {
    const type = (header >>> 1) & 3
    if (type === 3) throw new Damage('zstd-block', `The zstd block at byte ${at} is of a reserved type.`, 'file', at)
    // A block of one repeated byte holds that byte alone.
    this.#pass = type === 1 ? 1 : header >>> 3
    const isLast = (header & 1) === 1
    if (!isLast) return
    if (this.#checksum) this.#pass += 4
    this.#step = 'end'
  }
}

/** How the bytes between a frame's descriptor and its first block divide (RFC 8878, 3.1.1.1.1). One at least. */
function headerFields(descriptor: number): { windowBytes: number; dictionaryBytes: number; sizeBytes: number } {
  const single = (descriptor & 0x20) !== 0
  const sizeCode = descriptor >>> 6
  return {
    windowBytes: single ? 0 : 1,
    dictionaryBytes: (descriptor & 3) === 3 ? 4 : descriptor & 3,
    sizeBytes: sizeCode === 0 ? (single ? 1 : 0) : 1 << sizeCode,
  }
}

/** Bytes of content that must be kept at hand: the window, or the whole content of a single segment. */
function windowOf(header: Buffer, descriptor: number): number {
  const { windowBytes, dictionaryBytes, sizeBytes } = headerFields(descriptor)
  if (windowBytes === 1) {
    const [code = 0] = header
    const base = 2 ** (10 + (code >>> 3))
    return base + (base / 8) * (code & 7)
  }
  const size = header.subarray(windowBytes + dictionaryBytes)
  if (sizeBytes === 8) return Number(size.readBigUInt64LE(0))
  // A size of two bytes starts to count at 256, which is far below what matters here.
  return size.readUIntLE(0, sizeBytes)
}
