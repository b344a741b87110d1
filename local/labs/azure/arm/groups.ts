/** The subscription, its resource groups, network interfaces and the caller's permissions. */
import { groupNotFound, notAllowed, notFound } from '../errors.ts'
import type { Json, LabClient, LabNic } from '../world.ts'
import { type ArmAnswer, type ArmCall, group, inner, listed, nameAt, needText, tagsOf } from './call.ts'
import { accepted, begin } from './operations.ts'
import { idOf, keyOf } from './target.ts'

export const getSubscription = ({ world }: ArmCall): ArmAnswer => ({
  status: 200,
  body: {
    id: `/subscriptions/${world.subscription}`,
    subscriptionId: world.subscription,
    tenantId: world.tenant,
    displayName: 'Guestlift lab',
    state: 'Enabled',
  },
})

const groupView = ({ id, name, location, tags }: { id: string; name: string; location: string; tags: Json }): Json => ({
  id,
  name,
  type: 'Microsoft.Resources/resourceGroups',
  location,
  tags,
  properties: { provisioningState: 'Succeeded' },
})

export const listGroups = (call: ArmCall): ArmAnswer => listed(call, [...call.world.groups.values()].map(groupView))

export function getGroup(call: ArmCall): ArmAnswer {
  const found = call.world.groups.get(group(call).toLowerCase())
  if (found === undefined) throw groupNotFound(group(call))
  return { status: 200, body: groupView(found) }
}

export function putGroup(call: ArmCall): ArmAnswer {
  const { world, body } = call
  const name = group(call)
  const before = world.groups.get(name.toLowerCase())
  const made = {
    id: before?.id ?? `/subscriptions/${world.subscription}/resourceGroups/${name}`,
    name: before?.name ?? name,
    location: before?.location ?? needText(body, 'location', 'location'),
    tags: tagsOf(body),
  }
  world.groups.set(name.toLowerCase(), made)
  return { status: before === undefined ? 201 : 200, body: groupView(made) }
}

/** What the caller's role allows, as it is written there. */
export const permissions = (_call: ArmCall, client: LabClient): ArmAnswer => ({
  status: 200,
  body: {
    value: [
      { actions: client.role.Actions, notActions: client.role.NotActions ?? [], dataActions: [], notDataActions: [] },
    ],
  },
})

const NIC = 'Microsoft.Network/networkInterfaces'
const nicKey = (call: ArmCall): string => keyOf(idOf(call.world.subscription, group(call), NIC, nameAt(call)))

const nicView = ({ id, name, location, tags, properties }: LabNic): Json => ({
  id,
  name,
  type: NIC,
  location,
  tags,
  properties: { provisioningState: 'Succeeded', ...properties },
})

export function putNic(call: ArmCall): ArmAnswer {
  const { world, body } = call
  const before = world.nics.get(nicKey(call))
  const nic: LabNic = {
    id: idOf(world.subscription, group(call), NIC, nameAt(call)),
    name: nameAt(call),
    group: group(call),
    location: needText(body, 'location', 'location'),
    tags: tagsOf(body),
    properties: { ...before?.properties, ...inner(body, 'properties') },
  }
  world.nics.set(nicKey(call), nic)
  const operation = begin(call, { about: nic.id, location: nic.location, output: () => nicView(nic) })
  return accepted(call, operation, before === undefined ? 201 : 200, nicView(nic))
}

export function getNic(call: ArmCall): ArmAnswer {
  const nic = call.world.nics.get(nicKey(call))
  if (nic === undefined) throw notFound(NIC, nameAt(call), group(call))
  return { status: 200, body: nicView(nic) }
}

export const listNics = (call: ArmCall): ArmAnswer =>
  listed(
    call,
    [...call.world.nics.values()]
      .filter((nic) => call.target.group === undefined || nic.group.toLowerCase() === call.target.group.toLowerCase())
      .map(nicView),
  )

export function deleteNic(call: ArmCall): ArmAnswer {
  const nic = call.world.nics.get(nicKey(call))
  if (nic === undefined) return { status: 204 }
  const user = inner(nic.properties, 'virtualMachine')['id']
  if (typeof user === 'string' && call.world.vms.has(keyOf(user)))
    throw notAllowed(`Network interface ${nic.name} is in use by ${user}.`)
  const done = (): void => {
    call.world.nics.delete(keyOf(nic.id))
  }
  return accepted(call, begin(call, { about: nic.id, location: nic.location, done }))
}
