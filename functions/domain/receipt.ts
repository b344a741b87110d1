import type { Priced, PriceTable, StorageClass } from '../contracts/prices.ts'
import type { GuestOutcome } from '../contracts/report.ts'
import { planParts } from './part-plan.ts'
import { monthlyDollars, priced } from './prices.ts'
import { STREAM_BYTES_PER_SECOND } from './quote.ts'
import { addWork, guestWork, ROUNDS, runWork, type Work } from './run-work.ts'
import { workItems } from './work-price.ts'
import { formatBytes } from './byte-size.ts'

/** Memory of a copy function and streams of a guest, unless a deployment or a site says otherwise. */
const USUAL = { memoryMiB: 1769, streams: 4 }

type Measured = Pick<GuestOutcome, 'outcome' | 'bytesSent' | 'seconds' | 'artifacts'>

export interface ReceiptTerms {
  storageClass: StorageClass
  memoryMiB: number
  streams: number
}

/**
 * What a run has cost, from what was measured: bytes that were sent, the seconds of each guest, sizes of what is stored.
 * How long functions ran isn't counted, so it is bounded: as fast as one ever moved bytes, and as slow as lines usually
 * are, but no longer than all streams during the guest's own time.
 */
export function receipt(
  guests: readonly Measured[],
  table: PriceTable,
  terms: ReceiptTerms = { storageClass: 'STANDARD', ...USUAL },
): Priced {
  const archived = guests.filter(({ outcome }) => outcome === 'succeeded')
  const works = archived.map((guest) => [work(guest, terms, 'quick'), work(guest, terms, 'slow')] as const)
  const quick = works.reduce((sum, [one]) => addWork(sum, one), runWork)
  const slow = works.reduce((sum, [, other]) => addWork(sum, other), runWork)
  const sizes = archived.flatMap(({ artifacts }) => artifacts.map(({ sizeBytes }) => sizeBytes))
  const monthly = sizes.reduce((sum, sizeBytes) => sum + monthlyDollars(sizeBytes, terms.storageClass, table), 0)
  const items = workItems([quick, slow], terms, table)
  const others = guests.length - archived.length
  const leavesOut = [
    `keeping ${formatBytes(sizes.reduce((sum, size) => sum + size, 0))} in ${terms.storageClass}: ${monthly < 0.01 ? 'less than $0.01' : `$${monthly.toFixed(2)}`} a month`,
    ...(others === 0
      ? []
      : [`the work on ${others} ${others === 1 ? 'guest' : 'guests'} of which nothing was archived`]),
    'how long each function really ran, which AWS bills to the millisecond, and retries',
    'logs, NAT, and whatever else the account pays; free allowances and discounts',
    'a run with --local, which pays for its requests alone',
  ]
  return priced(items, leavesOut, table)
}

function work({ bytesSent, seconds, artifacts }: Measured, { streams }: ReceiptTerms, pace: 'quick' | 'slow'): Work {
  const quickSeconds = bytesSent / STREAM_BYTES_PER_SECOND.fastest
  const slowSeconds = Math.max(quickSeconds, Math.min(bytesSent / STREAM_BYTES_PER_SECOND.slowest, seconds * streams))
  const copySeconds = pace === 'quick' ? quickSeconds : slowSeconds
  const made = guestWork({
    sizeBytes: bytesSent,
    dumpSeconds: pace === 'quick' ? 0 : seconds,
    streams: pace === 'quick' ? streams : 1,
    bytesPerSecondOfStream: copySeconds === 0 ? 1 : bytesSent / copySeconds,
    rounds: pace === 'quick' ? ROUNDS.few : ROUNDS.many,
  })
  // A part is as large as the whole object wants it, however little of it this run had to send.
  const partSizeBytes = Math.max(...artifacts.map(({ sizeBytes }) => planParts(sizeBytes).partSizeBytes), 1)
  return { ...made, parts: artifacts.length + Math.ceil(bytesSent / partSizeBytes) }
}
