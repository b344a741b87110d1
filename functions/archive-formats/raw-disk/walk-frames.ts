/** The frames of a file one after the other, whole, without decompressing any (RFC 8878). */
import { NOT_INSPECTED } from '../../contracts/verification.ts'
import { Damage } from '../damage.ts'
import { ChunkWindow } from './chunk-window.ts'
import { SEEK_TABLE_MAGIC } from './seek-table.ts'

const MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50
const LAST_BLOCK = 1
const RLE_BLOCK = 1
const RESERVED_BLOCK = 3
const CHECKSUM_FLAG = 0x04
const SINGLE_SEGMENT_FLAG = 0x20

/** Data frames here hold 16 MiB of a disk at most. A longer one was not made here, and isn't held in memory. */
const MAX_DATA_FRAME_BYTES = 32 * 2 ** 20
/** By the seekable format: 2^27 frames of twelve bytes, with header and footer. */
const MAX_TABLE_BYTES = 2 ** 27 * 12 + 17

export type WalkedFrame =
  | {
      kind: 'data'
      offset: number
      bytes: Buffer
      /** As the frame's header says. */
      contentBytes: number
      checksum: number
    }
  | { kind: 'pad'; offset: number; storedBytes: number }
  | { kind: 'seek-table'; offset: number; bytes: Buffer }

/**
 * @throws Damage where a file is no row of frames, ends within one, or has frames that a disk's archive doesn't have:
 *   without checksum, without content size, or too long
 */
export async function* walkFrames(file: AsyncIterable<Buffer>): AsyncGenerator<WalkedFrame> {
  const walk = new FrameWalk(file)
  for (;;) {
    const frame = await walk.next()
    if (frame === undefined) return
    yield frame
  }
}

class FrameWalk {
  readonly #file: ChunkWindow
  /** Of the frame that is being read, as far as its length is known. */
  #length = 0

  constructor(file: AsyncIterable<Buffer>) {
    this.#file = new ChunkWindow(file)
  }

  async next(): Promise<WalkedFrame | undefined> {
    if (!(await this.#file.has(1))) return undefined
    this.#length = 0
    const offset = this.#file.offset
    const magic = (await this.#more(4)).readUInt32LE(0)
    if (magic === MAGIC) return { kind: 'data', offset, ...(await this.#data()) }
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) return this.#skippable(magic, offset)
    throw this.#damage('zstd-trailing-data', 'no zstd frame begins here')
  }

  async #data(): Promise<{ bytes: Buffer; contentBytes: number; checksum: number }> {
    const contentBytes = await this.#contentBytes((await this.#more(1)).readUInt8(0))
    for (let last = false; !last; ) {
      const header = (await this.#more(3)).readUIntLE(0, 3)
      const type = (header >>> 1) & 3
      if (type === RESERVED_BLOCK) throw this.#damage('zstd-block', 'a block is of a reserved type')
      // A block of one repeated byte holds that byte alone.
      this.#length += type === RLE_BLOCK ? 1 : header >>> 3
      if (this.#length > MAX_DATA_FRAME_BYTES) {
        throw this.#damage(NOT_INSPECTED, "the frame is longer than those of a disk's archive")
      }
      last = (header & LAST_BLOCK) === LAST_BLOCK
    }
    const checksum = (await this.#more(4)).readUInt32LE(0)
    return { bytes: this.#file.take(this.#length), contentBytes, checksum }
  }

  /** Content size and checksum make a frame that can be read alone. */
  async #contentBytes(descriptor: number): Promise<number> {
    const single = (descriptor & SINGLE_SEGMENT_FLAG) !== 0
    const sizeCode = descriptor >>> 6
    if ((descriptor & CHECKSUM_FLAG) === 0) throw this.#damage(NOT_INSPECTED, 'the frame has no checksum')
    if (sizeCode === 0 && !single) {
      throw this.#damage(NOT_INSPECTED, "the frame doesn't say how long its content is")
    }
    if ((descriptor & 3) !== 0) throw this.#damage(NOT_INSPECTED, 'the frame needs a dictionary')
    if (!single) await this.#more(1)
    const size = await this.#more(sizeCode === 0 ? 1 : 1 << sizeCode)
    if (size.length === 8) return Number(size.readBigUInt64LE(0))
    // A size of two bytes begins to count at 256.
    return size.readUIntLE(0, size.length) + (size.length === 2 ? 256 : 0)
  }

  async #skippable(magic: number, offset: number): Promise<WalkedFrame> {
    const content = (await this.#more(4)).readUInt32LE(0)
    const storedBytes = this.#length + content
    if (magic !== SEEK_TABLE_MAGIC) {
      if (await this.#file.skip(storedBytes)) return { kind: 'pad', offset, storedBytes }
      throw this.#cutShort(offset)
    }
    if (content > MAX_TABLE_BYTES) throw this.#damage('seek-table', 'the seek table is longer than the format allows')
    if (!(await this.#file.has(storedBytes))) throw this.#cutShort(offset)
    return { kind: 'seek-table', offset, bytes: this.#file.take(storedBytes) }
  }

  /** The next bytes of the frame. */
  async #more(bytes: number): Promise<Buffer> {
    if (!(await this.#file.has(this.#length + bytes))) throw this.#cutShort(this.#file.offset)
    const more = this.#file.peek(this.#length, bytes)
    this.#length += bytes
    return more
  }

  #cutShort(offset: number): Damage {
    const end = this.#file.offset + this.#file.available
    return new Damage(
      'zstd-cut-short',
      `The file ends at byte ${end}, within the frame at byte ${offset}.`,
      'file',
      offset,
    )
  }

  #damage(code: string, what: string): Damage {
    const { offset } = this.#file
    return new Damage(code, `At byte ${offset} of the file: ${what}.`, 'file', offset)
  }
}
