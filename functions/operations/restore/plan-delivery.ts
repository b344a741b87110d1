import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { keepLease } from '../books/restore-leases.ts'
import { readRestore } from '../books/restore-records.ts'
import type { Ports } from '../ports.ts'
import { dealRound } from '../transfer/deal-round.ts'
import { deliveryWay } from './choose-delivery.ts'
import type { DeliveryNeeds } from './delivery-way.ts'

type Needs = DeliveryNeeds & Pick<Ports, 'siteLimits'>

const NO_LIMITS = { windows: [], timezone: 'UTC' }

/**
 * What is to be brought next: compares what is proved to lie on the target with the whole, judges the last round, and deals
 * out the next one within the site's limits.
 * @throws RestoreRefused when another restore has the id by now; the delivery's and the store's errors
 */
export async function planDelivery(
  input: TaskInput<'PlanDelivery'>,
  ports: Needs,
): Promise<TaskOutput<'PlanDelivery'>> {
  const { restore, execution, pace, results } = input
  const held = await readRestore(restore, ports)
  await keepLease(input, held, ports)
  const way = deliveryWay(held)
  const { record, there } = await way.begin(restore, held, ports)
  const { node, partCount, partSizeBytes, heldBytes, bytesOf } = way.deliverable(record)
  const all = Array.from({ length: partCount }, (_, index) => index + 1)
  const missing = all.filter((part) => !there.has(part))
  const missingBytes = missing.reduce((sum, part) => sum + bytesOf(part), 0)
  const { site } = record.request
  const dealt = await dealRound(
    {
      site,
      node,
      guest: record.target.id,
      execution,
      runId: restore.id,
      limits: NO_LIMITS,
      pace,
      results,
      missing,
      missingBytes,
      partSizeBytes,
      heldBytes,
    },
    ports,
  )
  const { chunks, waitSeconds, reason } = dealt
  ports.log('delivery-planned', {
    site,
    guest: record.target.id,
    streams: chunks.length,
    missingBytes,
    waitSeconds,
    reason,
  })
  return { ...dealt, missingBytes }
}
