/** Looks ahead over a stream of chunks and hands on what was looked at, copied once at most. */
export class ChunkWindow {
  /** Bytes handed on or skipped so far. */
  offset = 0
  readonly #source: AsyncIterator<Buffer>
  #chunks: Buffer[] = []
  #available = 0

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** Bytes at hand. */
  get available(): number {
    return this.#available
  }

  /** Whether so many bytes are left; after that they are at hand. */
  async has(bytes: number): Promise<boolean> {
    while (this.#available < bytes) {
      const next = await this.#source.next()
      if (next.done === true) return false
      if (next.value.length === 0) continue
      this.#chunks.push(next.value)
      this.#available += next.value.length
    }
    return true
  }

  /** Bytes at hand, from a distance ahead on. */
  peek(ahead: number, bytes: number): Buffer {
    let from = ahead
    for (const [index, chunk] of this.#chunks.entries()) {
      if (from + bytes <= chunk.length) return chunk.subarray(from, from + bytes)
      if (from < chunk.length) return Buffer.concat([chunk.subarray(from), ...this.#chunks.slice(index + 1)], bytes)
      from -= chunk.length
    }
    return Buffer.alloc(0)
  }

  /** Bytes at hand, in one piece, and on. */
  take(bytes: number): Buffer {
    const taken: Buffer[] = []
    for (let left = bytes; left > 0; ) {
      const [first] = this.#chunks
      if (first === undefined) break
      const piece = first.subarray(0, left)
      taken.push(piece)
      left -= piece.length
      if (piece.length === first.length) this.#chunks.shift()
      else this.#chunks[0] = first.subarray(piece.length)
    }
    const [only] = taken
    const whole = taken.length === 1 && only !== undefined ? only : Buffer.concat(taken)
    this.#available -= whole.length
    this.offset += whole.length
    return whole
  }

  /** Pass over bytes without keeping them. Returns whether there were so many. */
  async skip(bytes: number): Promise<boolean> {
    for (let left = bytes; left > 0; ) {
      if (!(await this.has(1))) return false
      left -= this.take(Math.min(left, this.#chunks[0]?.length ?? 0)).length
    }
    return true
  }
}
