/** What came of a drill, from its plan and the evidence that lies in the bucket. Pure. */
import type { DrillEvidence, DrillPlan, DrillReport } from '../../contracts/drill.ts'
import { counted } from '../words/counted.ts'

/** Evidence and where it lies. */
export interface FoundEvidence {
  evidence: DrillEvidence
  key: string
}

/** @param evidenceOf what was found of a rehearsal, by its restore; none: nobody can say what came of it, so it failed */
export function drillReport(
  { drillId, startedAt, request, rehearsals: planned, postponed, unfit, notes }: DrillPlan,
  evidenceOf: (restoreId: string) => FoundEvidence | undefined,
  endedAt: string,
): DrillReport {
  const rehearsals = planned.map((rehearsal): DrillReport['rehearsals'][number] => {
    const found = evidenceOf(rehearsal.restoreId)
    if (found === undefined) {
      const summary = `It left no evidence. Look at the execution ${rehearsal.restoreId} of restore-guest.`
      return { ...rehearsal, passed: false, summary }
    }
    const { passed, summary, seconds } = found.evidence
    const { total: totalSeconds } = seconds
    return {
      ...rehearsal,
      passed,
      summary,
      evidenceKey: found.key,
      ...(totalSeconds === undefined ? {} : { totalSeconds }),
    }
  })
  const failed = rehearsals.filter(({ passed }) => !passed)
  const outcome = failed.length > 0 ? 'failed' : unfit.length > 0 ? 'partial' : 'succeeded'
  return {
    version: 1,
    drillId,
    startedAt,
    endedAt,
    site: request.site,
    outcome,
    summary: summaryOf(rehearsals, failed, postponed, unfit),
    rehearsals,
    postponed,
    unfit,
    notes,
  }
}

function summaryOf(
  rehearsals: DrillReport['rehearsals'],
  failed: DrillReport['rehearsals'],
  postponed: number,
  unfit: readonly string[],
): string {
  const [first] = failed
  const [without] = unfit
  const parts = [
    rehearsals.length === 0
      ? 'Nothing was rehearsed.'
      : `${rehearsals.length - failed.length} of ${counted(rehearsals.length, 'rehearsal')} passed.`,
    ...(first === undefined ? [] : [first.summary]),
    ...(without === undefined ? [] : [`${counted(unfit.length, 'guest')} can't be rehearsed: ${without}`]),
    ...(postponed === 0
      ? []
      : [`${counted(postponed, 'further guest')} that ${postponed === 1 ? 'is' : 'are'} due: left to the next drill.`]),
  ]
  return parts.join(' ')
}
