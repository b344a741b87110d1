import type { BackupEvidence, LeftBehind } from '../../contracts/evidence.ts'
import type { PlanItem } from '../../contracts/plan-item.ts'
import type { GuestClaim } from '../../domain/backup/guest-claim.ts'
import { sourcesOf } from '../../domain/backup/sources.ts'
import { judge } from '../../domain/backup/verdict.ts'
import type { JudgeJob } from '../../domain/backup/verdict.ts'
import { REPEAT_WINDOW_DAYS } from '../../contracts/sweep.ts'
import type { Ports } from '../ports.ts'
import { releaseMade } from './release-made.ts'

export interface FailedWork {
  /** What Locate archive kept, if it got that far. */
  kept: BackupEvidence | undefined
  /** The job ran and was stopped just now. */
  stopped: boolean
  /** Whoever repeats the guest goes on with the same archive. */
  goesOn: boolean
  /** Given up by a person, and not because anything is wrong with the archive. */
  givenUp: boolean
  /** By the workflow, for a release that takes long. `undefined` where it can't wait. */
  waitedSeconds: number | undefined
}

type Needs = Pick<Ports, 'provider' | 'traitsOf' | 'log'>

/** A sentence about each thing that was found, and how long to wait where a removal isn't done yet. */
export interface Cleared {
  sentences: string[]
  wait?: { waitSeconds: number; reason: string }
}

/** After a failure: clear away what the claim's own job left on the platform, as far as that may be removed. */
export async function clearLeft(item: PlanItem, claim: GuestClaim, work: FailedWork, ports: Needs): Promise<Cleared> {
  return ports.traitsOf(item.platform).makes === 'temporary'
    ? clearTemporary(item, claim, work, ports)
    : clearCopies(item, claim, work, ports)
}

/** What only serves the transfer goes, unless whoever repeats the guest goes on with it. */
async function clearTemporary(
  item: PlanItem,
  { jobRef, token }: GuestClaim,
  { kept, goesOn, waitedSeconds }: FailedWork,
  ports: Needs,
): Promise<Cleared> {
  if (jobRef === undefined && token === undefined) return { sentences: [] }
  if (goesOn) {
    const until = `A sweep removes it when nobody does within ${REPEAT_WINDOW_DAYS} days.`
    return { sentences: [`What the backup made on the platform stays: repeating this guest goes on with it. ${until}`] }
  }
  const made = {
    guest: item.guest,
    ...(jobRef === undefined ? {} : { jobRef }),
    ...(token === undefined ? {} : { token }),
    sources: kept === undefined || kept.jobRef !== jobRef ? [] : placesOf(kept),
  }
  const released = await releaseMade(made, item, waitedSeconds, ports)
  if ('waitSeconds' in released) return { sentences: [], wait: released }
  if ('released' in released) return { sentences: [] }
  return {
    sentences: [
      `What the backup made on the platform could not be removed; the next sweep tries again: ${released.failed}`,
    ],
  }
}

function placesOf(evidence: BackupEvidence): { artifactRef: string; node: string }[] {
  return sourcesOf(evidence).map(({ artifact }) => ({
    artifactRef: artifact.artifactRef,
    node: artifact.location.node,
  }))
}

/**
 * An archive that was to leave the platform anyway (`deleteSource`) and that nobody goes on with is removed, if the job's
 * own log names it and it is still what the job made. All else is only reported, with the command that removes it.
 */
async function clearCopies(
  item: PlanItem,
  { jobRef, storage }: GuestClaim,
  work: FailedWork,
  ports: Needs,
): Promise<Cleared> {
  if (jobRef === undefined) return { sentences: [] }
  const { kept, stopped, goesOn, givenUp, waitedSeconds } = work
  const provider = await ports.provider(item.site)
  const known = kept?.jobRef === jobRef && !stopped && !item.deleteSource ? kept : undefined
  const evidence = known ?? (await provider.gather(jobRef, item.guest, storage ?? item.backup.storage)).evidence
  const sentences: string[] = []
  const removed = async (one: LeftBehind & { artifactRef: string }): Promise<Cleared['wait']> => {
    const made = { guest: item.guest, jobRef, sources: [{ artifactRef: one.artifactRef, node: one.node }] }
    const released = await releaseMade(made, item, waitedSeconds, ports)
    if ('waitSeconds' in released) return released
    if ('failed' in released) sentences.push(`${report(one)} Removing it failed: ${released.failed}`)
    else sentences.push(`Its archive ${one.what} was removed from node ${one.node}.`)
    return undefined
  }
  for (const one of evidence.left ?? []) {
    const { artifactRef } = one
    if (!item.deleteSource || artifactRef === undefined) {
      sentences.push(report(one))
      continue
    }
    const wait = await removed({ ...one, artifactRef })
    if (wait !== undefined) return { sentences, wait }
  }
  const archive = archiveIn(evidence, provider.judgeJob)
  if (archive === undefined || !item.deleteSource) return { sentences }
  if (goesOn) {
    sentences.push(
      `Its archive ${archive.what} stays on node ${archive.node}: repeating this guest goes on with it. ` +
        `If nobody will, remove it there: ${archive.remove}.`,
    )
  } else if ((givenUp || stopped) && isUnchanged(evidence, kept)) {
    const wait = await removed(archive)
    if (wait !== undefined) return { sentences, wait }
  } else sentences.push(report(archive))
  return { sentences }
}

/** The archive of a good backup. */
function archiveIn(evidence: BackupEvidence, judgeJob: JudgeJob): (LeftBehind & { artifactRef: string }) | undefined {
  const { listed, removeWith } = evidence
  if (listed === undefined || removeWith === undefined || !judge(evidence, judgeJob).good) return undefined
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
