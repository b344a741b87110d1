/** An archive's whole disks are given to the platform, block by block. */
import { createHash } from 'node:crypto'
import { ChecksumMismatch, InternalFault } from '../../contracts/errors.ts'
import type { RestoreRecord, RestoreRef } from '../../contracts/restore-record.ts'
import { boundsOfPart } from '../../domain/encoding/disk-plan.ts'
import { diskPartOf, numbersOfDisk, partsOfAll, usualPartBytes } from '../../domain/restore/disk-parts.ts'
import { combineAllCrc32 } from '../../domain/transfer/crc32.ts'
import type { BlockSums } from '../../writers/disk-writer.ts'
import { inOrder } from '../books/ordered-lookahead.ts'
import { type DeliveredPart, deliveredNote } from '../books/restore-records.ts'
import { readKeptDiskPlan } from './archived-disk.ts'
import { beginDisks } from './begin-disks.ts'
import { DeliverDiskParts, HELD_BYTES } from './deliver-disk-parts.ts'
import type { DeliveryNeeds, DeliveryWay } from './delivery-way.ts'
import { begunDisk, changeDisk, disksOf, newDisksOf } from './new-disks.ts'

/** Notes of parts that are read at a time. */
const NOTES_AHEAD = 16
const SHA256_BYTES = 32

export const diskDelivery: DeliveryWay = {
  deliverable: (record) => {
    const disks = disksOf(record)
    return {
      node: record.target.node,
      partCount: partsOfAll(disks),
      partSizeBytes: Math.max(1, ...disks.map(({ disk }) => disk.partBytes)),
      heldBytes: HELD_BYTES,
      bytesOf: (part) => usualPartBytes(disks, part),
    }
  },

  begin: async (restore, record, ports) => {
    const writer = await ports.diskWriter(record.request.site)
    return beginDisks(restore, record, (disk) => writer.begin(disk), ports)
  },

  mover: (restore, record, pacer, ports) => new DeliverDiskParts(ports, restore, record, pacer),

  /** @throws ChecksumMismatch when the parts don't make the disks of the manifest, and what the writer throws */
  finish: async (restore, record, there, ports) => {
    const writer = await ports.diskWriter(record.request.site)
    for (const [index, disk] of newDisksOf(record).entries()) {
      if (disk.sealedAt !== undefined) continue
      const sums = await sumsOf(restore, record, index, there, ports)
      await writer.seal(begunDisk(record, disk), sums)
      await changeDisk(restore, disk.fileName, { sealedAt: ports.now().toISOString() }, ports)
      ports.log('disk-sealed', { site: record.request.site, fileName: disk.fileName, blocks: sums.count })
    }
  },
}

/** The sums of a disk's blocks, once its parts make the disk of the manifest. */
async function sumsOf(
  restore: RestoreRef,
  record: RestoreRecord,
  index: number,
  there: ReadonlyMap<number, DeliveredPart>,
  ports: DeliveryNeeds,
): Promise<BlockSums> {
  const disks = disksOf(record)
  const archived = disks[index]
  if (archived === undefined) throw new InternalFault(`Restore ${restore.id} has no disk ${index}.`)
  const { plan } = await readKeptDiskPlan(archived, ports)
  const parts = numbersOfDisk(disks, index).map((number) => {
    const part = there.get(number)
    if (part !== undefined) return part
    throw new ChecksumMismatch(
      `Part ${diskPartOf(disks, number).part} of ${archived.key} wasn't brought. Restore again.`,
    )
  })
  const sized = parts.map(({ crc32 }, place) => {
    const { from, to } = boundsOfPart(plan, place + 1)
    return { sizeBytes: to - from, crc32 }
  })
  if (combineAllCrc32(sized) !== archived.disk.crc32) {
    throw new ChecksumMismatch(
      `The disk that was brought of s3://${ports.store.bucket}/${archived.key} hasn't the CRC-32 of its manifest. Verify the archive.`,
    )
  }
  const all = createHash('sha256')
  let bytes = 0
  const note = (part: DeliveredPart) => deliveredNote(restore, record.generation, part, ports)
  for await (const text of inOrder(parts, NOTES_AHEAD, note)) {
    const sums = Buffer.from(text, 'base64')
    all.update(sums)
    bytes += sums.length
  }
  return { count: bytes / SHA256_BYTES, sha256: all.digest() }
}
