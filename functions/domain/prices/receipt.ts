import type { Priced, PriceTable, StorageClass } from '../../contracts/prices.ts'
import type { GuestOutcome } from '../../contracts/report.ts'
import { leftOutOfReceipt, readReceipt } from './block-price.ts'
import { isStored } from '../backup/tally.ts'
import { formatBytes } from '../words/byte-size.ts'
import { planParts } from '../transfer/part-plan.ts'
import { monthlyDollars, priced } from './prices.ts'
import { STREAM_BYTES_PER_SECOND } from './quote.ts'
import { addWork, countedWork, guestWork, noWork, ROUNDS, runWork, type CountedWork } from './run-work.ts'
import { workItems } from './work-price.ts'

/** Memory of a copy function and streams of a guest, unless a deployment or a site says otherwise. */
const USUAL = { memoryMiB: 1769, streams: 4 }

export type ReceiptGuest = Pick<GuestOutcome, 'outcome' | 'bytesSent' | 'seconds' | 'artifacts' | 'work'>

/** What a run has cost: the counted work of its guests, and its own states around them. */
export function receipt(
  guests: readonly ReceiptGuest[],
  table: PriceTable,
  storageClass: StorageClass = 'STANDARD',
): Priced {
  return receiptOf(guests, runWork, { table, storageClass }, [])
}

/** What one guest that is archived has cost, for its manifest. */
export function guestReceipt(
  guest: Pick<GuestOutcome, 'bytesSent' | 'artifacts'> & Required<Pick<GuestOutcome, 'work'>>,
  table: PriceTable,
  storageClass: StorageClass = 'STANDARD',
): Priced {
  const about = ["the run's own states, which its guests share"]
  return receiptOf([{ ...guest, outcome: 'succeeded', seconds: 0 }], noWork, { table, storageClass }, about)
}

/**
 * Calls, seconds of copy functions, parts and transitions as they were counted. A guest whose work wasn't (its execution
 * began before that was done) is bounded: as fast as a stream ever moved bytes, and as slow as lines usually are, but no
 * longer than all streams during the guest's own time.
 */
function receiptOf(
  guests: readonly ReceiptGuest[],
  around: CountedWork,
  { table, storageClass }: { table: PriceTable; storageClass: StorageClass },
  furtherLeavesOut: readonly string[],
): Priced {
  const archived = guests.filter(isStored)
  const sum = (pace: 'quick' | 'slow') =>
    archived.reduce((total, guest) => addWork(total, counted(guest) ?? bounded(guest, pace)), around)
  const told = archived.flatMap(({ work }) => work?.memoryMiB ?? [])
  const memoryMiB = told.length === 0 ? USUAL.memoryMiB : Math.max(...told)
  const items = workItems([sum('quick'), sum('slow')], { storageClass, memoryMiB }, table)
  const reads = archived.flatMap(({ work }) => work?.billedReads ?? [])
  items.push(...readReceipt(reads, table))
  const counts = (of: (work: NonNullable<GuestOutcome['work']>) => number) =>
    archived.reduce((total, { work }) => total + (work === undefined ? 0 : of(work)), 0)
  const uncounted = archived.filter(({ work }) => work === undefined).length
  const [broken, untimed] = [counts(({ brokenCalls }) => brokenCalls), counts(({ untimedCalls }) => untimedCalls)]
  const others = guests.length - archived.length
  const leavesOut = [
    keeping(archived, storageClass, table),
    ...furtherLeavesOut,
    ...(others === 0
      ? []
      : [`the work on ${others} ${others === 1 ? 'guest' : 'guests'} of which nothing was archived`]),
    ...(uncounted === 0
      ? []
      : [`what copying really took for ${uncounted} of ${archived.length} guests: it is bounded`]),
    ...(broken === 0 ? [] : [`how long ${broken} broken copy calls really ran: the workflow's clock stands in`]),
    ...(untimed === 0 ? [] : [`all of ${untimed} copy calls but their time between first and last byte`]),
    ...(told.length > 0 || archived.length === 0
      ? []
      : [
          `the memory of copy functions, which is not known: ${memoryMiB} MiB are assumed`,
          'a run with --local, which pays for its requests alone',
        ]),
    ...leftOutOfReceipt(reads, table),
    'how long other functions ran and which requests they made: they are estimated by the call',
    'states and calls that were repeated, and what earlier executions did for the same archives',
    'logs, NAT, and whatever else the account pays; free allowances and discounts',
  ]
  return priced(items, leavesOut, table)
}

function counted({ work, artifacts }: ReceiptGuest): CountedWork | undefined {
  if (work === undefined) return undefined
  return countedWork(
    work,
    artifacts.map((artifact) => ({ partCount: partCountOf(artifact) })),
  )
}

function bounded({ bytesSent, seconds, artifacts }: ReceiptGuest, pace: 'quick' | 'slow'): CountedWork {
  const { streams } = USUAL
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
  const partSizeBytes = Math.max(...artifacts.map((one) => Math.ceil(one.sizeBytes / partCountOf(one))), 1)
  return { ...made, parts: artifacts.length + Math.ceil(bytesSent / partSizeBytes) }
}

/** Older outcomes don't say; their parts are bytes of the source, as large as the object wants them. */
function partCountOf({ sizeBytes, partCount }: ReceiptGuest['artifacts'][number]): number {
  return partCount ?? planParts(sizeBytes).partCount
}

function keeping(guests: readonly ReceiptGuest[], storageClass: StorageClass, table: PriceTable): string {
  const sizes = guests.flatMap(({ artifacts }) => artifacts.map(({ sizeBytes }) => sizeBytes))
  const bytes = sizes.reduce((sum, size) => sum + size, 0)
  const monthly = sizes.reduce((sum, sizeBytes) => sum + monthlyDollars(sizeBytes, storageClass, table), 0)
  const dollars = monthly < 0.01 ? 'less than $0.01' : `$${monthly.toFixed(2)}`
  return `keeping ${formatBytes(bytes)} in ${storageClass}: ${dollars} a month`
}
