import type { BegunDisk, DiskWriter } from '../../writers/disk-writer.ts'
import type { Pacer } from '../transfer/pacer.ts'

interface FlightLimits {
  /** Blocks under way at a time. */
  most: number
  pacer: Pacer
  signal: AbortSignal
}

/** Cuts what is written of a disk, which comes in order, into blocks, and puts some at a time. */
export class BlocksInFlight {
  readonly #writer: DiskWriter
  readonly #disk: BegunDisk
  readonly #pacer: Pacer
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  readonly #most: number
  readonly #puts: Promise<Buffer>[] = []
  #underWay = 0
  #freed: (() => void) | undefined
  #block: { index: number; bytes: Buffer } | undefined
  #failure: { reason: unknown } | undefined
  sentBytes = 0

  constructor(writer: DiskWriter, disk: BegunDisk, { most, pacer, signal }: FlightLimits) {
    this.#writer = writer
    this.#disk = disk
    this.#pacer = pacer
    this.#most = most
    // One that fails ends the others: nobody waits for them.
    this.#signal = AbortSignal.any([signal, this.#stop.signal])
  }

  /** The next written bytes; without `bytes` they are zeros. Returns once there is room for more. */
  async take(positionBytes: number, sizeBytes: number, bytes: Buffer | undefined): Promise<void> {
    const { blockBytes } = this.#writer
    for (let at = positionBytes; at < positionBytes + sizeBytes; ) {
      const index = Math.floor(at / blockBytes)
      if (this.#block?.index !== index) await this.#putBlock()
      const block = (this.#block ??= { index, bytes: Buffer.alloc(blockBytes) })
      const inBlock = at - index * blockBytes
      const count = Math.min(blockBytes - inBlock, positionBytes + sizeBytes - at)
      bytes?.copy(block.bytes, inBlock, at - positionBytes, at - positionBytes + count)
      at += count
    }
  }

  /** The SHA-256 of all blocks in their order, once each was put. @throws what putting one threw first */
  async landed(): Promise<Buffer> {
    await this.#putBlock()
    const sums = await Promise.all(this.#puts)
    return Buffer.concat(sums)
  }

  /** Nothing is under way any more. */
  async settle(): Promise<void> {
    this.#stop.abort()
    await Promise.allSettled(this.#puts)
  }

  async #putBlock(): Promise<void> {
    const block = this.#block
    if (block === undefined) return
    this.#block = undefined
    while (this.#underWay >= this.#most && this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        this.#freed = resolve
      })
    }
    if (this.#failure !== undefined) throw this.#failure.reason
    this.#underWay += 1
    const put = this.#put(block.index, block.bytes).finally(() => {
      this.#underWay -= 1
      this.#freed?.()
    })
    put.catch((reason: unknown) => {
      this.#failure ??= { reason }
      this.#stop.abort(reason)
      this.#freed?.()
    })
    this.#puts.push(put)
  }

  async #put(index: number, bytes: Buffer): Promise<Buffer> {
    await this.#pacer.turn(bytes.length, this.#signal)
    const sum = await this.#writer.put(this.#disk, index, bytes, this.#signal)
    this.sentBytes += bytes.length
    return sum
  }
}
