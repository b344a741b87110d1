/**
 * A source that counts what passes, no matter who reads it. It doesn't end when one of its readers gives up: what remains can
 * still be read, and be summed up.
 */
export class TappedSource implements AsyncIterable<Buffer> {
  bytes = 0
  readonly #source: AsyncIterator<Buffer>
  readonly #onChunk: (chunk: Buffer) => void

  /** @param onChunk sees all that passes, before its reader does */
  constructor(source: AsyncIterable<Buffer>, onChunk: (chunk: Buffer) => void = () => undefined) {
    this.#source = source[Symbol.asyncIterator]()
    this.#onChunk = onChunk
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    return { next: () => this.#next() }
  }

  /** Read all that is left. */
  async drain(): Promise<void> {
    while ((await this.#next()).done !== true) {
      // Only its sum is of interest.
    }
  }

  async close(): Promise<void> {
    await this.#source.return?.()
  }

  async #next(): Promise<IteratorResult<Buffer>> {
    const next = await this.#source.next()
    if (next.done !== true) {
      this.bytes += next.value.length
      this.#onChunk(next.value)
    }
    return next
  }
}

/** The first bytes of a stream, and the stream with them: at least so many, or all there are. */
export async function peek(
  source: AsyncIterable<Buffer>,
  bytes: number,
): Promise<{ first: Buffer; all: AsyncIterable<Buffer> }> {
  const chunks = source[Symbol.asyncIterator]()
  const held: Buffer[] = []
  let have = 0
  while (have < bytes) {
    const next = await chunks.next()
    if (next.done === true) break
    held.push(next.value)
    have += next.value.length
  }
  const first = Buffer.concat(held)
  const all = {
    [Symbol.asyncIterator]: (): AsyncIterator<Buffer> => ({
      next: async () => {
        const value = held.shift()
        return value === undefined ? chunks.next() : { done: false, value }
      },
    }),
  }
  return { first, all }
}
