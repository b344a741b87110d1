/** What S3 bills for removing an object before its storage class's minimum duration is over. Pure. */
import { type PriceTable, storageClassSchema } from '../../contracts/prices.ts'
import type { Transition } from '../../contracts/transitions.ts'
import { DAYS_PER_MONTH, monthlyDollars } from '../prices/prices.ts'

export interface EarlyRemoval {
  /** ISO instant from which removing costs nothing. */
  until: string
  /** Billed for the rest of the duration: at once when it is removed now, day by day when it waits. The same sum. */
  dollars: number
}

const DAY_MILLISECONDS = 86_400_000

/**
 * What removing these objects now costs; `undefined` when it costs nothing. S3 doesn't tell when a lifecycle rule moved an
 * object to its class, from where the duration counts: the rules do, where they are known. Else it counts from writing.
 */
export function earlyRemoval(
  objects: readonly { sizeBytes: number; storageClass: string; writtenAt: string }[],
  now: Date,
  table: PriceTable,
  transitions: readonly Transition[] = [],
): EarlyRemoval | undefined {
  let until = 0
  let dollars = 0
  for (const { sizeBytes, storageClass: name, writtenAt } of objects) {
    const storageClass = storageClassSchema.safeParse(name).data
    if (storageClass === undefined) continue
    const rule = transitions.find((one) => one.storageClass === storageClass)
    const moved = Date.parse(writtenAt) + (rule?.afterDays ?? 0) * DAY_MILLISECONDS
    // One that is in the class earlier than by the rule was written there.
    const since = moved > now.getTime() ? Date.parse(writtenAt) : moved
    const end = since + table.storage[storageClass].minimumDays * DAY_MILLISECONDS
    const days = (end - now.getTime()) / DAY_MILLISECONDS
    if (days <= 0) continue
    until = Math.max(until, end)
    dollars += (monthlyDollars(sizeBytes, storageClass, table) * days) / DAYS_PER_MONTH
  }
  return until === 0 ? undefined : { until: new Date(until).toISOString(), dollars }
}
