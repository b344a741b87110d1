/** Managed disks: made by upload or as a copy, read and written by signatures. */
import { FOOTER_BYTES, footerOf } from '../disks/vhd.ts'
import { Pages } from '../disks/pages.ts'
import { badRequest, notAllowed, notFound } from '../errors.ts'
import type { Blob, Exported, Json, LabDisk, LabSnapshot, World } from '../world.ts'
import { beginAccess, endAccess, isAlive } from './access.ts'
import { type ArmAnswer, type ArmCall, group, inner, listed, nameAt, needText, tagsOf, textOf } from './call.ts'
import { accepted, begin, lookAt } from './operations.ts'
import { idOf, keyOf } from './target.ts'

const TYPE = 'Microsoft.Compute/disks'
const MIB = 1024 ** 2
const keyIn = (call: ArmCall): string => keyOf(idOf(call.world.subscription, group(call), TYPE, nameAt(call)))

function diskOf(call: ArmCall): LabDisk {
  const disk = call.world.disks.get(keyIn(call))
  if (disk === undefined) throw notFound(TYPE, nameAt(call), group(call))
  return disk
}

function stateOf(world: World, disk: LabDisk): string {
  if (!isAlive(world, disk)) return disk.state
  return disk.access?.right === 'Write' ? 'ActiveUpload' : 'ActiveSAS'
}

const viewOf = (world: World, disk: LabDisk): Json => ({
  id: disk.id,
  name: disk.name,
  type: TYPE,
  location: disk.location,
  ...(disk.zones === undefined ? {} : { zones: disk.zones }),
  tags: disk.tags,
  sku: { name: disk.sku },
  ...(disk.managedBy === undefined ? {} : { managedBy: world.vms.get(disk.managedBy)?.id ?? disk.managedBy }),
  properties: {
    ...(disk.osType === undefined ? {} : { osType: disk.osType }),
    hyperVGeneration: disk.generation,
    creationData: {
      ...disk.creationData,
      ...(disk.logicalSectorSize === undefined ? {} : { logicalSectorSize: disk.logicalSectorSize }),
    },
    provisioningState: disk.provisioning,
    diskState: stateOf(world, disk),
    completionPercent: disk.completionPercent,
    diskSizeGB: Math.ceil(disk.sizeBytes / 1024 ** 3),
    diskSizeBytes: disk.sizeBytes,
    ...(disk.maxShares === undefined ? {} : { maxShares: disk.maxShares }),
    ...(disk.encryptedInGuest
      ? { encryptionSettingsCollection: { enabled: true, encryptionSettingsVersion: '1.1' } }
      : {}),
    ...(disk.securityProfile === undefined ? {} : { securityProfile: disk.securityProfile }),
    networkAccessPolicy: disk.networkAccessPolicy,
    publicNetworkAccess: disk.publicNetworkAccess,
    uniqueId: disk.uniqueId,
    timeCreated: disk.made.toISOString(),
  },
})

/** A blank blob for an upload, or the bytes of what is copied. @throws Refusal */
function contentOf(
  world: World,
  creationData: Json,
  location: string,
): { blob: Blob; sizeBytes: number; from?: Exported } {
  const made = world.now()
  const etag = `"0x${world.newGuid().replaceAll('-', '').slice(0, 15).toUpperCase()}"`
  const option = creationData['createOption']
  if (option === 'Upload' || option === 'UploadPreparedSecure') {
    const length = Number(creationData['uploadSizeBytes'])
    if (!Number.isInteger(length) || length <= FOOTER_BYTES || (length - FOOTER_BYTES) % MIB !== 0)
      throw badRequest('The uploadSizeBytes must be whole MiB and the 512 bytes of the footer.')
    return { blob: { pages: new Pages(length), etag, modified: made }, sizeBytes: length - FOOTER_BYTES }
  }
  if (option === 'Empty') throw badRequest('The lab makes disks by Upload, Copy and Restore.')
  const source = keyOf(needText(creationData, 'sourceResourceId', 'creationData.sourceResourceId'))
  const points = [...world.collections.values()].flatMap(({ points: of }) =>
    [...of.values()].flatMap(({ disks }) => disks),
  )
  const from: LabSnapshot | LabDisk | undefined = world.snapshots.get(source) ?? world.disks.get(source)
  const point = points.find(({ id }) => keyOf(id) === source)
  const found: Exported | undefined = from ?? point
  if (found === undefined) throw notFound('Microsoft.Compute/snapshots', source.split('/').at(-1) ?? '', '')
  if (from !== undefined && from.location !== location)
    throw badRequest('The source must be in the location of the disk.')
  return {
    blob: { pages: found.blob.pages.copy(), etag, modified: made },
    sizeBytes: found.blob.pages.length - FOOTER_BYTES,
    from: found,
  }
}

