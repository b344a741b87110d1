/** What is wrong with a snapshot or a clone, by the platform's own states. */
import type { BackupEvidence, Verdict } from '../../contracts/evidence.ts'
import { badVerdict as bad } from '../../domain/backup/bad-verdict.ts'
import { sentence } from '../../domain/words/sentence.ts'

/** Nothing is, when all disks that the backup meant are held still. */
export function judgeJob(evidence: BackupEvidence): Verdict | undefined {
  const { ending, exitStatus, errors } = evidence
  const cause = errors[0] ?? exitStatus
  if (ending === 'ok' || ending === 'warnings') return undefined
  if (ending === 'unknown') return bad('archive-missing', `What the backup made is gone: ${sentence(cause)}`, evidence)
  if (ending === 'interrupted') return bad('job-interrupted', `The backup has not ended: ${sentence(cause)}`, evidence)
  return bad('backup-failed', `vSphere could not make it: ${sentence(cause)}`, evidence)
}
