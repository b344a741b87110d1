import * as z from 'zod'
import type { Call, Ec2Client } from './client.ts'
import { isGone } from './errors.ts'
import type { SnapshotSet } from './snapshot-sets.ts'

export interface NotRemoved {
  snapshotId: string
  error: unknown
  call: Call
}

/** Each is tried, whatever became of the others. What is gone already counts as removed. */
export async function removeSnapshots(
  client: Ec2Client,
  { region, snapshots }: Pick<SnapshotSet, 'region' | 'snapshots'>,
): Promise<{ failed: NotRemoved[] }> {
  const failed: NotRemoved[] = []
  for (const { snapshotId } of snapshots) {
    const call = { region, action: 'DeleteSnapshot', input: { SnapshotId: snapshotId } }
    try {
      await client.write(call, z.unknown())
    } catch (error) {
      if (!isGone(error)) failed.push({ snapshotId, error, call })
    }
  }
  return { failed }
}
