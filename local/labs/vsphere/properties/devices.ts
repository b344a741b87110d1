/** `config.hardware.device` of a guest, as it is now or as a snapshot keeps it. */
import type { Link } from '../disks/link.ts'
import { boolean, derived, enumeration, int, list, long, ref, string, structure, type Value } from '../wire/values.ts'
import { fullPath } from '../world/paths.ts'
import { datastoreOf, type Guest, type GuestDisk, type GuestNic, type World } from '../world/world.ts'

const info = (label: string, summary: string) =>
  derived('Description', { label: string(label), summary: string(summary) })

export const keyField = (keyId: string | undefined) =>
  keyId === undefined
    ? undefined
    : structure('CryptoKeyId', { keyId: string(keyId), providerId: structure('KeyProviderId', { id: string('kp1') }) })

const backingType = ({ rdm }: GuestDisk): string =>
  rdm === undefined ? 'VirtualDiskFlatVer2BackingInfo' : 'VirtualDiskRawDiskMappingVer1BackingInfo'

function backingOf(world: World, disk: GuestDisk, link: Link): Value {
  const datastore = datastoreOf(world, link.datastoreId)
  const type = backingType(disk)
  const { parent } = link
  const isFlat = type === 'VirtualDiskFlatVer2BackingInfo'
  const isRdm = disk.rdm !== undefined
  return derived(type, {
    fileName: string(fullPath(datastore, link.descriptor)),
    datastore: ref('Datastore', datastore.id),
    backingObjectId: string(''),
    ...(isRdm
      ? {
          lunUuid: string(`02000000${disk.uuid}`),
          deviceName: string(`vml.02000000${disk.uuid}`),
          compatibilityMode: string(disk.rdm ?? ''),
        }
      : {}),
    diskMode: string(disk.mode),
    ...(isFlat
      ? {
          split: boolean(false),
          writeThrough: boolean(false),
          thinProvisioned: boolean(link.thin),
          eagerlyScrub: boolean(!link.thin),
        }
      : {}),
    uuid: string(disk.uuid.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')),
    contentId: string(`${disk.uuid.slice(0, 24).toLowerCase()}${link.cid}`),
    changeId: undefined,
    parent: parent === undefined ? undefined : backingOf(world, disk, parent),
    deltaDiskFormat:
      parent === undefined ? undefined : string(link.form === 'sesparse' ? 'seSparseFormat' : 'redoLogFormat'),
    ...(isFlat ? { digestEnabled: boolean(false), sharing: string(disk.sharing), keyId: keyField(disk.keyId) } : {}),
  })
}

const thousands = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',')

function diskDevice(world: World, disk: GuestDisk, link: Link): Value {
  const kib = Math.floor(disk.capacityBytes / 1024)
  return derived('VirtualDisk', {
    key: int(disk.key),
    deviceInfo: info(disk.label, `${thousands(kib)} KB`),
    backing: backingOf(world, disk, link),
    connectable: undefined,
    controllerKey: int(disk.controllerKey),
    unitNumber: int(disk.unitNumber),
    capacityInKB: long(kib),
    capacityInBytes: long(disk.capacityBytes),
    nativeUnmanagedLinkedClone: boolean(false),
  })
}

function nicDevice(nic: GuestNic): Value {
  return derived('VirtualVmxnet3', {
    key: int(nic.key),
    deviceInfo: info(nic.label, nic.networkName),
    backing: derived('VirtualEthernetCardNetworkBackingInfo', {
      deviceName: string(nic.networkName),
      useAutoDetect: boolean(false),
      network: nic.networkId === undefined ? undefined : ref('Network', nic.networkId),
    }),
    connectable: structure('VirtualDeviceConnectInfo', {
      startConnected: boolean(nic.startConnected),
      allowGuestControl: boolean(true),
      connected: boolean(nic.connected),
      status: string(nic.connected ? 'ok' : 'untried'),
    }),
    controllerKey: int(100),
    unitNumber: int(7 + nic.key - 4000),
    addressType: string('assigned'),
    macAddress: string(nic.mac),
    wakeOnLanEnabled: boolean(true),
  })
}

