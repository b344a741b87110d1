/** Success is judged here and nowhere else: one pure function over all the evidence about an ended backup. */
import type { BackupMode } from '../../contracts/backup-options.ts'
import type { BackupEvidence, Verdict, VerdictName } from '../../contracts/evidence.ts'
import type { Requirement } from '../../contracts/grade.ts'
import { counted } from '../words/counted.ts'
import { shortfallsOf } from './grade.ts'
import { sentence } from '../words/sentence.ts'

/**
 * An archive can't be older than the job that made it. Both times come from the platform's own clock with a resolution
 * of one second; the allowance covers that clock being set back a little while the job ran.
 */
const CLOCK_ALLOWANCE_SECONDS = 30

/**
 * Judge one guest's backup. Good only when everything agrees: the job ended well, its complete log says that this guest
 * was finished and names an archive, and the storage lists that very archive twice with the same size, above zero and
 * not older than the job. The first thing that is wrong or missing decides, in this order. What is good and not as it
 * was asked for is good with a warning; what the job requires and isn't there is `unmet`, and no less good for that: the
 * bytes are what the platform made.
 */
export function judge(evidence: BackupEvidence, asked?: Asked): Verdict {
  return judgeEnding(evidence) ?? judgeArchive(evidence) ?? praise(evidence, asked)
}

export interface Asked {
  mode: BackupMode
  require?: Requirement | undefined
}

function judgeEnding(evidence: BackupEvidence): Verdict | undefined {
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
  if (!evidence.logComplete) {
    return bad('log-incomplete', 'The job reports success, but its log is cut or gone and proves nothing.', evidence)
  }
  if (!evidence.guestFinished) {
    return bad('backup-failed', "The job ended well, but its log doesn't say that this guest was finished.", evidence)
  }
  return undefined
}

function judgeArchive(evidence: BackupEvidence): Verdict | undefined {
  const { archiveName, listed, listedAgainSizeBytes } = evidence
  if (archiveName === undefined) {
    return bad('archive-unnamed', "The job's log names no archive of this guest.", evidence)
  }
  if (listed === undefined || listed.fileName !== archiveName) {
    return bad('archive-missing', `The storage doesn't list ${archiveName}, which the job's log names.`, evidence)
  }
  if (listedAgainSizeBytes === undefined) {
    return bad('archive-missing', `The storage listed ${archiveName} once and a moment later no more.`, evidence)
  }
  if (listedAgainSizeBytes !== listed.sizeBytes) {
    const sizes = `${listed.sizeBytes} bytes, then ${listedAgainSizeBytes}`
    return bad('archive-still-growing', `The size of ${archiveName} still moves (${sizes}).`, evidence)
  }
  if (listed.sizeBytes === 0) return bad('archive-empty', `${archiveName} is empty.`, evidence)
  const ageSeconds = (Date.parse(evidence.jobStartedAt) - Date.parse(listed.createdAt)) / 1000
  // Written so that a time that can't be read counts as too old.
  if (!(ageSeconds <= CLOCK_ALLOWANCE_SECONDS)) {
    const times = `${listed.createdAt}, the job started at ${evidence.jobStartedAt}`
    return bad('archive-older-than-job', `${archiveName} is from ${times}: it belongs to another backup.`, evidence)
  }
  return undefined
}

function praise(evidence: BackupEvidence, asked: Asked | undefined): Verdict {
  const { archiveName, ending, warnings, errors, remarks = [], leftLock } = evidence
  const said = [...warnings, ...errors]
  const warns = ending !== 'ok' || said.length > 0
  const lead = warns ? warned(evidence, said) : `The job finished, and ${archiveName} is the archive it made.`
  const { unmet, lesser } = shortfallsOf(evidence.grade, asked?.require)
  const also = [...unmet, otherMode(evidence, asked), ...lesser, unknownLines(remarks), leftLock].filter(
    (text) => text !== undefined,
  )
  if (!warns && also.length === 0) return { name: 'archived', good: true, reason: lead }
  return {
    name: 'archived-with-warnings',
    good: true,
    reason: [lead, ...also].join(' '),
    ...(unmet.length === 0 ? {} : { unmet }),
  }
}

/** A stopped guest's disks are at rest: however it was asked for, nothing better is to be had. */
function otherMode({ used }: BackupEvidence, asked: Asked | undefined): string | undefined {
  if (used?.mode === undefined || asked === undefined || used.mode === asked.mode) return undefined
  if (used.guestStopped === true && used.mode === 'stop') return undefined
  const because = used.modeBecause === undefined ? '' : ` (${used.modeBecause})`
  return `It was asked for in mode ${asked.mode} and was made in mode ${used.mode}${because}.`
}

function unknownLines([first, ...others]: readonly string[]): string | undefined {
  if (first === undefined) return undefined
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`
  return `The job's log has a line that no good backup has${more}: ${sentence(first)}`
}

/** What was warned of: by the job itself, or by us while it calls itself well. */
function warned({ archiveName, ending, exitStatus }: BackupEvidence, [first, ...more]: readonly string[]): string {
  if (ending === 'ok' && first !== undefined) {
    return `${archiveName} was made, with ${counted(more.length + 1, 'warning')}, the first: ${sentence(first)}`
  }
  return `${archiveName} was made, and the job warns (${exitStatus}${first === undefined ? '' : `, first: ${first}`}).`
}

function bad(name: VerdictName, reason: string, { advice }: BackupEvidence): Verdict {
  return { name, good: false, reason: advice === undefined ? reason : `${reason} ${advice}` }
}
