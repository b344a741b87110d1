/** Success is judged here and nowhere else: one pure function over all the evidence about an ended backup. */
import type { BackupMode } from '../../contracts/backup-options.ts'
import { archivePathSchema } from '../../contracts/side-file.ts'
import type { BackupEvidence, EvidenceSource, Verdict } from '../../contracts/evidence.ts'
import type { Requirement } from '../../contracts/grade.ts'
import { badVerdict as bad } from './bad-verdict.ts'
import { counted } from '../words/counted.ts'
import { shortfallsOf } from './grade.ts'
import { sentence } from '../words/sentence.ts'
import { sourcesOf } from './sources.ts'

/**
 * An archive can't be older than the job that made it. Both times come from the platform's own clock with a resolution
 * of one second; the allowance covers that clock being set back a little while the job ran.
 */
const CLOCK_ALLOWANCE_SECONDS = 30

/** What is wrong with a job by its platform's own claims; `undefined` when nothing is. Each platform's folder has one. */
export type JudgeJob = (evidence: BackupEvidence) => Verdict | undefined

/**
 * Judge one guest's backup. Good only when everything agrees: the platform's claims about the job, and each source, seen
 * twice with the same size, above zero and not older than the job. The first thing that is wrong or missing decides, in
 * this order. What is good and not as it was asked for is good with a warning; what the job requires and isn't there is
 * `unmet`, and no less good for that: the bytes are what the platform made.
 */
export function judge(evidence: BackupEvidence, judgeJob: JudgeJob, asked?: Asked): Verdict {
  return judgeJob(evidence) ?? judgeSources(evidence) ?? praise(evidence, asked)
}

export interface Asked {
  mode: BackupMode
  require?: Requirement | undefined
}

function judgeSources(evidence: BackupEvidence): Verdict | undefined {
  const sources = sourcesOf(evidence)
  const [first] = sources
  if (first === undefined) return bad('archive-missing', 'The platform shows nothing that the job made.', evidence)
  for (const source of sources) {
    const verdict = judgeOne(source, evidence)
    if (verdict !== undefined) return verdict
  }
  const names = new Set(sources.map(({ artifact }) => artifact.fileName.toLowerCase()))
  const usable = sources.every(({ artifact }) => archivePathSchema.safeParse(artifact.fileName).success)
  const oneTime = sources.every(({ artifact }) => artifact.createdAt === first.artifact.createdAt)
  if (usable && oneTime && names.size === sources.length) return undefined
  const reason = 'The sources of the archive have no name of their own each, or not one time.'
  return bad('archive-inconsistent', reason, evidence)
}

function judgeOne({ artifact, listedAgainSizeBytes }: EvidenceSource, evidence: BackupEvidence): Verdict | undefined {
  const { fileName, sizeBytes, createdAt } = artifact
  if (listedAgainSizeBytes === undefined) {
    return bad('archive-missing', `The storage listed ${fileName} once and a moment later no more.`, evidence)
  }
  if (listedAgainSizeBytes !== sizeBytes) {
    const sizes = `${sizeBytes} bytes, then ${listedAgainSizeBytes}`
    return bad('archive-still-growing', `The size of ${fileName} still moves (${sizes}).`, evidence)
  }
  if (sizeBytes === 0) return bad('archive-empty', `${fileName} is empty.`, evidence)
  const ageSeconds = (Date.parse(evidence.jobStartedAt) - Date.parse(createdAt)) / 1000
  // Written so that a time that can't be read counts as too old.
  if (!(ageSeconds <= CLOCK_ALLOWANCE_SECONDS)) {
    const times = `${createdAt}, the job started at ${evidence.jobStartedAt}`
    return bad('archive-older-than-job', `${fileName} is from ${times}: it belongs to another backup.`, evidence)
  }
  return undefined
}

function praise(evidence: BackupEvidence, asked: Asked | undefined): Verdict {
  const { ending, warnings, errors, remarks = [], leftLock } = evidence
  const said = [...warnings, ...errors]
  const warns = ending !== 'ok' || said.length > 0
  const lead = warns ? warned(evidence, said) : `The job finished, and ${madeBy(evidence)} the archive it made.`
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
function warned(evidence: BackupEvidence, [first, ...more]: readonly string[]): string {
  const { ending, exitStatus } = evidence
  const made = sourcesOf(evidence).length === 1 ? `${nameIn(evidence)} was made` : `${filesIn(evidence)} were made`
  if (ending === 'ok' && first !== undefined) {
    return `${made}, with ${counted(more.length + 1, 'warning')}, the first: ${sentence(first)}`
  }
  return `${made}, and the job warns (${exitStatus}${first === undefined ? '' : `, first: ${first}`}).`
}

function madeBy(evidence: BackupEvidence): string {
  return sourcesOf(evidence).length === 1 ? `${nameIn(evidence)} is` : `${filesIn(evidence)} are`
}

function nameIn(evidence: BackupEvidence): string {
  return sourcesOf(evidence)[0]?.artifact.fileName ?? ''
}

function filesIn(evidence: BackupEvidence): string {
  return counted(sourcesOf(evidence).length, 'file')
}
