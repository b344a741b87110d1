/** An archive's disks are written as files of the platform: a part is a whole disk, for such a file can't be gone on with. */
import { ChecksumMismatch } from '../../contracts/errors.ts'
import { beginDisks } from './begin-disks.ts'
import { DeliverWholeDisks, WHOLE_DISK_HELD_BYTES } from './deliver-whole-disks.ts'
import type { DeliveryWay } from './delivery-way.ts'
import { changeDisk, disksOf } from './new-disks.ts'

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
    const writer = await ports.fileDiskWriter(record.request.site)
    return beginDisks(restore, record, (disk) => writer.begin(disk), ports)
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
