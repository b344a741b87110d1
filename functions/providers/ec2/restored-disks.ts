/** Snapshots that a restore wrote: how far AWS is with them, and their removal. */
import type { NewEbsSnapshot } from '../../contracts/aws-access.ts'
import type { NewDisk } from '../../contracts/restore-record.ts'
import type { DiskRemoval, DisksState } from '../capabilities/disk-restores.ts'
import type { Ec2Client } from './client.ts'
import { leftAfterRemoving } from './remove-each.ts'
import { isOfRestore, restoreFilters } from './restore-tags.ts'
import { type Snapshot, snapshotsSchema } from './schemas.ts'
import { isPending } from './snapshot-sets.ts'

/** What a disk becomes here; `undefined` of one that another platform takes. */
export function snapshotIn(disk: Pick<NewDisk, 'target'> | undefined): NewEbsSnapshot | undefined {
  return disk?.target.type === 'ebs-snapshot' ? disk.target : undefined
}

const OWN = { Owner: ['self'] }
interface Place {
  client: Ec2Client
  site: string
}

/** By the restore's token. */
export async function restoredSnapshots({ client, site }: Place, region: string, token: string): Promise<Snapshot[]> {
  const input = { ...OWN, Filter: restoreFilters(site, token) }
  const call = { region, action: 'DescribeSnapshots', input }
  const found = await client.all(call, snapshotsSchema, ({ snapshotSet }) => snapshotSet)
  return found.filter((snapshot) => isOfRestore(snapshot, site, token))
}

export async function stateOfDisks(
  place: Place,
  disks: readonly (NewDisk & { ref: string })[],
  token: string,
): Promise<DisksState> {
  const [first] = disks
  if (first === undefined) return { state: 'failed', said: 'there is no disk' }
  const found = await restoredSnapshots(place, snapshotIn(first)?.region ?? '', token)
  const states = disks.map(({ ref }) => found.find(({ snapshotId }) => snapshotId === ref))
  const bad = states.find((one) => one !== undefined && one.state !== 'completed' && !isPending(one))
  if (bad !== undefined) {
    const why = bad.statusMessage === '' ? '' : `: ${bad.statusMessage}`
    return { state: 'failed', said: `snapshot ${bad.snapshotId} ended in state ${bad.state}${why}` }
  }
  const missing = disks.find((_, index) => states[index] === undefined)
  if (missing !== undefined) {
    const said = `snapshot ${missing.ref} of ${missing.fileName} is gone, or lost its tags. Look who removes snapshots, then restore again`
    return { state: 'missing', said }
  }
  return { state: states.some((one) => one !== undefined && isPending(one)) ? 'settling' : 'whole' }
}

/** Those of the record, and those that bear the token: an answer may have been lost. What is gone is fine. */
export async function removeRestored(
  { client, site }: Place,
  region: string,
  disks: readonly NewDisk[],
  token: string,
): Promise<DiskRemoval['left']> {
  const listed = await restoredSnapshots({ client, site }, region, token)
  const known = disks.flatMap(({ ref }) => ref ?? [])
  const ids = new Set([...known, ...listed.map(({ snapshotId }) => snapshotId)])
  return leftAfterRemoving(client, 'snapshot', region, [...ids])
}
