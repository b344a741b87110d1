/** Instances from an image: their disks are those of its snapshots, so that a restored machine can be compared. */
import { type Action, type Call, needOn, needToMake, onlyTagsFor, permitted, tagsFor } from '../call.ts'
import { ec2 } from '../errors.ts'
import type { LabImage, LabInstance, Tags } from '../world.ts'
import { imagesNamed } from './images.ts'
import { instanceXml } from './instances.ts'
import { send } from './power.ts'
import { snapshotsNamed } from './snapshots-named.ts'
import { volumeOf } from './volumes.ts'

/** Networks and rights of new instances are no business of the lab: it takes them and forgets them. */
const FORGOTTEN = [
  'SubnetId',
  'KeyName',
  'UserData',
  'EbsOptimized',
  'IamInstanceProfile.Name',
  'IamInstanceProfile.Arn',
]

function forget({ parameters }: Call): void {
  for (const name of FORGOTTEN) parameters.get(name)
  parameters.list('SecurityGroupId')
  for (const member of parameters.members('NetworkInterface')) {
    for (const name of ['DeviceIndex', 'SubnetId', 'AssociatePublicIpAddress']) parameters.get(`${member}.${name}`)
    parameters.list(`${member}.SecurityGroupId`)
  }
}

function attachDisks(call: Call, image: LabImage, instance: LabInstance, tags: Tags): void {
  const { region, world } = call
  for (const { device, snapshotId, sizeGiB, type, deleteOnTermination } of image.devices) {
    const [snapshot] = snapshotsNamed(region, [snapshotId])
    if (snapshot === undefined) continue
    const volume = volumeOf(call, {
      zone: instance.zone,
      sizeGiB,
      type,
      snapshotId,
      encrypted: snapshot.encrypted,
      ...(snapshot.kmsKeyId === undefined ? {} : { kmsKeyId: snapshot.kmsKeyId }),
      disk: snapshot.disk.copy(sizeGiB),
      tags: new Map(tags),
      state: 'in-use',
      attachment: { instanceId: instance.id, device, deleteOnTermination, attachedAt: world.now() },
    })
    region.volumes.set(volume.id, volume)
  }
}

function instanceFrom(call: Call, image: LabImage, given: Pick<LabInstance, 'zone' | 'type' | 'tags'>): LabInstance {
  const { world, region } = call
  const { architecture, bootMode, tpmSupport, sriovNetSupport, enaSupport, rootDeviceName, id: imageId } = image
  const instance: LabInstance = {
    id: world.newId('i'),
    state: 'pending',
    imageId,
    architecture,
    ...(bootMode === undefined ? {} : { bootMode }),
    ...(tpmSupport === undefined ? {} : { tpmSupport }),
    ...(sriovNetSupport === undefined ? {} : { sriovNetSupport }),
    enaSupport,
    rootDeviceName,
    rootDeviceType: 'ebs',
    platformDetails: 'Linux/UNIX',
    usageOperation: 'RunInstances',
    hibernation: false,
    restarts: 0,
    productCodes: [],
    launchedAt: world.now(),
    reservationId: world.newId('r'),
    privateIp: `10.0.1.${(region.instances.size % 250) + 4}`,
    ...given,
  }
  send(call, instance, 'pending', 'running')
  return instance
}

export const runInstances: Action = (call) => {
  const { world, region, parameters } = call
  const [image] = imagesNamed(region, [parameters.need('ImageId')])
  const [least, most] = [parameters.number('MinCount') ?? 1, parameters.number('MaxCount') ?? 1]
  if (least < 1 || most < least) throw ec2('InvalidParameterValue', `Invalid value '${least}' for min count.`)
  const zone = parameters.get('Placement.AvailabilityZone') ?? region.zones[0] ?? ''
  if (!region.zones.includes(zone)) throw ec2('InvalidParameterValue', `Invalid availability zone: [${zone}]`)
  const type = parameters.get('InstanceType') ?? 'm1.small'
  const clientToken = parameters.get('ClientToken')
  forget(call)
  onlyTagsFor(parameters, ['instance', 'volume', 'network-interface'])
  const [tags, diskTags] = [tagsFor(parameters, 'instance'), tagsFor(parameters, 'volume')]
  needToMake(call, 'instance', tags)
  needToMake(call, 'volume', diskTags)
  if (image !== undefined) needOn(call, 'image', image)
  permitted(call)
  if (image === undefined || image.asksLeft > 0)
    throw ec2('InvalidAMIID.Unavailable', `The image ID '${image?.id ?? ''}' is not available`)
  const before = [...region.instances.values()].filter(
    (one) => clientToken !== undefined && one.clientToken === clientToken,
  )
  const made =
    before.length > 0
      ? before
      : Array.from({ length: most }, () => instanceFrom(call, image, { zone, type, tags: new Map(tags) }))
  for (const instance of before.length > 0 ? [] : made) {
    if (clientToken !== undefined) instance.clientToken = clientToken
    region.instances.set(instance.id, instance)
    attachDisks(call, image, instance, diskTags)
  }
  return {
    reservationId: made[0]?.reservationId,
    ownerId: world.account,
    groupSet: [],
    instancesSet: made.map((instance) => instanceXml(world, region, instance)),
  }
}
