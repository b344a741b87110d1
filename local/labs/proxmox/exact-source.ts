/** Exact reads over a stream of chunks. */
export class ExactSource {
  /** Bytes taken so far. */
  taken = 0
  readonly #chunks: AsyncIterator<Buffer>
  #held: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Buffer>) {
    this.#chunks = source[Symbol.asyncIterator]()
  }

  /** Up to `bytes`; fewer only at the end. */
  async take(bytes: number): Promise<Buffer> {
    const parts: Buffer[] = [this.#held]
    let have = this.#held.length
    while (have < bytes) {
      const next = await this.#chunks.next()
      if (next.done === true) break
      parts.push(next.value)
      have += next.value.length
    }
    const all = parts.length === 1 ? this.#held : Buffer.concat(parts)
    this.#held = all.subarray(bytes)
    const taken = all.subarray(0, bytes)
    this.taken += taken.length
    return taken
  }
}
