/** Virtual machines: lists, one of them, power, and machines made of disks. */
import { badRequest, notAllowed, notFound } from '../errors.ts'
import type { Attached, Json, LabVm, PowerState, World } from '../world.ts'
import { type ArmAnswer, type ArmCall, group, inner, listed, nameAt, needText, tagsOf, textOf } from './call.ts'
import { accepted, begin, lookAt } from './operations.ts'
import { idOf, keyOf } from './target.ts'

const TYPE = 'Microsoft.Compute/virtualMachines'

/** @throws Refusal 404 */
export function vmOf(call: ArmCall, name = nameAt(call)): LabVm {
  const vm = call.world.vms.get(keyOf(idOf(call.world.subscription, group(call), TYPE, name)))
  if (vm === undefined) throw notFound(TYPE, name, group(call))
  return vm
}

function diskView({ lun, name, caching, createOption, sizeGiB, ...disk }: Attached, vm: LabVm, world: World): Json {
  const { diskId, sku, vhdUri, ephemeral, writeAccelerated } = disk
  const inGuest = diskId !== undefined && (world.disks.get(keyOf(diskId))?.encryptedInGuest ?? false)
  return {
    ...(lun === undefined ? { osType: vm.osType } : { lun }),
    name,
    caching,
    createOption,
    diskSizeGB: sizeGiB,
    ...(writeAccelerated ? { writeAcceleratorEnabled: true } : {}),
    ...(ephemeral ? { diffDiskSettings: { option: 'Local', placement: 'CacheDisk' } } : {}),
    ...(vhdUri === undefined ? {} : { vhd: { uri: vhdUri } }),
    ...(diskId === undefined
      ? {}
      : { managedDisk: { id: diskId, ...(sku === undefined ? {} : { storageAccountType: sku }) } }),
    ...(inGuest && lun === undefined ? { encryptionSettings: { enabled: true } } : {}),
  }
}

export function storageOf(vm: LabVm, world: World): Json {
  const [os] = vm.disks.filter(({ lun }) => lun === undefined)
  const data = vm.disks.filter(({ lun }) => lun !== undefined)
  return {
    ...(os === undefined ? {} : { osDisk: diskView(os, vm, world) }),
    dataDisks: data.map((disk) => diskView(disk, vm, world)),
  }
}

const statuses = ({ state }: LabVm): Json[] => [
  { code: 'ProvisioningState/succeeded', level: 'Info' },
  { code: `PowerState/${state}`, level: 'Info', displayStatus: `VM ${state}` },
]

/** The configuration, without the machine's id and its state. */
export const modelOf = (vm: LabVm, world: World): Json => ({
  hardwareProfile: { vmSize: vm.size },
  ...(vm.securityProfile === undefined ? {} : { securityProfile: vm.securityProfile }),
  ...vm.more,
  storageProfile: storageOf(vm, world),
})

const viewOf = (vm: LabVm, world: World, withState: boolean): Json => ({
  id: vm.id,
  name: vm.name,
  type: TYPE,
  location: vm.location,
  tags: vm.tags,
  ...(vm.zones === undefined ? {} : { zones: vm.zones }),
  properties: {
    vmId: vm.vmId,
    provisioningState: vm.provisioning,
    ...modelOf(vm, world),
    ...(withState
      ? { instanceView: { ...(vm.generation === 'V2' ? { hyperVGeneration: 'V2' } : {}), statuses: statuses(vm) } }
      : {}),
  },
})

/** `statusOnly=true` gives states in the place of configurations. */
const statusOf = (vm: LabVm): Json => ({
  id: vm.id,
  name: vm.name,
  type: TYPE,
  location: vm.location,
  properties: { vmId: vm.vmId, provisioningState: vm.provisioning, instanceView: { statuses: statuses(vm) } },
})

export function listVms(call: ArmCall): ArmAnswer {
  const { world, target, query } = call
  const wanted = [...world.vms.values()].filter(
    (vm) => target.group === undefined || vm.group.toLowerCase() === target.group.toLowerCase(),
  )
  const only = query.get('statusOnly') === 'true'
  return listed(
    call,
    wanted.map((vm) => (only ? statusOf(vm) : viewOf(vm, world, false))),
  )
}

export function getVm(call: ArmCall): ArmAnswer {
  const vm = vmOf(call)
  lookAt(call.world, vm.id)
  return { status: 200, body: viewOf(vm, call.world, call.query.get('$expand')?.toLowerCase() === 'instanceview') }
}

export const instanceViewOf = (call: ArmCall): ArmAnswer => ({ status: 200, body: { statuses: statuses(vmOf(call)) } })

export function power(call: ArmCall, state: PowerState): ArmAnswer {
  const vm = vmOf(call)
  const done = (): void => {
    vm.state = state
    for (const { diskId } of vm.disks) {
      const disk = diskId === undefined ? undefined : call.world.disks.get(keyOf(diskId))
      if (disk !== undefined) disk.state = state === 'deallocated' ? 'Reserved' : 'Attached'
    }
  }
  return accepted(call, begin(call, { about: vm.id, location: vm.location, done }))
}

