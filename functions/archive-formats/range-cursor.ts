import type { ContentCursor } from './content-cursor.ts'

/** After a jump so little is read: the next jump may follow at once. */
const LEAST_BYTES = 128 * 1024
/** Who reads on without jumping gets ranges as large as this, and needs twice as much memory. */
const MOST_BYTES = 16 * 1024 * 1024

/** Reads exactly these bytes, all of which exist. */
export type ReadRange = (firstByte: number, bytes: number) => Promise<Buffer>

/** Exact reads over bytes that can be read from any place on: what is passed over is never read. */
export class RangeCursor implements ContentCursor {
  offset = 0
  readonly #read: ReadRange
  readonly #sizeBytes: number
  #held: Buffer = Buffer.alloc(0)
  #heldAt = 0
  #step = LEAST_BYTES / 2

  constructor(read: ReadRange, sizeBytes: number) {
    this.#read = read
    this.#sizeBytes = sizeBytes
  }

  async take(bytes: number): Promise<Buffer> {
    if (this.offset + bytes > this.#heldAt + this.#held.length) await this.#fill(bytes)
    const from = this.offset - this.#heldAt
    const taken = this.#held.subarray(from, from + bytes)
    this.offset += taken.length
    return taken
  }

  async skip(bytes: number): Promise<number> {
    const step = Math.min(bytes, this.#sizeBytes - this.offset)
    this.offset += step
    return step
  }

  async #fill(bytes: number): Promise<void> {
    const end = this.#heldAt + this.#held.length
    const kept = this.offset > end ? Buffer.alloc(0) : this.#held.subarray(this.offset - this.#heldAt)
    // Who passes over little reads on, as far as requests go.
    const jumped = this.offset >= end + LEAST_BYTES
    this.#step = jumped ? LEAST_BYTES : Math.min(2 * this.#step, MOST_BYTES)
    const from = this.offset + kept.length
    const wanted = Math.min(Math.max(bytes - kept.length, this.#step), this.#sizeBytes - from)
    const fresh = wanted > 0 ? await this.#read(from, wanted) : Buffer.alloc(0)
    this.#held = kept.length === 0 ? fresh : Buffer.concat([kept, fresh])
    this.#heldAt = this.offset
  }
}
