/** What each workflow leaves as its report, and which of its tasks tells where it lies. */
import type { z } from 'zod'
import { tasks } from '../../functions/contracts/tasks.ts'
import type { RunReport } from '../../functions/contracts/report.ts'
import type { Shape } from '../../functions/domain/books/stored-record.ts'
import {
  coverageReportShape,
  drillReportShape,
  pruningReportShape,
  restoreReportShape,
  runReportShape,
  sweepReportShape,
  verificationReportShape,
} from '../../functions/operations/books/shapes.ts'

/** What every task that writes a report answers: the outcome in short, and where the report lies. */
export interface ReportAnswer {
  outcome: RunReport['outcome']
  summary: string
  bucket: string
  reportKey: string
}

export interface ReportShape<Report> {
  /** The answer of the task that writes the report. */
  answer: z.ZodType<ReportAnswer>
  report: Shape<Report>
}

export const reportShapes = {
  exportRun: { answer: tasks.ReportRun.output, report: runReportShape },
  verifyArchives: { answer: tasks.ReportVerification.output, report: verificationReportShape },
  judgeCoverage: { answer: tasks.JudgeCoverage.output, report: coverageReportShape },
  pruneArchives: { answer: tasks.PruneArchives.output, report: pruningReportShape },
  restoreDrill: { answer: tasks.ReportDrill.output, report: drillReportShape },
  restoreGuest: { answer: tasks.FinishRestore.output, report: restoreReportShape },
  sweepUploads: { answer: tasks.SweepUploads.output, report: sweepReportShape },
}

/** Workflows that leave a report. */
export type ReportingWorkflow = keyof typeof reportShapes
export type ReportOf<Workflow extends ReportingWorkflow> = z.output<(typeof reportShapes)[Workflow]['report']['schema']>

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
