import type { SweepTotals, SweptUpload } from '../contracts/sweep.ts'
import { formatBytes } from './byte-size.ts'
import { formatDollars } from './prices.ts'
import { counted } from './counted.ts'

/** What a sweep did beside its uploads. */
export interface SweepRest {
  dryRun: boolean
  left: number
  removedRecords: number
  /** Why not all records could be looked through. */
  recordTrouble?: string
}

/** Add up a sweep, with the sentence that people read first. */
export function sweepTotals(uploads: readonly SweptUpload[], rest: SweepRest): SweepTotals {
  const { dryRun, left, removedRecords, recordTrouble } = rest
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
    ...(recordTrouble === undefined ? [] : [`Old upload records could not be looked through: ${recordTrouble}.`]),
    ...(left > 0 ? [`Time ran out: ${counted(left, 'upload')} left for the next sweep.`] : []),
  ]
  const trouble = failed.length > 0 || recordTrouble !== undefined
  return {
    outcome: !trouble ? 'succeeded' : failed.length > 0 && failed.length === uploads.length ? 'failed' : 'partial',
    summary: uploads.length + left + removedRecords === 0 && !trouble ? 'No uploads are open.' : sentences.join(' '),
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

function keptClause(kept: readonly SweptUpload[]): string {
  return kept.length === 0 ? 'kept none' : `kept ${kept.length} holding ${formatBytes(sum(kept, 'sizeBytes'))}`
}

function sum(uploads: readonly SweptUpload[], field: 'sizeBytes' | 'costDollars'): number {
  return uploads.reduce((total, upload) => total + upload[field], 0)
}
