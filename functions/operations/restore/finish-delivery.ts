import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { keepLease } from '../books/restore-leases.ts'
import { changeRestore, deliveredParts, readRestore } from '../books/restore-records.ts'
import { deliveryWay } from './choose-delivery.ts'
import type { DeliveryNeeds } from './delivery-way.ts'

/**
 * Let the platform have what was brought, once its parts make the whole by size and CRC-32: the file gets its name, disks
 * are sealed.
 * @throws ChecksumMismatch when they don't; TargetTaken, TargetFull, TargetUnwritable, ConnectionDropped; the store's errors
 */
export async function finishDelivery(
  input: TaskInput<'FinishDelivery'>,
  ports: DeliveryNeeds,
): Promise<TaskOutput<'FinishDelivery'>> {
  const { restore, bytesSent } = input
  const record = await readRestore(restore, ports)
  await keepLease(input, record, ports)
  const there = await deliveredParts(restore, record.generation, ports)
  await deliveryWay(record).finish(restore, record, there, ports)
  const deliveredAt = ports.now().toISOString()
  await changeRestore(restore, (held) => ({ ...held, bytesSent, steps: { ...held.steps, deliveredAt } }), ports)
  return { delivered: true }
}
