/** Volumes: looking, making from a snapshot, removing. */
import {
  type Action,
  type Call,
  instant,
  needOn,
  needToMake,
  onlyTagsFor,
  permitted,
  tagSet,
  tagsFor,
} from '../call.ts'
import { Disk } from '../disk.ts'
import { ec2 } from '../errors.ts'
import { type Filters, filtered, paged } from '../listing.ts'
import type { XmlValue } from '../wire.ts'
import type { LabSnapshot, LabVolume, Region } from '../world.ts'
import { keyOf } from '../keys.ts'
import { snapshotsNamed } from './snapshots-named.ts'

const FILTERS: Filters<LabVolume> = {
  'attachment.instance-id': ({ attachment }) => [attachment?.instanceId],
  'attachment.device': ({ attachment }) => [attachment?.device],
  'attachment.status': ({ attachment }) => [attachment === undefined ? undefined : 'attached'],
  'attachment.delete-on-termination': ({ attachment }) => [
    attachment === undefined ? undefined : String(attachment.deleteOnTermination),
  ],
  'availability-zone': ({ zone }) => [zone],
  encrypted: ({ encrypted }) => [String(encrypted)],
  size: ({ sizeGiB }) => [String(sizeGiB)],
  'snapshot-id': ({ snapshotId }) => [snapshotId],
  status: ({ state }) => [state],
  'volume-id': ({ id }) => [id],
  'volume-type': ({ type }) => [type],
}

export function volumesNamed(region: Region, ids: readonly string[]): LabVolume[] {
  const wrong = ids.find((id) => !/^vol-[0-9a-f]{8}(?:[0-9a-f]{9})?$/.test(id))
  if (wrong !== undefined)
    throw ec2('InvalidParameterValue', `Value (${wrong}) for parameter volumeId is invalid. Expected: 'vol-...'.`)
  return ids.map((id) => {
    const volume = region.volumes.get(id)
    if (volume === undefined) throw ec2('InvalidVolume.NotFound', `The volume '${id}' does not exist.`)
    return volume
  })
}

function volumeXml(volume: LabVolume): { readonly [name: string]: XmlValue } {
  const { attachment } = volume
  return {
    volumeId: volume.id,
    size: volume.sizeGiB,
    snapshotId: volume.snapshotId ?? '',
    availabilityZone: volume.zone,
    outpostArn: volume.outpostArn,
    status: volume.state,
    createTime: instant(volume.createdAt),
    attachmentSet:
      attachment === undefined
        ? []
        : [
            {
              volumeId: volume.id,
              instanceId: attachment.instanceId,
              device: attachment.device,
              status: 'attached',
              attachTime: instant(attachment.attachedAt),
              deleteOnTermination: attachment.deleteOnTermination,
            },
          ],
    tagSet: tagSet(volume.tags),
    productCodes: volume.productCodes.map((productCode) => ({ productCode, type: 'marketplace' })),
    volumeType: volume.type,
    iops: volume.iops,
    throughput: volume.throughput,
    encrypted: volume.encrypted,
    kmsKeyId: volume.kmsKeyId,
    multiAttachEnabled: false,
  }
}

export const describeVolumes: Action = (call) => {
  const { region, parameters, rights } = call
  rights.need('ec2:DescribeVolumes')
  const ids = parameters.list('VolumeId')
  const all = ids.length > 0 ? volumesNamed(region, ids) : [...region.volumes.values()]
  const { page, nextToken } = paged(call, filtered(parameters, all, FILTERS), 'VolumeId')
  const volumeSet = page.map(volumeXml)
  for (const volume of page) if (volume.state === 'creating') volume.state = 'available'
  return { volumeSet, nextToken }
}

const TYPES = ['standard', 'gp2', 'gp3', 'io1', 'io2', 'st1', 'sc1']

