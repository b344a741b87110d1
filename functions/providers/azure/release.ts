/** Removes what a backup made: first the addresses of its disks end, then it can be deleted. */
import { AzureRefusal } from '../../azure-api/azure-line.ts'
import { endAccess } from '../../azure-api/disk-address.ts'
import { isOver } from '../../azure-api/operations.ts'
import type { MadeByBackup, ReleaseProgress } from '../provider.ts'
import { ownCollection } from './collections.ts'
import { isVmId, parseJobRef, parsePointName } from './identifiers.ts'
import { restorePointIds } from './progress.ts'
import { type RestorePoint, restorePointSchema } from './schemas.ts'
import type { SiteSession } from './site-session.ts'
import { snapshotSets } from './snapshot-sets.ts'

const WAIT_SECONDS = 15
/** A short removal is seen to its end in the same call. */
const LOOK_SECONDS = 20

/** Only what bears our mark and our name, whatever the caller believes to know. */
export async function release(session: SiteSession, { guest, jobRef, token }: MadeByBackup): Promise<ReleaseProgress> {
  const job = jobRef === undefined ? undefined : parseJobRef(jobRef)
  const wanted = job?.token ?? token
  const guestId = job?.guestId ?? guest.id
  // Nothing was asked for, or by another version: the sweep looks at marks alone.
  if (wanted === undefined || !isVmId(guestId)) return { released: true }
  return session.orFact(`region ${guest.node}, guest ${guestId}`, 'removing what was frozen', async () => {
    for (const { snapshots } of await snapshotSets(session, { token: wanted, guestId })) {
      for (const { id, name } of snapshots) {
        const progress = await removeFrozen(session, id, [id], `snapshot ${name}`, session.snapshots().version)
        if (!progress.released) return progress
      }
    }
    return removePoints(session, guestId, wanted)
  })
}

async function removePoints(session: SiteSession, guestId: string, token: string): Promise<ReleaseProgress> {
  const own = await ownCollection(session, guestId)
  if (own === undefined) return { released: true }
  const isIts = ({ name }: RestorePoint) => parsePointName(name)?.token === token
  for (const { name } of own.points.filter(isIts)) {
    const progress = await removePoint(session, guestId, name)
    if (!progress.released) return progress
  }
  const left = (await ownCollection(session, guestId))?.points ?? []
  const still = left.find(isIts)
  if (still !== undefined) return notYet(`Restore point ${still.name} is still there.`)
  // A machine with a collection can't be moved to another group; others' points stay.
  if (left.length > 0) return { released: true }
  const { path, version } = session.collection(guestId)
  return removeFrozen(session, path, [], 'the collection of restore points', version)
}

async function removePoint(session: SiteSession, guestId: string, name: string): Promise<ReleaseProgress> {
  const { path, version } = session.point(guestId, name)
  const point = await session.arm.find({ path, version }, restorePointSchema)
  if (point === undefined) return { released: true }
  const { provisioningState, sourceMetadata } = point.properties
  if (provisioningState === 'Creating') return notYet(`Azure still makes restore point ${name}.`)
  const profile = sourceMetadata?.storageProfile
  const disks = profile === undefined ? [] : [...restorePointIds(profile).values()]
  return removeFrozen(session, path, disks, `restore point ${name}`, version)
}

/** Azure removes nothing that can still be read by an address. */
async function removeFrozen(
  session: SiteSession,
  path: string,
  readable: readonly string[],
  what: string,
  version: string,
): Promise<ReleaseProgress> {
  const { arm, deps } = session
  try {
    for (const id of readable) {
      if (!(await ended(session, id))) return notYet(`Azure still ends an address of ${what}.`)
    }
    const { operation } = await arm.write({ method: 'DELETE', path, version })
    if (await isOver(arm, operation, LOOK_SECONDS, deps.sleep)) return { released: true }
    return notYet(`Azure is removing ${what}.`)
  } catch (error) {
    if (!(error instanceof AzureRefusal)) throw error
    if (error.status === 404) return { released: true }
    if (error.status === 409 || error.code === 'OperationNotAllowed')
      return notYet(`${capital(what)} can't be removed yet (${error.said}).`)
    throw error
  }
}

/** Whether there was an address is seen by the removal: what refuses to end none doesn't hold it up. */
async function ended({ arm, deps }: SiteSession, id: string): Promise<boolean> {
  try {
    return await endAccess(arm, id, LOOK_SECONDS, deps.sleep)
  } catch (error) {
    if (error instanceof AzureRefusal && (error.status === 400 || error.status === 409)) return true
    throw error
  }
}

function notYet(reason: string): ReleaseProgress {
  return { released: false, waitSeconds: WAIT_SECONDS, reason }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
