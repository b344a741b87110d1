import { GuestliftError } from '../../contracts/errors.ts'
import type { BackupEvidence, LeftBehind } from '../../contracts/evidence.ts'
import type { PlanItem } from '../../contracts/tasks.ts'
import type { GuestClaim } from '../../domain/backup/guest-claim.ts'
import { judge } from '../../domain/backup/verdict.ts'
import type { Provider } from '../../providers/provider.ts'
import type { Ports } from '../ports.ts'

export interface FailedWork {
  /** What Locate archive kept, if it got that far. */
  kept: BackupEvidence | undefined
  /** The job ran and was stopped just now. */
  stopped: boolean
  /** Whoever repeats the guest goes on with the same archive. */
  goesOn: boolean
  /** Given up by a person, and not because anything is wrong with the archive. */
  givenUp: boolean
}

/**
 * After a failure: what the claim's own job left on the platform, a sentence each. An archive that was to leave the
 * platform anyway (`deleteSource`) and that nobody goes on with is removed, if the job's own log names it and it is still
 * what the job made. All else is only reported, with the command that removes it.
 */
export async function clearLeft(
  item: PlanItem,
  { jobRef, storage }: GuestClaim,
  work: FailedWork,
  ports: Pick<Ports, 'provider' | 'log'>,
): Promise<string[]> {
  if (jobRef === undefined) return []
  const { kept, stopped, goesOn, givenUp } = work
  const provider = await ports.provider(item.site)
  const known = kept?.jobRef === jobRef && !stopped && !item.deleteSource ? kept : undefined
  const evidence = known ?? (await provider.gather(jobRef, item.guest, storage ?? item.backup.storage))
  const told: string[] = []
  for (const one of evidence.left ?? []) {
    const removable = item.deleteSource && one.artifactRef !== undefined
    told.push(removable ? await remove(one, item, provider, ports) : report(one))
  }
  const archive = archiveIn(evidence)
  if (archive === undefined || !item.deleteSource) return told
  if (goesOn) {
    told.push(
      `Its archive ${archive.what} stays on node ${archive.node}: repeating this guest goes on with it. ` +
        `If nobody will, remove it there: ${archive.remove}.`,
    )
  } else if ((givenUp || stopped) && isUnchanged(evidence, kept)) {
    told.push(await remove(archive, item, provider, ports))
  } else told.push(report(archive))
  return told
}

/** The archive of a good backup. */
function archiveIn(evidence: BackupEvidence): (LeftBehind & { artifactRef: string }) | undefined {
  const { listed, removeWith } = evidence
  if (listed === undefined || removeWith === undefined || !judge(evidence).good) return undefined
  const { artifactRef, location } = listed
  return { what: artifactRef, node: location.node, remove: removeWith, artifactRef }
}

function isUnchanged({ jobRef, listed }: BackupEvidence, kept: BackupEvidence | undefined): boolean {
  if (kept?.listed === undefined || kept.jobRef !== jobRef) return true
  return listed?.artifactRef === kept.listed.artifactRef && listed.sizeBytes === kept.listed.sizeBytes
}

function report({ what, node, remove: command, artifactRef }: LeftBehind): string {
  return artifactRef === undefined
    ? `The job was killed and may have left ${what} on node ${node}. If no backup of the guest runs, remove it there: ${command}.`
    : `The job left ${what} on node ${node}. If you don't need it, remove it there: ${command}.`
}

async function remove(
  one: LeftBehind,
  { site, guest }: PlanItem,
  provider: Provider,
  { log }: Pick<Ports, 'log'>,
): Promise<string> {
  if (one.artifactRef === undefined) return report(one)
  try {
    await provider.deleteArtifact(one.artifactRef, one.node)
    log('left-archive-removed', { site, guest: guest.id, artifactRef: one.artifactRef })
    return `Its archive ${one.what} was removed from node ${one.node}.`
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    return `${report(one)} Removing it failed: ${error.message}`
  }
}
