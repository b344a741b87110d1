import { crc32 } from 'node:zlib'

/** Summing in steps of this size finds the bytes in the processor's cache, and costs few calls. */
const SUM_BYTES = 128 * 1024

/** A caller's buffer that fills from the front and is summed while its bytes are hot. */
export class HttpBody {
  readonly #target: Buffer
  #filledBytes = 0
  #summedBytes = 0
  #crc32 = 0

  constructor(target: Buffer) {
    this.#target = target
  }

  get filledBytes(): number {
    return this.#filledBytes
  }

  get missingBytes(): number {
    return this.#target.length - this.#filledBytes
  }

  /** CRC-32 of the whole, unsigned; only once nothing is missing. */
  get crc32(): number {
    return this.#crc32
  }

  /** Memory that takes the next bytes without a copy; `arrived` says how many came. */
  room(): Uint8Array {
    const { buffer, byteOffset, length } = this.#target
    return new Uint8Array(buffer, byteOffset + this.#filledBytes, length - this.#filledBytes)
  }

  arrived(bytes: number): void {
    this.#filledBytes += bytes
    const due = this.#filledBytes - this.#summedBytes
    if (due < SUM_BYTES && this.#filledBytes < this.#target.length) return
    this.#crc32 = crc32(this.#target.subarray(this.#summedBytes, this.#filledBytes), this.#crc32)
    this.#summedBytes = this.#filledBytes
  }

  append(bytes: Uint8Array): void {
    this.#target.set(bytes, this.#filledBytes)
    this.arrived(bytes.length)
  }
}
