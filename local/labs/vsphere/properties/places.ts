/** Properties of where guests are: folders, datacenters, hosts, clusters, pools, datastores, networks. */
import { boolean, enumeration, int, list, long, ref, string, structure, type Value, derived } from '../wire/values.ts'
import {
  type Cluster,
  type Datacenter,
  type Datastore,
  entriesOf,
  type Entry,
  type Folder,
  guests,
  type Host,
  type Network,
  type Pool,
  type World,
} from '../world/world.ts'
import { linksOf } from '../world/files.ts'
import { datacenterOf } from '../world/paths.ts'
import { tasksOf } from '../world/tasks.ts'
import { aboutHost } from './about.ts'
import type { Properties } from './guest.ts'
import { refsTo } from './references.ts'

const green = () => enumeration('ManagedEntityStatus', 'green')

function shared(world: World, entry: Entry): Properties {
  const parent = entry.parent === undefined ? undefined : world.entries.get(entry.parent)
  return {
    customValue: () => list('CustomFieldValue', []),
    name: () => string(entry.name),
    overallStatus: green,
    parent: () => (parent === undefined ? undefined : ref(parent.type, parent.id)),
    recentTask: () => list('ManagedObjectReference', []),
    tag: () => list('Tag', []),
  }
}

const childrenOf = (world: World, id: string): Entry[] =>
  [...world.entries.values()].filter(({ parent }) => parent === id)

export function folderProperties(world: World, folder: Folder): Properties {
  return {
    ...shared(world, folder),
    childEntity: () => refsTo(childrenOf(world, folder.id)),
    childType: () => list('string', folder.childType.map(string)),
    // Finished ones, too, for as long as they are kept.
    recentTask: () =>
      list(
        'ManagedObjectReference',
        tasksOf(world, folder.id).map(({ id }) => ref('Task', id)),
      ),
  }
}

export function datacenterProperties(world: World, datacenter: Datacenter): Properties {
  const inIt = <T extends Entry>(items: readonly T[]): T[] =>
    items.filter((each) => datacenterOf(world, each) === datacenter)
  return {
    ...shared(world, datacenter),
    configuration: () => undefined,
    datastore: () => refsTo(inIt(entriesOf(world, 'Datastore'))),
    datastoreFolder: () => ref('Folder', datacenter.datastoreFolder),
    hostFolder: () => ref('Folder', datacenter.hostFolder),
    network: () => refsTo(inIt(entriesOf(world, 'Network'))),
    networkFolder: () => ref('Folder', datacenter.networkFolder),
    vmFolder: () => ref('Folder', datacenter.vmFolder),
  }
}

function datastoreInfo(datastore: Datastore): Value {
  const base = {
    name: string(datastore.name),
    url: string(`ds:///vmfs/volumes/${datastore.uuid}/`),
    freeSpace: long(datastore.freeBytes),
    maxFileSize: long(70_368_744_177_664),
    maxVirtualDiskCapacity: long(68_169_720_922_112),
    maxMemoryFileSize: long(70_368_744_177_664),
  }
  if (datastore.kind === 'NFS')
    return derived('NasDatastoreInfo', {
      ...base,
      nas: structure('HostNasVolume', {
        type: string('NFS'),
        name: string(datastore.name),
        capacity: long(datastore.capacityBytes),
        remoteHost: string('nfs.lab.test'),
        remotePath: string(`/export/${datastore.name}`),
      }),
    })
  if (datastore.kind !== 'VMFS') return derived('DatastoreInfo', base)
  return derived('VmfsDatastoreInfo', {
    ...base,
    vmfs: structure('HostVmfsVolume', {
      type: string('VMFS'),
      name: string(datastore.name),
      capacity: long(datastore.capacityBytes),
      blockSizeMb: int(1),
      maxBlocks: int(63_963_136),
      majorVersion: int(datastore.vmfsVersion === '6.82' ? 6 : 5),
      version: string(datastore.vmfsVersion),
      uuid: string(datastore.uuid),
      extent: list('HostScsiDiskPartition', [
        structure('HostScsiDiskPartition', { diskName: string('naa.1'), partition: int(1) }),
      ]),
      vmfsUpgradable: boolean(false),
    }),
  })
}

