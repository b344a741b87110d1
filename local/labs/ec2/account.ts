/** The account a lab shows: short forms in which tests describe instances, and what stands for the rest. */
import { AMAZON } from './actions/images.ts'
import { Disk, type DiskContent } from './disk.ts'
import { defaultKey, keyArn } from './keys.ts'
import type { InstanceState, LabInstance, LabSnapshot, LabVolume, Region, Tags, World } from './world.ts'
import { volumeOf } from './actions/volumes.ts'

export interface VolumeSpec {
  id?: string
  /** As `/dev/xvda`. */
  device: string
  sizeGiB: number
  encrypted?: boolean
  /** ARN, id or alias; the account's default key unless told. */
  kmsKeyId?: string
  type?: string
  iops?: number
  throughput?: number
  /** What was written on it; nothing unless told. */
  content?: DiskContent
  tags?: Record<string, string>
  outpostArn?: string
  productCodes?: string[]
  deleteOnTermination?: boolean
}

export interface InstanceSpec {
  id?: string
  /** The tag `Name`. */
  name?: string
  tags?: Record<string, string>
  /** Its Region is part of the name; the first zone of the first Region unless told. */
  zone?: string
  state?: InstanceState
  volumes?: VolumeSpec[]
  /** The device of the first volume unless told. */
  rootDeviceName?: string
  rootDeviceType?: 'ebs' | 'instance-store'
  imageId?: string
  type?: string
  architecture?: string
  bootMode?: string
  tpmSupport?: string
  enaSupport?: boolean
  sriovNetSupport?: string
  /** `windows` for Windows. */
  platform?: string
  platformDetails?: string
  usageOperation?: string
  /** As `spot`. */
  lifecycle?: string
  outpostArn?: string
  hibernation?: boolean
  productCodes?: string[]
  /** Becomes the tag that Auto Scaling puts on its instances. */
  autoScalingGroup?: string
  launchedAt?: Date
}

const PUBLIC_IMAGE = 'ami-0abcdef1234567890'

export function regionFrom(world: World, name: string): Region {
  const region: Region = {
    name,
    zones: ['a', 'b', 'c'].map((letter) => `${name}${letter}`),
    instances: new Map(),
    volumes: new Map(),
    snapshots: new Map(),
    images: new Map(),
    goneImages: new Set(),
  }
  // A list that doesn't ask for an owner's snapshots has those that Amazon made public, too.
  const theirs = { ...foreignSnapshot(world), id: 'snap-0abcdef1234567890' }
  region.snapshots.set(theirs.id, theirs)
  region.images.set(PUBLIC_IMAGE, {
    id: PUBLIC_IMAGE,
    name: 'al2023-ami-2023.6.20250101.0-kernel-6.1-x86_64',
    ownerId: AMAZON,
    description: 'Amazon Linux 2023 AMI',
    architecture: 'x86_64',
    virtualization: 'hvm',
    bootMode: 'uefi-preferred',
    enaSupport: true,
    rootDeviceName: '/dev/xvda',
    createdAt: new Date('2025-01-01T00:00:00Z'),
    devices: [{ device: '/dev/xvda', snapshotId: theirs.id, sizeGiB: 8, type: 'gp3', deleteOnTermination: true }],
    tags: new Map(),
    asksLeft: 0,
  })
  return region
}

const foreignSnapshot = (world: World): LabSnapshot => ({
  id: world.newId('snap'),
  volumeId: 'vol-ffffffff',
  ownerId: AMAZON,
  description: 'Amazon Linux',
  sizeGiB: 8,
  state: 'completed',
  asksLeft: 0,
  asksAtFirst: 0,
  hiddenFor: 0,
  startedAt: new Date('2025-01-01T00:00:00Z'),
  completedAt: new Date('2025-01-01T00:10:00Z'),
  encrypted: false,
  storageTier: 'standard',
  tags: new Map(),
  disk: new Disk(8),
})

