/** Properties of a guest. */
import { linksOf } from '../world/files.ts'
import { boolean, dateTime, enumeration, int, list, long, ref, string, structure, type Value } from '../wire/values.ts'
import { fileIn } from '../world/guest-files.ts'
import { fullPath } from '../world/paths.ts'
import { tasksOf, unfinishedTasks } from '../world/tasks.ts'
import { datastoreOf, type Guest, must, type Snapshot, type World } from '../world/world.ts'
import { devices, keyField } from './devices.ts'
import { layoutOf } from './layout.ts'
import { refTo, refsTo, snapshotRef } from './references.ts'

export type Properties = Readonly<Record<string, () => Value | undefined>>

const state = (guest: Guest) => enumeration('VirtualMachinePowerState', guest.powerState)
const connection = (guest: Guest) => enumeration('VirtualMachineConnectionState', guest.connectionState)
const optional = <T>(given: T | undefined, of: (given: T) => Value): Value | undefined =>
  given === undefined ? undefined : of(given)

function ftInfo({ ftRole, instanceUuid }: Guest): Value | undefined {
  return optional(ftRole, (role) =>
    structure('FaultToleranceConfigInfo', {
      role: int(role),
      instanceUuids: list('string', [string(instanceUuid)]),
      configPaths: list('string', []),
      orphaned: undefined,
    }),
  )
}

function filesOf(world: World, guest: Guest): Value {
  const datastore = datastoreOf(world, guest.datastoreId)
  const folder = string(fullPath(datastore, `${guest.directory}/`))
  return structure('VirtualMachineFileInfo', {
    vmPathName: string(fullPath(datastore, fileIn(guest, '.vmx'))),
    snapshotDirectory: folder,
    suspendDirectory: folder,
    logDirectory: folder,
  })
}

/** As it is now, or as a snapshot keeps it. */
export function configOf(world: World, guest: Guest, snapshot?: Snapshot): Value {
  const linkOf = snapshot === undefined ? undefined : snapshot.links
  return structure('VirtualMachineConfigInfo', {
    changeVersion: string(guest.createdAt.toISOString()),
    modified: dateTime(guest.createdAt),
    name: string(guest.name),
    guestFullName: string(guest.guestOsName),
    version: string(`vmx-${guest.hardwareVersion}`),
    uuid: string(guest.uuid),
    createDate: dateTime(guest.createdAt),
    instanceUuid: string(guest.instanceUuid),
    npivTemporaryDisabled: boolean(true),
    locationId: string(guest.uuid),
    template: boolean(guest.template),
    guestId: string('debian12_64Guest'),
    alternateGuestName: string(''),
    annotation: string(guest.annotation),
    files: filesOf(world, guest),
    tools: undefined,
    flags: structure('VirtualMachineFlagInfo', {}),
    defaultPowerOps: structure('VirtualMachineDefaultPowerOpInfo', {}),
    hardware: structure('VirtualHardware', {
      numCPU: int(guest.cpus),
      numCoresPerSocket: int(1),
      memoryMB: int(guest.memoryMb),
      virtualICH7MPresent: boolean(false),
      virtualSMCPresent: boolean(false),
      device: devices(world, guest, (disk) => (linkOf === undefined ? disk.top : linkOf.get(disk.key))),
    }),
    memoryHotAddEnabled: boolean(false),
    cpuHotAddEnabled: boolean(false),
    extraConfig: undefined,
    datastoreUrl: undefined,
    swapPlacement: string('inherit'),
    bootOptions: undefined,
    ftInfo: ftInfo(guest),
    repConfig: undefined,
    vAppConfig: undefined,
    changeTrackingEnabled: boolean(guest.changeTracking),
    firmware: string(guest.firmware),
    managedBy: undefined,
    keyId: keyField(guest.keyId),
    migrateEncryption: string('opportunistic'),
  })
}

/** What a guest asks that was registered from files of another place. */
function movedOrCopied(): Value {
  return structure('VirtualMachineQuestionInfo', {
    id: string('1'),
    text: string('msg.uuid.altered:This virtual machine might have been moved or copied.'),
    choice: structure('ChoiceOption', {
      choiceInfo: list(
        'ElementDescription',
        ['Cancel', 'I Moved It', 'I Copied It'].map((label, index) => ({
          ...structure('ElementDescription', {
            label: string(label),
            summary: string(label),
            key: string(String(index)),
          }),
          named: true,
        })),
      ),
      defaultIndex: int(2),
    }),
  })
}

function runtimeOf(world: World, guest: Guest): Value {
  return structure('VirtualMachineRuntimeInfo', {
    host: ref('HostSystem', guest.hostId),
    connectionState: connection(guest),
    powerState: state(guest),
    faultToleranceState: enumeration(
      'VirtualMachineFaultToleranceState',
      guest.ftRole === undefined ? 'notConfigured' : 'running',
    ),
    toolsInstallerMounted: boolean(false),
    suspendTime: undefined,
    bootTime: undefined,
    suspendInterval: undefined,
    question: guest.question && unfinishedTasks(world, guest.id).length > 0 ? movedOrCopied() : undefined,
    numMksConnections: int(0),
    recordReplayState: enumeration('VirtualMachineRecordReplayState', 'inactive'),
    cleanPowerOff: undefined,
    onlineStandby: boolean(false),
    consolidationNeeded: boolean(guest.consolidationNeeded),
    snapshotInBackground: boolean(false),
    cryptoState: undefined,
  })
}

function committed(world: World, guest: Guest): number {
  let bytes = 0
  for (const { datastoreId, extent, blocks } of linksOf(guest))
    if (extent !== undefined && datastoreOf(world, datastoreId).files.has(extent))
      bytes += blocks.written.length * 524_288
  return bytes
}

