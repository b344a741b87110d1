/** An image of a whole instance: snapshots of its disks, and the image over them. */
import { type Action, needOn, needToMake, onlyTagsFor, permitted, tagsFor } from '../call.ts'
import { ec2 } from '../errors.ts'
import type { LabImage } from '../world.ts'
import { checkName } from './images.ts'
import { instancesNamed, volumesOf } from './instances.ts'
import { snapshotOf } from './snapshots.ts'

export const createImage: Action = (call) => {
  const { world, region, parameters } = call
  const [instance] = instancesNamed(region, [parameters.need('InstanceId')])
  const name = parameters.need('Name')
  checkName(call, name)
  const description = parameters.get('Description') ?? ''
  const restarts = parameters.flag('NoReboot') !== true
  onlyTagsFor(parameters, ['image', 'snapshot'])
  const [tags, snapshotTags] = [tagsFor(parameters, 'image'), tagsFor(parameters, 'snapshot')]
  if (instance === undefined) return {}
  needOn(call, 'instance', instance)
  needToMake(call, 'image', tags)
  needToMake(call, 'snapshot', snapshotTags)
  permitted(call)
  if (instance.rootDeviceType === 'instance-store')
    throw ec2('InvalidParameterValue', `The instance '${instance.id}' has no EBS root device.`)
  if (restarts) instance.restarts += 1
  const { architecture, bootMode, tpmSupport, sriovNetSupport, enaSupport, rootDeviceName } = instance
  const devices = volumesOf(region, instance.id).map((volume) => {
    const snapshot = snapshotOf(call, volume, {
      description: `Created by CreateImage(${instance.id})`,
      tags: new Map(snapshotTags),
    })
    region.snapshots.set(snapshot.id, snapshot)
    return {
      device: volume.attachment?.device ?? '',
      snapshotId: snapshot.id,
      sizeGiB: volume.sizeGiB,
      type: volume.type,
      deleteOnTermination: volume.attachment?.deleteOnTermination ?? true,
    }
  })
  const image: LabImage = {
    id: world.newId('ami'),
    name,
    ownerId: world.account,
    description,
    architecture,
    virtualization: 'hvm',
    ...(bootMode === undefined ? {} : { bootMode }),
    ...(tpmSupport === undefined ? {} : { tpmSupport }),
    ...(sriovNetSupport === undefined ? {} : { sriovNetSupport }),
    enaSupport,
    rootDeviceName,
    createdAt: world.now(),
    devices,
    tags,
    sourceInstanceId: instance.id,
    asksLeft: world.settings.imageAsks,
  }
  region.images.set(image.id, image)
  return { imageId: image.id }
}
