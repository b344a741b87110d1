/** What each workflow leaves as its report, and which of its tasks tells where it lies. */
import type { z } from 'zod'
import { coverageReportSchema } from '../../functions/contracts/coverage.ts'
import { pruningReportSchema } from '../../functions/contracts/pruning.ts'
import { runReportSchema } from '../../functions/contracts/report.ts'
import { sweepReportSchema } from '../../functions/contracts/sweep.ts'
import { tasks } from '../../functions/contracts/tasks.ts'
import { verificationReportSchema } from '../../functions/contracts/verification-report.ts'

export interface ReportShape<Report> {
  /** The answer of the task that writes the report. */
  answer: z.ZodType<{ bucket: string; reportKey: string }>
  report: z.ZodType<Report>
}

export const reportShapes = {
  exportRun: { answer: tasks.ReportRun.output, report: runReportSchema },
  verifyArchives: { answer: tasks.ReportVerification.output, report: verificationReportSchema },
  judgeCoverage: { answer: tasks.JudgeCoverage.output, report: coverageReportSchema },
  pruneArchives: { answer: tasks.PruneArchives.output, report: pruningReportSchema },
  sweepUploads: { answer: tasks.SweepUploads.output, report: sweepReportSchema },
}

/** Workflows that leave a report. */
export type ReportingWorkflow = keyof typeof reportShapes
export type ReportOf<Workflow extends ReportingWorkflow> = z.output<(typeof reportShapes)[Workflow]['report']>

/** A report and where it lies. */
export interface ToldReport<Report> {
  report: Report
  bucket: string
  reportKey: string
}

/** TypeScript can't see through the index that a workflow's shape is that of its report. */
export function shapeOf<Workflow extends ReportingWorkflow>(workflow: Workflow): ReportShape<ReportOf<Workflow>> {
  return reportShapes[workflow] as unknown as ReportShape<ReportOf<Workflow>>
}
