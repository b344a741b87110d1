import { InternalFault } from '../../contracts/errors.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { drillEvidenceKey, drillPrefix, reportKey } from '../../domain/books/object-keys.ts'
import { drillReport, type FoundEvidence } from '../../domain/restore/drill-tally.ts'
import { drillEvidenceShape, drillPlanShape, drillReportShape } from '../books/shapes.ts'
import { readRecord, unlessUnreadable, writeRecord } from '../books/stored-json.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'log'>

const DAY_MILLISECONDS = 86_400_000

/** Tally the evidence in the bucket, not what the workflow believes: a rehearsal without any has failed. */
export async function reportDrill(
  { planKey }: TaskInput<'ReportDrill'>,
  ports: Needs,
): Promise<TaskOutput<'ReportDrill'>> {
  const { store, keyPrefix, now, log } = ports
  const plan = await readRecord(store, planKey, drillPlanShape)
  if (plan === undefined) throw new InternalFault(`s3://${store.bucket}/${planKey} is gone. Start another drill.`)
  const found = new Map<string, FoundEvidence>()
  for (const { restoreId } of plan.rehearsals) {
    const evidence = await evidenceOf(restoreId, plan.startedAt, ports)
    if (evidence !== undefined) found.set(restoreId, evidence)
  }
  const report = drillReport(plan, (restoreId) => found.get(restoreId), now().toISOString())
  const key = reportKey(drillPrefix(keyPrefix, plan.drillId, plan.startedAt))
  await writeRecord(store, key, drillReportShape, report)
  const { outcome, summary } = report
  log('drill-ended', { site: report.site, outcome, rehearsals: report.rehearsals.length })
  return { outcome, summary, bucket: store.bucket, reportKey: key }
}

/** It lies under the day on which its restore began: that of the drill, or a later one. */
async function evidenceOf(restoreId: string, drillStartedAt: string, { store, keyPrefix, now }: Needs) {
  const until = now().getTime() + DAY_MILLISECONDS
  for (let day = Date.parse(drillStartedAt); day <= until; day += DAY_MILLISECONDS) {
    const key = drillEvidenceKey(keyPrefix, restoreId, new Date(day).toISOString())
    const evidence = await unlessUnreadable(readRecord(store, key, drillEvidenceShape))
    if (evidence !== undefined && evidence !== 'unreadable') return { evidence, key }
  }
  return undefined
}
