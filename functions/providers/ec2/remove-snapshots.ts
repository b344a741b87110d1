import * as z from 'zod'
import { AwsRefusal } from '../../aws-api/query.ts'
import type { Call, Ec2Client } from './client.ts'
import { isGone, isRefused } from './errors.ts'
import { type SnapshotSet, snapshotSet } from './snapshot-sets.ts'

export interface NotRemoved {
  snapshotId: string
  error: unknown
  call: Call
}

/** Each is tried, whatever became of the others. What is gone already counts as removed. */
export async function removeSnapshots(
  client: Ec2Client,
  site: string,
  set: SnapshotSet,
): Promise<{ failed: NotRemoved[] }> {
  const failed: NotRemoved[] = []
  for (const { snapshotId } of set.snapshots) {
    const call = { region: set.region, action: 'DeleteSnapshot', input: { SnapshotId: snapshotId } }
    try {
      await client.write(call, z.unknown())
    } catch (error) {
      if (!isGone(error)) failed.push({ snapshotId, error, call })
    }
  }
  if (!failed.some(({ error }) => error instanceof AwsRefusal && isRefused(error))) return { failed }
  // What bears no tag may not be removed, and what is gone bears none: then lists say whether it is there.
  const there = new Set((await snapshotSet(client, site, set))?.snapshots.map(({ snapshotId }) => snapshotId))
  return { failed: failed.filter(({ snapshotId }) => there.has(snapshotId)) }
}
