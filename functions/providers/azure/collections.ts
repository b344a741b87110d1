/** Our collection of a guest's restore points, and which backups made them. */
import { type JobRef, parsePointName } from './identifiers.ts'
import { type Collection, collectionSchema, type RestorePoint } from './schemas.ts'
import type { SiteSession } from './site-session.ts'
import { markOf } from './tags.ts'

export interface OwnCollection {
  collection: Collection
  points: RestorePoint[]
  /** The last backup that used it. */
  lastJob: JobRef | undefined
}

/** `undefined` without one that bears our mark. */
export async function ownCollection(session: SiteSession, guestId: string): Promise<OwnCollection | undefined> {
  const call = { ...session.collection(guestId), query: { $expand: 'restorePoints' } }
  const collection = await session.arm.find(call, collectionSchema)
  const mark = collection === undefined ? undefined : markOf(collection.tags, session.owner)
  if (collection === undefined || mark?.guestId !== guestId) return undefined
  return { collection, points: collection.properties.restorePoints, lastJob: mark.job }
}

/** The backups that made its restore points. Of an older one than the last, only token and time are known. */
export function jobsIn({ site }: SiteSession, guestId: string, { points, lastJob }: OwnCollection): JobRef[] {
  const jobs = new Map<string, JobRef>()
  for (const { name, properties } of points) {
    const token = parsePointName(name)?.token
    if (token === undefined) continue
    const older = { guestId, token, freeze: 'restore-point', consistency: site.consistency, off: false } as const
    const at = madeAt(properties.timeCreated, lastJob)
    jobs.set(token, lastJob?.token === token ? lastJob : { ...older, at, skip: [] })
  }
  return [...jobs.values()]
}

/** Where Azure doesn't say when: not later than the collection was last used, and never so old that it could go. */
function madeAt(timeCreated: string | undefined, lastJob: JobRef | undefined): string {
  const made = Date.parse(timeCreated ?? '')
  if (!Number.isNaN(made)) return new Date(made).toISOString()
  return lastJob?.at ?? NEVER_OLD
}
const NEVER_OLD = '9999-12-31T00:00:00.000Z'
