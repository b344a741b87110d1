import { GradeNotReached, GuestliftError } from '../../contracts/errors.ts'
import type { BackupEvidence } from '../../contracts/evidence.ts'
import type { GuestOutcome } from '../../contracts/report.ts'
import type { PlanItem, TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { guestCounts } from '../../domain/transfer/copy-work.ts'
import { readFailure } from '../../domain/backup/failure.ts'
import { shortGrade } from '../../domain/backup/grade.ts'
import { evidenceKey } from '../../domain/books/object-keys.ts'
import { unlessUnreadable } from '../books/stored-json.ts'
import { ownClaim, releaseClaim } from '../books/claims.ts'
import { leaveQueue } from './dump-turns.ts'
import { readKeptEvidence } from '../books/kept-evidence.ts'
import { recordOutcome } from '../books/outcomes.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider' | 'now' | 'log' | 'sleep'>

/**
 * The archive is committed: remove the source copy if asked to, record the outcome, give back the claim. A guest whose
 * archive is less than its job requires counts as failed, so that the run, its alarm and `again` say so; the archive is
 * kept like any other, since it is better than none, and repeating the guest makes a new backup, not the same again.
 */
export async function releaseBackup(
  input: TaskInput<'ReleaseBackup'>,
  ports: Needs,
): Promise<TaskOutput<'ReleaseBackup'>> {
  const { item, artifacts, stored, verdict } = input
  const { unmet } = verdict
  const remarks = verdict.name === 'archived' ? [] : [verdict.reason]
  if (unmet !== undefined) remarks.unshift(lessThanRequired(input))
  remarks.push(...olderBackup(input), ...retentionRemarks(input))
  const evidence = await evidenceOf(item, ports)
  if (item.deleteSource) remarks.push(...(await removeSources(input, evidence?.removeWith, ports)))
  // The archive is committed: a record that nobody can read now is the next run's to stop at.
  if ((await unlessUnreadable(leaveQueue(input, ports))) === 'unreadable') {
    remarks.push(`Site ${item.site}: the queue of dumps can't be read, and the next run will stop at it.`)
  }
  const work = guestCounts(input)
  const outcome: GuestOutcome = {
    id: item.guest.id,
    name: item.guest.name,
    kind: item.guest.kind,
    node: artifacts[0]?.location.node ?? item.guest.node,
    outcome: unmet === undefined ? 'succeeded' : 'failed',
    verdict: unmet === undefined ? verdict.name : GradeNotReached.errorName,
    reason: remarks.join(' '),
    artifacts: stored.map(({ key, sizeBytes, checksum }) => ({ key, sizeBytes, checksum })),
    manifestKey: input.manifestKey,
    ...(evidence?.grade === undefined ? {} : { grade: shortGrade(evidence.grade) }),
    bytesSent: stored.reduce((sum, artifact) => sum + artifact.bytesSent, 0),
    seconds: Math.max(0, (ports.now().getTime() - Date.parse(input.startedAt)) / 1000),
    ...(work === undefined ? {} : { work }),
  }
  await recordOutcome(item.run, outcome, ports)
  const held = await unlessUnreadable(ownClaim(input, ports))
  if (held !== undefined && held !== 'unreadable') {
    await releaseClaim(input, held, unmet === undefined ? 'done' : 'drop', ports)
  }
  return outcome
}

function lessThanRequired({ item }: TaskInput<'ReleaseBackup'>): string {
  return (
    `Site ${item.site}: the archive of guest ${item.guest.id} is stored and can be restored, but it is less than the job ` +
    'requires. Put right what follows and repeat this guest for a better one, or require less.'
  )
}

/** A run that goes on with what an earlier one couldn't finish archives the guest as it was then. */
function olderBackup({ item, startedAt }: TaskInput<'ReleaseBackup'>): string[] {
  if (Date.parse(startedAt) >= Date.parse(item.run.startedAt)) return []
  return [
    `This is the backup that an earlier run began at ${startedAt} and could not finish. Run again for a newer one.`,
  ]
}

/** Older archives that stay cost money but lose nothing. */
function retentionRemarks({ retention }: TaskInput<'ReleaseBackup'>): string[] {
  if (retention === undefined) return []
  const { remark, error } = retention
  if (error === null) return remark === '' ? [] : [`Retention: ${remark}`]
  return [`The archive is safe in S3, but older ones were not pruned: ${readFailure(error).message}`]
}

/**
 * A source copy that stays costs space but loses nothing, so it is a remark and not a failure.
 * @param command how a person removes it, where that is known
 */
async function removeSources(
  { item, artifacts }: TaskInput<'ReleaseBackup'>,
  command: string | undefined,
  ports: Needs,
): Promise<string[]> {
  const remarks: string[] = []
  const provider = await ports.provider(item.site)
  for (const { artifactRef, location } of artifacts) {
    try {
      await provider.deleteArtifact(artifactRef, location.node)
    } catch (error) {
      if (!(error instanceof GuestliftError)) throw error
      const advice = command === undefined ? '' : ` Remove it on node ${location.node}: ${command}.`
      remarks.push(
        `The archive is safe in S3, but its source copy ${artifactRef} could not be removed: ${error.message}${advice}`,
      )
    }
  }
  return remarks
}

/** Whatever keeps it from being read, the archive is committed. */
async function evidenceOf({ run, guest }: PlanItem, ports: Pick<Ports, 'store'>): Promise<BackupEvidence | undefined> {
  try {
    return (await readKeptEvidence(evidenceKey(run.prefix, guest.id), ports))?.evidence
  } catch (error) {
    if (error instanceof GuestliftError) return undefined
    throw error
  }
}