export function datastoreProperties(world: World, datastore: Datastore): Properties {
  return {
    ...shared(world, datastore),
    browser: () => ref('HostDatastoreBrowser', `datastoreBrowser-${datastore.id}`),
    capability: () => undefined,
    host: () => undefined,
    info: () => datastoreInfo(datastore),
    iormConfiguration: () => undefined,
    summary: () =>
      structure('DatastoreSummary', {
        datastore: ref('Datastore', datastore.id),
        name: string(datastore.name),
        url: string(`ds:///vmfs/volumes/${datastore.uuid}/`),
        capacity: long(datastore.capacityBytes),
        freeSpace: long(datastore.freeBytes),
        uncommitted: long(0),
        accessible: boolean(datastore.accessible),
        multipleHostAccess: boolean(true),
        type: string(datastore.kind),
        maintenanceMode: string('normal'),
      }),
    vm: () =>
      refsTo(
        guests(world).filter((guest) => [...linksOf(guest)].some(({ datastoreId }) => datastoreId === datastore.id)),
      ),
  }
}

export function hostProperties(world: World, host: Host): Properties {
  const datacenter = datacenterOf(world, host)
  const runtime = () =>
    structure('HostRuntimeInfo', {
      connectionState: enumeration('HostSystemConnectionState', host.connectionState),
      powerState: enumeration('HostSystemPowerState', host.connectionState === 'connected' ? 'poweredOn' : 'unknown'),
      standbyMode: undefined,
      inMaintenanceMode: boolean(host.inMaintenanceMode),
      inQuarantineMode: boolean(false),
      bootTime: undefined,
    })
  return {
    ...shared(world, host),
    config: () => undefined,
    datastore: () => refsTo(entriesOf(world, 'Datastore').filter((each) => each.datacenter === datacenter?.id)),
    hardware: () => undefined,
    runtime,
    summary: () =>
      structure('HostListSummary', {
        host: ref('HostSystem', host.id),
        runtime: runtime(),
        config: structure('HostConfigSummary', {
          name: string(host.name),
          port: int(443),
          product: aboutHost(world.product),
          vmotionEnabled: boolean(true),
        }),
        quickStats: structure('HostListSummaryQuickStats', {}),
        overallStatus: green(),
        rebootRequired: boolean(false),
      }),
    vm: () => refsTo(guests(world).filter(({ hostId }) => hostId === host.id)),
  }
}

export function clusterProperties(world: World, cluster: Cluster): Properties {
  const hosts = entriesOf(world, 'HostSystem').filter(({ parent }) => parent === cluster.id)
  return {
    ...shared(world, cluster),
    datastore: () =>
      refsTo(entriesOf(world, 'Datastore').filter((each) => each.datacenter === datacenterOf(world, cluster)?.id)),
    host: () => refsTo(hosts),
    network: () => undefined,
    resourcePool: () => ref('ResourcePool', cluster.rootPool),
    summary: () => undefined,
    ...(cluster.type === 'ClusterComputeResource' ? { configuration: () => undefined } : {}),
  }
}

export function poolProperties(world: World, pool: Pool): Properties {
  const owner = world.entries.get(pool.owner)
  return {
    ...shared(world, pool),
    owner: () => (owner === undefined ? undefined : ref(owner.type, owner.id)),
    resourcePool: () => refsTo(childrenOf(world, pool.id)),
    summary: () => undefined,
    vm: () => refsTo(guests(world).filter(({ poolId }) => poolId === pool.id)),
  }
}

export function networkProperties(world: World, network: Network): Properties {
  return {
    ...shared(world, network),
    host: () => undefined,
    summary: () =>
      structure('NetworkSummary', {
        network: ref('Network', network.id),
        name: string(network.name),
        accessible: boolean(true),
        ipPoolName: string(''),
      }),
    vm: () => refsTo(guests(world).filter(({ nics }) => nics.some(({ networkId }) => networkId === network.id))),
  }
}
