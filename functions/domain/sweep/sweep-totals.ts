import type { StraySummary, SweepTotals, SweptUpload } from '../../contracts/sweep.ts'
import type { UnfinishedArchive } from '../../contracts/unfinished.ts'
import { formatBytes } from '../words/byte-size.ts'
import { formatDollars } from '../prices/prices.ts'
import { counted } from '../words/counted.ts'

/** What a sweep did beside its uploads. */
export interface SweepRest {
  dryRun: boolean
  left: number
  removedRecords: number
  /** Uploads and objects that tests of the store had left. */
  removedTests?: number
  /** Why not all records could be looked through. */
  recordTrouble?: string
  /** Objects without a manifest. */
  unfinished?: readonly Pick<UnfinishedArchive, 'sizeBytes' | 'dollarsPerMonth' | 'state'>[]
  /** What came of the sites' platforms. */
  strays?: readonly StraySummary[]
}

/** Add up a sweep, with the sentence that people read first. */
export function sweepTotals(uploads: readonly SweptUpload[], rest: SweepRest): SweepTotals {
  const { dryRun, left, removedRecords, removedTests = 0, recordTrouble, unfinished = [], strays = [] } = rest
  const orphaned = unfinished.filter(({ state }) => state !== 'under-way' && state !== 'going')
  const reported = strays.filter(({ outcome, removed }) => outcome !== 'succeeded' || removed > 0)
  const of = (outcome: SweptUpload['outcome']) => uploads.filter((upload) => upload.outcome === outcome)
  const [kept, dropped, failed] = [of('kept'), of('dropped'), of('failed')]
  const droppedBytes = sum(dropped, 'sizeBytes')
  const costDollars = sum(dropped, 'costDollars')
  const sentences = [
    `${droppedClause(dropped.length, droppedBytes, costDollars, dryRun)}; ${keptClause(kept)}.`,
    ...(failed.length > 0 ? [`${counted(failed.length, 'upload')} could not be swept: the report says why.`] : []),
    ...(removedRecords > 0
      ? [`${dryRun ? 'Would remove' : 'Removed'} ${counted(removedRecords, 'record')} of uploads that are long gone.`]
      : []),
    ...(removedTests > 0
      ? [`${dryRun ? 'Would remove' : 'Removed'} ${counted(removedTests, 'left-over')} of tests of the store.`]
      : []),
    ...(recordTrouble === undefined ? [] : [`Old upload records could not be looked through: ${recordTrouble}.`]),
    ...(orphaned.length === 0 ? [] : [unfinishedClause(orphaned)]),
    ...reported.map(({ summary }) => summary),
    ...(left > 0 ? [`Time ran out: ${counted(left, 'upload')} left for the next sweep.`] : []),
  ]
  const straysStay = strays.some(({ outcome }) => outcome !== 'succeeded')
  const trouble = failed.length > 0 || recordTrouble !== undefined || straysStay
  return {
    outcome: !trouble ? 'succeeded' : failed.length > 0 && failed.length === uploads.length ? 'failed' : 'partial',
    summary:
      uploads.length + left + removedRecords + removedTests + orphaned.length + reported.length === 0 && !trouble
        ? 'No uploads are open.'
        : sentences.join(' '),
    kept: kept.length,
    dropped: dropped.length,
    failed: failed.length,
    droppedBytes,
    costDollars,
    left,
    removedRecords,
  }
}

function droppedClause(count: number, bytes: number, dollars: number, dryRun: boolean): string {
  if (count === 0) return dryRun ? 'Would drop nothing' : 'Dropped nothing'
  const verb = dryRun ? 'Would drop' : 'Dropped'
  return `${verb} ${counted(count, 'abandoned upload')} holding ${formatBytes(bytes)} (${formatDollars(dollars)} so far)`
}

function unfinishedClause(orphaned: NonNullable<SweepRest['unfinished']>): string {
  const bytes = orphaned.reduce((total, { sizeBytes }) => total + sizeBytes, 0)
  const dollars = orphaned.reduce((total, { dollarsPerMonth }) => total + dollarsPerMonth, 0)
  const what = `${counted(orphaned.length, 'folder')} among the archives without a manifest`
  return `${what}, ${formatBytes(bytes)}, ${formatDollars(dollars)} a month: see guestlift unfinished list.`
}

function keptClause(kept: readonly SweptUpload[]): string {
  return kept.length === 0 ? 'kept none' : `kept ${kept.length} holding ${formatBytes(sum(kept, 'sizeBytes'))}`
}

function sum(uploads: readonly SweptUpload[], field: 'sizeBytes' | 'costDollars'): number {
  return uploads.reduce((total, upload) => total + upload[field], 0)
}
