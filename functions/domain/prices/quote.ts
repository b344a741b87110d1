import type { Priced, PriceTable, StorageClass } from '../../contracts/prices.ts'
import { isColder, type Transition } from '../../contracts/transitions.ts'
import { formatBytes } from '../words/byte-size.ts'
import { type BlockReads, blockReadItems, leftOutOfReads } from './block-price.ts'
import { type Egress, egressItems } from './egress-price.ts'
import { keepingDollars, priced, priceItem, requestDollars } from './prices.ts'
import { type RestorePrice, restorePrices } from './restore-price.ts'
import { addWork, guestWork, ROUNDS, runWork, type CountedWork } from './run-work.ts'
import { type BandwidthRange, unlimited } from './bandwidth-range.ts'
import { workItems } from './work-price.ts'

/** What a copy function moved in trials: 60 to 75 MB/s at one CPU; over a line of 100 Mbit/s it waits at 12 MB/s. */
export const STREAM_BYTES_PER_SECOND = { fastest: 75e6, slowest: 12e6 }

/** From a slow disk with heavy compression to a fast one with little, as archives grow. */
const DUMP_BYTES_PER_SECOND = { fastest: 500e6, slowest: 20e6 }

export interface QuotedGuest {
  id: string
  /** Absent: nothing is known. */
  expected?: { sizeBytes: number; from: 'archive-on-storage' | 'archive-in-bucket' | 'disk-sizes' }
  /** Where the platform bills what is read of its disks. */
  reads?: BlockReads
  /** Where the platform bills what leaves it. */
  egress?: Egress
}

export interface QuoteTerms {
  storageClass: StorageClass
  /** When the bucket moves them to other classes. */
  transitions?: readonly Transition[] | undefined
  /** After so many days the archives are deleted. */
  days: number
  memoryMiB: number
  /** Streams that an archive is copied with at most. */
  streams: number
  /** Where the run's bandwidth is limited: functions that wait for the line are paid as well. */
  bandwidth?: BandwidthRange
}

/** What a run costs, from its first call to the end of its archives' days; and what reading all of it back would. */
export interface Quote extends Priced {
  storageClass: StorageClass
  days: number
  guests: number
  leastBytes: number
  mostBytes: number
  /** Of `mostBytes` to the internet, by each way of retrieval. Not in the sum. */
  restore: RestorePrice[]
}

/**
 * Sizes that are only bounded by disks make a range from nothing to the disks; so does how fast the line is. A guest of
 * unknown size has no upper end, so its bytes aren't in the sum, and that is said.
 */
export function quoteRun(guests: readonly QuotedGuest[], terms: QuoteTerms, table: PriceTable): Quote {
  const { storageClass, days, memoryMiB, streams, bandwidth = unlimited } = terms
  const stays = staysOf(terms)
  const slowest = Math.min(STREAM_BYTES_PER_SECOND.slowest, bandwidth.lowest / streams)
  const fastest = Math.min(STREAM_BYTES_PER_SECOND.fastest, bandwidth.highest)
  const mostOf = ({ expected }: QuotedGuest) => expected?.sizeBytes ?? 0
  const leastOf = ({ expected }: QuotedGuest) => (expected?.from === 'disk-sizes' ? 0 : (expected?.sizeBytes ?? 0))
  const sum = (sizeOf: (guest: QuotedGuest) => number, dollars: (sizeBytes: number) => number) =>
    guests.reduce((total, guest) => total + dollars(sizeOf(guest)), 0)
  const bytes = (sizeBytes: number) => sizeBytes
  const keeping = (stay: Stay) => (sizeBytes: number) =>
    keepingDollars(sizeBytes, stay.days, stay.storageClass, table) +
    (stay.moved && sizeBytes > 0 ? requestDollars({ puts: 1 }, stay.storageClass, table) : 0)

  const work = (course: (guest: QuotedGuest) => CountedWork): CountedWork =>
    guests.reduce((total, guest) => addWork(total, course(guest)), runWork)
  const quick = work((guest) =>
    guestWork({
      sizeBytes: leastOf(guest),
      dumpSeconds: leastOf(guest) / DUMP_BYTES_PER_SECOND.fastest,
      streams,
      bytesPerSecondOfStream: fastest,
      rounds: ROUNDS.few,
    }),
  )
  const slow = work((guest) =>
    guestWork({
      sizeBytes: mostOf(guest),
      dumpSeconds: mostOf(guest) / DUMP_BYTES_PER_SECOND.slowest,
      // One alone takes the most rounds; how fast it is when all share a limited line is in its rate.
      streams: 1,
      bytesPerSecondOfStream: slowest,
      rounds: ROUNDS.many,
    }),
  )
  const [leastBytes, mostBytes] = [sum(leastOf, bytes), sum(mostOf, bytes)]
  const kept = leastBytes === mostBytes ? formatBytes(mostBytes) : `up to ${formatBytes(mostBytes)}`
  const items = guests.length === 0 ? [] : workItems([quick, slow], { storageClass, memoryMiB }, table)
  const reads = guests.flatMap((guest) => guest.reads ?? [])
  items.push(
    ...blockReadItems(reads, table),
    ...egressItems(guests.flatMap((guest) => guest.egress ?? [])),
    ...stays.map((stay) =>
      priceItem(
        `${kept} in ${stay.storageClass} for ${keptDays(stay.days, stay.storageClass, table)}`,
        sum(leastOf, keeping(stay)),
        sum(mostOf, keeping(stay)),
      ),
    ),
  )
  const restored = {
    sizeBytes: mostBytes,
    objects: guests.length,
    storageClass: stays.at(-1)?.storageClass ?? storageClass,
  }
  return {
    ...priced(items, [...leftOut(guests), ...leftOutOfReads(reads, table)], table),
    storageClass,
    days,
    guests: guests.length,
    leastBytes,
    mostBytes,
    restore: restorePrices(restored, 'internet', table),
  }
}

/** How long archives are in one class. */
interface Stay {
  storageClass: StorageClass
  days: number
  /** A rule of the bucket moved them there, which is billed as a request. */
  moved: boolean
}

/** The classes that archives pass through until they are deleted. */
function staysOf({ storageClass, days, transitions = [] }: QuoteTerms): Stay[] {
  const moves = transitions.filter((one) => one.afterDays < days && isColder(one.storageClass, storageClass))
  const from = [{ storageClass, afterDays: 0 }, ...moves]
  return from.map((each, index) => ({
    storageClass: each.storageClass,
    days: (from[index + 1]?.afterDays ?? days) - each.afterDays,
    moved: index > 0,
  }))
}

function keptDays(days: number, storageClass: StorageClass, { storage }: PriceTable): string {
  const { minimumDays } = storage[storageClass]
  return days < minimumDays ? `${days} days, billed as the class's least of ${minimumDays}` : `${days} days`
}

function leftOut(guests: readonly QuotedGuest[]): string[] {
  const unknown = guests.filter(({ expected }) => expected === undefined).map(({ id }) => id)
  return [
    ...(unknown.length === 0 ? [] : [`the bytes of guests whose size is unknown: ${unknown.join(', ')}`]),
    'retries, broken rounds, and guests that wait for their turn',
    'logs, metrics and alarms, secrets, keys of KMS, notifications',
    'a NAT gateway or VPN, where the site is reached through one',
    "the platform's and the line's own cost; free allowances, discounts and taxes",
  ]
}
