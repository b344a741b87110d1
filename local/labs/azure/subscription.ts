/** Machines put into a subscription, with their disks, as somebody made them before. */
import { FOOTER_BYTES, footerOf } from './disks/vhd.ts'
import { type DiskContent, MIB } from './disks/content.ts'
import { Pages } from './disks/pages.ts'
import { idOf, keyOf } from './arm/target.ts'
import type { Attached, Json, LabDisk, LabVm, PowerState, Tags, World } from './world.ts'

const GIB = 1024 ** 3

export interface DiskSpec {
  name: string
  /** Whole MiB. */
  sizeBytes: number
  content?: DiskContent
  /** `Premium_LRS` unless told. */
  sku?: string
  /** `managed` unless told. Only managed ones have bytes. */
  kind?: 'managed' | 'unmanaged' | 'ephemeral'
  caching?: string
  /** More than 1: shared. */
  maxShares?: number
  /** By Azure Disk Encryption, inside of the guest. */
  encryptedInGuest?: boolean
  writeAccelerated?: boolean
  networkAccessPolicy?: 'AllowAll' | 'AllowPrivate' | 'DenyAll'
  publicNetworkAccess?: 'Enabled' | 'Disabled'
  /** 4,096: its export is VHDX, and the content is the whole of that file. */
  logicalSectorSize?: 512 | 4096
}

export interface VmSpec {
  name: string
  group: string
  location?: string
  zones?: readonly string[]
  tags?: Tags
  vmId?: string
  size?: string
  state?: PowerState
  osType?: 'Linux' | 'Windows'
  generation?: 'V1' | 'V2'
  securityProfile?: Json
  /** The guest agent answers; it does unless told. */
  agent?: boolean
  /** The first is the OS disk. */
  disks: readonly DiskSpec[]
}

const DEFAULT_LOCATION = 'westeurope'

export function addGroup(world: World, name: string, location = DEFAULT_LOCATION): void {
  const key = name.toLowerCase()
  if (world.groups.has(key)) return
  world.groups.set(key, { id: `/subscriptions/${world.subscription}/resourceGroups/${name}`, name, location, tags: {} })
}

/** VHD: the content and a footer. VHDX: the content as it is. */
function pagesOf({ sizeBytes, content, logicalSectorSize }: DiskSpec, uniqueId: string, made: Date): Pages {
  if (logicalSectorSize === 4096) {
    const length = content?.ranges.at(-1)?.end ?? MIB
    return new Pages(Math.ceil(length / MIB) * MIB, content)
  }
  const pages = new Pages(sizeBytes + FOOTER_BYTES, content)
  pages.write(sizeBytes, footerOf(sizeBytes, uniqueId, made))
  return pages
}

function managedDisk(world: World, vm: VmSpec, spec: DiskSpec, isOs: boolean): LabDisk {
  const uniqueId = world.newGuid()
  const made = world.now()
  return {
    id: idOf(world.subscription, vm.group, 'Microsoft.Compute/disks', spec.name),
    name: spec.name,
    group: vm.group,
    location: vm.location ?? DEFAULT_LOCATION,
    ...(vm.zones === undefined ? {} : { zones: vm.zones }),
    tags: {},
    sku: spec.sku ?? 'Premium_LRS',
    sizeBytes: spec.sizeBytes,
    uniqueId,
    lineage: uniqueId,
    ...(isOs ? { osType: vm.osType ?? 'Linux' } : {}),
    generation: vm.generation ?? 'V2',
    ...(spec.logicalSectorSize === undefined ? {} : { logicalSectorSize: spec.logicalSectorSize }),
    ...(spec.maxShares === undefined ? {} : { maxShares: spec.maxShares }),
    encryptedInGuest: spec.encryptedInGuest ?? false,
    creationData: { createOption: isOs ? 'FromImage' : 'Empty' },
    state: vm.state === 'deallocated' ? 'Reserved' : 'Attached',
    provisioning: 'Succeeded',
    made,
    ...(vm.securityProfile === undefined || !isOs
      ? {}
      : { securityProfile: { securityType: vm.securityProfile['securityType'] } }),
    managedBy: keyOf(idOf(world.subscription, vm.group, 'Microsoft.Compute/virtualMachines', vm.name)),
    blob: {
      pages: pagesOf(spec, uniqueId, made),
      etag: `"0x${uniqueId.replaceAll('-', '').slice(0, 15).toUpperCase()}"`,
      modified: made,
    },
    networkAccessPolicy: spec.networkAccessPolicy ?? 'AllowAll',
    publicNetworkAccess: spec.publicNetworkAccess ?? 'Enabled',
    completionPercent: 100,
  }
}

function attach(world: World, vm: VmSpec, spec: DiskSpec, place: number): Attached {
  const isOs = place === 0
  const common = {
    ...(isOs ? {} : { lun: place - 1 }),
    name: spec.name,
    caching: spec.caching ?? (isOs ? 'ReadWrite' : 'None'),
    createOption: isOs ? 'FromImage' : 'Attach',
    sizeGiB: Math.ceil(spec.sizeBytes / GIB),
    writeAccelerated: spec.writeAccelerated ?? false,
    ephemeral: spec.kind === 'ephemeral',
  }
  if (spec.kind === 'unmanaged')
    return { ...common, vhdUri: `https://labaccount.blob.core.windows.net/vhds/${spec.name}.vhd` }
  const disk = managedDisk(world, vm, spec, isOs)
  world.disks.set(keyOf(disk.id), disk)
  return { ...common, diskId: disk.id, sku: disk.sku }
}

/** @throws Error for a disk whose size isn't whole MiB */
export function addVm(world: World, spec: VmSpec): LabVm {
  for (const { name, sizeBytes } of spec.disks)
    if (sizeBytes % MIB !== 0) throw new Error(`The size of disk ${name} is not whole MiB: ${sizeBytes}.`)
  addGroup(world, spec.group, spec.location)
  const id = idOf(world.subscription, spec.group, 'Microsoft.Compute/virtualMachines', spec.name)
  const nicId = idOf(world.subscription, spec.group, 'Microsoft.Network/networkInterfaces', `${spec.name}-nic`)
  const location = spec.location ?? DEFAULT_LOCATION
  const common = { group: spec.group, location, tags: {} }
  world.nics.set(keyOf(nicId), {
    id: nicId,
    name: `${spec.name}-nic`,
    ...common,
    properties: { virtualMachine: { id } },
  })
  const vm: LabVm = {
    id,
    name: spec.name,
    group: spec.group,
    location,
    ...(spec.zones === undefined ? {} : { zones: spec.zones }),
    tags: spec.tags ?? {},
    vmId: spec.vmId ?? world.newGuid(),
    size: spec.size ?? 'Standard_D2s_v5',
    state: spec.state ?? 'running',
    osType: spec.osType ?? 'Linux',
    disks: spec.disks.map((disk, place) => attach(world, spec, disk, place)),
    generation: spec.generation ?? 'V2',
    ...(spec.securityProfile === undefined ? {} : { securityProfile: spec.securityProfile }),
    more: { osProfile: { computerName: spec.name }, networkProfile: { networkInterfaces: [{ id: nicId }] } },
    provisioning: 'Succeeded',
    agent: spec.agent ?? true,
  }
  world.vms.set(keyOf(id), vm)
  return vm
}
