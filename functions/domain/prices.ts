/** What AWS charges, as far as Guestlift tells people about it. List prices without discounts; each with its date and source. */

/** GiB-months are hours over the mean month of 365 days / 12, as AWS's own calculator has it. */
const HOURS_PER_MONTH = 730
const GIB = 2 ** 30

/** A price for keeping bytes. */
export interface StoragePrice {
  dollarsPerGiBMonth: number
  /** Which price, of which region, from when. */
  source: string
}

/**
 * S3 Standard. The parts of an open upload are billed at it whatever class the object shall have (AWS's notes on S3
 * usage reports). Regions differ by up to a half.
 */
export const standardStorage: StoragePrice = {
  dollarsPerGiBMonth: 0.023,
  source: 'S3 Standard, us-east-1, first 50 TB a month, list price of 2026-05 (https://aws.amazon.com/s3/pricing/)',
}

/** Dollars for keeping bytes from one instant to another. AWS's storage gigabyte is 2^30 bytes. */
export function storageDollars(sizeBytes: number, from: Date, to: Date, price: StoragePrice): number {
  const hours = Math.max(0, to.getTime() - from.getTime()) / 3_600_000
  return (sizeBytes / GIB) * (hours / HOURS_PER_MONTH) * price.dollarsPerGiBMonth
}

/** `about $11.20`. Prices without discounts make estimates: cents are all the accuracy they have. */
export function formatDollars(dollars: number): string {
  return dollars < 0.01 ? 'less than $0.01' : `about $${dollars.toFixed(2)}`
}
