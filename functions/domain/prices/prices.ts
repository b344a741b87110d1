/** What AWS charges, as far as Guestlift tells people about it: pure arithmetic over a table of prices. */
import type { Destination, PriceItem, Priced, PriceTable, StorageClass } from '../../contracts/prices.ts'
import { listPrices } from './list-prices.ts'

/** GiB-months are hours over the mean month of 365 days / 12, as AWS's own calculator has it. */
const HOURS_PER_MONTH = 730
export const DAYS_PER_MONTH = HOURS_PER_MONTH / 24
/** AWS's gigabyte is 2^30 bytes, for storage and transfer alike. */
const GIB = 2 ** 30

/** A price for keeping bytes. */
export interface StoragePrice {
  dollarsPerGiBMonth: number
  /** Which price, of which region, from when. */
  source: string
}

/**
 * S3 Standard. The parts of an open upload are billed at it whatever class the object will have (AWS's notes on S3
 * usage reports). Regions differ by up to a half.
 */
export const standardStorage: StoragePrice = {
  dollarsPerGiBMonth: listPrices.storage.STANDARD.dollarsPerGiBMonth,
  source: 'S3 Standard, us-east-1, first 50 TB a month, list price of 2026-05 (https://aws.amazon.com/s3/pricing/)',
}

/** Dollars for keeping bytes from one instant to another. AWS's storage gigabyte is 2^30 bytes. */
export function storageDollars(sizeBytes: number, from: Date, to: Date, price: StoragePrice): number {
  const hours = Math.max(0, to.getTime() - from.getTime()) / 3_600_000
  return (sizeBytes / GIB) * (hours / HOURS_PER_MONTH) * price.dollarsPerGiBMonth
}

/** Dollars a month for one object, with the class's smallest billed size, overhead and monitoring. */
export function monthlyDollars(sizeBytes: number, storageClass: StorageClass, { storage }: PriceTable): number {
  const prices = storage[storageClass]
  const billedBytes = Math.max(sizeBytes, prices.minimumObjectBytes) + prices.overheadBytes
  return (
    (billedBytes / GIB) * prices.dollarsPerGiBMonth +
    (prices.overheadStandardBytes / GIB) * storage.STANDARD.dollarsPerGiBMonth +
    prices.dollarsPer1000ObjectMonths / 1000
  )
}

/** Dollars for one object that is deleted after so many days: billed at least for the class's minimum. */
export function keepingDollars(sizeBytes: number, days: number, storageClass: StorageClass, table: PriceTable): number {
  const billedDays = Math.max(days, table.storage[storageClass].minimumDays)
  return (monthlyDollars(sizeBytes, storageClass, table) * billedDays) / DAYS_PER_MONTH
}

/** What requests are counted: of writing one class, and lists. */
export interface Requests {
  puts?: number
  parts?: number
  gets?: number
  lists?: number
}

export function requestDollars(requests: Requests, storageClass: StorageClass, table: PriceTable): number {
  const { puts = 0, parts = 0, gets = 0, lists = 0 } = requests
  const prices = table.storage[storageClass]
  const thousandfold =
    puts * prices.dollarsPer1000Puts +
    parts * prices.dollarsPer1000Parts +
    gets * prices.dollarsPer1000Gets +
    lists * table.dollarsPer1000Lists
  return thousandfold / 1000
}

/** Dollars for so many calls of functions that ran so many seconds in all. */
export function functionDollars(
  { calls, seconds, memoryMiB }: { calls: number; seconds: number; memoryMiB: number },
  { lambda }: PriceTable,
): number {
  return (
    seconds * (memoryMiB / 1024) * lambda.dollarsPerGiBSecond + (calls / 1_000_000) * lambda.dollarsPerMillionRequests
  )
}

export function transitionDollars(transitions: number, table: PriceTable): number {
  return (transitions / 1000) * table.dollarsPer1000Transitions
}

/** Dollars for bytes that leave S3's region within one month in which nothing else does. */
export function transferOutDollars(bytes: number, destination: Destination, table: PriceTable): number {
  let dollars = 0
  let fromGiB = 0
  for (const { upToGiB = Number.POSITIVE_INFINITY, dollarsPerGiB } of table.transferOut[destination]) {
    dollars += Math.max(0, Math.min(bytes / GIB, upToGiB) - fromGiB) * dollarsPerGiB
    fromGiB = upToGiB
  }
  return dollars
}

/** An item that is certain, or lies between two figures, whichever comes first. */
export function priceItem(what: string, dollars: number, otherDollars = dollars): PriceItem {
  const [least, most] = [Math.min(dollars, otherDollars), Math.max(dollars, otherDollars)]
  return { what, leastDollars: roundDollars(least), mostDollars: roundDollars(most) }
}

/** Items with their sum. */
export function priced(items: readonly PriceItem[], leavesOut: readonly string[], table: PriceTable): Priced {
  const sum = (side: 'leastDollars' | 'mostDollars') =>
    roundDollars(items.reduce((total, item) => total + item[side], 0))
  return {
    items: [...items],
    leastDollars: sum('leastDollars'),
    mostDollars: sum('mostDollars'),
    leavesOut: [...leavesOut],
    prices: `${table.region}, ${table.asOf}: ${table.source}`,
  }
}

/** To millionths: finer than any price is meant, and free of the noise of binary fractions. */
export function roundDollars(dollars: number): number {
  return Math.round(dollars * 1e6) / 1e6
}

/** `about $11.20`. Prices without discounts make estimates: cents are all the accuracy they have. */
export function formatDollars(dollars: number): string {
  return dollars < 0.01 ? 'less than $0.01' : `about $${dollars.toFixed(2)}`
}

/** `$0.10 to $1.90`, or one figure where cents don't tell both apart. */
export function formatDollarRange({ leastDollars, mostDollars }: Omit<PriceItem, 'what'>): string {
  const [least, most] = [formatDollars(leastDollars), formatDollars(mostDollars)]
  if (least === most) return most
  return leastDollars < 0.01
    ? `up to $${mostDollars.toFixed(2)}`
    : `$${leastDollars.toFixed(2)} to $${mostDollars.toFixed(2)}`
}
