/** Images: over snapshots that are there, so that a restored disk becomes a machine. */
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
import { ec2 } from '../errors.ts'
import { type Filters, filtered, paged } from '../listing.ts'
import type { LabImage, Region } from '../world.ts'
import { snapshotsNamed } from './snapshots-named.ts'

const FILTERS: Filters<LabImage> = {
  architecture: ({ architecture }) => [architecture],
  'block-device-mapping.snapshot-id': ({ devices }) => devices.map(({ snapshotId }) => snapshotId),
  'boot-mode': ({ bootMode }) => [bootMode],
  description: ({ description }) => [description],
  'image-id': ({ id }) => [id],
  'image-type': () => ['machine'],
  'is-public': ({ ownerId }) => [String(ownerId === AMAZON)],
  name: ({ name }) => [name],
  'owner-id': ({ ownerId }) => [ownerId],
  'root-device-name': ({ rootDeviceName }) => [rootDeviceName],
  state: (image) => [stateOf(image)],
}

/** Who owns the public images of the lab. */
export const AMAZON = '137112412989'

const stateOf = ({ asksLeft }: LabImage): string => (asksLeft > 0 ? 'pending' : 'available')

export function imagesNamed(region: Region, ids: readonly string[]): LabImage[] {
  const wrong = ids.find((id) => !/^ami-[0-9a-f]{8}(?:[0-9a-f]{9})?$/.test(id))
  if (wrong !== undefined) throw ec2('InvalidAMIID.Malformed', `Invalid id: "${wrong}" (expecting "ami-...")`)
  return ids.map((id) => {
    const image = region.images.get(id)
    if (image === undefined) throw goneOrNever(region, id)
    return image
  })
}

const goneOrNever = (region: Region, id: string): Error =>
  region.goneImages.has(id)
    ? ec2('InvalidAMIID.Unavailable', `The image ID '${id}' is no longer available`)
    : ec2('InvalidAMIID.NotFound', `The image id '[${id}]' does not exist`)

export const describeImages: Action = (call) => {
  const { world, region, parameters, rights } = call
  rights.need('ec2:DescribeImages')
  const ids = parameters.list('ImageId')
  const aliases: Record<string, string> = { self: world.account, amazon: AMAZON }
  const owners = parameters.list('Owner').map((owner) => aliases[owner] ?? owner)
  parameters.flag('IncludeDeprecated')
  parameters.flag('IncludeDisabled')
  const all = ids.length > 0 ? imagesNamed(region, ids) : [...region.images.values()]
  const owned = all.filter(({ ownerId }) => owners.length === 0 || owners.includes(ownerId))
  const { page, nextToken } = paged(call, filtered(parameters, owned, FILTERS), 'ImageId')
  const imagesSet = page.map((image) => ({
    imageId: image.id,
    imageLocation: `${image.ownerId}/${image.name}`,
    imageState: stateOf(image),
    imageOwnerId: image.ownerId,
    creationDate: instant(image.createdAt),
    isPublic: image.ownerId === AMAZON,
    architecture: image.architecture,
    imageType: 'machine',
    sriovNetSupport: image.sriovNetSupport,
    name: image.name,
    description: image.description,
    rootDeviceType: 'ebs',
    rootDeviceName: image.rootDeviceName,
    blockDeviceMapping: image.devices.map(({ device, snapshotId, sizeGiB, type, deleteOnTermination }) => ({
      deviceName: device,
      ebs: {
        snapshotId,
        volumeSize: sizeGiB,
        deleteOnTermination,
        volumeType: type,
        encrypted: region.snapshots.get(snapshotId)?.encrypted ?? false,
      },
    })),
    virtualizationType: image.virtualization,
    tagSet: tagSet(image.tags),
    hypervisor: 'xen',
    enaSupport: image.enaSupport,
    bootMode: image.bootMode,
    tpmSupport: image.tpmSupport,
    imdsSupport: image.imdsSupport,
    sourceInstanceId: image.sourceInstanceId,
    platformDetails: 'Linux/UNIX',
    usageOperation: 'RunInstances',
  }))
  for (const image of page) image.asksLeft = Math.max(0, image.asksLeft - 1)
  return { imagesSet, nextToken }
}

function oneOf(name: string, value: string | undefined, allowed: readonly string[]): string | undefined {
  if (value !== undefined && !allowed.includes(value))
    throw ec2('InvalidParameterValue', `Value (${value}) for parameter ${name} is invalid.`)
  return value
}

