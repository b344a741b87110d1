import { ChecksumMismatch } from '../../contracts/errors.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import type { FileRange } from '../../writers/writer.ts'
import { keepLease } from '../books/restore-leases.ts'
import { changeRestore, deliveredParts, readRestore } from '../books/restore-records.ts'
import type { Ports } from '../ports.ts'
import { placeOf, rangesOf, targetOf } from './delivery-target.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'delivery' | 'now' | 'localProcess' | 'log'>

/**
 * Give the file its name, once its ranges, each proved on the target, make the whole by size and CRC-32.
 * @throws ChecksumMismatch when they don't; TargetTaken, TargetFull, TargetUnwritable, ConnectionDropped; the store's errors
 */
export async function finishDelivery(
  input: TaskInput<'FinishDelivery'>,
  ports: Needs,
): Promise<TaskOutput<'FinishDelivery'>> {
  const { restore, bytesSent } = input
  const record = await readRestore(restore, ports)
  await keepLease(input, record, ports)
  const there = await deliveredParts(restore, record.generation, ports)
  const plan = rangesOf(record)
  const ranges = Array.from({ length: plan.partCount }, (_, index): FileRange => {
    const crc32 = there.get(index + 1)?.crc32
    if (crc32 === undefined) {
      const { node, folder, fileName } = placeOf(record)
      throw new ChecksumMismatch(
        `Site ${record.request.site}, node ${node}: range ${index + 1} of ${folder}/${fileName} isn't proved to lie there. Restore again.`,
      )
    }
    return { ...plan.of(index + 1), crc32 }
  })
  const delivery = await ports.delivery(record.request.site)
  const writer = await delivery.open(targetOf(record))
  try {
    const { made } = await writer.finish({ crc32: record.archive.crc32 }, ranges)
    ports.log('archive-delivered', { site: record.request.site, guest: record.target.id, made })
  } finally {
    await writer.close()
  }
  const deliveredAt = ports.now().toISOString()
  await changeRestore(restore, (held) => ({ ...held, bytesSent, steps: { ...held.steps, deliveredAt } }), ports)
  return { delivered: true }
}
