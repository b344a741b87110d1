import type { DrillEvidence } from '../../contracts/drill.ts'
import type { StateError } from '../../contracts/execution.ts'
import type { RestoreRecord } from '../../contracts/restore-record.ts'
import type { RestoreReport } from '../../contracts/restore-report.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { drillEvidenceKey, reportKey, restorePrefix } from '../../domain/books/object-keys.ts'
import { listPrices } from '../../domain/prices/list-prices.ts'
import { drillEvidence } from '../../domain/restore/drill-evidence.ts'
import { restoreReport } from '../../domain/restore/report.ts'
import { noteRehearsal } from '../books/rehearsals.ts'
import { giveBackLease, keepLease } from '../books/restore-leases.ts'
import { changeRestore, findRestore } from '../books/restore-records.ts'
import { drillEvidenceShape, restoreReportShape } from '../books/shapes.ts'
import { writeRecord } from '../books/stored-json.ts'
import { releaseStreams } from '../books/stream-reservations.ts'
import type { Ports } from '../ports.ts'
import { removeMade } from './remove-made.ts'

type Needs = Pick<
  Ports,
  'store' | 'keyPrefix' | 's3Url' | 'provider' | 'delivery' | 'now' | 'sleep' | 'localProcess' | 'log'
>

/**
 * Remove what the restore put on the platform beside the guest, after a failure the half-made guest as well, and write the
 * report. What a site that doesn't answer keeps from being removed is named, and a sweep removes it later: then the lease
 * stays, and lapses.
 * @throws RestoreRefused when another restore has the id by now: what is there may be its own
 */
export async function finishRestore(
  input: TaskInput<'FinishRestore'>,
  ports: Needs,
): Promise<TaskOutput<'FinishRestore'>> {
  const { restore } = input
  const key = reportKey(restorePrefix(ports.keyPrefix, restore.id, restore.startedAt))
  const found = await findRestore(restore, ports)
  if (found === undefined) {
    return {
      outcome: 'failed',
      summary: `Restore ${restore.id} had begun nothing.`,
      left: 0,
      bucket: ports.store.bucket,
      reportKey: key,
    }
  }
  const ended = found.value.ended ?? { at: ports.now().toISOString(), error: input.error }
  const held = await changeRestore(restore, (now) => ({ ...now, ended: now.ended ?? ended }), ports)
  const error: StateError | null = held.ended?.error ?? null
  const { confirm, site } = held.request
  // Before there is a place, nothing was put anywhere; another restore may have the id.
  if ((held.place ?? held.newDisks) !== undefined && confirm) await keepLease(input, held, ports)
  const { left, again, whole } = await removeMade(held, error !== null, ports)
  const seenWhole = (now: RestoreRecord): RestoreRecord => ({ ...now, steps: { createdAt: ended.at, ...now.steps } })
  const record = whole ? await changeRestore(restore, seenWhole, ports) : held
  const report = restoreReport(record, {
    endedAt: ended.at,
    error,
    left,
    prices: ports.s3Url === undefined ? listPrices : undefined,
  })
  await writeRecord(ports.store, key, restoreReportShape, report)
  const evidence = await keepEvidence(report, record, key, ports)
  if (confirm) {
    await releaseStreams(site, input.execution, ports)
    if (!again) await giveBackLease(input, record, ports)
  }
  // Last: a book that can't be read keeps no id from others.
  if (evidence !== undefined) await noteRehearsal(evidence.value, evidence.key, ports)
  const { outcome, summary } = report
  ports.log('restore-ended', { site, guest: record.target.id, outcome, left: left.length })
  return { outcome, summary, left: left.length, bucket: ports.store.bucket, reportKey: key }
}

/** Of a drill: what it showed, whatever came of it. `undefined` of any other restore. */
async function keepEvidence(
  report: RestoreReport,
  { archive }: RestoreRecord,
  reportKey: string,
  { store, keyPrefix }: Needs,
): Promise<{ value: DrillEvidence; key: string } | undefined> {
  const value = drillEvidence(report, archive, reportKey)
  if (value === undefined) return undefined
  const key = drillEvidenceKey(keyPrefix, report.restoreId, report.startedAt)
  await writeRecord(store, key, drillEvidenceShape, value)
  return { value, key }
}