function madeFrom(call: ArmCall): LabDisk {
  const { world, body } = call
  const properties = inner(body, 'properties')
  const creationData = inner(properties, 'creationData')
  const location = needText(body, 'location', 'location')
  const { blob, sizeBytes, from } = contentOf(world, creationData, location)
  const uniqueId = world.newGuid()
  if (from !== undefined) blob.pages.write(sizeBytes, footerOf(sizeBytes, uniqueId, world.now()))
  const osType = textOf(properties, 'osType')
  const security = inner(properties, 'securityProfile')
  return {
    id: idOf(world.subscription, group(call), TYPE, nameAt(call)),
    name: nameAt(call),
    group: group(call),
    location,
    ...(Array.isArray(body['zones']) ? { zones: body['zones'] as string[] } : {}),
    tags: tagsOf(body),
    sku: textOf(inner(body, 'sku'), 'name') ?? 'Standard_LRS',
    sizeBytes,
    uniqueId,
    lineage: uniqueId,
    ...(osType === 'Linux' || osType === 'Windows' ? { osType } : {}),
    generation: properties['hyperVGeneration'] === 'V2' ? 'V2' : 'V1',
    encryptedInGuest: false,
    creationData,
    state: from === undefined ? 'ReadyToUpload' : 'Unattached',
    provisioning: 'Updating',
    made: world.now(),
    ...(Object.keys(security).length === 0 ? {} : { securityProfile: security }),
    blob,
    networkAccessPolicy: textOf(properties, 'networkAccessPolicy') ?? 'AllowAll',
    publicNetworkAccess: textOf(properties, 'publicNetworkAccess') ?? 'Enabled',
    completionPercent: 100,
  }
}

/** The same name again makes no second disk. */
export function putDisk(call: ArmCall): ArmAnswer {
  const { world } = call
  const before = world.disks.get(keyIn(call))
  const disk = before ?? madeFrom(call)
  if (before !== undefined) before.tags = tagsOf(call.body)
  world.disks.set(keyIn(call), disk)
  const ends = (provisioning: string) => (): void => {
    disk.provisioning = provisioning
  }
  const operation = begin(call, {
    about: disk.id,
    location: disk.location,
    done: ends('Succeeded'),
    failed: ends('Failed'),
    output: () => viewOf(world, disk),
  })
  return accepted(call, operation, 202, viewOf(world, disk))
}

export function getDisk(call: ArmCall): ArmAnswer {
  const disk = diskOf(call)
  lookAt(call.world, disk.id)
  return { status: 200, body: viewOf(call.world, disk) }
}

export function listDisks(call: ArmCall): ArmAnswer {
  const { world, target } = call
  const wanted = [...world.disks.values()].filter(
    (each) => target.group === undefined || each.group.toLowerCase() === target.group.toLowerCase(),
  )
  return listed(
    call,
    wanted.map((each) => viewOf(world, each)),
  )
}

export function beginDisk(call: ArmCall): ArmAnswer {
  const disk = diskOf(call)
  return beginAccess(call, disk, disk.location, (right) => {
    if (right === 'Write' && disk.state !== 'ReadyToUpload')
      throw notAllowed(`Write access is given to disks in state ReadyToUpload; disk ${disk.name} is in ${disk.state}.`)
    if (right === 'Read' && disk.state === 'Attached')
      throw notAllowed(`Disk ${disk.name} is attached to a running VM: no shared access signature can be given.`)
    if (right === 'Read' && disk.state === 'ReadyToUpload') throw notAllowed(`Disk ${disk.name} waits for its upload.`)
  })
}

/** An upload is over: the disk can be attached. */
export function endDisk(call: ArmCall): ArmAnswer {
  const disk = diskOf(call)
  const uploaded = disk.access?.right === 'Write'
  return endAccess(call, disk, disk.location, () => {
    if (uploaded) disk.state = 'Unattached'
  })
}

export function deleteDisk(call: ArmCall): ArmAnswer {
  const disk = call.world.disks.get(keyIn(call))
  if (disk === undefined) return { status: 204 }
  if (isAlive(call.world, disk))
    throw notAllowed(
      `Cannot delete disk ${disk.name} as it has an active shared access signature. Call EndGetAccess first.`,
    )
  if (disk.managedBy !== undefined) throw notAllowed(`Disk ${disk.name} is attached to VM ${disk.managedBy}.`)
  const done = (): void => {
    call.world.disks.delete(keyOf(disk.id))
  }
  return accepted(call, begin(call, { about: disk.id, location: disk.location, done }))
}
