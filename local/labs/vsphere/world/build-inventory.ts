/** Datacenters with what lies in them, made of what a test says. */
import { findByPath, stored } from './paths.ts'
import type { DatacenterSpec, DatastoreSpec, HostSpec } from './specs.ts'
import { type Cluster, type Datacenter, type Entry, entriesOf, type Folder, type World } from './world.ts'

const GIB = 1024 ** 3

export const rootId = ({ product }: World): string => (product.kind === 'vcenter' ? 'group-d1' : 'ha-folder-root')

function put<T extends Entry>(world: World, entry: T): T {
  world.entries.set(entry.id, entry)
  return entry
}

const newId = (world: World, prefix: string): string => `${prefix}${world.nextNumber()}`

function folder(
  world: World,
  name: string,
  parent: string | undefined,
  prefix: string,
  childType: readonly string[],
): Folder {
  return put(world, { type: 'Folder', id: newId(world, prefix), name, parent, childType })
}

export function addRoot(world: World): void {
  const childType = ['Folder', 'Datacenter']
  put(world, { type: 'Folder', id: rootId(world), name: 'Datacenters', parent: undefined, childType })
}

/** The folder at a path below another, made where it is missing. */
export function folderAt(world: World, from: string, path: string, prefix: string, types: readonly string[]): string {
  let at = from
  for (const name of path
    .split('/')
    .filter((each) => each !== '')
    .map(stored)) {
    const there = entriesOf(world, 'Folder').find((each) => each.parent === at && each.name === name)
    at = (there ?? folder(world, name, at, prefix, types)).id
  }
  return at
}

function addDatastore(world: World, datacenter: Datacenter, spec: DatastoreSpec): void {
  const { kind = 'VMFS', capacityBytes = 1024 * GIB } = spec
  put(world, {
    type: 'Datastore',
    id: newId(world, 'datastore-'),
    name: stored(spec.name),
    parent: datacenter.datastoreFolder,
    datacenter: datacenter.id,
    kind,
    vmfsVersion: kind === 'VMFS' && spec.vmfs !== 5 ? '6.82' : '5.81',
    uuid: `${world.hex(8)}-${world.hex(8)}-${world.hex(4)}-${world.hex(12)}`,
    capacityBytes,
    freeBytes: spec.freeBytes ?? Math.floor(capacityBytes / 2),
    accessible: spec.accessible ?? true,
    files: new Map(),
    directories: new Set(),
  })
}

function addCompute(world: World, datacenter: Datacenter, name: string, isCluster: boolean): Cluster {
  const id = newId(world, isCluster ? 'domain-c' : 'domain-s')
  const rootPool = newId(world, 'resgroup-')
  put(world, { type: 'ResourcePool', id: rootPool, name: 'Resources', parent: id, owner: id })
  const own = { id, name, parent: datacenter.hostFolder, rootPool }
  return put<Cluster>(
    world,
    isCluster ? { type: 'ClusterComputeResource', ...own } : { type: 'ComputeResource', ...own },
  )
}

function addHost(world: World, datacenter: Datacenter, spec: HostSpec): void {
  const { name, cluster, connectionState = 'connected', inMaintenanceMode = false } = spec
  const computes = entriesOf(world, 'ClusterComputeResource').filter(({ parent }) => parent === datacenter.hostFolder)
  const compute =
    cluster === undefined
      ? addCompute(world, datacenter, stored(name), false)
      : (computes.find((each) => each.name === stored(cluster)) ?? addCompute(world, datacenter, stored(cluster), true))
  const id = world.product.kind === 'host' ? 'ha-host' : newId(world, 'host-')
  put(world, { type: 'HostSystem', id, name: stored(name), parent: compute.id, connectionState, inMaintenanceMode })
}

export function addDatacenter(world: World, spec: DatacenterSpec): Datacenter {
  const isHost = world.product.kind === 'host'
  const parent = folderAt(world, rootId(world), (spec.folders ?? []).join('/'), 'group-d', ['Folder', 'Datacenter'])
  const id = isHost ? 'ha-datacenter' : newId(world, 'datacenter-')
  const own = (name: string, prefix: string, childType: readonly string[]): string =>
    folder(world, name, id, prefix, childType).id
  const datacenter = put<Datacenter>(world, {
    type: 'Datacenter',
    id,
    name: stored(spec.name),
    parent,
    vmFolder: own('vm', 'group-v', ['Folder', 'VirtualMachine', 'VirtualApp']),
    hostFolder: own('host', 'group-h', ['Folder', 'ComputeResource']),
    datastoreFolder: own('datastore', 'group-s', ['Folder', 'Datastore', 'StoragePod']),
    networkFolder: own('network', 'group-n', ['Folder', 'Network', 'DistributedVirtualSwitch']),
  })
  for (const each of spec.datastores ?? [{ name: 'datastore1' }]) addDatastore(world, datacenter, each)
  for (const each of spec.hosts ?? [{ name: 'esx1.lab.test', ...(isHost ? {} : { cluster: 'Cluster1' }) }])
    addHost(world, datacenter, each)
  for (const path of spec.guestFolders ?? [])
    folderAt(world, datacenter.vmFolder, path, 'group-v', ['Folder', 'VirtualMachine', 'VirtualApp'])
  const compute = entriesOf(world, 'ClusterComputeResource', 'ComputeResource').find(
    (each) => each.parent === datacenter.hostFolder,
  )
  for (const name of spec.pools ?? [])
    if (compute !== undefined) {
      const pool = { name: stored(name), parent: compute.rootPool, owner: compute.id }
      put(world, { type: 'ResourcePool', id: newId(world, 'resgroup-'), ...pool })
    }
  for (const name of spec.networks ?? ['VM Network'])
    put(world, { type: 'Network', id: newId(world, 'network-'), name: stored(name), parent: datacenter.networkFolder })
  return datacenter
}

/** @throws Error when the path names nothing */
export function placeAt(world: World, path: string): Entry {
  const found = findByPath(world, path)
  if (found === undefined) throw new Error(`The lab's inventory has no ${path}.`)
  return found
}
