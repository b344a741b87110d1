/** An archive's disks are written as files of the platform: a part is a whole disk, for such a file can't be gone on with. */
import { ChecksumMismatch } from '../../contracts/errors.ts'
import { changeRestore, deliveredParts } from '../books/restore-records.ts'
import { DeliverWholeDisks, WHOLE_DISK_HELD_BYTES } from './deliver-whole-disks.ts'
import type { DeliveryWay } from './delivery-way.ts'
import { changeDisk, disksOf, newDisksOf, toFill } from './new-disks.ts'

export const wholeDiskDelivery: DeliveryWay = {
  deliverable: (record) => {
    const sizes = disksOf(record).map(({ disk }) => disk.sizeBytes)
    return {
      node: record.target.node,
      partCount: sizes.length,
      partSizeBytes: Math.max(...sizes),
      heldBytes: WHOLE_DISK_HELD_BYTES,
      bytesOf: (part) => sizes[part - 1] ?? 0,
    }
  },

  /** Whoever makes the folder again finds it by its name, which bears the restore's token. */
  begin: async (restore, record, ports) => {
    const deliveryBegunAt = record.steps.deliveryBegunAt ?? ports.now().toISOString()
    let held = record
    // Before anything is made: who cleans up knows from when on to look.
    if (held.steps.deliveryBegunAt === undefined) {
      held = await changeRestore(restore, (now) => ({ ...now, steps: { ...now.steps, deliveryBegunAt } }), ports)
    }
    for (const disk of newDisksOf(held)) {
      if (disk.ref !== undefined) continue
      const writer = await ports.fileDiskWriter(record.request.site)
      const ref = await writer.begin(toFill(held, disk))
      held = await changeDisk(restore, disk.fileName, { ref }, ports)
      ports.log('disk-begun', { site: record.request.site, fileName: disk.fileName, ref })
    }
    return { record: held, there: await deliveredParts(restore, held.generation, ports) }
  },

  mover: (restore, record, pacer, ports) => new DeliverWholeDisks(ports, restore, record, pacer),

  /** Each was read back before it was written down. @throws ChecksumMismatch when one wasn't */
  finish: async (restore, record, there, ports) => {
    for (const [index, { key, fileName, disk }] of disksOf(record).entries()) {
      if (there.get(index + 1)?.crc32 !== disk.crc32) {
        throw new ChecksumMismatch(`The disk of ${key} isn't proved to lie on the datastore. Restore again.`)
      }
      await changeDisk(restore, fileName, { sealedAt: ports.now().toISOString() }, ports)
    }
  },
}
