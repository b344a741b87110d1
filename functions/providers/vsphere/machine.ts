/** A virtual machine as the server's properties show it. Pure. */
import { childOf, childrenOf, type Ref, refOf, refsIn, textOf, typeOf, type Xml } from '../../vsphere-api/xml.ts'
import type { ObjectContent } from '../../vsphere-api/properties.ts'
import { shownName } from './identifiers.ts'
import { type SnapshotEntry, snapshotTree } from '../../vsphere-api/snapshot-tree.ts'

/** What lists need: the answer for 5,000 guests stays small. */
export const LIST_PATHS = [
  'name',
  'config.instanceUuid',
  'config.template',
  'config.annotation',
  'runtime.powerState',
  'runtime.connectionState',
  'runtime.consolidationNeeded',
  'runtime.host',
  'parent',
  'resourcePool',
  'datastore',
  'summary.config.numCpu',
  'summary.config.memorySizeMB',
  'summary.storage.committed',
  'snapshot',
] as const

export interface Machine {
  ref: Ref
  id: string
  name: string
  template: boolean
  annotation: string
  powerState: 'poweredOn' | 'poweredOff' | 'suspended' | undefined
  connectionState: string
  consolidationNeeded: boolean
  host: Ref | undefined
  parent: Ref | undefined
  pool: Ref | undefined
  datastores: readonly Ref[]
  cpus: number | undefined
  memoryBytes: number | undefined
  committedBytes: number | undefined
  snapshots: readonly SnapshotEntry[]
}

/** `undefined` for one that the server can't describe now, as one that is orphaned: it has no id. */
export function machineOf({ ref, properties }: Pick<ObjectContent, 'ref' | 'properties'>): Machine | undefined {
  const text = (path: string) => textOf(properties.get(path))
  const id = text('config.instanceUuid')
  if (id === '') return undefined
  return {
    ref,
    id,
    name: shownName(text('name')),
    template: text('config.template') === 'true',
    annotation: text('config.annotation'),
    powerState: powerStateOf(text('runtime.powerState')),
    connectionState: text('runtime.connectionState'),
    consolidationNeeded: text('runtime.consolidationNeeded') === 'true',
    host: refOf(properties.get('runtime.host')),
    parent: refOf(properties.get('parent')),
    pool: refOf(properties.get('resourcePool')),
    datastores: refsIn(properties.get('datastore')),
    cpus: numberOf(properties.get('summary.config.numCpu')),
    memoryBytes: times(numberOf(properties.get('summary.config.memorySizeMB')), 2 ** 20),
    committedBytes: numberOf(properties.get('summary.storage.committed')),
    snapshots: snapshotTree(properties.get('snapshot')),
  }
}

function powerStateOf(text: string): Machine['powerState'] {
  return text === 'poweredOn' || text === 'poweredOff' || text === 'suspended' ? text : undefined
}

/** A count or a size; `undefined` where the server says none. */
export function numberOf(xml: Xml | undefined): number | undefined {
  const text = textOf(xml)
  const value = Number(text)
  return text !== '' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

function times(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor
}

/** The disk of a virtual machine, as its device and the device's backing describe it. */
export interface MachineDisk {
  /** The device's key: the same over the guest's life. */
  key: number
  /** As the vSphere client calls it: `Hard disk 1`. */
  label: string
  /** `scsi0:0`, as the guest's configuration file has it; empty where the controller isn't known. */
  slot: string
  capacityBytes: number | undefined
  /** `[datastore] folder/name.vmdk`. */
  fileName: string
  /** Of the disks that this one is a delta over, nearest first. */
  parentFileNames: readonly string[]
  backingType: string
  diskMode: string
  sharing: string
  compatibilityMode: string
  keyId: boolean
  busSharing: string
  thin: boolean
  uuid: string
}

export interface Hardware {
  disks: MachineDisk[]
  hasTpm: boolean
  networks: { label: string; key: number; type: string; macAddress: string; network: string }[]
}

const BUSES: Readonly<Record<string, string>> = {
  VirtualIDEController: 'ide',
  VirtualAHCIController: 'sata',
  VirtualNVMEController: 'nvme',
}

/** @param devices `config.hardware.device` of a virtual machine or of its snapshot */
export function hardwareOf(devices: Xml | undefined): Hardware {
  const all = childrenOf(devices, 'VirtualDevice')
  const controllers = new Map(all.map((device) => [numberOf(childOf(device, 'key')), device]))
  return {
    disks: all
      .filter((device) => typeOf(device) === 'VirtualDisk')
      .map((device) => diskOf(device, controllers.get(numberOf(childOf(device, 'controllerKey'))))),
    hasTpm: all.some((device) => typeOf(device) === 'VirtualTPM'),
    networks: all
      .filter((device) => childOf(device, 'macAddress') !== undefined)
      .map((device) => ({
        label: labelOf(device),
        key: numberOf(childOf(device, 'key')) ?? -1,
        type: typeOf(device),
        macAddress: textOf(childOf(device, 'macAddress')),
        network: textOf(childOf(childOf(device, 'backing'), 'deviceName')),
      })),
  }
}

/**
 * Labels of the network cards that come up plugged in, or are. A card that says nothing of it counts as one: what can't be
 * read must not pass for unplugged.
 */
export function pluggedIn(devices: Xml | undefined): string[] {
  return childrenOf(devices, 'VirtualDevice')
    .filter((device) => childOf(device, 'macAddress') !== undefined)
    .filter((device) => {
      const connectable = childOf(device, 'connectable')
      const isOff = (name: string) => textOf(childOf(connectable, name)) === 'false'
      return !isOff('startConnected') || textOf(childOf(connectable, 'connected')) === 'true'
    })
    .map(labelOf)
}

function diskOf(device: Xml, controller: Xml | undefined): MachineDisk {
  const backing = childOf(device, 'backing')
  const said = (name: string) => textOf(childOf(backing, name))
  const kib = numberOf(childOf(device, 'capacityInKB'))
  const bus = controller === undefined ? undefined : (BUSES[typeOf(controller)] ?? 'scsi')
  const slot = `${bus}${textOf(childOf(controller, 'busNumber'))}:${textOf(childOf(device, 'unitNumber'))}`
  return {
    key: numberOf(childOf(device, 'key')) ?? -1,
    label: labelOf(device),
    slot: bus === undefined ? '' : slot,
    capacityBytes: numberOf(childOf(device, 'capacityInBytes')) ?? times(kib, 1024),
    fileName: said('fileName'),
    parentFileNames: parentsOf(backing),
    backingType: typeOf(backing),
    diskMode: said('diskMode'),
    sharing: said('sharing'),
    compatibilityMode: said('compatibilityMode'),
    keyId: childOf(backing, 'keyId') !== undefined,
    busSharing: textOf(childOf(controller, 'sharedBus')),
    thin: said('thinProvisioned') === 'true',
    uuid: said('uuid'),
  }
}

function labelOf(device: Xml): string {
  return textOf(childOf(childOf(device, 'deviceInfo'), 'label'))
}

function parentsOf(backing: Xml | undefined): string[] {
  const names: string[] = []
  for (let parent = childOf(backing, 'parent'); parent !== undefined; parent = childOf(parent, 'parent')) {
    names.push(textOf(childOf(parent, 'fileName')))
  }
  return names
}
