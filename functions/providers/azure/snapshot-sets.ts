/** Snapshots of one backup, which bear one token. */
import type { JobRef } from './identifiers.ts'
import { type Snapshot, snapshotSchema } from './schemas.ts'
import type { SiteSession } from './site-session.ts'
import { markOf } from './tags.ts'

export interface SnapshotSet {
  job: JobRef
  /** By name. */
  snapshots: Snapshot[]
  /** So many belong to it. */
  disks: number
}

/** The list has no filter of its own: what is not ours is passed over. */
export async function snapshotSets(
  session: SiteSession,
  of: { token?: string; guestId?: string } = {},
): Promise<SnapshotSet[]> {
  const sets = new Map<string, SnapshotSet>()
  for (const snapshot of await session.arm.all(session.snapshots(), snapshotSchema)) {
    const { job, disks = 0 } = markOf(snapshot.tags, session.owner) ?? {}
    // A copy of a snapshot of ours may have its tags, too: its name is another one.
    if (job === undefined || !snapshot.name.startsWith(`gl-${job.token}-`)) continue
    if (of.token !== undefined && of.token !== job.token) continue
    if (of.guestId !== undefined && of.guestId !== job.guestId) continue
    const set = sets.get(job.token) ?? { job, snapshots: [], disks }
    set.snapshots.push(snapshot)
    sets.set(job.token, set)
  }
  for (const { snapshots } of sets.values()) snapshots.sort((one, other) => one.name.localeCompare(other.name))
  return [...sets.values()]
}
