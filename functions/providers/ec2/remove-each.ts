/** Removing several snapshots or volumes of ours: each is tried, whatever became of the others. */
import * as z from 'zod'
import { AwsRefusal } from '../../aws-api/query.ts'
import type { Call, Ec2Client } from './client.ts'
import { isGone, isRefused } from './errors.ts'
import { snapshotsSchema, volumesSchema } from './schemas.ts'

export interface NotRemoved {
  id: string
  call: Call
  error: unknown
}

interface Kind {
  action: string
  /** The parameter that names one. */
  parameter: string
  /** Which of these are there, whatever tags they bear. */
  there: (client: Ec2Client, region: string, ids: string[]) => Promise<string[]>
}

const kinds = {
  snapshot: {
    action: 'DeleteSnapshot',
    parameter: 'SnapshotId',
    there: async (client, region, ids) => {
      const input = { Owner: ['self'], Filter: [{ Name: 'snapshot-id', Value: ids }] }
      const call = { region, action: 'DescribeSnapshots', input }
      return client.all(call, snapshotsSchema, (page) => page.snapshotSet.map(({ snapshotId }) => snapshotId))
    },
  },
  volume: {
    action: 'DeleteVolume',
    parameter: 'VolumeId',
    there: async (client, region, ids) => {
      const call = { region, action: 'DescribeVolumes', input: { Filter: [{ Name: 'volume-id', Value: ids }] } }
      return client.all(call, volumesSchema, (page) => page.volumeSet.map(({ volumeId }) => volumeId))
    },
  },
} satisfies Record<string, Kind>

/**
 * What is gone already counts as removed. Whoever may only remove what bears a tag is refused for what is gone, too, since
 * that bears none: then lists say whether it is there.
 */
export async function removeEach(
  client: Ec2Client,
  kind: keyof typeof kinds,
  region: string,
  ids: readonly string[],
): Promise<NotRemoved[]> {
  const { action, parameter, there } = kinds[kind]
  const failed: NotRemoved[] = []
  for (const id of ids) {
    const call = { region, action, input: { [parameter]: id } }
    try {
      await client.write(call, z.unknown())
    } catch (error) {
      if (!isGone(error)) failed.push({ id, call, error })
    }
  }
  const refused = failed.filter(({ error }) => error instanceof AwsRefusal && isRefused(error)).map(({ id }) => id)
  if (refused.length === 0) return failed
  const found = new Set(await there(client, region, refused))
  return failed.filter(({ id }) => !refused.includes(id) || found.has(id))
}

/** The same as a restore reports it, with the command for a person. */
export async function leftAfterRemoving(
  client: Ec2Client,
  kind: keyof typeof kinds,
  region: string,
  ids: readonly string[],
): Promise<{ what: string; removeWith: string }[]> {
  const left = await removeEach(client, kind, region, ids)
  return left.map(({ id, call, error }) => {
    const fact = client.fact(error, call)
    return {
      what: fact instanceof Error ? fact.message : `${id} could not be removed.`,
      removeWith: `aws ec2 delete-${kind} --region ${region} --${kind}-id ${id}`,
    }
  })
}
