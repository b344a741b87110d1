import type { RestoreRecord } from '../../contracts/restore-record.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { keepLease } from '../books/restore-leases.ts'
import { changeRestore, type DeliveredPart, deliveredParts, readRestore } from '../books/restore-records.ts'
import type { Ports } from '../ports.ts'
import { dealRound } from '../transfer/deal-round.ts'
import { placeOf, rangesOf, targetOf } from './delivery-target.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'delivery' | 'siteLimits' | 'now' | 'sleep' | 'localProcess' | 'log'>

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
  const { record, there } = await sinceItVanished(input, held, ports)
  const ranges = rangesOf(record)
  const all = Array.from({ length: ranges.partCount }, (_, index) => index + 1)
  const missing = all.filter((part) => !there.has(part))
  const missingBytes = missing.reduce((sum, part) => sum + ranges.of(part).sizeBytes, 0)
  const { site } = record.request
  const dealt = await dealRound(
    {
      site,
      node: placeOf(record).node,
      guest: record.target.id,
      execution,
      runId: restore.id,
      limits: NO_LIMITS,
      pace,
      results,
      missing,
      missingBytes,
      partSizeBytes: ranges.partSizeBytes,
      heldBytes: ranges.partSizeBytes,
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

/**
 * What was proved to lie in a file says nothing once the file is gone: then all of it is brought anew, under a number of its
 * own, so that what a late function writes down still counts for the file that it wrote to.
 */
async function sinceItVanished(
  { restore }: TaskInput<'PlanDelivery'>,
  record: RestoreRecord,
  ports: Needs,
): Promise<{ record: RestoreRecord; there: ReadonlyMap<number, DeliveredPart> }> {
  const delivery = await ports.delivery(record.request.site)
  const writer = await delivery.open(targetOf(record))
  await writer.close()
  const deliveryBegunAt = record.steps.deliveryBegunAt ?? ports.now().toISOString()
  const proved = await deliveredParts(restore, record.generation, ports)
  const vanished = writer.found === undefined && proved.size > 0
  if (!vanished && record.steps.deliveryBegunAt !== undefined) return { record, there: proved }
  const begin = (held: RestoreRecord): RestoreRecord => ({
    ...held,
    ...(vanished
      ? {
          generation: record.generation + 1,
          warnings: [
            ...held.warnings,
            "The archive's file vanished from the node while it was brought, and was brought anew.",
          ],
        }
      : {}),
    steps: { ...held.steps, deliveryBegunAt },
  })
  return { record: await changeRestore(restore, begin, ports), there: vanished ? new Map() : proved }
}
