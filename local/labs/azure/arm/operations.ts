/** Long-running operations: they go on whenever somebody looks at them, or at what they are about. */
import { Refusal } from '../errors.ts'
import type { Json, Operation, World } from '../world.ts'
import type { ArmAnswer, ArmCall } from './call.ts'
import { keyOf } from './target.ts'

export interface Work {
  /** Id of the resource it changes. */
  about: string
  location: string
  done?: () => void
  failed?: () => void
  output?: () => Json | undefined
}

const isHeld = ({ heldOperations }: World['settings'], call: string): boolean =>
  typeof heldOperations === 'boolean' ? heldOperations : heldOperations.includes(call)

/** @param fails with this, unless it succeeds or a test wants another end */
export function begin(
  { world, name, api }: ArmCall,
  { about, location, done, failed, output }: Work,
  fails?: { code: string; message: string },
): Operation {
  const fault = world.operationFaults.find((one) => one.call === name && one.left > 0)
  if (fault !== undefined) fault.left -= 1
  const error = fault?.error ?? fails
  const operation: Operation = {
    id: world.newGuid(),
    call: name,
    about: keyOf(about),
    started: world.now(),
    asksLeft: world.settings.operationAsks,
    held: isHeld(world.settings, name),
    status: 'InProgress',
    ...(error === undefined ? {} : { failsWith: error }),
    done: done ?? ((): void => undefined),
    failed: failed ?? ((): void => undefined),
    output: output ?? ((): undefined => undefined),
    location,
    api,
  }
  world.operations.set(operation.id, operation)
  return operation
}

function urlOf({ state, world }: Pick<ArmCall, 'state' | 'world'>, operation: Operation, monitor: boolean): string {
  const where = `/subscriptions/${world.subscription}/providers/Microsoft.Compute/locations/${operation.location}/operations/${operation.id}`
  return `${state.url}${where}?${monitor ? 'monitor=true&' : ''}api-version=${operation.api}`
}

/** The headers that lead to an operation. */
export function leading(call: Pick<ArmCall, 'state' | 'world'>, operation: Operation): Record<string, string> {
  const { finalLocation, retryAfterSeconds } = call.world.settings
  return {
    'azure-asyncoperation': urlOf(call, operation, false),
    ...(finalLocation === 'missing' ? {} : { location: urlOf(call, operation, true) }),
    'retry-after': String(retryAfterSeconds),
  }
}

export const accepted = (call: ArmCall, operation: Operation, status = 202, body?: Json): ArmAnswer => ({
  status,
  headers: leading(call, operation),
  ...(body === undefined ? {} : { body }),
})

/** One look. */
export function goOn(world: World, operation: Operation): void {
  if (operation.status !== 'InProgress' || operation.held) return
  const runs = (world.now().getTime() - operation.started.getTime()) / 1000
  if (operation.asksLeft > 0) {
    operation.asksLeft -= 1
    return
  }
  if (runs < world.settings.operationSeconds) return
  operation.ended = world.now()
  operation.status = operation.failsWith === undefined ? 'Succeeded' : 'Failed'
  if (operation.failsWith === undefined) operation.done()
  else operation.failed()
}

/** Somebody looked at a resource. */
export function lookAt(world: World, id: string): void {
  for (const operation of world.operations.values()) if (operation.about === keyOf(id)) goOn(world, operation)
}

export const runningAbout = (world: World, id: string): Operation | undefined =>
  [...world.operations.values()].find(({ about, status }) => about === keyOf(id) && status === 'InProgress')

function monitored(call: ArmCall, operation: Operation): ArmAnswer {
  if (operation.status === 'InProgress') return { status: 202, headers: leading(call, operation) }
  if (operation.failsWith !== undefined) throw new Refusal(409, operation.failsWith.code, operation.failsWith.message)
  if (call.world.settings.finalLocation === 'no-content') return { status: 204 }
  const output = operation.output()
  return { status: 200, ...(output === undefined ? {} : { body: output }) }
}

/** `GET` of an operation: its state, or with `monitor=true` its result. */
export function getOperation(call: ArmCall): ArmAnswer {
  const operation = call.world.operations.get(call.target.names[1] ?? '')
  if (operation === undefined) throw new Refusal(404, 'NotFound', 'The operation was not found.')
  if (call.query.get('monitor') === 'true') return monitored(call, operation)
  goOn(call.world, operation)
  const { id, status, started, ended, failsWith } = operation
  if (status === 'InProgress')
    return {
      status: 200,
      headers: { 'retry-after': String(call.world.settings.retryAfterSeconds) },
      body: { startTime: started.toISOString(), status, name: id },
    }
  const output = status === 'Succeeded' ? operation.output() : undefined
  const end = { startTime: started.toISOString(), endTime: ended?.toISOString(), status, name: id }
  if (failsWith !== undefined) return { status: 200, body: { ...end, error: failsWith } }
  return { status: 200, body: { ...end, properties: output === undefined ? {} : { output } } }
}
