/** Restore point collections: one for a machine, with its points. */
import { badRequest, notAllowed, notFound } from '../errors.ts'
import type { Json, LabCollection } from '../world.ts'
import { type ArmAnswer, type ArmCall, group, inner, listed, nameAt, needText, tagsOf } from './call.ts'
import { accepted, begin } from './operations.ts'
import { needNoAccess, pointView } from './point-view.ts'
import { idOf, keyOf } from './target.ts'

const TYPE = 'Microsoft.Compute/restorePointCollections'

const keyIn = (call: ArmCall): string => keyOf(idOf(call.world.subscription, group(call), TYPE, nameAt(call)))

/** @throws Refusal 404 */
export function collectionOf(call: ArmCall): LabCollection {
  const collection = call.world.collections.get(keyIn(call))
  if (collection === undefined) throw notFound(TYPE, nameAt(call), group(call))
  return collection
}

const viewOf = (collection: LabCollection, withPoints = false): Json => ({
  id: collection.id,
  name: collection.name,
  location: collection.location,
  tags: collection.tags,
  properties: {
    source: { id: collection.source, location: collection.location },
    restorePointCollectionId: collection.collectionId,
    provisioningState: 'Succeeded',
    ...(withPoints ? { restorePoints: [...collection.points.values()].map((point) => pointView(point)) } : {}),
  },
})

export function putCollection(call: ArmCall): ArmAnswer {
  const { world, body } = call
  const before = world.collections.get(keyIn(call))
  const location = needText(body, 'location', 'location')
  const source = needText(inner(body, 'properties', 'source'), 'id', 'properties.source.id')
  const vm = world.vms.get(keyOf(source))
  if (vm === undefined && before === undefined)
    throw notFound('Microsoft.Compute/virtualMachines', source.split('/').at(-1) ?? '', group(call))
  if (vm !== undefined && vm.location !== location)
    throw badRequest(`The restore point collection must be in the location of the VM (${vm.location}).`)
  if (before !== undefined && keyOf(before.source) !== keyOf(source))
    throw notAllowed("Changing property 'source.id' is not allowed.")
  if (before !== undefined) {
    before.tags = tagsOf(body)
    return { status: 200, body: viewOf(before) }
  }
  const collection: LabCollection = {
    id: idOf(world.subscription, group(call), TYPE, nameAt(call)),
    name: nameAt(call),
    group: group(call),
    location,
    tags: tagsOf(body),
    source,
    collectionId: world.newGuid(),
    points: new Map(),
  }
  world.collections.set(keyIn(call), collection)
  return { status: 201, body: viewOf(collection) }
}

export const getCollection = (call: ArmCall): ArmAnswer => ({
  status: 200,
  body: viewOf(collectionOf(call), call.query.get('$expand')?.toLowerCase() === 'restorepoints'),
})

export function listCollections(call: ArmCall): ArmAnswer {
  const { world, target } = call
  const wanted = [...world.collections.values()].filter(
    (each) => target.group === undefined || each.group.toLowerCase() === target.group.toLowerCase(),
  )
  return listed(
    call,
    wanted.map((each) => viewOf(each)),
  )
}

/** Its points go with it. */
export function deleteCollection(call: ArmCall): ArmAnswer {
  const collection = call.world.collections.get(keyIn(call))
  if (collection === undefined) return { status: 204 }
  for (const point of collection.points.values()) needNoAccess(call.world, point)
  const done = (): void => {
    call.world.collections.delete(keyOf(collection.id))
  }
  return accepted(call, begin(call, { about: collection.id, location: collection.location, done }))
}
