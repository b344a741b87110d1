/** Begins a backup: one call that freezes all volumes of an instance at one instant. */
import { NoAnswer } from '../../aws-api/aws-call.ts'
import { AwsRefusal, type QueryInput } from '../../aws-api/query.ts'
import type { BackupOptions } from '../../contracts/backup-options.ts'
import { BackupPutOff, BackupStartUnclear, RequestRejected, SourceUnreadable } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import type { Call, Ec2Client } from './client.ts'
import { isFull } from './errors.ts'
import { type AttachedVolume, volumesOf } from './instances.ts'
import { ec2OptionsOf } from './options.ts'
import { type Snapshot, snapshotsSchema } from './schemas.ts'
import { markTags, type Owner } from './tags.ts'

/** EC2's longest description of a snapshot. */
const LONGEST_DESCRIPTION = 255

export interface Freeze extends Owner {
  region: string
  guest: Guest
  options: BackupOptions
  token: string
}

/** Which volumes the backup means. @throws RequestRejected for a disk that the instance doesn't have */
export function chosenVolumes(
  volumes: readonly AttachedVolume[],
  rootDevice: string,
  options: BackupOptions,
  where: string,
): { meant: AttachedVolume[]; excluded: AttachedVolume[]; excludesBoot: boolean } {
  const skipped = options.skipDisks ?? []
  const names = ({ device, volumeId }: AttachedVolume) => [device, device.replace(/^\/dev\//, ''), volumeId]
  const unknown = skipped.filter((disk) => !volumes.some((volume) => names(volume).includes(disk)))
  if (unknown.length > 0) {
    const has = volumes.map(({ device, volumeId }) => `${device} (${volumeId})`).join(', ')
    throw new RequestRejected(`${where}: there is no disk ${unknown.join(', ')} to skip. It has ${has || 'none'}.`)
  }
  const isBoot = ({ device }: AttachedVolume) => device === rootDevice
  const isSkipped = (volume: AttachedVolume) =>
    names(volume).some((name) => skipped.includes(name)) ||
    (isBoot(volume) && ec2OptionsOf(options).excludeBootVolume === true)
  return {
    meant: volumes.filter((volume) => !isSkipped(volume)),
    excluded: volumes.filter((volume) => isSkipped(volume) && !isBoot(volume)),
    excludesBoot: volumes.some((volume) => isSkipped(volume) && isBoot(volume)),
  }
}

/**
 * Asked once. EC2 takes no token of its own here: the tags of the same call are what finds the snapshots again.
 * @throws BackupStartUnclear when the answer was lost
 * @throws BackupPutOff when the account makes as many snapshots as it may
 * @throws SourceUnreadable when there is nothing to freeze
 */
export async function freeze(
  client: Ec2Client,
  { region, guest, options, token, ...owner }: Freeze,
  rootDevice: string,
) {
  const where = `Site ${owner.site}, zone ${guest.node}, guest ${guest.id}`
  const volumes = await volumesOf(client, region, guest.id)
  const { meant, excluded, excludesBoot } = chosenVolumes(volumes, rootDevice, options, where)
  if (meant.length === 0) {
    throw new SourceUnreadable(`${where}: it has no EBS volume to archive. No snapshot was made.`)
  }
  const call = createSnapshots(region, {
    InstanceSpecification: {
      InstanceId: guest.id,
      ExcludeBootVolume: excludesBoot,
      ExcludeDataVolumeId: excluded.map(({ volumeId }) => volumeId),
    },
    Description: `guestlift ${token} ${options.notes ?? ''}`.trim().slice(0, LONGEST_DESCRIPTION),
    CopyTagsFromSource: 'volume',
    TagSpecification: [{ ResourceType: 'snapshot', Tag: markTags(owner, guest, token, meant.length) }],
  })
  let made: Snapshot[]
  try {
    made = (await client.write(call, snapshotsSchema)).snapshotSet
  } catch (error) {
    if (error instanceof AwsRefusal && isFull(error)) {
      throw new BackupPutOff(
        `${where}: AWS makes as many snapshots as the account may have at a time (${error.said}). It is asked again in a minute.`,
        { cause: error },
      )
    }
    if (!mayHaveBeenDone(error)) throw client.fact(error, call)
    throw new BackupStartUnclear(
      `${where}: the answer to CreateSnapshots was lost. Snapshots may have been made all the same.`,
      { cause: error },
    )
  }
  const [first] = made.map(({ startTime }) => startTime).toSorted()
  if (first !== undefined) return { startedAt: first }
  throw new BackupStartUnclear(`${where}: the answer to CreateSnapshots names no snapshot.`)
}

/** Whether the account may: EC2 says so and does nothing. `undefined`: it may. */
export async function refusalToFreeze(client: Ec2Client, { region, guest, token, ...owner }: Omit<Freeze, 'options'>) {
  const call = createSnapshots(region, {
    InstanceSpecification: { InstanceId: guest.id },
    TagSpecification: [{ ResourceType: 'snapshot', Tag: markTags(owner, guest, token, 1) }],
    DryRun: true,
  })
  try {
    await client.write(call, snapshotsSchema)
    return undefined
  } catch (error) {
    if (error instanceof AwsRefusal && error.code === 'DryRunOperation') return undefined
    return error instanceof AwsRefusal && error.code === 'UnauthorizedOperation' ? 'refused' : client.fact(error, call)
  }
}

function createSnapshots(region: string, input: QueryInput): Call {
  return { region, action: 'CreateSnapshots', input }
}

/** A refusal proves that nothing was done; silence and a fault of the service don't. */
function mayHaveBeenDone(error: unknown): boolean {
  if (error instanceof NoAnswer) return true
  return !(error instanceof AwsRefusal) || error.status >= 500
}
