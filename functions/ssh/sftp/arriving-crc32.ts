import { crc32 } from 'node:zlib'

/**
 * CRC-32 of a buffer that fills piece by piece, in any order. A piece that continues what is summed is summed at once:
 * a whole part at its end would hold up everything else for 20 ms. What comes early waits for what precedes it.
 */
export class ArrivingCrc32 {
  readonly #target: Buffer
  #sum = 0
  #summedBytes = 0
  /** Early pieces: where each begins and ends. */
  readonly #early = new Map<number, number>()

  constructor(target: Buffer) {
    this.#target = target
  }

  /** Bytes `from` to `to` of the target are in their place. Each byte is reported once. */
  arrived(from: number, to: number): void {
    if (from !== this.#summedBytes) {
      this.#early.set(from, to)
      return
    }
    for (let end: number | undefined = to; end !== undefined; ) {
      this.#sum = crc32(this.#target.subarray(this.#summedBytes, end), this.#sum)
      this.#early.delete(this.#summedBytes)
      this.#summedBytes = end
      end = this.#early.get(end)
    }
  }

  /** The sum of the whole target, unsigned. @throws Error when bytes are missing: there is no sum yet */
  value(): number {
    if (this.#summedBytes !== this.#target.length) {
      throw new Error(`only the first ${this.#summedBytes} of ${this.#target.length} bytes are summed`)
    }
    return this.#sum
  }
}
