/** What backups left: restore points, collections without any, and snapshots that bear our mark. */
import type { Stray } from '../provider.ts'
import { jobsIn, type OwnCollection, ownCollection } from './collections.ts'
import { formatJobRef, type JobRef, nameIn } from './identifiers.ts'
import { regionOf } from './machines.ts'
import { collectionSchema } from './schemas.ts'
import type { SiteSession } from './site-session.ts'
import { snapshotSets } from './snapshot-sets.ts'
import { markOf } from './tags.ts'

export async function findStrays(session: SiteSession, olderThan: Date): Promise<Stray[]> {
  return session.orFact('', 'looking for what backups left', async () => {
    const listed = await session.arm.all(session.collections(), collectionSchema)
    const strays: Stray[] = []
    for (const { name, tags } of listed) {
      const guestId = markOf(tags, session.owner)?.guestId
      // One with our tags and another name is somebody's copy.
      if (guestId === undefined || nameIn(session.collection(guestId).path) !== name.toLowerCase()) continue
      const own = await ownCollection(session, guestId)
      if (own !== undefined) strays.push(...straysIn(session, guestId, own))
    }
    for (const { job, snapshots } of await snapshotSets(session)) {
      const names = snapshots.map(({ name }) => name)
      const node = regionOf(snapshots[0]?.location ?? '')
      strays.push({
        ...strayOf(
          job,
          node,
          `${names.length === 1 ? 'snapshot' : 'snapshots'} ${names.join(', ')} of guest ${job.guestId}`,
        ),
        removeWith: snapshots
          .map(({ id }) => `az snapshot revoke-access --ids ${id} && az snapshot delete --ids ${id}`)
          .join(' && '),
      })
    }
    return strays.filter(({ createdAt }) => Date.parse(createdAt) < olderThan.getTime())
  })
}

function straysIn(session: SiteSession, guestId: string, own: OwnCollection): Stray[] {
  const { id, name, location } = own.collection
  const node = regionOf(location ?? '')
  const removeWith = `az restore-point collection delete --ids ${id}`
  if (own.points.length === 0 && own.lastJob !== undefined) {
    const what = `collection ${name} of guest ${guestId}, which holds no restore point`
    return [{ ...strayOf(own.lastJob, node, what), removeWith }]
  }
  return jobsIn(session, guestId, own).map((job) => ({
    ...strayOf(job, node, `restore point ${job.token} of guest ${guestId} in collection ${name}`),
    removeWith,
  }))
}

function strayOf(job: JobRef, node: string, what: string): Stray {
  const guest = { id: job.guestId, kind: 'vm' as const, name: '', node: node === '' ? 'azure' : node }
  return { what, made: { guest, jobRef: formatJobRef(job), token: job.token, sources: [] }, createdAt: job.at }
}
