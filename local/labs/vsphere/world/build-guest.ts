/** Guests with disks, files and snapshots, made of what a test says. */
import { Link, type LinkForm } from '../disks/link.ts'
import { folderAt } from './build-inventory.ts'
import { makeDirectories } from './files.ts'
import { writeGuestFiles } from './guest-files.ts'
import { datacenterOf, stored } from './paths.ts'
import { addSnapshot } from './snapshots.ts'
import type { DiskSpec, GuestSpec } from './specs.ts'
import {
  type Datacenter,
  type Datastore,
  entriesOf,
  type Guest,
  type GuestDisk,
  type GuestNic,
  type World,
} from './world.ts'

function named<T extends { name: string }>(what: string, items: readonly T[], name: string | undefined): T {
  const found = name === undefined ? items[0] : items.find((each) => each.name === stored(name))
  if (found === undefined) throw new Error(`The lab has no ${what} ${name ?? 'at all'}.`)
  return found
}

function inDatacenter<T extends Parameters<typeof datacenterOf>[1]>(
  world: World,
  datacenter: Datacenter,
  items: readonly T[],
): T[] {
  return items.filter((each) => datacenterOf(world, each) === datacenter)
}

/** The tag `category:name`, made where it is missing. */
export function tagId(world: World, text: string): string {
  const [category = '', name = ''] = text.split(/:(.*)/s)
  const newUrn = (kind: string): string => `urn:vmomi:InventoryService${kind}:${world.uuid()}:GLOBAL`
  let inIt = [...world.categories.values()].find((each) => each.name === category)
  if (inIt === undefined) {
    inIt = { id: newUrn('Category'), name: category }
    world.categories.set(inIt.id, inIt)
  }
  let tag = [...world.tags.values()].find((each) => each.name === name && each.categoryId === inIt.id)
  if (tag === undefined) {
    tag = { id: newUrn('Tag'), name, categoryId: inIt.id }
    world.tags.set(tag.id, tag)
  }
  return tag.id
}

function newDisk(world: World, guest: Guest, datastore: Datastore, spec: DiskSpec, index: number): GuestDisk {
  const stem = `${guest.directory}/${spec.fileStem ?? `${guest.stem}${index === 0 ? '' : `_${index}`}`}`
  const isObject = datastore.kind === 'vsan' || datastore.kind === 'VVOL'
  const form: LinkForm = spec.rdm !== undefined ? 'rdm' : isObject ? 'vsan' : 'flat'
  const ending = form === 'flat' ? '-flat' : spec.rdm === 'physicalMode' ? '-rdmp' : '-rdm'
  if (datastore.id !== guest.datastoreId) makeDirectories(datastore, guest.directory)
  // A controller has 15 places for disks; the seventh is its own.
  const place = index % 15
  return {
    key: 2000 + Math.floor(index / 15) * 16 + (place < 7 ? place : place + 1),
    label: spec.label ?? `Hard disk ${index + 1}`,
    controllerKey: 1000 + Math.floor(index / 15),
    unitNumber: place < 7 ? place : place + 1,
    capacityBytes: spec.capacityBytes,
    mode: spec.mode ?? 'persistent',
    sharing: spec.multiWriter === true ? 'sharingMultiWriter' : 'sharingNone',
    rdm: spec.rdm,
    keyId: spec.keyId,
    uuid: `6000C29${world.hex(25)}`.toLowerCase(),
    top: new Link({
      form,
      datastoreId: datastore.id,
      descriptor: `${stem}.vmdk`,
      ...(form === 'vsan' ? {} : { extent: `${stem}${ending}.vmdk` }),
      sizeBytes: spec.capacityBytes,
      ...(spec.content === undefined ? {} : { content: spec.content }),
      cid: world.hex(8),
      thin: spec.thin ?? true,
    }),
  }
}

function newNic(world: World, network: { id: string; name: string }, index: number): GuestNic {
  const tail = world.hex(6).match(/../g)?.join(':') ?? ''
  return {
    key: 4000 + index,
    label: `Network adapter ${index + 1}`,
    networkId: network.id,
    networkName: network.name,
    mac: `00:50:56:${tail.replace(/^../, '8f')}`,
    connected: true,
    startConnected: true,
  }
}

