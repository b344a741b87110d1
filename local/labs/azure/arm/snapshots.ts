/** Snapshots: one disk at one moment. */
import { badRequest, notAllowed, notFound } from '../errors.ts'
import type { Json, LabDisk, LabSnapshot } from '../world.ts'
import { beginAccess, endAccess, isAlive } from './access.ts'
import { type ArmAnswer, type ArmCall, group, inner, listed, nameAt, needText, tagsOf, textOf } from './call.ts'
import { accepted, begin, lookAt } from './operations.ts'
import { grow } from './point-view.ts'
import { idOf, keyOf } from './target.ts'

const TYPE = 'Microsoft.Compute/snapshots'
const keyIn = (call: ArmCall): string => keyOf(idOf(call.world.subscription, group(call), TYPE, nameAt(call)))

function snapshotOf(call: ArmCall): LabSnapshot {
  const snapshot = call.world.snapshots.get(keyIn(call))
  if (snapshot === undefined) throw notFound(TYPE, nameAt(call), group(call))
  return snapshot
}

const viewOf = (call: ArmCall, snapshot: LabSnapshot): Json => ({
  id: snapshot.id,
  name: snapshot.name,
  type: TYPE,
  location: snapshot.location,
  tags: snapshot.tags,
  sku: { name: snapshot.sku },
  properties: {
    ...(snapshot.osType === undefined ? {} : { osType: snapshot.osType }),
    hyperVGeneration: snapshot.generation,
    creationData: {
      ...snapshot.creationData,
      ...(snapshot.logicalSectorSize === undefined ? {} : { logicalSectorSize: snapshot.logicalSectorSize }),
    },
    incremental: snapshot.incremental,
    networkAccessPolicy: snapshot.networkAccessPolicy,
    publicNetworkAccess: snapshot.publicNetworkAccess,
    provisioningState: snapshot.provisioning,
    diskState: isAlive(call.world, snapshot) ? 'ActiveSAS' : 'Unattached',
    completionPercent: snapshot.completionPercent,
    diskSizeGB: Math.ceil(snapshot.sizeBytes / 1024 ** 3),
    diskSizeBytes: snapshot.sizeBytes,
    uniqueId: snapshot.uniqueId,
    timeCreated: snapshot.made.toISOString(),
  },
})

function taken(call: ArmCall, disk: LabDisk, creationData: Json): LabSnapshot {
  const { world, body } = call
  const properties = inner(body, 'properties')
  const slow = disk.sku === 'PremiumV2_LRS' || disk.sku === 'UltraSSD_LRS'
  if (slow && properties['incremental'] !== true)
    throw badRequest(`Snapshots of disks of type ${disk.sku} must be incremental.`)
  return {
    id: idOf(world.subscription, group(call), TYPE, nameAt(call)),
    name: nameAt(call),
    group: group(call),
    location: needText(body, 'location', 'location'),
    tags: tagsOf(body),
    creationData: { ...creationData, sourceUniqueId: disk.uniqueId },
    incremental: properties['incremental'] === true,
    sku: textOf(inner(body, 'sku'), 'name') ?? 'Standard_LRS',
    sizeBytes: disk.sizeBytes,
    uniqueId: world.newGuid(),
    lineage: disk.lineage,
    blob: {
      pages: disk.blob.pages.copy(),
      etag: `"0x${world.newGuid().replaceAll('-', '').slice(0, 15).toUpperCase()}"`,
      modified: world.now(),
    },
    networkAccessPolicy: textOf(properties, 'networkAccessPolicy') ?? 'AllowAll',
    publicNetworkAccess: textOf(properties, 'publicNetworkAccess') ?? 'Enabled',
    completionPercent: slow ? 0 : 100,
    ...(disk.osType === undefined ? {} : { osType: disk.osType }),
    generation: disk.generation,
    ...(disk.logicalSectorSize === undefined ? {} : { logicalSectorSize: disk.logicalSectorSize }),
    made: world.now(),
    provisioning: 'Updating',
  }
}

/** The same name again takes no second snapshot. */
export function putSnapshot(call: ArmCall): ArmAnswer {
  const { world, body } = call
  const before = world.snapshots.get(keyIn(call))
  const creationData = inner(body, 'properties', 'creationData')
  const source = needText(creationData, 'sourceResourceId', 'properties.creationData.sourceResourceId')
  if (creationData['createOption'] !== 'Copy')
    throw badRequest("The lab takes snapshots with createOption 'Copy' alone.")
  if (!/^[\w-]{1,80}$/.test(nameAt(call)))
    throw badRequest(`The name '${nameAt(call)}' is invalid.`, 'InvalidResourceName')
  const disk = world.disks.get(keyOf(source))
  if (disk === undefined && before === undefined)
    throw notFound('Microsoft.Compute/disks', source.split('/').at(-1) ?? '', group(call))
  if (disk !== undefined && textOf(body, 'location') !== disk.location)
    throw badRequest(`The snapshot must be in the location of its disk (${disk.location}).`)
  const snapshot = before ?? taken(call, disk as LabDisk, creationData)
  if (before !== undefined) {
    const properties = inner(body, 'properties')
    before.tags = tagsOf(body)
    before.networkAccessPolicy = textOf(properties, 'networkAccessPolicy') ?? before.networkAccessPolicy
  }
  world.snapshots.set(keyIn(call), snapshot)
  const ends = (provisioning: string) => (): void => {
    snapshot.provisioning = provisioning
  }
  const operation = begin(call, {
    about: snapshot.id,
    location: snapshot.location,
    done: ends('Succeeded'),
    failed: ends('Failed'),
    output: () => viewOf(call, snapshot),
  })
  return accepted(call, operation, 202, viewOf(call, snapshot))
}

export function getSnapshot(call: ArmCall): ArmAnswer {
  const snapshot = snapshotOf(call)
  lookAt(call.world, snapshot.id)
  const answer = { status: 200, body: viewOf(call, snapshot) }
  grow(call.world, snapshot)
  return answer
}

export function listSnapshots(call: ArmCall): ArmAnswer {
  const { world, target } = call
  const wanted = [...world.snapshots.values()].filter(
    (each) => target.group === undefined || each.group.toLowerCase() === target.group.toLowerCase(),
  )
  return listed(
    call,
    wanted.map((each) => viewOf(call, each)),
  )
}

export const beginSnapshot = (call: ArmCall): ArmAnswer => {
  const snapshot = snapshotOf(call)
  if (call.body['access'] === 'Write') throw badRequest('A snapshot can be read alone.')
  return beginAccess(call, snapshot, snapshot.location)
}

export const endSnapshot = (call: ArmCall): ArmAnswer => {
  const snapshot = snapshotOf(call)
  return endAccess(call, snapshot, snapshot.location)
}

export function deleteSnapshot(call: ArmCall): ArmAnswer {
  const snapshot = call.world.snapshots.get(keyIn(call))
  if (snapshot === undefined) return { status: 204 }
  if (isAlive(call.world, snapshot))
    throw notAllowed(
      `Cannot delete snapshot ${snapshot.name} as it has an active shared access signature. Call EndGetAccess first.`,
    )
  const done = (): void => {
    call.world.snapshots.delete(keyOf(snapshot.id))
  }
  return accepted(call, begin(call, { about: snapshot.id, location: snapshot.location, done }))
}
