/** Volumes of restored snapshots, in one zone. Each bears a client token, so that asking again gives the same. */
import * as z from 'zod'
import { RestoreFailed } from '../../contracts/errors.ts'
import type { BroughtDisks, MadeMachine } from '../capabilities/disk-restores.ts'
import { archivedMachine } from './archived-machine.ts'
import type { Ec2Client } from './client.ts'
import { typeInput } from './make-image.ts'
import { isOfRestore, restoreFilters, restoreTags, tagSpecification } from './restore-tags.ts'
import { type Volume, volumesSchema } from './schemas.ts'

const madeSchema = z.object({ volumeId: z.string().min(1) })

interface Account {
  client: Ec2Client
  site: string
}

export async function restoredVolumes({ client, site }: Account, region: string, token: string): Promise<Volume[]> {
  const call = { region, action: 'DescribeVolumes', input: { Filter: restoreFilters(site, token) } }
  const found = await client.all(call, volumesSchema, ({ volumeSet }) => volumeSet)
  return found.filter((volume) => isOfRestore(volume, site, token))
}

export async function makeVolumes(account: Account, region: string, brought: BroughtDisks): Promise<MadeMachine> {
  const { site } = account
  const { target, token, disks } = brought
  // What asking again gives is as it was when it was made: how far it is, the list says.
  const there = await restoredVolumes(account, region, token)
  const made: MadeMachine['made'] = []
  let ready = true
  for (const disk of disks) {
    const { fileName, ref } = disk
    const found = there.find(({ snapshotId }) => snapshotId === ref)
    made.push({ what: 'volume', ref: found?.volumeId ?? (await create(account, region, brought, disk)), fileName })
    if (found?.status === 'error') {
      throw new RestoreFailed(`Site ${site}, zone ${target.node}: volume ${found.volumeId} is in error. Restore again.`)
    }
    ready &&= found?.status === 'available' || found?.status === 'in-use'
  }
  return { ready, made }
}

async function create(
  { client, site }: Account,
  region: string,
  { target, token, archive }: BroughtDisks,
  { fileName, ref }: BroughtDisks['disks'][number],
): Promise<string> {
  const volume = archivedMachine(archive.description)?.volumes.get(fileName)
  const name = `${target.name ?? archive.guest.name} ${volume?.device ?? fileName}`
  const input = {
    AvailabilityZone: target.node,
    SnapshotId: ref,
    ClientToken: `${token}-${fileName}`,
    ...(volume === undefined ? {} : typeInput(volume)),
    TagSpecification: tagSpecification('volume', restoreTags(site, token, name)),
  }
  const call = { region, action: 'CreateVolume', input }
  try {
    return (await client.write(call, madeSchema)).volumeId
  } catch (error) {
    throw client.fact(error, call)
  }
}
