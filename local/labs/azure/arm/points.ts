/** Restore points: all disks of a machine at one moment. */
import { badRequest, notAllowed, notFound, Refusal } from '../errors.ts'
import type { Json, LabCollection, LabDisk, LabDiskPoint, LabPoint, LabVm, World } from '../world.ts'
import { type ArmAnswer, type ArmCall, group, inner, nameAt, textOf } from './call.ts'
import { collectionOf } from './collections.ts'
import { accepted, begin, lookAt, runningAbout } from './operations.ts'
import { grow, needNoAccess, pointView } from './point-view.ts'
import { idOf, keyOf } from './target.ts'
import { modelOf } from './vms.ts'

const TYPE = 'Microsoft.Compute/restorePointCollections/restorePoints'
const HOUR = 3_600_000
const NO_CRASH_SKUS = ['PremiumV2_LRS', 'UltraSSD_LRS']

/** @throws Refusal 404 */
export function pointOf(call: ArmCall): LabPoint {
  const point = collectionOf(call).points.get(nameAt(call, 1).toLowerCase())
  if (point === undefined) throw notFound(TYPE, `${nameAt(call)}/${nameAt(call, 1)}`, group(call))
  return point
}

/** Why no point can be made of a disk; nothing when it can. */
function refusalOf(vm: LabVm, disk: LabDisk | undefined, name: string, crash: boolean): string | undefined {
  const attached = vm.disks.find((one) => one.name === name)
  if (attached?.ephemeral === true)
    return `Restore points are not supported for VMs with ephemeral OS disks ('${name}').`
  if (attached?.vhdUri !== undefined)
    return `Restore points are not supported for VMs with unmanaged disks ('${name}').`
  if ((disk?.maxShares ?? 1) > 1) return `Restore points are not supported for shared disks ('${name}').`
  if (crash && attached?.writeAccelerated === true)
    return `Crash consistent restore points are not supported for disks with write accelerator ('${name}').`
  if (crash && disk !== undefined && NO_CRASH_SKUS.includes(disk.sku))
    return `Crash consistent restore points are not supported for disks of type ${disk.sku} ('${name}').`
  return undefined
}

/** @throws Refusal 429 for the fourth within an hour */
function countPoint(world: World, vm: LabVm, kind: string): void {
  const key = `${keyOf(vm.id)} ${kind}`
  const now = world.now().getTime()
  const times = (world.pointTimes.get(key) ?? []).filter((time) => now - time.getTime() < HOUR)
  const [first] = times
  if (first !== undefined && times.length >= world.settings.pointsPerHour) {
    const seconds = Math.max(1, Math.ceil((first.getTime() + HOUR - now) / 1000))
    throw new Refusal(
      429,
      'TooManyRequests',
      `At most ${world.settings.pointsPerHour} restore points of a kind can be created for a VM within an hour.`,
      {
        'retry-after': String(seconds),
      },
    )
  }
  world.pointTimes.set(key, [...times, world.now()])
}

function diskPoint(world: World, pointId: string, disk: LabDisk): LabDiskPoint {
  const name = `${disk.name}_${world.newGuid()}`
  const slow = NO_CRASH_SKUS.includes(disk.sku)
  return {
    id: `${pointId}/diskRestorePoints/${name}`,
    name,
    diskId: disk.id,
    sourceUniqueId: disk.uniqueId,
    lineage: disk.lineage,
    blob: {
      pages: disk.blob.pages.copy(),
      etag: `"0x${world.newGuid().replaceAll('-', '').slice(0, 15).toUpperCase()}"`,
      modified: world.now(),
    },
    networkAccessPolicy: disk.networkAccessPolicy,
    publicNetworkAccess: disk.publicNetworkAccess,
    completionPercent: slow ? 0 : 100,
    ...(disk.osType === undefined ? {} : { osType: disk.osType }),
    generation: disk.generation,
    ...(disk.logicalSectorSize === undefined ? {} : { logicalSectorSize: disk.logicalSectorSize }),
    made: world.now(),
    encryptedInGuest: disk.encryptedInGuest,
  }
}

/** The machine's configuration, with each disk's point in it. */
function sourceMetadata(world: World, vm: LabVm, disks: readonly LabDiskPoint[]): Json {
  const model = modelOf(vm, world)
  const storage = inner(model, 'storageProfile')
  const withPoint = (disk: Json): Json => {
    const id = textOf(inner(disk, 'managedDisk'), 'id')
    const found = disks.find(({ diskId }) => id !== undefined && keyOf(diskId) === keyOf(id))
    return found === undefined ? disk : { ...disk, diskRestorePoint: { id: found.id } }
  }
  return {
    vmId: vm.vmId,
    location: vm.location,
    hyperVGeneration: vm.generation,
    ...model,
    storageProfile: {
      osDisk: withPoint(inner(storage, 'osDisk')),
      dataDisks: (storage['dataDisks'] as Json[]).map(withPoint),
    },
  }
}

