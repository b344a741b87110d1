/** Guests as a whole: copy, remove, register, change. */
import { basename } from 'node:path/posix'
import {
  duplicateName,
  invalidArgument,
  invalidPowerState,
  noDiskSpace,
  notSupported,
  objectNotFound,
} from '../wire/faults.ts'
import { ref, type Value } from '../wire/values.ts'
import type { Element } from '../wire/xml.ts'
import { refTo } from '../properties/references.ts'
import { cloneGuest } from '../world/clone.ts'
import { linksOf } from '../world/files.ts'
import { removeGuestFiles, writeGuestFiles } from '../world/guest-files.ts'
import { datacenterOf, splitPath } from '../world/paths.ts'
import { registerGuest } from '../world/register.ts'
import { demand } from '../world/rights.ts'
import { demandIdle } from '../world/tasks.ts'
import {
  datastoreOf,
  entriesOf,
  entryOf,
  type Folder,
  type Guest,
  guests,
  type Pool,
  type Snapshot,
  type World,
} from '../world/world.ts'
import { type Call, entryNamed, guestOf, type Method, userOf } from './call.ts'
import { guestTask, task } from './tasks.ts'

function sameName(world: World, folderId: string, name: string): Guest | undefined {
  return guests(world).find(({ parent, name: taken }) => parent === folderId && taken === name)
}

function forget(world: World, guest: Guest): void {
  for (const { id } of guest.snapshots) world.snapshots.delete(id)
  world.entries.delete(guest.id)
}

function snapshotIn(guest: Guest, spec: Element): Snapshot | undefined {
  const id = spec.idOf('snapshot')
  if (id === undefined) return undefined
  const snapshot = guest.snapshots.find((each) => each.id === id)
  if (snapshot === undefined) throw objectNotFound(ref('VirtualMachineSnapshot', id))
  return snapshot
}

function poolFor(call: Call, guest: Guest, location: Element | undefined, asTemplate: boolean): Pool | undefined {
  const id = location?.idOf('pool') ?? guest.poolId
  const pool = entryOf(call.world, 'ResourcePool', id)
  if (pool === undefined && id !== undefined) throw objectNotFound(ref('ResourcePool', id))
  if (pool === undefined && !asTemplate) throw invalidArgument('spec.location.pool')
  return pool
}

/** A host that runs what the pool holds. */
function hostFor(world: World, pool: Pool | undefined, fallback: string): string {
  return entriesOf(world, 'HostSystem').find(({ parent }) => parent === pool?.owner)?.id ?? fallback
}

export const CloneVM_Task: Method = {
  on: ['VirtualMachine'],
  parameters: 'folder:@Folder name:string spec:VirtualMachineCloneSpec',
  run: (call) => {
    const { world, input } = call
    if (world.product.kind === 'host') throw notSupported()
    const guest = guestOf(call)
    const [user, spec] = [userOf(call), input.child('spec')]
    const folder = entryNamed(call, 'Folder', 'folder')
    if (spec === undefined || folder === undefined) throw invalidArgument('spec')
    const location = spec.child('location')
    const template = spec.flagOf('template') ?? false
    const pool = poolFor(call, guest, location, template)
    const datastoreId = location?.idOf('datastore') ?? guest.datastoreId
    const datastore = entryOf(world, 'Datastore', datastoreId)
    if (datastore === undefined) throw objectNotFound(ref('Datastore', datastoreId))
    const snapshot = snapshotIn(guest, spec)
    demand(
      world,
      user,
      guest,
      guest.template ? 'VirtualMachine.Provisioning.DeployTemplate' : 'VirtualMachine.Provisioning.Clone',
    )
    demand(world, user, folder, 'VirtualMachine.Inventory.CreateFromExisting')
    if (pool !== undefined) demand(world, user, pool, 'Resource.AssignVMToPool')
    demand(world, user, datastore, 'Datastore.AllocateSpace')
    const name = input.textOf('name') ?? ''
    return guestTask(call, guest, () => {
      const there = sameName(world, folder.id, name)
      if (there !== undefined) throw duplicateName(name, refTo(there))
      const bytes = guest.disks.reduce((sum, { capacityBytes }) => sum + capacityBytes, 0)
      if (bytes > datastore.freeBytes) throw noDiskSpace(datastore.name)
      datastore.freeBytes -= bytes
      const clone = cloneGuest(world, guest, {
        name,
        folderId: folder.id,
        poolId: template ? undefined : pool?.id,
        hostId: location?.idOf('host') ?? hostFor(world, pool, guest.hostId),
        datastore,
        template,
        annotation: spec.child('config')?.textOf('annotation'),
        linkOf: (disk) => (snapshot === undefined ? disk.top : snapshot.links.get(disk.key)),
      })
      if (spec.flagOf('powerOn') === true) clone.powerState = 'poweredOn'
      return refTo(clone)
    })
  },
}

