import { BackupFailed, GuestliftError } from '../../contracts/errors.ts'
import type { BackupEvidence, ClockOffset } from '../../contracts/evidence.ts'
import type { PlanItem } from '../../contracts/plan-item.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { clockWarning } from '../../domain/time/clock-offset.ts'
import { sourcesOf, withSources } from '../../domain/backup/sources.ts'
import { judge } from '../../domain/backup/verdict.ts'
import { evidenceKey } from '../../domain/books/object-keys.ts'
import { evidenceShape } from '../books/shapes.ts'
import { writeRecord } from '../books/stored-json.ts'
import { claimOn } from '../books/claims.ts'
import { readClock } from './clock-check.ts'
import { readKeptEvidence } from '../books/kept-evidence.ts'
import { storedByPlatform } from './stored-by-platform.ts'
import type { Provider } from '../../providers/provider.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider' | 'now' | 'log'>

/**
 * Gather what is known about the ended job, keep it (a failed backup's log is what the operator needs most), judge it.
 * @throws BackupFailed with the verdict's reason
 */
export async function locateArchive(
  { item, jobRef, storage = item.backup.storage }: TaskInput<'LocateArchive'>,
  ports: Needs,
): Promise<TaskOutput<'LocateArchive'>> {
  const provider = await ports.provider(item.site)
  const key = evidenceKey(item.run.prefix, item.guest.id)
  const found = await provider.gather(jobRef, item.guest, storage)
  const timed = dated(found.evidence, await clockThen(item, jobRef, found.evidence, ports))
  const gathered = sinceThen(timed, (await readKeptEvidence(key, ports))?.evidence)
  // A failed one's lock is looked after by the clean-up.
  const wellMade = judge(gathered, provider.judgeJob).good
  const evidence = wellMade ? { ...gathered, ...(await leftLock(item, provider, ports)) } : gathered
  const verdict = judge(evidence, provider.judgeJob, { mode: item.backup.mode, require: item.require })
  await writeRecord(ports.store, key, evidenceShape, { evidence, sideFiles: found.sideFiles, verdict: verdict.name })
  const artifacts = sourcesOf(evidence).map(({ artifact }) => artifact)
  if (!verdict.good) {
    throw new BackupFailed(
      `Site ${item.site}: the backup of guest ${item.guest.id} made no archive: ${verdict.reason} ` +
        `Job ${jobRef}; its log is kept in s3://${ports.store.bucket}/${key}.`,
    )
  }
  const located = { artifacts, verdict, evidenceKey: key }
  if (provider.traits.flow === 'copy') return located
  return { ...located, stored: storedByPlatform(item, evidence, ports) }
}

/**
 * A worker takes its guest's lock off before its last line, so a lock that is there afterwards is one that stays. Some
 * seconds for a node to notice.
 */
const UNLOCK_TIMEOUT_SECONDS = 5

/**
 * Whether the guest is free after a good backup: the platform may have failed to take the lock off and said so nowhere.
 * The archive is good whatever this look finds, so it fails only for what passes.
 */
async function leftLock(item: PlanItem, provider: Provider, { log }: Needs): Promise<{ leftLock?: string }> {
  try {
    const [guest] = await provider.findGuests([item.guest.id])
    const left = guest === undefined ? undefined : await provider.locks?.awaitFreed(guest, UNLOCK_TIMEOUT_SECONDS)
    return left === undefined ? {} : { leftLock: left.advice }
  } catch (error) {
    if (!(error instanceof GuestliftError) || error.group === 'retry') throw error
    log('lock-not-seen', { site: item.site, guest: item.guest.id, reason: error.message })
    return {}
  }
}

/**
 * As the claim has it from the start of this job. One that was begun by a version which measured nothing is measured
 * late: clocks seldom change while a backup runs.
 */
async function clockThen(
  item: PlanItem,
  jobRef: string,
  evidence: BackupEvidence,
  ports: Needs,
): Promise<ClockOffset | undefined> {
  const claim = await claimOn(item, ports)
  if (claim?.jobRef === jobRef && claim.clock !== undefined) return claim.clock
  return readClock(nodeOf(evidence) ?? item.guest.node, await ports.provider(item.site))
}

/** The first warning, since only twenty are kept. */
function dated(evidence: BackupEvidence, clock: ClockOffset | undefined): BackupEvidence {
  if (clock === undefined) return evidence
  const { warnings } = evidence
  const warning = clockWarning(nodeOf(evidence), clock)
  return { ...evidence, clock, ...(warning === undefined ? {} : { warnings: [warning, ...warnings].slice(0, 20) }) }
}

/**
 * An execution that goes on for a dead one looks at the same job again. Its archive is finished: one that has another size
 * than at the first look is not what the job made, however steady it is now.
 */
function sinceThen(now: BackupEvidence, before: BackupEvidence | undefined): BackupEvidence {
  if (before?.jobRef !== now.jobRef) return now
  const then = new Map(sourcesOf(before).map(({ artifact }) => [artifact.artifactRef, artifact]))
  return withSources(now, (source) => {
    const artifact = then.get(source.artifact.artifactRef)
    return artifact === undefined ? source : { ...source, artifact, listedAgainSizeBytes: source.artifact.sizeBytes }
  })
}

function nodeOf(evidence: BackupEvidence): string | undefined {
  return sourcesOf(evidence)[0]?.artifact.location.node
}
