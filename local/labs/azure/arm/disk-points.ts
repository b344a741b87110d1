/** One disk of a restore point. */
import { notFound } from '../errors.ts'
import type { Json, LabDiskPoint } from '../world.ts'
import { beginAccess, endAccess } from './access.ts'
import { type ArmAnswer, type ArmCall, group, listed, nameAt } from './call.ts'
import { collectionOf } from './collections.ts'
import { lookAt } from './operations.ts'
import { grow } from './point-view.ts'
import { pointOf } from './points.ts'

const TYPE = 'Microsoft.Compute/restorePointCollections/restorePoints/diskRestorePoints'

function diskPointOf(call: ArmCall): LabDiskPoint {
  const wanted = nameAt(call, 2).toLowerCase()
  const found = pointOf(call).disks.find(({ name }) => name.toLowerCase() === wanted)
  if (found === undefined) throw notFound(TYPE, call.target.names.join('/'), group(call))
  return found
}

const viewOf = (disk: LabDiskPoint): Json => ({
  id: disk.id,
  name: disk.name,
  properties: {
    timeCreated: disk.made.toISOString(),
    sourceResourceId: disk.diskId,
    sourceUniqueId: disk.sourceUniqueId,
    ...(disk.osType === undefined ? {} : { osType: disk.osType }),
    hyperVGeneration: disk.generation,
    familyId: disk.lineage,
    networkAccessPolicy: disk.networkAccessPolicy,
    publicNetworkAccess: disk.publicNetworkAccess,
    completionPercent: disk.completionPercent,
    ...(disk.logicalSectorSize === undefined ? {} : { logicalSectorSize: disk.logicalSectorSize }),
    encryption: { type: 'EncryptionAtRestWithPlatformKey' },
  },
})

export function getDiskPoint(call: ArmCall): ArmAnswer {
  const disk = diskPointOf(call)
  lookAt(call.world, disk.id)
  grow(call.world, disk)
  return { status: 200, body: viewOf(disk) }
}

export const listDiskPoints = (call: ArmCall): ArmAnswer => listed(call, pointOf(call).disks.map(viewOf))

export const beginDiskPoint = (call: ArmCall): ArmAnswer =>
  beginAccess(call, diskPointOf(call), collectionOf(call).location)

export const endDiskPoint = (call: ArmCall): ArmAnswer =>
  endAccess(call, diskPointOf(call), collectionOf(call).location)
