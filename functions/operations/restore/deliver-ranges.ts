import type { RestoreRecord, RestoreRef } from '../../contracts/restore-record.ts'
import type { RangeSource, Writer } from '../../writers/writer.ts'
import { noteDelivered } from '../books/restore-records.ts'
import type { Ports } from '../ports.ts'
import type { Pacer } from '../transfer/pacer.ts'
import type { MovedPart, PartMover } from '../transfer/part-mover.ts'
import { Reconnecting } from '../transfer/reconnecting.ts'
import { rangesOf, targetOf } from './delivery-target.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'delivery' | 'sleep' | 'log'>

/** Brings ranges of an archive's file to a node, and writes down each that is proved to lie there. */
export class DeliverRanges implements PartMover {
  readonly #ports: Needs
  readonly #restore: RestoreRef
  readonly #record: RestoreRecord
  readonly #pacer: Pacer
  readonly #session: Reconnecting<Writer>
  /** One for each lane, with memory that is used for range after range. */
  readonly #sources: RangeSource[] = []

  constructor(ports: Needs, restore: RestoreRef, record: RestoreRecord, pacer: Pacer) {
    this.#ports = ports
    this.#restore = restore
    this.#record = record
    this.#pacer = pacer
    const { site } = record.request
    this.#session = new Reconnecting(ports, site, async () => (await ports.delivery(site)).open(targetOf(record)))
  }

  get drops(): number {
    return this.#session.drops
  }

  /** Each range is read of the object with the ETag that was chosen, so there is nothing to ask for. */
  async assertUnchanged(): Promise<void> {}

  async move(lane: number, part: number, signal: AbortSignal): Promise<MovedPart> {
    const range = rangesOf(this.#record).of(part)
    const source = (this.#sources[lane] ??= this.#source())
    await this.#pacer.turn(range.sizeBytes, signal)
    const { throttles, crc32 } = await this.#session.use((writer) => writer.bring(range, source, signal), signal)
    await noteDelivered(this.#restore, this.#record.generation, { part, crc32 }, this.#ports)
    return { sentBytes: range.sizeBytes, readBytes: range.sizeBytes, throttles }
  }

  close(): Promise<void> {
    return this.#session.close()
  }

  #source(): RangeSource {
    const { store } = this.#ports
    let room: Buffer | undefined
    const { key, etag } = this.#record.archive
    const bytesOf = ({ positionBytes, sizeBytes }: { positionBytes: number; sizeBytes: number }) => {
      return { firstByte: positionBytes, lastByte: positionBytes + sizeBytes - 1, etag }
    }
    return {
      // S3 has no range of no bytes.
      read: async (range) => {
        if (range.sizeBytes === 0) return Buffer.alloc(0)
        if (room === undefined || room.length < range.sizeBytes) room = Buffer.allocUnsafeSlow(range.sizeBytes)
        return store.readRange(key, bytesOf(range), room)
      },
      sign: (range) => store.presignRange(key, bytesOf(range)),
    }
  }
}
