import type { RestoreRecord, RestoreRef } from '../../contracts/restore-record.ts'
import type { DiskToFill } from '../../writers/disk-writer.ts'
import { changeRestore, type DeliveredPart, deliveredParts } from '../books/restore-records.ts'
import type { DeliveryNeeds } from './delivery-way.ts'
import { changeDisk, newDisksOf, toFill } from './new-disks.ts'

/**
 * Begin each disk that wasn't, and write down what it is called there.
 * @param begin the same token begins the same disk, so that a lost answer is asked for again
 */
export async function beginDisks(
  restore: RestoreRef,
  record: RestoreRecord,
  begin: (disk: DiskToFill) => Promise<string>,
  ports: DeliveryNeeds,
): Promise<{ record: RestoreRecord; there: ReadonlyMap<number, DeliveredPart> }> {
  const deliveryBegunAt = record.steps.deliveryBegunAt ?? ports.now().toISOString()
  let held = record
  // Before anything is made: who cleans up knows from when on to look.
  if (held.steps.deliveryBegunAt === undefined) {
    held = await changeRestore(restore, (now) => ({ ...now, steps: { ...now.steps, deliveryBegunAt } }), ports)
  }
  for (const disk of newDisksOf(held)) {
    if (disk.ref !== undefined) continue
    const ref = await begin(toFill(held, disk))
    held = await changeDisk(restore, disk.fileName, { ref }, ports)
    ports.log('disk-begun', { site: record.request.site, fileName: disk.fileName, ref })
  }
  return { record: held, there: await deliveredParts(restore, held.generation, ports) }
}
