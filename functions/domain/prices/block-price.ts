/** What reading and writing disks block by block costs. Pure. */
import type { PriceItem, PriceTable } from '../../contracts/prices.ts'
import { formatBytes } from '../words/byte-size.ts'
import type { ExpectedReading } from './expected-reading.ts'
import { priceItem } from './prices.ts'

const GIB = 2 ** 30
const HOURS_PER_MONTH = 730
/** A snapshot of a small disk is there in minutes, and the first one of a large disk takes most of a day. */
const SNAPSHOT_HOURS = { least: 1, most: 24 }

/** What will be read of one guest. */
export interface BlockReads extends ExpectedReading {
  blockBytes: number
}

/** Nothing for a table without such prices: `leftOutOfReads` says so. */
export function blockReadItems(reads: readonly BlockReads[], { blocks: prices }: PriceTable): PriceItem[] {
  const [first] = reads
  if (first === undefined || prices === undefined) return []
  const sum = (of: (one: BlockReads) => number) => reads.reduce((total, one) => total + of(one), 0)
  const counts = [
    sum(({ leastBytes, blockBytes }) => Math.ceil(leastBytes / blockBytes)),
    sum(({ mostBytes, blockBytes }) => Math.ceil(mostBytes / blockBytes)),
  ] as const
  const snapshots = (bytes: number, hours: number) =>
    (bytes / GIB) * prices.dollarsPerGiBMonthOfSnapshots * (hours / HOURS_PER_MONTH)
  const { least, most } = SNAPSHOT_HOURS
  const [fewest, all] = counts.map((count) => count.toLocaleString('en-US'))
  return [
    priceItem(
      `${fewest === all ? `${all}` : `${fewest} to ${all}`} blocks of ${formatBytes(first.blockBytes)}, read once each`,
      (counts[0] / 1000) * prices.dollarsPer1000Reads,
      (counts[1] / 1000) * prices.dollarsPer1000Reads,
    ),
    priceItem(
      `the snapshots they are read from, for ${least} to ${most} hours`,
      snapshots(
        sum(({ leastBytes }) => leastBytes),
        least,
      ),
      snapshots(
        sum(({ mostBytes }) => mostBytes),
        most,
      ),
    ),
  ]
}

/** Blocks that a restore writes; each block that was ever written, zeros included. */
export function blockWriteItems(writtenBytes: number | undefined, { blocks: prices }: PriceTable): PriceItem[] {
  if (writtenBytes === undefined || prices === undefined) return []
  const count = Math.ceil(writtenBytes / prices.blockBytes)
  return [
    priceItem(
      `${count.toLocaleString('en-US')} ${count === 1 ? 'block' : 'blocks'} written`,
      (count / 1000) * prices.dollarsPer1000Writes,
    ),
  ]
}

export function leftOutOfReads(reads: readonly BlockReads[], { blocks, transferOut }: PriceTable): string[] {
  if (reads.length === 0) return []
  const dollars = transferOut['other-region'][0]?.dollarsPerGiB ?? 0
  return [
    ...(blocks === undefined ? ['reading blocks, and snapshots: the price table has no `blocks`'] : []),
    `$${dollars} a GiB where the bucket is in another region than the guest`,
  ]
}

/** Requests as they were counted. */
export function readReceipt(reads: readonly number[], { blocks: prices }: PriceTable): PriceItem[] {
  if (reads.length === 0 || prices === undefined) return []
  const count = reads.reduce((sum, one) => sum + one, 0)
  return [priceItem(`${count.toLocaleString('en-US')} blocks read`, (count / 1000) * prices.dollarsPer1000Reads)]
}

export function leftOutOfReceipt(reads: readonly number[], { blocks, transferOut }: PriceTable): string[] {
  if (reads.length === 0) return []
  const dollars = transferOut['other-region'][0]?.dollarsPerGiB ?? 0
  return [
    ...(blocks === undefined ? ['reading blocks: the price table has no `blocks`'] : []),
    'the snapshots that blocks were read from, lists of blocks, and blocks that calls read before they broke off',
    `$${dollars} a GiB where the bucket is in another region than the guests`,
  ]
}
