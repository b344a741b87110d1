/** Regions and zones, and tags on anything. */
import { type Action, type Call, type Kind, needOn, permitted, tagsAt } from '../call.ts'
import { ec2 } from '../errors.ts'
import { arnOf } from '../call.ts'
import { carried, wished } from '../rights.ts'
import type { Tags } from '../world.ts'
import { imagesNamed } from './images.ts'
import { instancesNamed } from './instances.ts'
import { snapshotsNamed } from './snapshots-named.ts'
import { volumesNamed } from './volumes.ts'

/** The values of one filter; no other is known. */
function only(call: Call, known: string): string[] {
  return call.parameters.members('Filter').flatMap((filter) => {
    const name = call.parameters.need(`${filter}.Name`)
    if (name !== known) throw ec2('InvalidParameterValue', `The filter '${name}' is invalid`)
    return call.parameters.list(`${filter}.Value`)
  })
}

export const describeRegions: Action = (call) => {
  const { world, parameters, rights } = call
  rights.need('ec2:DescribeRegions')
  const names = [...parameters.list('RegionName'), ...only(call, 'region-name')]
  parameters.flag('AllRegions')
  permitted(call)
  const unknown = names.find((name) => !world.regions.has(name))
  if (unknown !== undefined) throw ec2('InvalidParameterValue', `Invalid region name: '${unknown}'`)
  const shown = [...world.regions.keys()].filter((name) => names.length === 0 || names.includes(name))
  return {
    regionInfo: shown.map((regionName) => ({
      regionName,
      regionEndpoint: `ec2.${regionName}.amazonaws.com`,
      optInStatus: 'opt-in-not-required',
    })),
  }
}

export const describeAvailabilityZones: Action = (call) => {
  const { region, parameters, rights } = call
  rights.need('ec2:DescribeAvailabilityZones')
  const names = [...parameters.list('ZoneName'), ...only(call, 'zone-name')]
  parameters.flag('AllAvailabilityZones')
  permitted(call)
  const unknown = names.find((name) => !region.zones.includes(name))
  if (unknown !== undefined) throw ec2('InvalidParameterValue', `Invalid availability zone: [${unknown}]`)
  const shown = region.zones.filter((name) => names.length === 0 || names.includes(name))
  return {
    availabilityZoneInfo: shown.map((zoneName) => ({
      zoneName,
      zoneState: 'available',
      regionName: region.name,
      messageSet: [],
      zoneId: `${region.name.replace(/^(..)-(.).*-(\d)$/, '$1$2$3')}-az${zoneName.charCodeAt(zoneName.length - 1) - 96}`,
      optInStatus: 'opt-in-not-required',
      groupName: region.name,
      networkBorderGroup: region.name,
      zoneType: 'availability-zone',
    })),
  }
}

function resource(call: Call, id: string): { kind: Kind; id: string; tags: Tags } {
  const { region } = call
  const found = id.startsWith('i-')
    ? { kind: 'instance' as const, of: instancesNamed(region, [id])[0] }
    : id.startsWith('vol-')
      ? { kind: 'volume' as const, of: volumesNamed(region, [id])[0] }
      : id.startsWith('snap-')
        ? { kind: 'snapshot' as const, of: snapshotsNamed(region, [id])[0] }
        : { kind: 'image' as const, of: imagesNamed(region, [id])[0] }
  if (found.of === undefined) throw ec2('InvalidID', `The ID '${id}' is not valid`)
  return { kind: found.kind, id, tags: found.of.tags }
}

export const createTags: Action = (call) => {
  const tags = tagsAt(call.parameters, 'Tag')
  const resources = call.parameters.list('ResourceId').map((id) => resource(call, id))
  for (const { kind, id, tags: there } of resources)
    call.rights.need('ec2:CreateTags', arnOf(call, kind, id), { ...carried(there), ...wished(tags) })
  permitted(call)
  for (const each of resources) for (const [key, value] of tags) each.tags.set(key, value)
  return { return: true }
}

export const deleteTags: Action = (call) => {
  const { parameters } = call
  const keys = parameters.members('Tag').map((member) => ({
    key: parameters.need(`${member}.Key`),
    value: parameters.get(`${member}.Value`),
  }))
  const resources = parameters.list('ResourceId').map((id) => resource(call, id))
  for (const each of resources) needOn(call, each.kind, each)
  permitted(call)
  for (const { tags } of resources)
    for (const { key, value } of keys) if (value === undefined || tags.get(key) === value) tags.delete(key)
  return { return: true }
}

export const describeTags: Action = (call) => {
  const { region, parameters, rights } = call
  rights.need('ec2:DescribeTags')
  const ids = only(call, 'resource-id')
  parameters.get('NextToken')
  parameters.number('MaxResults')
  permitted(call)
  const all: [Kind, Iterable<{ id: string; tags: Tags }>][] = [
    ['instance', region.instances.values()],
    ['volume', region.volumes.values()],
    ['snapshot', region.snapshots.values()],
    ['image', region.images.values()],
  ]
  const tagSet = all.flatMap(([resourceType, of]) =>
    [...of].flatMap(({ id: resourceId, tags }) =>
      [...tags].map(([key, value]) => ({ resourceId, resourceType, key, value })),
    ),
  )
  return { tagSet: tagSet.filter(({ resourceId }) => ids.length === 0 || ids.includes(resourceId)) }
}