function summaryOf(world: World, guest: Guest): Value {
  return structure('VirtualMachineSummary', {
    vm: refTo(guest),
    runtime: runtimeOf(world, guest),
    guest: structure('VirtualMachineGuestSummary', {
      guestId: string('debian12_64Guest'),
      toolsRunningStatus: string(guest.toolsRunning ? 'guestToolsRunning' : 'guestToolsNotRunning'),
    }),
    config: structure('VirtualMachineConfigSummary', {
      name: string(guest.name),
      template: boolean(guest.template),
      vmPathName: string(fullPath(datastoreOf(world, guest.datastoreId), fileIn(guest, '.vmx'))),
      memorySizeMB: int(guest.memoryMb),
      numCpu: int(guest.cpus),
      numEthernetCards: int(guest.nics.length),
      numVirtualDisks: int(guest.disks.length),
      uuid: string(guest.uuid),
      instanceUuid: string(guest.instanceUuid),
      guestId: string('debian12_64Guest'),
      guestFullName: string(guest.guestOsName),
      annotation: string(guest.annotation),
      tpmPresent: boolean(guest.vtpm),
    }),
    storage: structure('VirtualMachineStorageSummary', {
      committed: long(committed(world, guest)),
      uncommitted: long(0),
      unshared: long(committed(world, guest)),
      timestamp: dateTime(world.now()),
    }),
    quickStats: structure('VirtualMachineQuickStats', {}),
    overallStatus: enumeration('ManagedEntityStatus', 'green'),
  })
}

function treeOf(guest: Guest, snapshot: Snapshot): Value {
  const children = guest.snapshots.filter(({ parent }) => parent === snapshot)
  return structure('VirtualMachineSnapshotTree', {
    snapshot: snapshotRef(snapshot.id),
    vm: refTo(guest),
    name: string(snapshot.name),
    description: string(snapshot.description),
    id: int(snapshot.number),
    createTime: dateTime(snapshot.createdAt),
    state: enumeration('VirtualMachinePowerState', snapshot.powerState),
    quiesced: boolean(snapshot.quiesced),
    backupManifest: undefined,
    childSnapshotList: list(
      'VirtualMachineSnapshotTree',
      children.map((child) => treeOf(guest, child)),
    ),
    replaySupported: boolean(false),
  })
}

function snapshotsOf(guest: Guest): Value | undefined {
  const roots = guest.snapshots.filter(({ parent }) => parent === undefined)
  if (roots.length === 0) return undefined
  return structure('VirtualMachineSnapshotInfo', {
    currentSnapshot: guest.current === undefined ? undefined : snapshotRef(guest.current.id),
    rootSnapshotList: list(
      'VirtualMachineSnapshotTree',
      roots.map((root) => treeOf(guest, root)),
    ),
  })
}

const customKey = (index: number): Value => int(101 + index)

/** Of a guest whose host is away, hardly anything is known. */
export function guestProperties(world: World, guest: Guest): Properties {
  const datastores = [...new Set([guest.datastoreId, ...[...linksOf(guest)].map(({ datastoreId }) => datastoreId)])]
  const reachable = guest.connectionState === 'connected' || guest.connectionState === 'disconnected'
  return {
    capability: () => undefined,
    config: () => (reachable ? configOf(world, guest) : undefined),
    customValue: () =>
      list(
        'CustomFieldValue',
        Object.values(guest.customValues).map((value, index) => ({
          ...structure('CustomFieldStringValue', { key: customKey(index), value: string(value) }),
          named: true,
        })),
      ),
    datastore: () => refsTo(datastores.map((id) => datastoreOf(world, id))),
    guest: () =>
      structure('GuestInfo', {
        toolsStatus: enumeration('VirtualMachineToolsStatus', guest.toolsRunning ? 'toolsOk' : 'toolsNotRunning'),
        toolsVersionStatus2: string('guestToolsCurrent'),
        toolsRunningStatus: string(guest.toolsRunning ? 'guestToolsRunning' : 'guestToolsNotRunning'),
        toolsVersion: string('12352'),
        guestId: undefined,
        guestFamily: undefined,
        guestFullName: undefined,
        hostName: undefined,
        ipAddress: guest.toolsRunning ? string('192.0.2.17') : undefined,
        guestState: string(guest.powerState === 'poweredOn' ? 'running' : 'notRunning'),
        guestOperationsReady: boolean(guest.toolsRunning),
        guestStateChangeSupported: boolean(true),
      }),
    layoutEx: () => (reachable ? layoutOf(world, guest) : undefined),
    name: () => string(guest.name),
    network: () =>
      refsTo(
        guest.nics.flatMap(({ networkId }) => (networkId === undefined ? [] : [must(world, 'Network', networkId)])),
      ),
    overallStatus: () => enumeration('ManagedEntityStatus', 'green'),
    parent: () => optional(guest.parent, (id) => ref('Folder', id)),
    // Finished ones, too, for as long as they are kept.
    recentTask: () =>
      list(
        'ManagedObjectReference',
        tasksOf(world, guest.id).map(({ id }) => ref('Task', id)),
      ),
    resourcePool: () => optional(guest.poolId, (id) => ref('ResourcePool', id)),
    rootSnapshot: () =>
      list(
        'ManagedObjectReference',
        guest.snapshots.filter(({ parent }) => parent === undefined).map(({ id }) => snapshotRef(id)),
      ),
    runtime: () => runtimeOf(world, guest),
    snapshot: () => snapshotsOf(guest),
    storage: () => undefined,
    summary: () => summaryOf(world, guest),
    tag: () => list('Tag', []),
  }
}
