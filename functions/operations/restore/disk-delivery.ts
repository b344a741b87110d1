/** An archive's whole disks are given to the platform, block by block. */
import { createHash } from 'node:crypto'
import { ChecksumMismatch, InternalFault } from '../../contracts/errors.ts'
import type { RestoreRecord, RestoreRef } from '../../contracts/restore-record.ts'
import { boundsOfPart } from '../../domain/encoding/disk-plan.ts'
import { diskPartOf, numbersOfDisk, partsOfAll, usualPartBytes } from '../../domain/restore/disk-parts.ts'
import { combineAllCrc32 } from '../../domain/transfer/crc32.ts'
import type { BlockSums } from '../../writers/disk-writer.ts'
import { inOrder } from '../books/ordered-lookahead.ts'
import { changeRestore, type DeliveredPart, deliveredNote, deliveredParts } from '../books/restore-records.ts'
import { readKeptDiskPlan } from './archived-disk.ts'
import { DeliverDiskParts, HELD_BYTES } from './deliver-disk-parts.ts'
import type { DeliveryNeeds, DeliveryWay } from './delivery-way.ts'
import { begunDisk, changeDisk, disksOf, newDisksOf, toFill } from './new-disks.ts'

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

  /** The same token begins the same disks, so that a lost answer is asked for again. */
  begin: async (restore, record, ports) => {
    const deliveryBegunAt = record.steps.deliveryBegunAt ?? ports.now().toISOString()
    let held = record
    // Before anything is made: who cleans up knows from when on to look.
    if (held.steps.deliveryBegunAt === undefined) {
      held = await changeRestore(restore, (now) => ({ ...now, steps: { ...now.steps, deliveryBegunAt } }), ports)
    }
    const writer = await ports.diskWriter(record.request.site)
    for (const disk of newDisksOf(held)) {
      if (disk.ref !== undefined) continue
      const ref = await writer.begin(toFill(held, disk))
      held = await changeDisk(restore, disk.fileName, { ref }, ports)
      ports.log('disk-begun', { site: record.request.site, fileName: disk.fileName, ref })
    }
    return { record: held, there: await deliveredParts(restore, held.generation, ports) }
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
