/** An archive's file is brought to a node, for the platform to restore from. */
import { ChecksumMismatch } from '../../contracts/errors.ts'
import type { RestoreRecord, RestoreRef } from '../../contracts/restore-record.ts'
import type { FileRange } from '../../writers/writer.ts'
import { changeRestore, type DeliveredPart, deliveredParts } from '../books/restore-records.ts'
import { DeliverRanges } from './deliver-ranges.ts'
import { placeOf, rangesOf, targetOf } from './delivery-target.ts'
import type { DeliveryNeeds, DeliveryWay } from './delivery-way.ts'

export const fileDelivery: DeliveryWay = {
  deliverable: (record) => {
    const { partCount, partSizeBytes, of } = rangesOf(record)
    const { node } = placeOf(record)
    return { node, partCount, partSizeBytes, heldBytes: partSizeBytes, bytesOf: (part) => of(part).sizeBytes }
  },

  /**
   * What was proved to lie in a file says nothing once the file is gone: then all of it is brought anew, under a number of
   * its own, so that what a late function writes down still counts for the file that it wrote to.
   */
  begin: async (restore, record, ports) => {
    const delivery = await ports.delivery(record.request.site)
    const writer = await delivery.open(targetOf(record))
    await writer.close()
    const proved = await deliveredParts(restore, record.generation, ports)
    const vanished = writer.found === undefined && proved.size > 0
    if (!vanished && record.steps.deliveryBegunAt !== undefined) return { record, there: proved }
    return { record: await begun(restore, record, vanished, ports), there: vanished ? new Map() : proved }
  },

  mover: (restore, record, pacer, ports) => new DeliverRanges(ports, restore, record, pacer),

  /** @throws ChecksumMismatch when the ranges don't make the archive, and what the delivery throws */
  finish: async (_restore, record, there, ports) => {
    const ranges = whole(record, there)
    const delivery = await ports.delivery(record.request.site)
    const writer = await delivery.open(targetOf(record))
    try {
      const { made } = await writer.finish({ crc32: record.archive.crc32 }, ranges)
      ports.log('archive-delivered', { site: record.request.site, guest: record.target.id, made })
    } finally {
      await writer.close()
    }
  },
}

function begun(
  restore: RestoreRef,
  record: RestoreRecord,
  vanished: boolean,
  ports: DeliveryNeeds,
): Promise<RestoreRecord> {
  const deliveryBegunAt = record.steps.deliveryBegunAt ?? ports.now().toISOString()
  const anew = {
    generation: record.generation + 1,
    warnings: ["The archive's file vanished from the node while it was brought, and was brought anew."],
  }
  return changeRestore(
    restore,
    (held) => ({
      ...held,
      ...(vanished ? { ...anew, warnings: [...held.warnings, ...anew.warnings] } : {}),
      steps: { ...held.steps, deliveryBegunAt },
    }),
    ports,
  )
}

function whole(record: RestoreRecord, there: ReadonlyMap<number, DeliveredPart>): FileRange[] {
  const plan = rangesOf(record)
  return Array.from({ length: plan.partCount }, (_, index): FileRange => {
    const crc32 = there.get(index + 1)?.crc32
    if (crc32 !== undefined) return { ...plan.of(index + 1), crc32 }
    const { node, folder, fileName } = placeOf(record)
    throw new ChecksumMismatch(
      `Site ${record.request.site}, node ${node}: range ${index + 1} of ${folder}/${fileName} isn't proved to lie there. Restore again.`,
    )
  })
}
