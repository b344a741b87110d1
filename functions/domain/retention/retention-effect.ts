/** What retention does to the monthly bill. Pure. */
import { type PriceTable, storageClassSchema } from '../../contracts/prices.ts'
import type { RetentionEffect } from '../../contracts/retention-report.ts'
import { earlyRemoval } from './early-removal.ts'
import { monthlyDollars, roundDollars } from '../prices/prices.ts'

/** `storageClass`: S3's word; an object of a class without a price counts for nothing, and the bill says so. */
export interface PricedObject {
  sizeBytes: number
  storageClass: string
}

export function retentionEffect(
  { kept, removed }: { kept: readonly PricedObject[]; removed: readonly (PricedObject & { writtenAt: string })[] },
  now: Date,
  table: PriceTable,
): RetentionEffect {
  const perMonth = (objects: readonly PricedObject[]) =>
    objects.reduce((sum, { sizeBytes, storageClass: name }) => {
      const { data: storageClass } = storageClassSchema.safeParse(name)
      return storageClass === undefined ? sum : sum + monthlyDollars(sizeBytes, storageClass, table)
    }, 0)
  const early = removed.flatMap((object) => earlyRemoval([object], now, table) ?? [])
  const [after, saved] = [roundDollars(perMonth(kept)), roundDollars(perMonth(removed))]
  const freeFrom = early
    .map(({ until }) => until)
    .toSorted()
    .at(-1)
  return {
    beforePerMonth: roundDollars(after + saved),
    afterPerMonth: after,
    savedPerMonth: saved,
    earlyDeletionDollars: roundDollars(early.reduce((sum, { dollars }) => sum + dollars, 0)),
    earlyObjects: early.length,
    ...(freeFrom === undefined ? {} : { freeFrom }),
  }
}
