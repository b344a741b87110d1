import { crc32 } from 'node:zlib'
import type { DiskReader } from '../../archive-formats/raw-disk/disk-reader.ts'
import type { AllocationMap, DiskPlan } from '../../contracts/disk-archive.ts'
import { InternalFault } from '../../contracts/errors.ts'
import type { ArchivedDisk, RestoreRecord, RestoreRef } from '../../contracts/restore-record.ts'
import { boundsOfPart } from '../../domain/encoding/disk-plan.ts'
import { diskPartOf } from '../../domain/restore/disk-parts.ts'
import { combineCrc32, crc32OfZeros } from '../../domain/transfer/crc32.ts'
import type { DiskWriter } from '../../writers/disk-writer.ts'
import { noteDelivered } from '../books/restore-records.ts'
import type { Ports } from '../ports.ts'
import type { Pacer } from '../transfer/pacer.ts'
import type { MovedPart, PartMover } from '../transfer/part-mover.ts'
import { asFact, openArchivedDisk, readKeptDiskPlan } from './archived-disk.ts'
import { BlocksInFlight } from './blocks-in-flight.ts'
import { begunDisk, diskAt, disksOf } from './new-disks.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'diskWriter'>

/** Blocks that a lane has under way. Four lanes fill the writer's connections. */
const BLOCKS_IN_FLIGHT = 8
/** A lane holds a frame, compressed and not, and its blocks. */
export const HELD_BYTES = 16 * 2 ** 20

interface OpenDisk {
  reader: DiskReader
  plan: DiskPlan
  map: AllocationMap | undefined
}

/** Gives parts of an archive's disks to the platform, and writes down each that it has. */
export class DeliverDiskParts implements PartMover {
  /** Connections are the writer's own affair. */
  readonly drops = 0
  readonly #ports: Needs
  readonly #restore: RestoreRef
  readonly #record: RestoreRecord
  readonly #pacer: Pacer
  readonly #opened = new Map<number, Promise<OpenDisk>>()

  constructor(ports: Needs, restore: RestoreRef, record: RestoreRecord, pacer: Pacer) {
    this.#ports = ports
    this.#restore = restore
    this.#record = record
    this.#pacer = pacer
  }

  /** Each range is read of the object with the ETag that was chosen, so there is nothing to ask for. */
  async assertUnchanged(): Promise<void> {}

  async move(_lane: number, number: number, signal: AbortSignal): Promise<MovedPart> {
    const { request, generation } = this.#record
    const { index, part } = diskPartOf(disksOf(this.#record), number)
    const { archived, disk } = diskAt(this.#record, index)
    const writer = await this.#ports.diskWriter(request.site)
    const begun = begunDisk(this.#record, disk)
    const flight = new BlocksInFlight(writer, begun, { most: BLOCKS_IN_FLIGHT, pacer: this.#pacer, signal })
    const where = `s3://${this.#ports.store.bucket}/${archived.key}`
    try {
      const sum = await asFact(where, async () => this.#put(await this.#open(index, archived, writer), part, flight))
      const sums = await flight.landed()
      const delivered = { part: number, crc32: sum }
      await noteDelivered(this.#restore, generation, delivered, this.#ports, sums.toString('base64'))
      return { sentBytes: flight.sentBytes, readBytes: flight.sentBytes, throttles: 0 }
    } finally {
      await flight.settle()
    }
  }

  async close(): Promise<void> {}

  /** @returns the CRC-32 of the disk's range that the part stands for */
  async #put({ reader, plan, map }: OpenDisk, part: number, flight: BlocksInFlight): Promise<number> {
    const range = boundsOfPart(plan, part)
    let [sum, at] = [0, range.from]
    const zeros = (to: number): void => {
      sum = combineCrc32(sum, crc32OfZeros(to - at), to - at)
      at = to
    }
    const pieces = map === undefined ? reader.pieces(range) : reader.written(map, range)
    for await (const { positionBytes, sizeBytes, bytes } of pieces) {
      zeros(positionBytes)
      if (bytes === undefined) zeros(positionBytes + sizeBytes)
      else {
        sum = combineCrc32(sum, crc32(bytes), sizeBytes)
        at += sizeBytes
      }
      await flight.take(positionBytes, sizeBytes, bytes)
    }
    zeros(range.to)
    return sum
  }

  #open(index: number, archived: ArchivedDisk, { blockBytes }: DiskWriter): Promise<OpenDisk> {
    const opening = this.#opened.get(index) ?? open(archived, blockBytes, this.#ports)
    this.#opened.set(index, opening)
    return opening
  }
}

async function open(archived: ArchivedDisk, blockBytes: number, ports: Needs): Promise<OpenDisk> {
  const [reader, { plan, map }] = await Promise.all([
    openArchivedDisk(archived, ports),
    readKeptDiskPlan(archived, ports),
  ])
  // Whole blocks are put: a map of smaller ones would leave the rest of a block to chance.
  if (map !== undefined && map.blockBytes % blockBytes !== 0) {
    throw new InternalFault(`${archived.key} was archived in blocks of ${map.blockBytes} bytes.`)
  }
  return { reader, plan, map }
}
