import { crc32 } from 'node:zlib'
import { ChecksumMismatch } from '../../contracts/errors.ts'
import type { ArchivedDisk, RestoreRecord, RestoreRef } from '../../contracts/restore-record.ts'
import { combineCrc32, crc32OfZeros } from '../../domain/transfer/crc32.ts'
import { noteDelivered } from '../books/restore-records.ts'
import type { Ports } from '../ports.ts'
import type { Pacer } from '../transfer/pacer.ts'
import type { MovedPart, PartMover } from '../transfer/part-mover.ts'
import { asFact, openArchivedDisk } from './archived-disk.ts'
import { begunDisk, diskAt } from './new-disks.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'fileDiskWriter' | 'log'>

/** A lane holds a frame, compressed and not, what is on the line, and two ranges that are read back. */
export const WHOLE_DISK_HELD_BYTES = 40 * 2 ** 20
const CHUNK_BYTES = 2 ** 20
const ZEROS = Buffer.alloc(CHUNK_BYTES)

/** Writes whole disks as files of the platform, each in one stream, and reads each back. */
export class DeliverWholeDisks implements PartMover {
  /** Connections are the writer's own affair. */
  readonly drops = 0
  readonly #ports: Needs
  readonly #restore: RestoreRef
  readonly #record: RestoreRecord
  readonly #pacer: Pacer

  constructor(ports: Needs, restore: RestoreRef, record: RestoreRecord, pacer: Pacer) {
    this.#ports = ports
    this.#restore = restore
    this.#record = record
    this.#pacer = pacer
  }

  /** Each disk is read of the object with the ETag that was chosen, so there is nothing to ask for. */
  async assertUnchanged(): Promise<void> {}

  /** A file that an earlier call wrote to its end, and didn't write down, is read back and not sent again. */
  async move(_lane: number, number: number, signal: AbortSignal): Promise<MovedPart> {
    const { request, generation } = this.#record
    const { archived, disk } = diskAt(this.#record, number - 1)
    const writer = await this.#ports.fileDiskWriter(request.site)
    const begun = begunDisk(this.#record, disk)
    const wanted = archived.disk.crc32
    const { sizeBytes } = archived.disk
    const isThere = (await writer.sumOf(begun, signal)) === wanted
    if (!isThere) {
      await writer.put(begun, () => this.#content(archived, signal), signal)
      this.#ports.log('disk-sent', { site: request.site, fileName: disk.fileName, ref: begun.ref, sizeBytes })
      if ((await writer.sumOf(begun, signal)) !== wanted) {
        throw new ChecksumMismatch(
          `Site ${request.site}: ${begun.ref} was written, and holds other bytes than were sent. Restore again.`,
        )
      }
    }
    await noteDelivered(this.#restore, generation, { part: number, crc32: wanted }, this.#ports)
    const sentBytes = isThere ? 0 : sizeBytes
    return { sentBytes, readBytes: sentBytes, throttles: 0 }
  }

  async close(): Promise<void> {}

  /** The disk from its beginning, zeros included. @throws ChecksumMismatch before its end when it isn't the manifest's */
  async *#content(archived: ArchivedDisk, signal: AbortSignal): AsyncGenerator<Buffer> {
    const { key, disk } = archived
    const where = `s3://${this.#ports.store.bucket}/${key}`
    const reader = await asFact(where, () => openArchivedDisk(archived, this.#ports))
    if (reader.sizeBytes !== disk.sizeBytes) {
      throw new ChecksumMismatch(`${where} holds ${reader.sizeBytes} bytes, and ${disk.sizeBytes} were archived.`)
    }
    const pieces = reader.pieces({ from: 0, to: disk.sizeBytes })
    let [sum, left] = [0, disk.sizeBytes]
    for (;;) {
      const next = await asFact(where, () => pieces.next())
      if (next.done === true) return
      const { sizeBytes, bytes } = next.value
      sum = combineCrc32(sum, bytes === undefined ? crc32OfZeros(sizeBytes) : crc32(bytes), sizeBytes)
      left -= sizeBytes
      // Without its last bytes, what was sent never becomes a file of the right size.
      if (left === 0 && sum !== disk.crc32) {
        throw new ChecksumMismatch(`The disk in ${where} hasn't the CRC-32 of its manifest. Verify the archive.`)
      }
      for (let at = 0; at < sizeBytes; at += CHUNK_BYTES) {
        const count = Math.min(CHUNK_BYTES, sizeBytes - at)
        await this.#pacer.turn(count, signal)
        yield (bytes ?? ZEROS).subarray(bytes === undefined ? 0 : at, (bytes === undefined ? 0 : at) + count)
      }
    }
  }
}