/** A folder of that name which nothing else lies in. */
export function freeDirectory(datastore: Datastore, name: string): string {
  let directory = name
  for (let number = 1; datastore.directories.has(directory); number += 1) directory = `${name}_${number}`
  return directory
}

export function addGuest(world: World, spec: GuestSpec): Guest {
  const datacenter = named('datacenter', entriesOf(world, 'Datacenter'), spec.datacenter)
  const datastores = entriesOf(world, 'Datastore').filter((each) => each.datacenter === datacenter.id)
  const datastore = named('datastore', datastores, spec.datastore)
  const host = named('host', inDatacenter(world, datacenter, entriesOf(world, 'HostSystem')), spec.host)
  const pools = entriesOf(world, 'ResourcePool').filter((each) => each.owner === host.parent)
  const networks = inDatacenter(world, datacenter, entriesOf(world, 'Network'))
  const powerState = spec.template === true ? 'poweredOff' : (spec.powerState ?? 'poweredOn')
  const guest: Guest = {
    type: 'VirtualMachine',
    id: world.product.kind === 'host' ? String(world.nextNumber()) : `vm-${world.nextNumber()}`,
    name: stored(spec.name),
    parent: folderAt(world, datacenter.vmFolder, spec.folder ?? '', 'group-v', [
      'Folder',
      'VirtualMachine',
      'VirtualApp',
    ]),
    instanceUuid: spec.id ?? world.uuid(),
    uuid: spec.uuid ?? `564d${world.uuid().slice(4)}`,
    annotation: spec.annotation ?? '',
    hostId: host.id,
    poolId: spec.template === true ? undefined : named('resource pool', pools, spec.pool).id,
    powerState,
    // A guest is as far away as its host.
    connectionState: spec.connectionState ?? (host.connectionState === 'connected' ? 'connected' : 'disconnected'),
    template: spec.template ?? false,
    firmware: spec.firmware ?? 'bios',
    toolsRunning: spec.toolsRunning ?? powerState === 'poweredOn',
    guestOs: 'debian12-64',
    guestOsName: 'Debian GNU/Linux 12 (64-bit)',
    hardwareVersion: '19',
    memoryMb: 1024,
    cpus: 1,
    datastoreId: datastore.id,
    directory: freeDirectory(datastore, spec.name.replace(/[/\\%]/g, '_')),
    stem: spec.name.replace(/[/\\%]/g, '_'),
    hasNvram: spec.template === true || powerState !== 'poweredOff' || spec.firmware === 'efi',
    sharedBus: spec.sharedBus ?? 'noSharing',
    disks: [],
    nics: (spec.networks ?? networks.slice(0, 1).map(({ name }) => name)).map((name, index) =>
      newNic(world, named('network', networks, name), index),
    ),
    vtpm: spec.vtpm ?? false,
    keyId: spec.keyId ?? (spec.vtpm === true ? world.uuid() : undefined),
    ftRole: spec.faultTolerance === true ? 1 : undefined,
    consolidationNeeded: spec.consolidationNeeded ?? false,
    changeTracking: false,
    tags: (spec.tags ?? []).map((text) => tagId(world, text)),
    customValues: spec.customValues ?? {},
    snapshots: [],
    current: undefined,
    lastSnapshotNumber: 0,
    createdAt: world.now(),
    extra: new Map(),
    missing: undefined,
    question: false,
  }
  const disks = spec.disks ?? [{ capacityBytes: 16 * 1024 ** 2 }]
  guest.disks = disks.map((disk, index) => {
    const on = disk.datastore === undefined ? datastore : named('datastore', datastores, disk.datastore)
    return newDisk(world, guest, on, disk, index)
  })
  world.entries.set(guest.id, guest)
  writeGuestFiles(world, guest)
  for (const each of spec.snapshots ?? []) addSnapshot(world, guest, { description: '', quiesced: false, ...each })
  return guest
}