function devicesOf({ region, parameters }: Call): LabImage['devices'] {
  return parameters.members('BlockDeviceMapping').map((member) => {
    const device = parameters.need(`${member}.DeviceName`)
    const snapshotId = parameters.need(`${member}.Ebs.SnapshotId`)
    const [snapshot] = snapshotsNamed(region, [snapshotId])
    if (snapshot?.state !== 'completed')
      throw ec2('InvalidSnapshot.InvalidState', `The snapshot '${snapshotId}' is not in the 'completed' state.`)
    const encrypted = parameters.flag(`${member}.Ebs.Encrypted`)
    if (encrypted !== undefined)
      throw ec2(
        'InvalidBlockDeviceMapping',
        'The encrypted flag cannot be specified since device has a snapshot specified.',
      )
    const sizeGiB = parameters.number(`${member}.Ebs.VolumeSize`) ?? snapshot.sizeGiB
    if (sizeGiB < snapshot.sizeGiB)
      throw ec2(
        'InvalidBlockDeviceMapping',
        `Volume of size ${sizeGiB}GB is smaller than snapshot '${snapshotId}', expect size>= ${snapshot.sizeGiB}GB`,
      )
    const type = parameters.get(`${member}.Ebs.VolumeType`) ?? 'standard'
    const deleteOnTermination = parameters.flag(`${member}.Ebs.DeleteOnTermination`) ?? true
    parameters.number(`${member}.Ebs.Iops`)
    parameters.number(`${member}.Ebs.Throughput`)
    return { device, snapshotId, sizeGiB, type, deleteOnTermination }
  })
}

/** What the machine is like that an image makes. Defaults are those of the call, old as they are. */
function machineOf({ parameters }: Call) {
  const given = {
    bootMode: oneOf('bootMode', parameters.get('BootMode'), ['legacy-bios', 'uefi', 'uefi-preferred']),
    tpmSupport: oneOf('tpmSupport', parameters.get('TpmSupport'), ['v2.0']),
    imdsSupport: oneOf('imdsSupport', parameters.get('ImdsSupport'), ['v2.0']),
    sriovNetSupport: oneOf('sriovNetSupport', parameters.get('SriovNetSupport'), ['simple']),
    uefiData: parameters.get('UefiData'),
  }
  const architectures = ['i386', 'x86_64', 'arm64', 'x86_64_mac', 'arm64_mac']
  const machine = {
    architecture: oneOf('architecture', parameters.get('Architecture'), architectures) ?? 'i386',
    virtualization:
      oneOf('virtualizationType', parameters.get('VirtualizationType'), ['hvm', 'paravirtual']) ?? 'paravirtual',
    enaSupport: parameters.flag('EnaSupport') ?? false,
  }
  if (given.tpmSupport !== undefined && given.bootMode !== 'uefi')
    throw ec2('InvalidParameterCombination', "TpmSupport requires the boot mode 'uefi'.")
  if (machine.architecture === 'arm64' && given.bootMode === 'legacy-bios')
    throw ec2('InvalidParameterCombination', "The boot mode 'legacy-bios' is not supported for arm64.")
  const told = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<LabImage>
  return { ...told, ...machine }
}

/** @throws Refusal for a name that is none, or that another image of the account has */
export function checkName({ world, region }: Call, name: string): void {
  if (!/^[\w()[\] ./'@-]{3,128}$/.test(name))
    throw ec2(
      'InvalidAMIName.Malformed',
      "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, and ()[] ./-'@_",
    )
  const same = [...region.images.values()].find((image) => image.name === name && image.ownerId === world.account)
  if (same !== undefined) throw ec2('InvalidAMIName.Duplicate', `AMI name ${name} is already in use by AMI ${same.id}`)
}

export const registerImage: Action = (call) => {
  const { world, region, parameters } = call
  const name = parameters.need('Name')
  checkName(call, name)
  const devices = devicesOf(call)
  const rootDeviceName = parameters.get('RootDeviceName') ?? '/dev/sda1'
  if (!devices.some(({ device }) => device === rootDeviceName))
    throw ec2('InvalidParameterCombination', `No snapshot found for the root device ${rootDeviceName}.`)
  const machine = machineOf(call)
  const description = parameters.get('Description') ?? ''
  onlyTagsFor(parameters, ['image'])
  const tags = tagsFor(parameters, 'image')
  needToMake(call, 'image', tags)
  for (const snapshot of snapshotsNamed(
    region,
    devices.map(({ snapshotId }) => snapshotId),
  ))
    needOn(call, 'snapshot', snapshot)
  permitted(call)
  const image: LabImage = {
    id: world.newId('ami'),
    name,
    ownerId: world.account,
    description,
    rootDeviceName,
    createdAt: world.now(),
    devices,
    tags,
    asksLeft: world.settings.imageAsks,
    ...machine,
  }
  region.images.set(image.id, image)
  return { imageId: image.id }
}

export const deregisterImage: Action = (call) => {
  const { region, parameters } = call
  const [image] = imagesNamed(region, [parameters.need('ImageId')])
  if (image === undefined) return { return: true }
  const withSnapshots = parameters.flag('DeleteAssociatedSnapshots') === true
  needOn(call, 'image', image)
  permitted(call)
  region.images.delete(image.id)
  region.goneImages.add(image.id)
  if (!withSnapshots) return { return: true }
  const used = new Set(
    [...region.images.values()].flatMap(({ devices }) => devices.map(({ snapshotId }) => snapshotId)),
  )
  const deleteSnapshotResultSet = image.devices.map(({ snapshotId }) => {
    if (used.has(snapshotId)) return { snapshotId, returnCode: 'skipped' }
    region.snapshots.delete(snapshotId)
    return { snapshotId, returnCode: 'success' }
  })
  return { return: true, deleteSnapshotResultSet }
}
