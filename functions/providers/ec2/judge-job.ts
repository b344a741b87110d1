/** What is wrong with a set of snapshots, by their own states. */
import type { BackupEvidence, Verdict } from '../../contracts/evidence.ts'
import { badVerdict as bad } from '../../domain/backup/bad-verdict.ts'
import { sentence } from '../../domain/words/sentence.ts'

/** Nothing is, when there is one completed snapshot for each volume that the backup meant. */
export function judgeJob(evidence: BackupEvidence): Verdict | undefined {
  const { ending, exitStatus, errors } = evidence
  const cause = errors[0] ?? exitStatus
  if (ending === 'ok') return undefined
  if (ending === 'unknown')
    return bad('archive-missing', `Snapshots of the backup are gone: ${sentence(cause)}`, evidence)
  if (ending === 'interrupted') {
    return bad('job-interrupted', `A snapshot is not completed yet: ${sentence(cause)}`, evidence)
  }
  return bad('backup-failed', `AWS could not make a snapshot: ${sentence(cause)}`, evidence)
}
