/** What lies in the bucket costs this much a month, by guest and class. Pure, and bounded by guests, not by objects. */
import type { Priced, PriceTable, StorageClass } from '../contracts/prices.ts'
import { formatBytes } from './byte-size.ts'
import { DAYS_PER_MONTH, monthlyDollars, priced, priceItem, roundDollars } from './prices.ts'

/** An object as a listing tells it. */
export interface BilledObject {
  /** Whose archive it belongs to, as `hq/vm-100`; or what else it is. */
  owner: string
  storageClass: StorageClass
  sizeBytes: number
}

export interface BillLine {
  owner: string
  storageClass: StorageClass
  objects: number
  sizeBytes: number
  dollarsPerMonth: number
}

export interface MonthlyBill extends Priced {
  /** Dearest first. */
  lines: BillLine[]
  objects: number
  sizeBytes: number
}

/** Adds up objects as they are listed. */
export class BillCounter {
  readonly #lines = new Map<string, BillLine>()
  readonly #table: PriceTable

  constructor(table: PriceTable) {
    this.#table = table
  }

  add({ owner, storageClass, sizeBytes }: BilledObject): void {
    const line = this.#lines.get(`${owner} ${storageClass}`)
    const dollars = monthlyDollars(sizeBytes, storageClass, this.#table)
    if (line === undefined) {
      const first = { owner, storageClass, objects: 1, sizeBytes, dollarsPerMonth: dollars }
      this.#lines.set(`${owner} ${storageClass}`, first)
      return
    }
    line.objects += 1
    line.sizeBytes += sizeBytes
    line.dollarsPerMonth += dollars
  }

  bill(leavesOut: readonly string[]): MonthlyBill {
    const lines = [...this.#lines.values()]
      .map((line) => ({ ...line, dollarsPerMonth: roundDollars(line.dollarsPerMonth) }))
      .sort((one, other) => other.dollarsPerMonth - one.dollarsPerMonth || (one.owner < other.owner ? -1 : 1))
    const classes = Map.groupBy(lines, ({ storageClass }) => storageClass)
    const items = [...classes].map(([storageClass, its]) => {
      const bytes = total(its, 'sizeBytes')
      return priceItem(
        `${formatBytes(bytes)} in ${total(its, 'objects')} objects of ${storageClass}`,
        total(its, 'dollarsPerMonth'),
      )
    })
    const sum = priced(items, leavesOut, this.#table)
    return { ...sum, lines, objects: total(lines, 'objects'), sizeBytes: total(lines, 'sizeBytes') }
  }
}

function total(lines: readonly BillLine[], field: 'objects' | 'sizeBytes' | 'dollarsPerMonth'): number {
  return lines.reduce((sum, line) => sum + line[field], 0)
}

/** An object that retention decides about. `storedAt`: ISO instant from which its class's minimum duration counts. */
export interface AgedObject extends BilledObject {
  storedAt: string
}

/** What retention does to the monthly bill. */
export interface RetentionEffect {
  beforePerMonth: number
  afterPerMonth: number
  savedPerMonth: number
  /** Billed at once for objects that go before their class's minimum duration. Until then keeping them costs the same. */
  earlyDeletionDollars: number
  earlyObjects: number
  /** When the last of those could go for nothing: ISO instant. */
  freeFrom?: string
}

export function retentionEffect(
  { kept, removed }: { kept: readonly BilledObject[]; removed: readonly AgedObject[] },
  now: Date,
  table: PriceTable,
): RetentionEffect {
  const perMonth = (objects: readonly BilledObject[]) =>
    objects.reduce((sum, { sizeBytes, storageClass }) => sum + monthlyDollars(sizeBytes, storageClass, table), 0)
  const early = removed
    .map((object) => ({ object, until: freeAt(object, table) }))
    .filter(({ until }) => until.getTime() > now.getTime())
  const earlyDollars = early.reduce((sum, { object, until }) => {
    const days = (until.getTime() - now.getTime()) / 86_400_000
    return sum + (monthlyDollars(object.sizeBytes, object.storageClass, table) * days) / DAYS_PER_MONTH
  }, 0)
  const [after, saved] = [roundDollars(perMonth(kept)), roundDollars(perMonth(removed))]
  const last = early
    .map(({ until }) => until.toISOString())
    .toSorted()
    .at(-1)
  return {
    beforePerMonth: roundDollars(after + saved),
    afterPerMonth: after,
    savedPerMonth: saved,
    earlyDeletionDollars: roundDollars(earlyDollars),
    earlyObjects: early.length,
    ...(last === undefined ? {} : { freeFrom: last }),
  }
}

function freeAt({ storedAt, storageClass }: AgedObject, { storage }: PriceTable): Date {
  return new Date(Date.parse(storedAt) + storage[storageClass].minimumDays * 86_400_000)
}
