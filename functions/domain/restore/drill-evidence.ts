/** The evidence of a rehearsal, from the report of its restore. Pure. */
import type { DrillEvidence } from '../../contracts/drill.ts'
import type { RestoredArchive } from '../../contracts/restore-record.ts'
import type { RestoreReport } from '../../contracts/restore-report.ts'

/** `undefined` of a restore that is no drill, or a dry run of one. */
export function drillEvidence(
  report: RestoreReport,
  { site, guest, folder, createdAt, fileName, sizeBytes }: RestoredArchive,
  reportKey: string,
): DrillEvidence | undefined {
  const { checks, target, restoreId, startedAt, endedAt, summary, left, seconds } = report
  if (checks === undefined || target === undefined || report.dryRun) return undefined
  const { kind, id, name, identity } = guest
  return {
    version: 1,
    restoreId,
    startedAt,
    endedAt,
    passed: checks.every(({ passed }) => passed),
    summary,
    site,
    guest: { kind, id, name, ...(identity === undefined ? {} : { identity }) },
    archive: { folder, createdAt, fileName, sizeBytes },
    target: { site: target.site, node: target.node, id: target.id },
    checks,
    seconds: Object.fromEntries(
      Object.entries(seconds).flatMap(([step, took]) => (took === undefined ? [] : [[step, took]])),
    ),
    left: left.map(({ what }) => what),
    reportKey,
  }
}
