/** Whether something of ours on a platform may be removed. Pure. */
import type { Manifest } from '../../contracts/manifest.ts'
import { REPEAT_WINDOW_DAYS } from '../../contracts/sweep.ts'
import { type GuestClaim, isAlive } from '../backup/guest-claim.ts'

export interface StrayFacts {
  jobRef?: string
  token?: string
  artifactRefs: readonly string[]
  /** Of all that it consists of, where the platform says. */
  sizeBytes?: number
  /** What such a thing is worth by itself. */
  makes: 'copy' | 'temporary'
  /** Why it may be somebody else's: a sentence. */
  doubt?: string
  claim: GuestClaim | undefined | 'unreadable'
  /** Of the archive that bears its time. */
  manifest: Manifest | undefined | 'unreadable'
}

export interface StrayVerdict {
  remove: boolean
  /** A sentence. */
  reason: string
}

/**
 * What only serves a transfer goes when no run works on it and none may go on with it any more. A copy goes only when the
 * bucket proves that its archive is safe and that its job asked for the removal: else it may be the only one, or is meant
 * to stay. `undefined`: it is none of the sweep's business.
 */
export function judgeStray(facts: StrayFacts, now: Date): StrayVerdict | undefined {
  const { claim, manifest, artifactRefs } = facts
  if (facts.makes === 'copy') {
    if (manifest === undefined || manifest === 'unreadable' || manifest.deleteSource !== true) return undefined
    const archived = manifest.artifacts.filter(({ source }) => artifactRefs.includes(source.artifactRef))
    if (archived.length === 0 || archived.length !== artifactRefs.length) return undefined
    // An address may be given again, by a clock that was set back for one: then something else is there.
    const archivedBytes = archived.reduce((sum, { source }) => sum + source.sizeBytes, 0)
    if (facts.sizeBytes !== archivedBytes) return undefined
    return { remove: true, reason: 'Its archive is in the bucket, and its job asked to remove this copy.' }
  }
  if (claim === 'unreadable') return { remove: false, reason: "The guest's claim can't be read, so it may be in use." }
  const isClaimed = claim !== undefined && isOfClaim(claim, facts)
  if (isClaimed) {
    if (isAlive(claim, now)) return { remove: false, reason: `Execution ${claim.execution} works on it.` }
    if (mayGoOn(claim, now)) {
      return { remove: false, reason: `Repeating the guest goes on with it, for ${REPEAT_WINDOW_DAYS} days.` }
    }
  }
  // A claim of this bucket that names it leaves no doubt.
  if (facts.doubt !== undefined && !isClaimed) return { remove: false, reason: facts.doubt }
  return { remove: true, reason: 'No run works on it, and none can go on with it any more.' }
}

function isOfClaim(claim: GuestClaim, { jobRef, token }: StrayFacts): boolean {
  const asked = [claim, ...(claim.earlier === undefined ? [] : [claim.earlier])]
  return asked.some(
    (one) => (one.jobRef !== undefined && one.jobRef === jobRef) || (one.token !== undefined && one.token === token),
  )
}

function mayGoOn({ keptSince, renewedAt }: GuestClaim, now: Date): boolean {
  return now.getTime() - Date.parse(keptSince ?? renewedAt) < REPEAT_WINDOW_DAYS * 86_400_000
}