/** What every guest has, and nobody backs up. */
function usual(): Value[] {
  const device = (type: string, key: number, label: string, more: Record<string, Value>): Value =>
    derived(type, { key: int(key), deviceInfo: info(label, label), ...more })
  const at = (controller: number, unit: number) => ({ controllerKey: int(controller), unitNumber: int(unit) })
  return [
    device('VirtualPS2Controller', 300, 'PS2 controller 0', {
      busNumber: int(0),
      device: list('int', [int(600), int(700)]),
    }),
    device('VirtualSIOController', 400, 'SIO controller 0', { busNumber: int(0) }),
    device('VirtualKeyboard', 600, 'Keyboard', at(300, 0)),
    device('VirtualPointingDevice', 700, 'Pointing device', {
      backing: derived('VirtualPointingDeviceDeviceBackingInfo', {
        deviceName: string(''),
        useAutoDetect: boolean(false),
        hostPointingDevice: string('autodetect'),
      }),
      ...at(300, 1),
    }),
    device('VirtualMachineVideoCard', 500, 'Video card', {
      ...at(100, 0),
      videoRamSizeInKB: long(4096),
      numDisplays: int(1),
      useAutoDetect: boolean(false),
      enable3DSupport: boolean(false),
      use3dRenderer: string('automatic'),
      graphicsMemorySizeInKB: long(262_144),
    }),
    device('VirtualMachineVMCIDevice', 12_000, 'VMCI device', {
      ...at(100, 17),
      id: long(-1),
      allowUnrestrictedCommunication: boolean(false),
      filterEnable: boolean(true),
    }),
    device('VirtualCdrom', 16_000, 'CD/DVD drive 1', {
      backing: derived('VirtualCdromAtapiBackingInfo', { deviceName: string(''), useAutoDetect: boolean(false) }),
      connectable: structure('VirtualDeviceConnectInfo', {
        startConnected: boolean(false),
        allowGuestControl: boolean(true),
        connected: boolean(false),
      }),
      ...at(200, 0),
    }),
  ]
}

function controllers(guest: Guest): Value[] {
  const keys = [...new Set(guest.disks.map(({ controllerKey }) => controllerKey))]
  return [
    derived('VirtualIDEController', { key: int(200), deviceInfo: info('IDE 0', 'IDE 0'), busNumber: int(0) }),
    derived('VirtualPCIController', {
      key: int(100),
      deviceInfo: info('PCI controller 0', 'PCI controller 0'),
      busNumber: int(0),
      device: list(
        'int',
        guest.nics.map(({ key }) => int(key)),
      ),
    }),
    ...keys.map((key) =>
      derived('ParaVirtualSCSIController', {
        key: int(key),
        deviceInfo: info(`SCSI controller ${key - 1000}`, 'VMware paravirtual SCSI'),
        controllerKey: int(100),
        unitNumber: int(3),
        busNumber: int(key - 1000),
        device: list(
          'int',
          guest.disks.filter(({ controllerKey }) => controllerKey === key).map((disk) => int(disk.key)),
        ),
        hotAddRemove: boolean(true),
        sharedBus: enumeration('VirtualSCSISharing', guest.sharedBus),
        scsiCtlrUnitNumber: int(7),
      }),
    ),
  ]
}

/** `linkOf`: which link of each disk is meant; a disk without one isn't shown. */
export function devices(world: World, guest: Guest, linkOf: (disk: GuestDisk) => Link | undefined): Value {
  const disks = guest.disks.flatMap((disk) => {
    const link = linkOf(disk)
    return link === undefined ? [] : [diskDevice(world, disk, link)]
  })
  const tpm = guest.vtpm
    ? [derived('VirtualTPM', { key: int(11_000), deviceInfo: info('Virtual TPM', 'Trusted Platform Module') })]
    : []
  return list('VirtualDevice', [...controllers(guest), ...usual(), ...disks, ...guest.nics.map(nicDevice), ...tpm])
}