export const Destroy_Task: Method = {
  on: ['VirtualMachine'],
  parameters: '',
  privilege: 'VirtualMachine.Inventory.Delete',
  run: (call) => {
    const { world } = call
    const guest = guestOf(call)
    return guestTask(call, guest, () => {
      if (guest.powerState === 'poweredOn') throw invalidPowerState('poweredOff', guest.powerState)
      for (const { datastoreId, blocks } of linksOf(guest))
        datastoreOf(world, datastoreId).freeBytes += blocks.sizeBytes
      removeGuestFiles(world, guest)
      forget(world, guest)
      return undefined
    })
  },
}

export const UnregisterVM: Method = {
  on: ['VirtualMachine'],
  parameters: '',
  privilege: 'VirtualMachine.Inventory.Unregister',
  run: (call) => {
    const guest = guestOf(call)
    demandIdle(call.world, guest)
    if (guest.powerState === 'poweredOn') throw invalidPowerState('poweredOff', guest.powerState)
    forget(call.world, guest)
    return undefined
  },
}

function folderOf({ world, target }: Call): Folder {
  const folder = entryOf(world, 'Folder', target.id)
  if (folder === undefined) throw objectNotFound(ref(target.type, target.id))
  return folder
}

export const RegisterVM_Task: Method = {
  on: ['Folder'],
  parameters: 'path:string name:string? asTemplate:boolean pool:@ResourcePool? host:@HostSystem?',
  privilege: 'VirtualMachine.Inventory.Register',
  run: (call) => {
    const { world, input } = call
    const folder = folderOf(call)
    const template = input.flagOf('asTemplate') ?? false
    const pool = entryNamed(call, 'ResourcePool', 'pool')
    const host = entryNamed(call, 'HostSystem', 'host')
    if (pool === undefined && !template) throw invalidArgument('pool')
    if (pool !== undefined) demand(world, userOf(call), pool, 'Resource.AssignVMToPool')
    return task(call, folder, () => {
      const { datastore, path } = splitPath(world, input.textOf('path') ?? '', datacenterOf(world, folder)?.id)
      const name = input.textOf('name') ?? basename(path).replace(/\.vmx$/, '')
      const there = sameName(world, folder.id, name)
      const guest = registerGuest(world, {
        datastore,
        path,
        name: input.textOf('name'),
        folderId: folder.id,
        poolId: template ? undefined : pool?.id,
        hostId: host?.id ?? hostFor(world, pool, entriesOf(world, 'HostSystem')[0]?.id ?? ''),
        template,
      })
      if (there !== undefined) {
        forget(world, guest)
        throw duplicateName(name, refTo(there))
      }
      return refTo(guest)
    })
  },
}

function changeNetwork(guest: Guest, change: Element): void {
  const device = change.child('device')
  const key = Number(device?.textOf('key'))
  const nic = guest.nics.find((each) => each.key === key)
  const connectable = device?.child('connectable')
  if (change.textOf('operation') !== 'edit' || nic === undefined) throw invalidArgument('spec.deviceChange')
  nic.connected = connectable?.flagOf('connected') ?? nic.connected
  nic.startConnected = connectable?.flagOf('startConnected') ?? nic.startConnected
}

const RIGHTS: Readonly<Record<string, string>> = {
  name: 'VirtualMachine.Config.Rename',
  annotation: 'VirtualMachine.Config.Annotation',
  deviceChange: 'VirtualMachine.Config.EditDevice',
  changeTrackingEnabled: 'VirtualMachine.Config.ChangeTracking',
}

export const ReconfigVM_Task: Method = {
  on: ['VirtualMachine'],
  parameters: 'spec:VirtualMachineConfigSpec',
  run: (call): Value => {
    const { world, input } = call
    const guest = guestOf(call)
    const spec = input.child('spec')
    for (const { name } of spec?.children ?? []) {
      const right = RIGHTS[name]
      if (right === undefined) throw invalidArgument(`spec.${name}`)
      demand(world, userOf(call), guest, right)
    }
    return guestTask(call, guest, () => {
      guest.name = spec?.textOf('name') ?? guest.name
      guest.annotation = spec?.textOf('annotation') ?? guest.annotation
      guest.changeTracking = spec?.flagOf('changeTrackingEnabled') ?? guest.changeTracking
      for (const change of spec?.all('deviceChange') ?? []) changeNetwork(guest, change)
      writeGuestFiles(world, guest)
      return undefined
    })
  },
}
