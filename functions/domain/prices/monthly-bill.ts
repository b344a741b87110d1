/** What lies in the bucket costs this much a month, by guest and class. Pure, and bounded by guests, not by objects. */
import type { Priced, PriceTable, StorageClass } from '../../contracts/prices.ts'
import { formatBytes } from '../words/byte-size.ts'
import { monthlyDollars, priced, priceItem, roundDollars } from './prices.ts'

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