/** @throws Refusal for a disk that isn't there, or that another machine has */
function attached(call: ArmCall, id: string, asked: Json, isOs: boolean): Attached {
  const diskId = needText(inner(asked, 'managedDisk'), 'id', 'managedDisk.id')
  const disk = call.world.disks.get(keyOf(diskId))
  if (disk === undefined) throw notFound('Microsoft.Compute/disks', diskId.split('/').at(-1) ?? '', group(call))
  if (asked['createOption'] !== 'Attach')
    throw badRequest("The lab makes machines of disks alone: createOption 'Attach'.")
  if (disk.managedBy !== undefined && disk.managedBy !== keyOf(id))
    throw notAllowed(`Cannot attach disk '${disk.name}' because it is already owned by VM '${disk.managedBy}'.`)
  if (disk.managedBy === undefined && disk.state !== 'Unattached')
    throw notAllowed(`Disk '${disk.name}' is in state '${disk.state}' and can't be attached.`)
  return {
    ...(isOs ? {} : { lun: Number(asked['lun'] ?? 0) }),
    name: disk.name,
    caching: textOf(asked, 'caching') ?? 'None',
    createOption: 'Attach',
    sizeGiB: Math.ceil(disk.sizeBytes / 1024 ** 3),
    writeAccelerated: false,
    diskId: disk.id,
    sku: disk.sku,
    ephemeral: false,
  }
}

/** @throws Refusal for a network interface that isn't there, or that is in use */
function needNics({ world, body }: ArmCall, id: string): void {
  const nics = inner(body, 'properties', 'networkProfile')['networkInterfaces']
  if (!Array.isArray(nics) || nics.length === 0) throw badRequest('A machine needs a network interface.')
  for (const each of nics as Json[]) {
    const nic = world.nics.get(keyOf(textOf(each, 'id') ?? ''))
    if (nic === undefined)
      throw badRequest(
        `Resource ${textOf(each, 'id') ?? ''} referenced by resource ${id} was not found.`,
        'InvalidResourceReference',
      )
    nic.properties['virtualMachine'] = { id }
  }
}

function release(world: World, vm: LabVm): void {
  for (const { diskId } of vm.disks) {
    const disk = diskId === undefined ? undefined : world.disks.get(keyOf(diskId))
    if (disk === undefined) continue
    delete disk.managedBy
    disk.state = 'Unattached'
  }
}

function madeFrom(call: ArmCall, id: string, disks: Attached[], before: LabVm | undefined): LabVm {
  const { world, body } = call
  const properties = inner(body, 'properties')
  const { hardwareProfile: _size, storageProfile: _storage, securityProfile, ...more } = properties
  const os = world.disks.get(keyOf(disks[0]?.diskId ?? ''))
  return {
    id,
    name: nameAt(call),
    group: group(call),
    location: needText(body, 'location', 'location'),
    ...(Array.isArray(body['zones']) ? { zones: body['zones'] as string[] } : {}),
    tags: tagsOf(body),
    vmId: before?.vmId ?? world.newGuid(),
    size: needText(inner(properties, 'hardwareProfile'), 'vmSize', 'hardwareProfile.vmSize'),
    state: before?.state ?? 'running',
    osType: os?.osType ?? 'Linux',
    disks,
    generation: os?.generation ?? 'V1',
    ...(securityProfile === undefined ? {} : { securityProfile: securityProfile as Json }),
    more,
    provisioning: 'Creating',
    agent: true,
  }
}

export function putVm(call: ArmCall): ArmAnswer {
  const { world, body } = call
  const id = idOf(world.subscription, group(call), TYPE, nameAt(call))
  const before = world.vms.get(keyOf(id))
  const storage = inner(body, 'properties', 'storageProfile')
  const data = Array.isArray(storage['dataDisks']) ? (storage['dataDisks'] as Json[]) : []
  const disks = [
    attached(call, id, inner(storage, 'osDisk'), true),
    ...data.map((disk) => attached(call, id, disk, false)),
  ]
  needNics(call, id)
  const vm = madeFrom(call, id, disks, before)
  if (before !== undefined) release(world, before)
  for (const { diskId } of disks) {
    const disk = world.disks.get(keyOf(diskId ?? ''))
    if (disk !== undefined) Object.assign(disk, { managedBy: keyOf(id), state: 'Attached' })
  }
  world.vms.set(keyOf(id), vm)
  const operation = begin(call, {
    about: id,
    location: vm.location,
    done: () => {
      vm.provisioning = 'Succeeded'
    },
    failed: () => {
      vm.provisioning = 'Failed'
    },
    output: () => viewOf(vm, world, false),
  })
  return accepted(call, operation, before === undefined ? 201 : 200, viewOf(vm, world, false))
}

export function deleteVm(call: ArmCall): ArmAnswer {
  const vm = call.world.vms.get(keyOf(idOf(call.world.subscription, group(call), TYPE, nameAt(call))))
  if (vm === undefined) return { status: 204 }
  const done = (): void => {
    call.world.vms.delete(keyOf(vm.id))
    release(call.world, vm)
  }
  return accepted(call, begin(call, { about: vm.id, location: vm.location, done }))
}
