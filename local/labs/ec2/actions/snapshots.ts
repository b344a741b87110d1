/** Snapshots: all disks of an instance at one instant, looking, removing. */
import {
  type Action,
  type Call,
  instant,
  needOn,
  needToMake,
  onlyTagsFor,
  permitted,
  tagSet,
  tagsFor,
} from '../call.ts'
import { BLOCK_BYTES } from '../disk.ts'
import { ec2 } from '../errors.ts'
import { type Filters, filtered, paged } from '../listing.ts'
import type { LabSnapshot, LabVolume, Tags } from '../world.ts'
import { instancesNamed, volumesOf } from './instances.ts'
import { giveUpWriting, isBeingWritten, passOn, snapshotsNamed } from './snapshots-named.ts'

const FILTERS: Filters<LabSnapshot> = {
  description: ({ description }) => [description],
  encrypted: ({ encrypted }) => [String(encrypted)],
  'owner-id': ({ ownerId }) => [ownerId],
  progress: (snapshot) => [progressOf(snapshot)],
  'snapshot-id': ({ id }) => [id],
  'start-time': ({ startedAt }) => [instant(startedAt)],
  status: ({ state }) => [state],
  'storage-tier': ({ storageTier }) => [storageTier],
  'volume-id': ({ volumeId }) => [volumeId],
  'volume-size': ({ sizeGiB }) => [String(sizeGiB)],
}

function progressOf(snapshot: LabSnapshot): string {
  const { state, asksLeft, asksAtFirst } = snapshot
  if (state === 'completed') return '100%'
  if (isBeingWritten(snapshot) || asksAtFirst === 0) return '0%'
  return `${Math.floor((100 * (asksAtFirst - asksLeft)) / (asksAtFirst + 1))}%`
}

export const describeSnapshots: Action = (call) => {
  const { world, region, parameters, rights } = call
  rights.need('ec2:DescribeSnapshots')
  const now = world.now()
  for (const snapshot of region.snapshots.values()) giveUpWriting(snapshot, now)
  const ids = parameters.list('SnapshotId')
  const owners = parameters.list('Owner').map((owner) => (owner === 'self' ? world.account : owner))
  // Those who may restore from a snapshot are the owner here, and everybody for a public one: as without this parameter.
  parameters.list('RestorableBy')
  const all = ids.length > 0 ? snapshotsNamed(region, ids) : visible([...region.snapshots.values()])
  const owned = all.filter(({ ownerId }) => owners.length === 0 || owners.includes(ownerId))
  const { page, nextToken } = paged(call, filtered(parameters, owned, FILTERS), 'SnapshotId')
  const snapshotSet = page.map((snapshot) => ({
    snapshotId: snapshot.id,
    volumeId: snapshot.volumeId,
    status: snapshot.state,
    statusMessage: snapshot.statusMessage,
    startTime: instant(snapshot.startedAt),
    completionTime: snapshot.completedAt === undefined ? undefined : instant(snapshot.completedAt),
    progress: progressOf(snapshot),
    ownerId: snapshot.ownerId,
    volumeSize: snapshot.sizeGiB,
    description: snapshot.description,
    tagSet: tagSet(snapshot.tags),
    encrypted: snapshot.encrypted,
    kmsKeyId: snapshot.kmsKeyId,
    storageTier: snapshot.storageTier,
    transferType: undefined,
    fullSnapshotSizeInBytes: snapshot.state === 'completed' ? snapshot.disk.indexes.length * BLOCK_BYTES : undefined,
  }))
  for (const snapshot of page) passOn(snapshot, world.settings.heldSnapshots, now)
  return { snapshotSet, nextToken }
}

/** Lists lag behind: a new snapshot is missing from some of them. */
function visible(all: readonly LabSnapshot[]): LabSnapshot[] {
  return all.filter((snapshot) => {
    if (snapshot.hiddenFor === 0) return true
    snapshot.hiddenFor -= 1
    return false
  })
}

function chosenVolumes({ region, parameters }: Call, instanceId: string, root: string): LabVolume[] {
  const attached = volumesOf(region, instanceId)
  const without = parameters.list('InstanceSpecification.ExcludeDataVolumeId')
  const isRoot = ({ attachment }: LabVolume): boolean => attachment?.device === root
  for (const id of without) {
    const volume = attached.find((one) => one.id === id)
    if (volume === undefined)
      throw ec2('InvalidParameterValue', `The volume '${id}' is not attached to the instance '${instanceId}'.`)
    if (isRoot(volume))
      throw ec2('InvalidParameterValue', `'${id}' is the root volume. Use ExcludeBootVolume to exclude it.`)
  }
  const noRoot = parameters.flag('InstanceSpecification.ExcludeBootVolume') === true
  const chosen = attached.filter((volume) => !without.includes(volume.id) && !(noRoot && isRoot(volume)))
  if (chosen.length === 0)
    throw ec2('InvalidParameterValue', `The instance '${instanceId}' has no volumes to make snapshots of.`)
  return chosen
}

const PENDING_LIMITS: Record<string, number> = { st1: 1, sc1: 1 }

