/** What a run over due archives tells CloudWatch, as `run-metrics.ts` does for a run that archives. */
import type { VerificationReport } from '../../contracts/verification-report.ts'
import { siteMetrics } from '../metrics/site-metrics.ts'

export type VerificationMetric = 'ArchivesVerified' | 'ArchivesRefused' | 'ArchivesNotVerified' | 'ArchivesOverdue'

/** One site's figures. Overdue ones are those that are named; see `further`. */
export function verificationMetrics(
  deployment: string,
  { archives, unread, endedAt }: Pick<VerificationReport, 'archives' | 'unread' | 'endedAt'>,
  site: string,
): Record<string, unknown> {
  const its = archives.filter((archive) => archive.site === site)
  const count = (result: VerificationReport['archives'][number]['result']) =>
    its.filter((archive) => archive.result === result).length
  const unverified = [
    ...its.filter(({ result }) => result === 'not-verified'),
    ...unread.filter((one) => one.site === site),
  ]
  const values: Record<VerificationMetric, number> = {
    ArchivesVerified: count('accepted'),
    ArchivesRefused: count('refused'),
    ArchivesNotVerified: count('not-verified'),
    ArchivesOverdue: unverified.filter(({ overdue }) => overdue).length,
  }
  return siteMetrics({ deployment, site }, endedAt, values, () => 'Count')
}
