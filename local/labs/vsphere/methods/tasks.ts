/** What methods that give a task have alike. */
import { invalidState } from '../wire/faults.ts'
import { ref, type Value } from '../wire/values.ts'
import { demandIdle, startTask } from '../world/tasks.ts'
import type { Guest } from '../world/world.ts'
import { type Call, userOf } from './call.ts'

type Entity = { type: string; id: string; name: string }

/** `CreateSnapshot_Task` of a guest is `VirtualMachine.createSnapshot` to those who read the list of tasks. */
export function task(call: Call, entity: Entity, effect: () => Value | undefined): Value {
  const name = call.method.replace(/_Task$/, '')
  const descriptionId = `${call.target.type}.${name.charAt(0).toLowerCase()}${name.slice(1)}`
  const { id } = startTask(call.world, userOf(call), { name, descriptionId, entity, effect })
  return ref('Task', id)
}

/** A task of a guest, which must be idle and reachable. */
export function guestTask(call: Call, guest: Guest, effect: () => Value | undefined): Value {
  demandIdle(call.world, guest)
  if (guest.connectionState !== 'connected') throw invalidState()
  return task(call, guest, effect)
}
