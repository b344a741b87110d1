import { combineCrc32 } from '../../domain/transfer/crc32.ts'
import { type Allowance, draw, openAllowance, sliceBytes } from '../../domain/transfer/rate-limit.ts'
import type { Ports } from '../ports.ts'

/** Holds all parts that one call has in flight to the call's share of the bandwidth; does nothing where there is none. */
export class Pacer {
  readonly #ports: Pick<Ports, 'now' | 'sleep'>
  #allowance: Allowance | undefined

  constructor(bytesPerSecond: number | undefined, ports: Pick<Ports, 'now' | 'sleep'>) {
    this.#ports = ports
    if (bytesPerSecond !== undefined) this.#allowance = openAllowance(bytesPerSecond, ports.now().getTime())
  }

  /** Returns when so many bytes may move. */
  async turn(bytes: number, signal: AbortSignal): Promise<void> {
    if (this.#allowance === undefined) return
    const { allowance, waitMilliseconds } = draw(this.#allowance, bytes, this.#ports.now().getTime())
    this.#allowance = allowance
    if (waitMilliseconds > 0) await this.#ports.sleep(waitMilliseconds)
    signal.throwIfAborted()
  }

  /**
   * Fill `target` piece by piece, each in its turn. `read` fills a piece and returns its CRC-32; the result is that of
   * the whole.
   */
  async inSlices(
    target: Buffer,
    signal: AbortSignal,
    read: (at: number, slice: Buffer) => Promise<number>,
  ): Promise<number> {
    const paced = this.#allowance === undefined ? target.length : sliceBytes(this.#allowance.bytesPerSecond)
    const step = Math.max(1, Math.min(target.length, paced))
    let whole = 0
    for (let at = 0; at < target.length; at += step) {
      const slice = target.subarray(at, at + step)
      await this.turn(slice.length, signal)
      const sum = await read(at, slice)
      whole = at === 0 ? sum : combineCrc32(whole, sum, slice.length)
    }
    return whole
  }
}