/** @throws Refusal when this volume, or the account, has too many snapshots under way */
function checkLimits({ world, region }: Call, volumes: readonly LabVolume[]): void {
  const { pendingSnapshots, secondsBetweenSnapshots } = world.settings
  const mine = [...region.snapshots.values()].filter(({ ownerId }) => ownerId === world.account)
  const pending = mine.filter(({ state }) => state === 'pending')
  if (pending.length + volumes.length > pendingSnapshots)
    throw ec2('PendingSnapshotLimitExceeded', `You have reached the limit of ${pendingSnapshots} pending snapshots.`)
  for (const { id, type } of volumes) {
    if (pending.filter(({ volumeId }) => volumeId === id).length >= (PENDING_LIMITS[type] ?? 5))
      throw ec2('ConcurrentSnapshotLimitExceeded', `Maximum allowed in-progress snapshots for volume ${id} exceeded.`)
    const since = world.now().getTime() - secondsBetweenSnapshots * 1000
    if (mine.some(({ volumeId, startedAt }) => volumeId === id && startedAt.getTime() > since))
      throw ec2(
        'SnapshotCreationPerVolumeRateExceeded',
        'The maximum per volume CreateSnapshot request rate has been exceeded. Use an increasing or variable sleep interval between requests.',
      )
  }
}

const copied = (volume: LabVolume): Tags => new Map([...volume.tags].filter(([key]) => !key.startsWith('aws:')))

export function snapshotOf(
  { world }: Pick<Call, 'world'>,
  volume: LabVolume,
  given: Partial<LabSnapshot>,
): LabSnapshot {
  const asks = world.settings.snapshotAsks
  const done = asks === 0 && !world.settings.heldSnapshots
  return {
    id: world.newId('snap'),
    volumeId: volume.id,
    ownerId: world.account,
    description: '',
    sizeGiB: volume.sizeGiB,
    state: done ? 'completed' : 'pending',
    ...(done ? { completedAt: world.now() } : {}),
    asksLeft: asks,
    asksAtFirst: asks,
    hiddenFor: world.settings.hideNewSnapshots,
    startedAt: world.now(),
    encrypted: volume.encrypted,
    ...(volume.kmsKeyId === undefined ? {} : { kmsKeyId: volume.kmsKeyId }),
    storageTier: 'standard',
    tags: new Map(),
    disk: volume.disk.copy(),
    ...given,
  }
}

export const createSnapshots: Action = (call) => {
  const { region, parameters } = call
  const [instance] = instancesNamed(region, [parameters.need('InstanceSpecification.InstanceId')])
  if (instance === undefined) return {}
  const volumes = chosenVolumes(call, instance.id, instance.rootDeviceName)
  const description = parameters.get('Description') ?? ''
  const copies = parameters.get('CopyTagsFromSource')
  if (copies !== undefined && copies !== 'volume')
    throw ec2('InvalidParameterValue', `Value (${copies}) for parameter CopyTagsFromSource is invalid.`)
  onlyTagsFor(parameters, ['snapshot'])
  const tags = tagsFor(parameters, 'snapshot')
  needOn(call, 'instance', instance)
  for (const volume of volumes) needOn(call, 'volume', volume)
  // What is copied from the volumes has to be allowed like what the call names.
  const all: Tags = new Map([...(copies === undefined ? [] : volumes.flatMap((each) => [...copied(each)])), ...tags])
  needToMake(call, 'snapshot', all)
  permitted(call)
  checkLimits(call, volumes)
  const made = volumes.map((volume) =>
    snapshotOf(call, volume, {
      description,
      tags: new Map([...(copies === undefined ? [] : copied(volume)), ...tags]),
    }),
  )
  for (const snapshot of made) region.snapshots.set(snapshot.id, snapshot)
  return {
    snapshotSet: made.map((snapshot) => ({
      snapshotId: snapshot.id,
      volumeId: snapshot.volumeId,
      state: snapshot.state,
      startTime: instant(snapshot.startedAt),
      progress: progressOf(snapshot),
      ownerId: snapshot.ownerId,
      volumeSize: snapshot.sizeGiB,
      description: snapshot.description,
      encrypted: snapshot.encrypted,
      tagSet: tagSet(snapshot.tags),
    })),
  }
}

export const deleteSnapshot: Action = (call) => {
  const { world, region, parameters } = call
  const id = parameters.need('SnapshotId')
  if (world.settings.goneIsDenied && !region.snapshots.has(id)) needOn(call, 'snapshot', { id, tags: new Map() })
  const [snapshot] = snapshotsNamed(region, [id])
  if (snapshot === undefined) return { return: true }
  needOn(call, 'snapshot', snapshot)
  permitted(call)
  if (snapshot.ownerId !== world.account)
    throw ec2('UnauthorizedOperation', 'You are not authorized to perform this operation.', 403)
  const user = [...region.images.values()].find(({ devices }) =>
    devices.some(({ snapshotId }) => snapshotId === snapshot.id),
  )
  if (user !== undefined)
    throw ec2('InvalidSnapshot.InUse', `The snapshot ${snapshot.id} is currently in use by ${user.id}`)
  region.snapshots.delete(snapshot.id)
  return { return: true }
}