/** What a volume gets besides its blocks. */
export function volumeOf(
  call: Pick<Call, 'world' | 'region'>,
  given: Partial<LabVolume> & { zone: string; sizeGiB: number; type: string; disk: Disk },
): LabVolume {
  const { type } = given
  return {
    id: call.world.newId('vol'),
    ...(type === 'gp3' ? { iops: 3000, throughput: 125 } : type === 'gp2' ? { iops: 100 } : {}),
    encrypted: false,
    createdAt: call.world.now(),
    productCodes: [],
    tags: new Map(),
    state: 'available',
    ...given,
  }
}

function sizeFor(asked: number | undefined, snapshot: LabSnapshot | undefined): number {
  if (asked === undefined && snapshot === undefined)
    throw ec2('MissingParameter', 'The request must contain the parameter size or snapshotId')
  const sizeGiB = asked ?? snapshot?.sizeGiB ?? 0
  if (sizeGiB < 1 || sizeGiB > 16_384)
    throw ec2('InvalidParameterValue', `Volume of ${sizeGiB}GiB is invalid; must be between 1GiB and 16384GiB.`)
  if (snapshot !== undefined && sizeGiB < snapshot.sizeGiB)
    throw ec2(
      'InvalidParameterValue',
      `Volume of ${sizeGiB}GiB is smaller than snapshot '${snapshot.id}', expect size >= ${snapshot.sizeGiB}GiB`,
    )
  return sizeGiB
}

export const createVolume: Action = (call) => {
  const { region, parameters, world } = call
  const zone = parameters.need('AvailabilityZone')
  if (!region.zones.includes(zone)) throw ec2('InvalidZone.NotFound', `The zone '${zone}' does not exist.`)
  const snapshotId = parameters.get('SnapshotId')
  const [snapshot] = snapshotId === undefined ? [] : snapshotsNamed(region, [snapshotId])
  if (snapshot !== undefined && snapshot.state !== 'completed')
    throw ec2('IncorrectState', `Snapshot '${snapshot.id}' is not in the 'completed' state.`)
  const sizeGiB = sizeFor(parameters.number('Size'), snapshot)
  const type = parameters.get('VolumeType') ?? 'gp2'
  if (!TYPES.includes(type)) throw ec2('UnknownVolumeType', `Unsupported volume type '${type}' for volume creation.`)
  const iops = parameters.number('Iops')
  const throughput = parameters.number('Throughput')
  const clientToken = parameters.get('ClientToken')
  const key = keyOf(call, snapshot, parameters.flag('Encrypted'), parameters.get('KmsKeyId'))
  onlyTagsFor(parameters, ['volume'])
  const tags = tagsFor(parameters, 'volume')
  needToMake(call, 'volume', tags)
  if (snapshot !== undefined) needOn(call, 'snapshot', snapshot)
  permitted(call)
  const asked = JSON.stringify([zone, snapshotId, sizeGiB, type, key])
  const before = [...region.volumes.values()].find(
    (one) => clientToken !== undefined && one.clientToken === clientToken,
  )
  if (before !== undefined) {
    if (before.asked === asked) return volumeXml(before)
    throw ec2('IdempotentParameterMismatch', 'The client token was used before with other parameters.')
  }
  const volume = volumeOf(call, {
    zone,
    sizeGiB,
    type,
    disk: snapshot === undefined ? new Disk(sizeGiB) : snapshot.disk.copy(sizeGiB),
    ...key,
    ...(snapshotId === undefined ? {} : { snapshotId }),
    ...(iops === undefined ? {} : { iops }),
    ...(throughput === undefined ? {} : { throughput }),
    ...(clientToken === undefined ? {} : { clientToken, asked }),
    tags,
    state: 'creating',
    createdAt: world.now(),
  })
  region.volumes.set(volume.id, volume)
  return volumeXml(volume)
}

export const deleteVolume: Action = (call) => {
  const { region, parameters } = call
  const [volume] = volumesNamed(region, [parameters.need('VolumeId')])
  if (volume === undefined) return { return: true }
  needOn(call, 'volume', volume)
  permitted(call)
  if (volume.attachment !== undefined)
    throw ec2('VolumeInUse', `Volume ${volume.id} is currently attached to ${volume.attachment.instanceId}`)
  region.volumes.delete(volume.id)
  return { return: true }
}
