/** Attaching volumes to instances and detaching them: how a restored disk takes the place of another. */
import { type Action, type Call, instant, needOn, permitted } from '../call.ts'
import { ec2 } from '../errors.ts'
import type { LabVolume } from '../world.ts'
import { instancesNamed, volumesOf } from './instances.ts'
import { volumesNamed } from './volumes.ts'

const attachmentXml = (volume: LabVolume, attachment: NonNullable<LabVolume['attachment']>, status: string) => ({
  volumeId: volume.id,
  instanceId: attachment.instanceId,
  device: attachment.device,
  status,
  attachTime: instant(attachment.attachedAt),
  deleteOnTermination: attachment.deleteOnTermination,
})

function volumeOf(call: Call): LabVolume {
  const id = call.parameters.need('VolumeId')
  const [volume] = volumesNamed(call.region, [id])
  if (volume === undefined) throw ec2('InvalidVolume.NotFound', `The volume '${id}' does not exist.`)
  needOn(call, 'volume', volume)
  return volume
}

export const attachVolume: Action = (call) => {
  const { region, parameters, world } = call
  const volume = volumeOf(call)
  const device = parameters.need('Device')
  const [instance] = instancesNamed(region, [parameters.need('InstanceId')])
  if (instance === undefined) return {}
  needOn(call, 'instance', instance)
  permitted(call)
  if (volume.attachment !== undefined) throw ec2('VolumeInUse', `${volume.id} is already attached to an instance`)
  if (volume.state !== 'available')
    throw ec2('IncorrectState', `The volume '${volume.id}' is not 'available' (it is ${volume.state}).`)
  if (volume.zone !== instance.zone)
    throw ec2(
      'InvalidVolume.ZoneMismatch',
      `The volume '${volume.id}' is not in the same availability zone as instance '${instance.id}'`,
    )
  if (volumesOf(region, instance.id).some(({ attachment }) => attachment?.device === device))
    throw ec2(
      'InvalidParameterValue',
      `Invalid value '${device}' for unixDevice. Attachment point ${device} is already in use`,
    )
  if (!['running', 'stopped'].includes(instance.state))
    throw ec2('IncorrectState', `Instance '${instance.id}' is not 'running'.`)
  volume.attachment = { instanceId: instance.id, device, deleteOnTermination: false, attachedAt: world.now() }
  volume.state = 'in-use'
  return attachmentXml(volume, volume.attachment, 'attaching')
}

export const detachVolume: Action = (call) => {
  const { region, parameters } = call
  const volume = volumeOf(call)
  const [instanceId, device] = [parameters.get('InstanceId'), parameters.get('Device')]
  parameters.flag('Force')
  permitted(call)
  const { attachment } = volume
  if (attachment === undefined) throw ec2('IncorrectState', `Volume '${volume.id}' is in the 'available' state.`)
  if (
    (instanceId ?? attachment.instanceId) !== attachment.instanceId ||
    (device ?? attachment.device) !== attachment.device
  )
    throw ec2('InvalidAttachment.NotFound', `The volume '${volume.id}' is not attached so.`)
  const instance = region.instances.get(attachment.instanceId)
  if (instance?.rootDeviceName === attachment.device && instance.state !== 'stopped')
    throw ec2('OperationNotPermitted', `Unable to detach root volume '${volume.id}' from instance '${instance.id}'`)
  delete volume.attachment
  volume.state = 'available'
  return attachmentXml(volume, attachment, 'detaching')
}
