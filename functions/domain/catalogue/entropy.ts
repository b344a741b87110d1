/**
 * How random content looks: the mean over its 4 KiB blocks of the Shannon entropy of their bytes, in bits per byte. Text
 * and programs have 4 to 6; what is compressed or encrypted has 7.95, the most that 4096 random bytes show. The mean, and
 * not one count over all blocks: it grows in step with the share of blocks that were encrypted, where one count is near
 * its end already with a mixture of much that isn't.
 */

/** What disks are written in, and what a VM's archive leaves out where it is zero. */
export const BLOCK_BYTES = 4096

/** count × log2(count) of each count that a block can have: a logarithm for each would cost as much as counting. */
const TIMES_LOG2 = Float64Array.from({ length: BLOCK_BYTES + 1 }, (_, count) =>
  count === 0 ? 0 : count * Math.log2(count),
)

/** Takes blocks in any number; all-zero ones don't count, since archives hold them or not as their format goes. */
export class EntropyCounter {
  /** Of the blocks that counted. */
  sampledBytes = 0
  #bits = 0
  #weights = 0
  readonly #counts = new Uint32Array(256)

  /**
   * @param bytes whole blocks; what follows the last is left out
   * @param weight how many blocks each of them stands for
   */
  add(bytes: Uint8Array, weight = 1): void {
    for (let at = 0; at + BLOCK_BYTES <= bytes.length; at += BLOCK_BYTES) {
      this.#addBlock(bytes.subarray(at, at + BLOCK_BYTES), weight)
    }
  }

  /** To three decimals; `undefined` before anything counted. */
  get bitsPerByte(): number | undefined {
    return this.#weights === 0 ? undefined : Math.round((this.#bits / this.#weights) * 1000) / 1000
  }

  #addBlock(block: Uint8Array, weight: number): void {
    const counts = this.#counts.fill(0)
    // By index: an iterator takes three times as long.
    for (let at = 0; at < BLOCK_BYTES; at += 1) {
      const byte = block[at] ?? 0
      counts[byte] = (counts[byte] ?? 0) + 1
    }
    if (counts[0] === BLOCK_BYTES) return
    let sum = 0
    for (let byte = 0; byte < 256; byte += 1) sum += TIMES_LOG2[counts[byte] ?? 0] ?? 0
    this.#bits += weight * (Math.log2(BLOCK_BYTES) - sum / BLOCK_BYTES)
    this.#weights += weight
    this.sampledBytes += BLOCK_BYTES
  }
}

/**
 * A prime: structures that recur in content do so at powers of two, and would always show the same side. So few blocks
 * take 24 ms of CPU per GiB, beside 1.0 s for reading an uncompressed archive whole and 1.8 s for zstd (measured).
 */
const EVERY_BLOCK = 61
/** Read whole first, so that small content has a figure too. */
const DENSE_BYTES = 1024 * 1024

/** Samples content that passes by in order, in chunks of any size: what it finds depends on the content alone. */
export class PassingSample {
  readonly counter = new EntropyCounter()
  readonly #block = new Uint8Array(BLOCK_BYTES)
  #held = 0
  #passed = 0
  #toSkip = 0
  #weight = 1

  pass(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length) {
      const skipped = Math.min(this.#toSkip, chunk.length - at)
      this.#toSkip -= skipped
      const taken = chunk.subarray(at + skipped, at + skipped + BLOCK_BYTES - this.#held)
      this.#block.set(taken, this.#held)
      this.#held += taken.length
      at += skipped + taken.length
      if (this.#held === BLOCK_BYTES) this.#endBlock(this.#passed + at)
    }
    this.#passed += chunk.length
  }

  #endBlock(passed: number): void {
    this.counter.add(this.#block, this.#weight)
    this.#held = 0
    this.#weight = passed < DENSE_BYTES ? 1 : EVERY_BLOCK
    this.#toSkip = (this.#weight - 1) * BLOCK_BYTES
  }
}

/**
 * Ranges of a file that show what is in all of it: 64 of 16 KiB, whole blocks spread evenly; of a smaller file, all. Both
 * ends inclusive.
 */
export function sampleRanges(sizeBytes: number): { firstByte: number; lastByte: number }[] {
  const blocks = Math.floor(sizeBytes / BLOCK_BYTES)
  const apart = Math.max(RANGE_BLOCKS, blocks / RANGES)
  return Array.from({ length: Math.min(RANGES, Math.ceil(blocks / RANGE_BLOCKS)) }, (_, index) => {
    const first = Math.floor(index * apart)
    const after = Math.min(first + RANGE_BLOCKS, blocks)
    return { firstByte: first * BLOCK_BYTES, lastByte: after * BLOCK_BYTES - 1 }
  })
}
/**
 * Few large ranges miss what lies between them: moved over three tars of 0.6 to 4.4 GB, 16 ranges of 64 KiB gave figures
 * with a deviation of 0.35 bits, 64 of 16 KiB with 0.13.
 */
const RANGES = 64
const RANGE_BLOCKS = 4
