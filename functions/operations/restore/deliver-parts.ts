import type { CopyResult } from '../../contracts/pace.ts'
import type { TaskInput } from '../../contracts/tasks.ts'
import { keepLease } from '../books/restore-leases.ts'
import { deliveredParts, readRestore } from '../books/restore-records.ts'
import type { Ports } from '../ports.ts'
import { moveParts } from '../transfer/move-parts.ts'
import { Pacer } from '../transfer/pacer.ts'
import { deliveryWay } from './choose-delivery.ts'
import type { DeliveryNeeds } from './delivery-way.ts'

type Needs = DeliveryNeeds & Pick<Ports, 'remainingMilliseconds' | 'billedMilliseconds' | 'memoryMiB'>

/**
 * Bring those ranges of a chunk that the target lacks, until done, past the order's time, or short of the function's own.
 * The keys below the restore's folder are the ledger: what is proved there is never brought again.
 * @throws TargetFull, TargetTaken, TargetUnwritable, ChecksumMismatch, ArchiveConflict, ObjectFrozen, ConnectionDropped;
 * RestoreRefused when another restore has the id by now; the store's errors
 */
export async function deliverParts(input: TaskInput<'DeliverParts'>, ports: Needs): Promise<CopyResult> {
  const { restore, chunk, order } = input
  const record = await readRestore(restore, ports)
  await keepLease(input, record, ports)
  const there = await deliveredParts(restore, record.generation, ports)
  const { firstPart, lastPart } = chunk
  const wanted = Array.from({ length: lastPart - firstPart + 1 }, (_, index) => firstPart + index)
  const missing = wanted.filter((part) => !there.has(part))
  const mover = deliveryWay(record).mover(restore, record, new Pacer(order.bytesPerSecond, ports), ports)
  const about = { site: record.request.site, guest: record.target.id, key: record.archive.key }
  return moveParts(missing, order, mover, about, ports)
}
