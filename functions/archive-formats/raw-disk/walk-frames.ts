/** The frames of a file one after the other, whole, without decompressing any (RFC 8878). */
import { NOT_INSPECTED } from '../../contracts/verification.ts'
import { ByteCursor } from '../byte-cursor.ts'
import { Damage } from '../damage.ts'
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
  const cursor = new FrameCursor(file)
  for (;;) {
    const frame = await cursor.next()
    if (frame === undefined) return
    yield frame
  }
}

class FrameCursor {
  readonly #bytes: ByteCursor
  #offset = 0

  constructor(file: AsyncIterable<Buffer>) {
    this.#bytes = new ByteCursor(file)
  }

  async next(): Promise<WalkedFrame | undefined> {
    this.#offset = this.#bytes.offset
    const first = await this.#bytes.take(4)
    if (first.length === 0) return undefined
    if (first.length < 4) throw this.#cutShort()
    const magic = first.readUInt32LE(0)
    if (magic === MAGIC) return this.#data(Buffer.from(first))
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) return this.#skippable(magic, Buffer.from(first))
    throw this.#damage('zstd-trailing-data', 'no zstd frame begins here')
  }

  async #data(magic: Buffer): Promise<WalkedFrame> {
    const pieces = [magic]
    let length = magic.length
    const take = async (bytes: number): Promise<Buffer> => {
      // The cursor's view holds until its next call.
      const taken = Buffer.from(await this.#take(bytes))
      pieces.push(taken)
      length += taken.length
      if (length > MAX_DATA_FRAME_BYTES)
        throw this.#damage(NOT_INSPECTED, "the frame is longer than those of a disk's archive")
      return taken
    }
    const descriptor = (await take(1)).readUInt8(0)
    const contentBytes = await this.#contentBytes(descriptor, take)
    for (let last = false; !last; ) {
      const header = (await take(3)).readUIntLE(0, 3)
      const type = (header >>> 1) & 3
      if (type === RESERVED_BLOCK) throw this.#damage('zstd-block', 'a block is of a reserved type')
      // A block of one repeated byte holds that byte alone.
      await take(type === RLE_BLOCK ? 1 : header >>> 3)
      last = (header & LAST_BLOCK) === LAST_BLOCK
    }
    const checksum = (await take(4)).readUInt32LE(0)
    return { kind: 'data', offset: this.#offset, bytes: Buffer.concat(pieces), contentBytes, checksum }
  }

  /** Content size and checksum make a frame that can be read alone. */
  async #contentBytes(descriptor: number, take: (bytes: number) => Promise<Buffer>): Promise<number> {
    const single = (descriptor & SINGLE_SEGMENT_FLAG) !== 0
    const sizeCode = descriptor >>> 6
    if ((descriptor & CHECKSUM_FLAG) === 0) throw this.#damage(NOT_INSPECTED, 'the frame has no checksum')
    if (sizeCode === 0 && !single) throw this.#damage(NOT_INSPECTED, "the frame doesn't say how long its content is")
    if ((descriptor & 3) !== 0) throw this.#damage(NOT_INSPECTED, 'the frame needs a dictionary')
    if (!single) await take(1)
    const size = await take(sizeCode === 0 ? 1 : 1 << sizeCode)
    if (size.length === 8) return Number(size.readBigUInt64LE(0))
    // A size of two bytes begins to count at 256.
    return size.readUIntLE(0, size.length) + (size.length === 2 ? 256 : 0)
  }

  async #skippable(magic: number, first: Buffer): Promise<WalkedFrame> {
    const header = Buffer.concat([first, await this.#take(4)])
    const length = header.readUInt32LE(4)
    if (magic === SEEK_TABLE_MAGIC) {
      if (length > MAX_TABLE_BYTES) throw this.#damage('seek-table', 'the seek table is longer than the format allows')
      return { kind: 'seek-table', offset: this.#offset, bytes: Buffer.concat([header, await this.#take(length)]) }
    }
    if ((await this.#bytes.skip(length)) < length) throw this.#cutShort()
    return { kind: 'pad', offset: this.#offset, storedBytes: header.length + length }
  }

  async #take(bytes: number): Promise<Buffer> {
    const taken = await this.#bytes.take(bytes)
    if (taken.length < bytes) throw this.#cutShort()
    return taken
  }

  #cutShort(): Damage {
    return this.#damage('zstd-cut-short', `the file ends within the frame, at byte ${this.#bytes.offset}`)
  }

  #damage(code: string, what: string): Damage {
    return new Damage(code, `At byte ${this.#offset} of the file: ${what}.`, 'file', this.#offset)
  }
}
