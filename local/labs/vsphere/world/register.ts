/** A guest made of the files that lie in a datastore, as RegisterVM makes it. */
import { dirname, join } from 'node:path/posix'
import { BLOCK_BYTES, type DiskContent } from '../../ec2/disk.ts'
import { type Bytes, textOf } from '../disks/bytes.ts'
import { Link, type LinkForm } from '../disks/link.ts'
import { grainsOf } from '../disks/grains.ts'
import { fileNotFound, VimFault } from '../wire/faults.ts'
import { datacenterOf } from './paths.ts'
import { locationUuid, plainUuid, vmxLines } from './vmx.ts'
import {
  type Datastore,
  entriesOf,
  type Guest,
  type GuestDisk,
  type GuestNic,
  guests,
  must,
  type World,
} from './world.ts'

function contentOf(bytes: Bytes): DiskContent {
  const count = Math.ceil(bytes.sizeBytes / BLOCK_BYTES)
  return {
    blocks: Array.from({ length: count }, (_none, index) => index),
    read: (index) => {
      const block = new Uint8Array(BLOCK_BYTES)
      const from = index * BLOCK_BYTES
      block.set(bytes.read(from, Math.min(BLOCK_BYTES, bytes.sizeBytes - from)))
      return block
    },
  }
}

/** A file beside another one, or one of another datastore by its absolute path. */
function located(
  world: World,
  datastore: Datastore,
  beside: string,
  name: string,
): { datastore: Datastore; path: string } {
  const [, uuid = '', path = ''] = /^\/vmfs\/volumes\/([^/]+)\/(.+)$/.exec(name) ?? []
  const other = entriesOf(world, 'Datastore').find((each) => each.uuid === uuid || each.name === uuid)
  return other === undefined ? { datastore, path: join(dirname(beside), name) } : { datastore: other, path }
}

const FORMS: Record<string, LinkForm> = { VMFS: 'flat', FLAT: 'flat', VMFSSPARSE: 'delta', SESPARSE: 'sesparse' }

/** The chain that a descriptor stands for. */
function openDisk(world: World, datastore: Datastore, path: string): Link {
  const file = datastore.files.get(path)
  if (file === undefined) throw fileNotFound(`[${datastore.name}] ${path}`)
  const text = textOf(file.bytes)
  const [, sectors = '0', kind = '', extentName = ''] = /^RW (\d+) (\w+) "([^"]+)"/m.exec(text) ?? []
  const form = FORMS[kind]
  if (form === undefined) throw unusable(`[${datastore.name}] ${path}`, 'The file specified is not a virtual disk.')
  const hint = /^parentFileNameHint="([^"]+)"/m.exec(text)?.[1]
  const above = hint === undefined ? undefined : located(world, datastore, path, hint)
  const parent = above === undefined ? undefined : openDisk(world, above.datastore, above.path)
  const parentCid = /^parentCID=(\w+)/m.exec(text)?.[1]
  if (parent !== undefined && parentCid !== parent.cid)
    throw unusable(
      `[${datastore.name}] ${path}`,
      'The parent virtual disk has been modified since the child was created. The content ID of the parent virtual disk does not match the corresponding parent content ID in the child.',
    )
  const extent = located(world, datastore, path, extentName)
  const bytes = extent.datastore.files.get(extent.path)?.bytes
  if (bytes === undefined) throw fileNotFound(`[${extent.datastore.name}] ${extent.path}`)
  const sizeBytes = Number(sectors) * 512
  if (form === 'flat' && bytes.sizeBytes !== sizeBytes)
    throw unusable(`[${datastore.name}] ${path}`, 'The file specified is not a virtual disk: its size is wrong.')
  const link = new Link({
    form,
    datastoreId: datastore.id,
    descriptor: path,
    extent: extent.path,
    sizeBytes,
    ...(form === 'flat' ? { content: contentOf(bytes) } : {}),
    ...(parent === undefined ? {} : { parent }),
    cid: /^CID=(\w+)/m.exec(text)?.[1] ?? 'fffffffe',
    thin: /thinProvisioned = "1"/.test(text),
  })
  if (form !== 'flat') for (const { offset, bytes: grain } of grainsOf(bytes)) link.write(offset, grain)
  return link
}

const unusable = (file: string, why: string): VimFault =>
  new VimFault('GenericVmConfigFault', `Cannot open the disk '${file}'. ${why}`, {
    reason: { kind: 'scalar', type: 'xsd:string', text: why },
  })

function disksOf(world: World, guest: Guest, lines: ReadonlyMap<string, string>, datastore: Datastore): void {
  for (const [name, value] of lines) {
    const [, controller = '', unit = ''] = /^scsi(\d):(\d+)\.filename$/.exec(name) ?? []
    if (controller === '' || lines.get(`scsi${controller}:${unit}.present`)?.toUpperCase() !== 'TRUE') continue
    const place = located(world, datastore, `${guest.directory}/x`, value)
    try {
      const top = openDisk(world, place.datastore, place.path)
      const mode = lines.get(`scsi${controller}:${unit}.mode`)?.replace('-', '_')
      guest.disks.push({
        key: 2000 + Number(controller) * 16 + Number(unit),
        label: `Hard disk ${guest.disks.length + 1}`,
        controllerKey: 1000 + Number(controller),
        unitNumber: Number(unit),
        capacityBytes: top.blocks.sizeBytes,
        mode: (mode ?? 'persistent') as GuestDisk['mode'],
        sharing: 'sharingNone',
        rdm: undefined,
        keyId: undefined,
        uuid: `6000c29${world.hex(25)}`,
        top,
      })
    } catch (error) {
      if (!(error instanceof VimFault)) throw error
      // The platform registers it all the same, and complains when it is turned on.
      guest.missing ??= error
    }
  }
}

