/** What backups left: restore points, collections without any, and snapshots that bear our mark. */
import type { Stray } from '../provider.ts'
import { jobOfPoint } from './find-jobs.ts'
import { formatJobRef, type JobRef, nameIn, parsePointName } from './identifiers.ts'
import { regionOf } from './machines.ts'
import { type Collection, collectionSchema } from './schemas.ts'
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
      const call = { ...session.collection(guestId), query: { $expand: 'restorePoints' } }
      const collection = await session.arm.find(call, collectionSchema)
      if (collection !== undefined) strays.push(...straysIn(session, guestId, collection))
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

function straysIn(
  session: SiteSession,
  guestId: string,
  { id, name, location, tags, properties }: Collection,
): Stray[] {
  const node = regionOf(location ?? '')
  const mark = markOf(tags, session.owner)
  const removeWith = `az restore-point collection delete --ids ${id}`
  const jobs = new Map<string, JobRef>()
  for (const point of properties.restorePoints) {
    const token = parsePointName(point.name)?.token
    if (token === undefined || jobs.has(token)) continue
    const isLast = mark?.job?.token === token
    jobs.set(
      token,
      isLast && mark.job !== undefined ? mark.job : jobOfPoint(session, guestId, token, point.properties.timeCreated),
    )
  }
  if (properties.restorePoints.length === 0 && mark?.job !== undefined) {
    return [
      {
        ...strayOf(mark.job, node, `collection ${name} of guest ${guestId}, which holds no restore point`),
        removeWith,
      },
    ]
  }
  return [...jobs.values()].map((job) => ({
    ...strayOf(job, node, `restore point ${job.token} of guest ${guestId} in collection ${name}`),
    removeWith,
  }))
}

function strayOf(job: JobRef, node: string, what: string): Stray {
  const guest = { id: job.guestId, kind: 'vm' as const, name: '', node: node === '' ? 'azure' : node }
  return { what, made: { guest, jobRef: formatJobRef(job), token: job.token, sources: [] }, createdAt: job.at }
}
