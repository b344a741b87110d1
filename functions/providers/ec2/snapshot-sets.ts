/** The snapshots of one backup, which were made at one instant and bear one token. */
import type { Ec2Client } from './client.ts'
import type { JobRef } from './identifiers.ts'
import { type Snapshot, snapshotsSchema } from './schemas.ts'
import { markFilters, markOf, type Owner } from './tags.ts'

export interface SnapshotSet extends JobRef {
  /** By volume. */
  snapshots: Snapshot[]
  /** So many belong to it. */
  volumes: number
  /** Of the first one, by AWS's clock. */
  startedAt: string
  /** Its snapshots name the installation that made them, which is this one. */
  isSurelyOurs: boolean
}

/** Someone who may make a snapshot may write any tag: only this account's are asked for. */
const OWN = { Owner: ['self'] }

/** Sets of a region, oldest first. */
export async function snapshotSets(
  client: Ec2Client,
  owner: Owner,
  region: string,
  of: { guest?: string; token?: string } = {},
): Promise<SnapshotSet[]> {
  const input = { ...OWN, Filter: markFilters(owner.site, of) }
  const call = { region, action: 'DescribeSnapshots', input }
  const snapshots = await client.all(call, snapshotsSchema, ({ snapshotSet }) => snapshotSet)
  const sets = new Map<string, SnapshotSet>()
  for (const snapshot of snapshots) {
    const mark = markOf(snapshot, owner)
    if (mark === undefined) continue
    const { guest: instanceId, token, volumes } = mark
    const name = `${instanceId} ${token}`
    const set = sets.get(name) ?? {
      region,
      instanceId,
      token,
      snapshots: [],
      volumes: 0,
      startedAt: snapshot.startTime,
      isSurelyOurs: owner.home !== undefined,
    }
    set.isSurelyOurs &&= mark.home !== undefined
    set.snapshots.push(snapshot)
    set.volumes = Math.max(set.volumes, volumes)
    if (Date.parse(snapshot.startTime) < Date.parse(set.startedAt)) set.startedAt = snapshot.startTime
    sets.set(name, set)
  }
  const found = [...sets.values()]
  for (const { snapshots: its } of found) its.sort((one, other) => one.volumeId.localeCompare(other.volumeId))
  return found.toSorted((one, other) => Date.parse(one.startedAt) - Date.parse(other.startedAt))
}

/** The set of a job; `undefined` when nothing shows of it. */
export async function snapshotSet(
  client: Ec2Client,
  owner: Owner,
  { region, instanceId, token }: JobRef,
): Promise<SnapshotSet | undefined> {
  const [set] = await snapshotSets(client, owner, region, { guest: instanceId, token })
  return set
}

export function isPending({ state }: Snapshot): boolean {
  return state === 'pending' || state === 'recovering'
}

/** 0 to 100, of the one that is least far. */
export function progressOf({ snapshots }: SnapshotSet): number {
  return Math.min(...snapshots.map(({ progress }) => Number.parseInt(progress, 10) || 0))
}