function nicsOf(world: World, guest: Guest, lines: ReadonlyMap<string, string>): GuestNic[] {
  const datacenter = datacenterOf(world, must(world, 'HostSystem', guest.hostId))
  const networks = entriesOf(world, 'Network').filter((each) => datacenterOf(world, each) === datacenter)
  return [...lines]
    .filter(([name, value]) => /^ethernet\d+\.present$/.test(name) && value.toUpperCase() === 'TRUE')
    .map(([name], index) => {
      const own = name.replace('.present', '')
      const networkName = lines.get(`${own}.networkname`) ?? ''
      const startConnected = lines.get(`${own}.startconnected`)?.toUpperCase() !== 'FALSE'
      return {
        key: 4000 + index,
        label: `Network adapter ${index + 1}`,
        networkId: networks.find((each) => each.name === networkName)?.id,
        networkName,
        mac: lines.get(`${own}.generatedaddress`) ?? lines.get(`${own}.address`) ?? '00:50:56:00:00:00',
        connected: false,
        startConnected,
      }
    })
}

/** A guest that finds itself in another place asks whether it was moved or copied, unless its .vmx says it. */
function asksAtStart(lines: ReadonlyMap<string, string>, location: string): boolean {
  const known = lines.get('uuid.bios') !== undefined
  return known && lines.get('uuid.action') === undefined && plainUuid(lines.get('uuid.location') ?? '') !== location
}

export interface Registration {
  datastore: Datastore
  /** Of the .vmx, within its datastore. */
  path: string
  name: string | undefined
  folderId: string
  poolId: string | undefined
  hostId: string
  template: boolean
}

/** @throws VimFault NotFound when there is no such file, AlreadyExists when it is registered */
export function registerGuest(world: World, given: Registration): Guest {
  const { datastore, path } = given
  const there = guests(world).find(
    (each) => each.datastoreId === datastore.id && `${each.directory}/${each.stem}.vmx` === path,
  )
  if (there !== undefined)
    throw new VimFault('AlreadyExists', `The specified key, name, or identifier '${there.id}' already exists.`, {
      name: { kind: 'scalar', type: 'xsd:string', text: there.id },
    })
  const file = datastore.files.get(path)
  if (file === undefined) throw new VimFault('NotFound', 'The object or item referred to could not be found.')
  const lines = vmxLines(textOf(file.bytes))
  const instanceUuid = plainUuid(lines.get('vc.uuid') ?? '')
  const isTaken = guests(world).some((each) => each.instanceUuid === instanceUuid)
  const isCopy = lines.get('uuid.action') === 'create'
  const guest: Guest = {
    type: 'VirtualMachine',
    id: world.product.kind === 'host' ? String(world.nextNumber()) : `vm-${world.nextNumber()}`,
    name: given.name ?? lines.get('displayname') ?? 'unknown',
    parent: given.folderId,
    instanceUuid: instanceUuid === '' || isTaken ? world.uuid() : instanceUuid,
    uuid: (isCopy ? '' : plainUuid(lines.get('uuid.bios') ?? '')) || `564d${world.uuid().slice(4)}`,
    annotation: lines.get('annotation') ?? '',
    hostId: given.hostId,
    poolId: given.poolId,
    powerState: 'poweredOff',
    connectionState: 'connected',
    template: given.template,
    firmware: lines.get('firmware') === 'efi' ? 'efi' : 'bios',
    toolsRunning: false,
    guestOs: lines.get('guestos') ?? 'other',
    guestOsName: 'Other (32-bit)',
    hardwareVersion: lines.get('virtualhw.version') ?? '19',
    memoryMb: Number(lines.get('memsize') ?? 32),
    cpus: Number(lines.get('numvcpus') ?? 1),
    datastoreId: datastore.id,
    directory: dirname(path),
    stem: path.slice(dirname(path).length + 1).replace(/\.vmx$/, ''),
    hasNvram: datastore.files.has(path.replace(/\.vmx$/, '.nvram')),
    sharedBus: 'noSharing',
    disks: [],
    nics: [],
    vtpm: lines.get('vtpm.present')?.toUpperCase() === 'TRUE',
    keyId: undefined,
    ftRole: undefined,
    consolidationNeeded: false,
    changeTracking: lines.get('ctkenabled')?.toUpperCase() === 'TRUE',
    tags: [],
    customValues: {},
    snapshots: [],
    current: undefined,
    lastSnapshotNumber: 0,
    createdAt: world.now(),
    extra: new Map(),
    missing: undefined,
    question: asksAtStart(lines, locationUuid(world, datastore.id, dirname(path))),
  }
  disksOf(world, guest, lines, datastore)
  guest.nics = nicsOf(world, guest, lines)
  world.entries.set(guest.id, guest)
  return guest
}