/** @throws Refusal */
function freeze(call: ArmCall, vm: LabVm, id: string): LabPoint {
  const { world, body } = call
  const properties = inner(body, 'properties')
  const mode = textOf(properties, 'consistencyMode')
  if (mode !== undefined && !['CrashConsistent', 'ApplicationConsistent', 'FileSystemConsistent'].includes(mode))
    throw badRequest("The value of parameter 'consistencyMode' is invalid.")
  const excludeDisks = Array.isArray(properties['excludeDisks']) ? (properties['excludeDisks'] as Json[]) : []
  const excluded = excludeDisks.map((disk) => keyOf(textOf(disk, 'id') ?? ''))
  const wanted = vm.disks.filter(({ diskId }) => !excluded.includes(keyOf(diskId ?? '-')))
  const disks = wanted.map(({ name, diskId }) => {
    const disk = world.disks.get(keyOf(diskId ?? ''))
    const refusal = refusalOf(vm, disk, name, mode === 'CrashConsistent')
    if (refusal !== undefined) throw notAllowed(refusal)
    if (disk === undefined) throw notFound('Microsoft.Compute/disks', name, vm.group)
    return disk
  })
  countPoint(world, vm, mode === 'CrashConsistent' ? 'crash' : 'application')
  const points = disks.map((disk) => diskPoint(world, id, disk))
  return {
    id,
    name: nameAt(call, 1),
    vmId: keyOf(vm.id),
    ...(mode === undefined ? {} : { mode }),
    excludeDisks,
    made: world.now(),
    provisioning: 'Creating',
    sourceMetadata: sourceMetadata(world, vm, points),
    disks: points,
  }
}

/** @throws Refusal 409: one at a time for a machine */
function needNoOther(world: World, vm: LabVm): void {
  const all = [...world.collections.values()].flatMap(({ points }) => [...points.values()])
  const other = all.find(
    ({ vmId, id }) => vmId === keyOf(vm.id) && runningAbout(world, id)?.call === 'restorePoints.createOrUpdate',
  )
  if (other !== undefined)
    throw new Refusal(409, 'ConcurrentRestorePointCreation', 'Another restore point is being created for this VM.')
}

function vmOfCollection(world: World, collection: LabCollection): LabVm {
  const vm = world.vms.get(keyOf(collection.source))
  if (vm === undefined)
    throw notFound('Microsoft.Compute/virtualMachines', collection.source.split('/').at(-1) ?? '', collection.group)
  return vm
}

const AGENT_FAULT = {
  code: 'VMAgentStatusCommunicationError',
  message: 'VM Agent unable to communicate with the Azure backup extension; the restore point could not be created.',
}

/** The same name again makes no second point. */
export function putPoint(call: ArmCall): ArmAnswer {
  const collection = collectionOf(call)
  const before = collection.points.get(nameAt(call, 1).toLowerCase())
  if (before !== undefined) {
    const running = runningAbout(call.world, before.id)
    return running === undefined
      ? { status: 200, body: pointView(before) }
      : accepted(call, running, 201, pointView(before))
  }
  const vm = vmOfCollection(call.world, collection)
  needNoOther(call.world, vm)
  const id = idOf(call.world.subscription, collection.group, TYPE, collection.name, nameAt(call, 1))
  const point = freeze(call, vm, id)
  collection.points.set(point.name.toLowerCase(), point)
  const needsAgent = point.mode !== 'CrashConsistent' && vm.state === 'running' && !vm.agent
  const operation = begin(
    call,
    {
      about: id,
      location: collection.location,
      done: () => {
        point.provisioning = 'Succeeded'
      },
      failed: () => {
        point.provisioning = 'Failed'
      },
      output: () => pointView(point),
    },
    needsAgent ? AGENT_FAULT : undefined,
  )
  return accepted(call, operation, 201, pointView(point))
}

export function getPoint(call: ArmCall): ArmAnswer {
  const point = pointOf(call)
  lookAt(call.world, point.id)
  const expanded = call.query.get('$expand')?.toLowerCase() === 'instanceview'
  if (expanded) for (const disk of point.disks) grow(call.world, disk)
  return { status: 200, body: pointView(point, expanded) }
}

export function deletePoint(call: ArmCall): ArmAnswer {
  const collection = collectionOf(call)
  const point = collection.points.get(nameAt(call, 1).toLowerCase())
  if (point === undefined) return { status: 204 }
  needNoAccess(call.world, point)
  const done = (): void => {
    collection.points.delete(point.name.toLowerCase())
  }
  return accepted(call, begin(call, { about: point.id, location: collection.location, done }))
}
