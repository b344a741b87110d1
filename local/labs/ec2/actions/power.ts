/** Starting, stopping, restarting and ending instances. */
import { type Action, type Call, needOn, permitted } from '../call.ts'
import { ec2 } from '../errors.ts'
import type { XmlValue } from '../wire.ts'
import type { InstanceState, LabInstance } from '../world.ts'
import { instancesNamed, stateOf, volumesOf } from './instances.ts'

function chosen(call: Call): LabInstance[] {
  const ids = call.parameters.list('InstanceId')
  if (ids.length === 0) throw ec2('MissingParameter', 'The request must contain the parameter InstanceId')
  const instances = instancesNamed(call.region, ids)
  for (const instance of instances) needOn(call, 'instance', instance)
  return instances
}

/** Send an instance on its way; where nothing is waited for, it arrives at once. */
export function send(call: Pick<Call, 'world'>, instance: LabInstance, by: InstanceState, to: InstanceState): void {
  const asksLeft = call.world.settings.powerAsks
  instance.state = asksLeft === 0 ? to : by
  if (asksLeft === 0) delete instance.next
  else instance.next = { state: to, asksLeft }
}

const wrongState = ({ id, state }: LabInstance, doing: string): Error =>
  ec2(
    'IncorrectInstanceState',
    `The instance '${id}' is not in a state from which it can be ${doing} (it is ${state}).`,
  )

/** What changes, and what the answer says of each. */
function changed(instances: readonly LabInstance[], change: (instance: LabInstance) => void): XmlValue {
  return instances.map((instance) => {
    const previousState = stateOf(instance.state)
    change(instance)
    return { instanceId: instance.id, currentState: stateOf(instance.state), previousState }
  })
}

export const startInstances: Action = (call) => {
  const instances = chosen(call)
  permitted(call)
  for (const instance of instances)
    if (!['stopped', 'running', 'pending'].includes(instance.state)) throw wrongState(instance, 'started')
  return {
    instancesSet: changed(instances, (instance) => {
      if (instance.state === 'stopped') send(call, instance, 'pending', 'running')
    }),
  }
}

export const stopInstances: Action = (call) => {
  const instances = chosen(call)
  call.parameters.flag('Force')
  call.parameters.flag('SkipOsShutdown')
  const hibernate = call.parameters.flag('Hibernate') === true
  permitted(call)
  for (const instance of instances) {
    if (instance.rootDeviceType === 'instance-store')
      throw ec2(
        'UnsupportedOperation',
        `The instance '${instance.id}' does not have an 'ebs' root device type and cannot be stopped.`,
      )
    if (hibernate && !instance.hibernation)
      throw ec2(
        'UnsupportedHibernationConfiguration',
        `The instance '${instance.id}' is not configured for hibernation.`,
      )
    if (!['stopped', 'running', 'stopping'].includes(instance.state)) throw wrongState(instance, 'stopped')
  }
  return {
    instancesSet: changed(instances, (instance) => {
      if (instance.state === 'running') send(call, instance, 'stopping', 'stopped')
    }),
  }
}

export const rebootInstances: Action = (call) => {
  const instances = chosen(call)
  permitted(call)
  for (const instance of instances) if (instance.state !== 'running') throw wrongState(instance, 'rebooted')
  for (const instance of instances) instance.restarts += 1
  return { return: true }
}

export const terminateInstances: Action = (call) => {
  const instances = chosen(call)
  permitted(call)
  return {
    instancesSet: changed(instances, (instance) => {
      if (instance.state === 'terminated') return
      send(call, instance, 'shutting-down', 'terminated')
      for (const volume of volumesOf(call.region, instance.id)) {
        if (volume.attachment?.deleteOnTermination === true) call.region.volumes.delete(volume.id)
        delete volume.attachment
        volume.state = 'available'
      }
    }),
  }
}
