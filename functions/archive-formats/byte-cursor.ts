import type { ContentCursor } from './content-cursor.ts'

/** Exact reads over a stream of chunks, holding no more than one chunk and what was asked for. */
export class ByteCursor implements ContentCursor {
  /** Bytes taken or skipped so far. */
  offset = 0
  readonly #chunks: AsyncIterator<Buffer>
  #held: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Buffer>) {
    this.#chunks = source[Symbol.asyncIterator]()
  }

  /** The next `bytes`; fewer only at the end. The result is a view: use it before the next call. */
  async take(bytes: number): Promise<Buffer> {
    if (this.#held.length < bytes) await this.#gather(bytes)
    const taken = this.#held.subarray(0, bytes)
    this.#held = this.#held.subarray(taken.length)
    this.offset += taken.length
    return taken
  }

  /** Pass over bytes without keeping them. Returns how many there were: fewer only at the end. */
  async skip(bytes: number): Promise<number> {
    let left = bytes
    for (;;) {
      const step = Math.min(left, this.#held.length)
      this.#held = this.#held.subarray(step)
      this.offset += step
      left -= step
      if (left === 0) return bytes
      const next = await this.#chunks.next()
      if (next.done === true) return bytes - left
      this.#held = next.value
    }
  }

  async #gather(bytes: number): Promise<void> {
    const parts = [this.#held]
    let have = this.#held.length
    while (have < bytes) {
      const next = await this.#chunks.next()
      if (next.done === true) break
      parts.push(next.value)
      have += next.value.length
    }
    this.#held = Buffer.concat(parts)
  }
}