function tagsOf({ name, tags = {}, autoScalingGroup }: InstanceSpec): Tags {
  return new Map([
    ...(name === undefined ? [] : [['Name', name] as const]),
    ...Object.entries(tags),
    ...(autoScalingGroup === undefined ? [] : [['aws:autoscaling:groupName', autoScalingGroup] as const]),
  ])
}

function given<T extends object>(from: T, names: readonly (keyof T)[]): Partial<T> {
  const kept = names.filter((name) => from[name] !== undefined).map((name) => [name, from[name]])
  return Object.fromEntries(kept) as Partial<T>
}

const PASSED_ON = ['bootMode', 'tpmSupport', 'sriovNetSupport', 'platform', 'lifecycle', 'outpostArn'] as const

function volumeFrom(world: World, region: Region, instance: LabInstance, spec: VolumeSpec): LabVolume {
  const at = { world, region }
  const { device, sizeGiB, type = 'gp3', content, tags = {}, kmsKeyId, deleteOnTermination = true } = spec
  const encrypted = spec.encrypted ?? kmsKeyId !== undefined
  const key = kmsKeyId === undefined ? defaultKey(at) : (keyArn(at, kmsKeyId) ?? kmsKeyId)
  return volumeOf(at, {
    zone: instance.zone,
    sizeGiB,
    type,
    disk: new Disk(sizeGiB, content),
    ...given(spec, ['id', 'iops', 'throughput', 'outpostArn', 'productCodes']),
    encrypted,
    ...(encrypted ? { kmsKeyId: key } : {}),
    tags: new Map(Object.entries(tags)),
    state: 'in-use',
    attachment: { instanceId: instance.id, device, deleteOnTermination, attachedAt: instance.launchedAt },
  })
}

/** @throws Error when the zone belongs to no Region of the lab, or an id is taken */
export function addInstance(world: World, spec: InstanceSpec): LabInstance {
  const regions = [...world.regions.values()]
  const zone = spec.zone ?? regions[0]?.zones[0] ?? ''
  const region = regions.find(({ zones }) => zones.includes(zone))
  if (region === undefined) throw new Error(`The lab has no zone ${zone}.`)
  const { volumes = [{ device: '/dev/xvda', sizeGiB: 1 }], rootDeviceType = 'ebs', platform } = spec
  const windows = platform === 'windows'
  const instance: LabInstance = {
    id: spec.id ?? world.newId('i'),
    zone,
    state: spec.state ?? 'running',
    imageId: spec.imageId ?? PUBLIC_IMAGE,
    type: spec.type ?? 't3.micro',
    architecture: spec.architecture ?? 'x86_64',
    ...given(spec, PASSED_ON),
    enaSupport: spec.enaSupport ?? true,
    rootDeviceName: spec.rootDeviceName ?? volumes[0]?.device ?? '/dev/xvda',
    rootDeviceType,
    platformDetails: spec.platformDetails ?? (windows ? 'Windows' : 'Linux/UNIX'),
    usageOperation: spec.usageOperation ?? (windows ? 'RunInstances:0002' : 'RunInstances'),
    hibernation: spec.hibernation ?? false,
    restarts: 0,
    productCodes: spec.productCodes ?? [],
    launchedAt: spec.launchedAt ?? world.now(),
    reservationId: world.newId('r'),
    privateIp: `10.0.0.${(region.instances.size % 250) + 4}`,
    tags: tagsOf(spec),
  }
  if (region.instances.has(instance.id)) throw new Error(`The lab has an instance ${instance.id} already.`)
  region.instances.set(instance.id, instance)
  for (const each of volumes) {
    const volume = volumeFrom(world, region, instance, each)
    if (region.volumes.has(volume.id)) throw new Error(`The lab has a volume ${volume.id} already.`)
    region.volumes.set(volume.id, volume)
  }
  return instance
}
