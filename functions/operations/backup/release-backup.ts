import { GradeNotReached, GuestliftError } from '../../contracts/errors.ts'
import type { BackupEvidence } from '../../contracts/evidence.ts'
import type { GuestOutcome } from '../../contracts/report.ts'
import type { PlanItem } from '../../contracts/plan-item.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { guestCounts } from '../../domain/transfer/copy-work.ts'
import { readFailure } from '../../domain/backup/failure.ts'
import { shortGrade } from '../../domain/backup/grade.ts'
import { sourcesOf } from '../../domain/backup/sources.ts'
import { evidenceKey } from '../../domain/books/object-keys.ts'
import { unlessUnreadable } from '../books/stored-json.ts'
import { ownClaim, releaseClaim, renewClaim } from '../books/claims.ts'
import { keepStaged, leaveQueue } from './dump-turns.ts'
import { readKeptEvidence } from '../books/kept-evidence.ts'
import { recordOutcome } from '../books/outcomes.ts'
import { releaseMade } from './release-made.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider' | 'traitsOf' | 'now' | 'log' | 'sleep'>

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
  const held = await unlessUnreadable(ownClaim(input, ports))
  if (item.deleteSource || ports.traitsOf(item.platform).makes === 'temporary') {
    const token = held === undefined || held === 'unreadable' ? undefined : held.claim.token
    const removal = await removeSources(input, { evidence, token }, ports)
    if ('waitSeconds' in removal) {
      if (held !== undefined && held !== 'unreadable') await keepGuest(input, ports)
      // What stands on the platform keeps its place there until it is gone.
      await keepStaged(input, ports)
      return removal
    }
    remarks.push(...removal.remarks)
  }
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
    artifacts: stored.map(({ key, sizeBytes, checksum, partCount }) => ({ key, sizeBytes, checksum, partCount })),
    manifestKey: input.manifestKey,
    ...(evidence?.grade === undefined ? {} : { grade: shortGrade(evidence.grade) }),
    bytesSent: stored.reduce((sum, artifact) => sum + artifact.bytesSent, 0),
    seconds: Math.max(0, (ports.now().getTime() - Date.parse(input.startedAt)) / 1000),
    ...(work === undefined ? {} : { work }),
  }
  await recordOutcome(item.run, outcome, ports)
  if (held !== undefined && held !== 'unreadable') {
    await releaseClaim(input, held, unmet === undefined ? 'done' : 'drop', ports)
  }
  return outcome
}

/** The archive is committed: a guest that another execution took over meanwhile doesn't change that. */
async function keepGuest(work: TaskInput<'ReleaseBackup'>, ports: Needs): Promise<void> {
  try {
    await renewClaim(work, ports)
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    ports.log('guest-not-kept', { site: work.item.site, guest: work.item.guest.id, message: error.message })
  }
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
 * What stays on the platform costs space but loses nothing, so it is a remark and not a failure. Copies are asked for one
 * by one, so that one that stays keeps no other from going.
 */
async function removeSources(
  { item, artifacts, waitedSeconds }: TaskInput<'ReleaseBackup'>,
  { evidence, token }: { evidence: BackupEvidence | undefined; token: string | undefined },
  ports: Needs,
): Promise<{ remarks: string[] } | { waitSeconds: number; reason: string }> {
  const remarks: string[] = []
  const all = artifacts.map(({ artifactRef, location: { node } }) => ({ artifactRef, node }))
  const parts = ports.traitsOf(item.platform).makes === 'temporary' ? [all] : all.map((one) => [one])
  for (const sources of parts) {
    const made = {
      guest: item.guest,
      ...(evidence === undefined ? {} : { jobRef: evidence.jobRef }),
      ...(token === undefined ? {} : { token }),
      sources,
    }
    const released = await releaseMade(made, item, waitedSeconds ?? undefined, ports)
    if ('waitSeconds' in released) return released
    if ('failed' in released) remarks.push(stays(sources, evidence, released.failed))
  }
  return { remarks }
}

function stays(
  sources: readonly { artifactRef: string; node: string }[],
  evidence: BackupEvidence | undefined,
  why: string,
): string {
  const refs = sources.map(({ artifactRef }) => artifactRef)
  const known = evidence === undefined ? [] : sourcesOf(evidence)
  const [first] = known.filter(({ artifact }) => refs.includes(artifact.artifactRef))
  const advice =
    first?.removeWith === undefined ? '' : ` Remove it on node ${first.artifact.location.node}: ${first.removeWith}.`
  return `The archive is safe in S3, but its source copy ${refs.join(', ')} could not be removed: ${why}${advice}`
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
