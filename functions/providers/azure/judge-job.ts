/** What is wrong with a restore point or with snapshots, by their own states. */
import type { BackupEvidence, Verdict } from '../../contracts/evidence.ts'
import { badVerdict as bad } from '../../domain/backup/bad-verdict.ts'
import { sentence } from '../../domain/words/sentence.ts'

/** Nothing is, when Azure says of all disks that the backup meant that they are frozen. */
export function judgeJob(evidence: BackupEvidence): Verdict | undefined {
  const { ending, exitStatus, errors } = evidence
  const cause = errors[0] ?? exitStatus
  if (ending === 'ok') return undefined
  if (ending === 'unknown') {
    return bad('archive-missing', `What Azure froze for the backup is gone: ${sentence(cause)}`, evidence)
  }
  if (ending === 'interrupted')
    return bad('job-interrupted', `Azure has not frozen all of it: ${sentence(cause)}`, evidence)
  return bad('backup-failed', `Azure could not freeze the guest: ${sentence(cause)}`, evidence)
}
