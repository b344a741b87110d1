/** Instances as guests. */
import { PrivilegeMissing, RequestRejected } from '../../contracts/errors.ts'
import type { GuestRunState } from '../../contracts/selection.ts'
import { compareIds } from '../../domain/identity/compare-ids.ts'
import type { FoundGuest, GuestRecord } from '../guest-facts.ts'
import type { Ec2Client } from './client.ts'
import { isInstanceId } from './identifiers.ts'
import { type Instance, instanceTypesSchema, instancesSchema, type Volume, volumesSchema } from './schemas.ts'

/** One that is being terminated, or was, has no disks left to archive. */
const LIVING = ['pending', 'running', 'stopping', 'stopped']
/** EC2 takes 200 values in a filter. */
const VALUES_A_CALL = 200

export async function listInstances(client: Ec2Client, region: string): Promise<Instance[]> {
  return find(client, region, [])
}

/** Those of the ids that are there. By filter: with `InstanceIds`, one unknown id fails the whole call. */
export async function findInstances(client: Ec2Client, region: string, ids: readonly string[]): Promise<Instance[]> {
  const known = ids.filter(isInstanceId)
  const found: Instance[] = []
  for (let at = 0; at < known.length; at += VALUES_A_CALL) {
    const Value = known.slice(at, at + VALUES_A_CALL)
    found.push(...(await find(client, region, [{ Name: 'instance-id', Value }])))
  }
  return found
}

async function find(
  client: Ec2Client,
  region: string,
  filters: { Name: string; Value: string[] }[],
): Promise<Instance[]> {
  const Filter = [{ Name: 'instance-state-name', Value: LIVING }, ...filters]
  const call = { region, action: 'DescribeInstances', input: { Filter } }
  const all = await client.all(call, instancesSchema, ({ reservationSet }) =>
    reservationSet.flatMap(({ instancesSet }) => instancesSet),
  )
  // What a filter was asked for and not heeded would be archived otherwise.
  return all.filter(({ instanceState }) => LIVING.includes(instanceState.name))
}

/** Volumes that are attached to an instance now, by device. Instance-store volumes are none of them. */
export async function volumesOf(client: Ec2Client, region: string, instanceId: string): Promise<AttachedVolume[]> {
  const Filter = [{ Name: 'attachment.instance-id', Value: [instanceId] }]
  const call = { region, action: 'DescribeVolumes', input: { Filter } }
  const volumes = await client.all(call, volumesSchema, ({ volumeSet }) => volumeSet)
  return volumes
    .flatMap((volume) => {
      const attachment = volume.attachmentSet.find((one) => one.instanceId === instanceId)
      return attachment === undefined ? [] : [{ ...volume, device: attachment.device }]
    })
    .toSorted((one, other) => (one.device < other.device ? -1 : 1))
}
export type AttachedVolume = Volume & { device: string }

/**
 * Whether instances of a type have instance stores, which no list shows and no snapshot holds; `undefined` where the
 * account may not ask: then nobody knows.
 */
export async function hasInstanceStores(
  client: Ec2Client,
  region: string,
  { instanceType }: Instance,
): Promise<boolean | undefined> {
  const call = { region, action: 'DescribeInstanceTypes', input: { InstanceType: [instanceType] } }
  try {
    const { instanceTypeSet } = await client.read(call, instanceTypesSchema)
    const said = instanceTypeSet.find((one) => one.instanceType === instanceType)?.instanceStorageSupported
    return said === 'true' || said === 'false' ? said === 'true' : undefined
  } catch (error) {
    if (error instanceof PrivilegeMissing || error instanceof RequestRejected) return undefined
    throw error
  }
}

export function foundGuest(instance: Instance): FoundGuest {
  const { instanceId: id, tagSet, placement } = instance
  return {
    id,
    kind: 'vm',
    // An instance without a name has an id.
    name: tagSet.get('Name') || id,
    node: placement.availabilityZone,
    // An instance's id is never given again.
    identity: { id },
    nodeOffline: false,
  }
}

export function guestRecord(instance: Instance): GuestRecord {
  const tags = [...instance.tagSet].filter(([key]) => key !== 'Name')
  return {
    ...foundGuest(instance),
    state: stateOf(instance),
    // A job may name the key alone, or key and value.
    tags: tags.flatMap(([key, value]) => (value === '' ? [key] : [`${key}=${value}`, key])),
    missingPrivileges: [],
  }
}

export function byId(one: { id: string }, other: { id: string }): number {
  return compareIds(one.id, other.id)
}

function stateOf({ instanceState: { name } }: Instance): GuestRunState {
  if (name === 'running' || name === 'stopped') return name
  // Booting counts as running, and so does shutting down: something still writes.
  return name === 'pending' || name === 'stopping' ? 'running' : 'unknown'
}

/** Why nothing of an instance can be archived: a phrase. `undefined` where something can. */
export function hasNoDisks({ rootDeviceType, blockDeviceMapping }: Instance): string | undefined {
  if (blockDeviceMapping.some(({ ebs }) => ebs !== undefined)) return undefined
  return rootDeviceType === 'instance-store'
    ? 'its root is an instance store, which no snapshot can hold'
    : 'it has no EBS volume'
}

/** What replaces the instance when it stops. */
export function autoScalingGroupOf({ tagSet }: Instance): string | undefined {
  return tagSet.get('aws:autoscaling:groupName')
}

/** What an archive of the instance lacks or what to know when it is restored: sentences. */
export function remarksOf(instance: Instance): string[] {
  const { productCodes, platform, outpostArn, instanceLifecycle } = instance
  const group = autoScalingGroupOf(instance)
  return [
    ...(productCodes.length === 0
      ? []
      : ['It has product codes of AWS Marketplace, which an image made of restored disks has not.']),
    ...(platform.toLowerCase() === 'windows'
      ? ['It runs Windows: an image made of restored disks is not billed as Windows. Restore volumes instead.']
      : []),
    ...(outpostArn === '' ? [] : ['It runs on an Outpost: snapshots that stay there can not be read.']),
    ...(instanceLifecycle === 'spot' ? ['It is a spot instance, which AWS may end at any time.'] : []),
    ...(group === undefined ? [] : [`Auto Scaling group ${group} replaces it when it stops.`]),
  ]
}
