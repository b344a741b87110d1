/** What is wrong with a vzdump job by its own status, its log, and the list of the storage that it dumped to. */
import type { BackupEvidence, Verdict } from '../../contracts/evidence.ts'
import { badVerdict as bad } from '../../domain/backup/bad-verdict.ts'
import { sentence } from '../../domain/words/sentence.ts'

/**
 * Nothing is, when the job ended well, its complete log says that this guest was finished and names an archive, and the
 * storage lists that very archive.
 */
export function judgeJob(evidence: BackupEvidence): Verdict | undefined {
  const { ending, exitStatus, guestFailure } = evidence
  const cause = guestFailure ?? evidence.errors[0]
  if (ending === 'interrupted') {
    return bad('job-interrupted', `The job was stopped before it was done (${cause ?? exitStatus}).`, evidence)
  }
  if (ending === 'unknown') {
    return bad(
      'job-lost',
      `The platform lost track of the job (${exitStatus}); the guest may still be locked.`,
      evidence,
    )
  }
  if (guestFailure !== undefined) return bad('backup-failed', `The backup failed: ${sentence(guestFailure)}`, evidence)
  if (ending === 'errors') {
    const detail = cause === undefined || cause === exitStatus ? '' : ` (${cause})`
    return bad('backup-failed', `The job ended with errors: ${sentence(exitStatus + detail)}`, evidence)
  }
  if (evidence.logComplete !== true) {
    return bad('log-incomplete', 'The job reports success, but its log is cut or gone and proves nothing.', evidence)
  }
  if (evidence.guestFinished !== true) {
    return bad('backup-failed', "The job ended well, but its log doesn't say that this guest was finished.", evidence)
  }
  return judgeNaming(evidence)
}

function judgeNaming(evidence: BackupEvidence): Verdict | undefined {
  const { archiveName, listed } = evidence
  if (archiveName === undefined) {
    return bad('archive-unnamed', "The job's log names no archive of this guest.", evidence)
  }
  if (listed !== undefined && listed.fileName === archiveName) return undefined
  return bad('archive-missing', `The storage doesn't list ${archiveName}, which the job's log names.`, evidence)
}
