/** The `.vmx` of a guest, as ESXi writes it; and the lines of one that is read. */
import { createHash } from 'node:crypto'
import { dirname, basename } from 'node:path/posix'
import { datastoreOf, type Guest, type GuestDisk, type World } from './world.ts'

/** Quotes, pipes and what isn't printable are `|` and two hex digits. */
const quoted = (text: string): string =>
  // oxlint-disable-next-line no-control-regex -- these are what ESXi escapes
  text.replace(/[|"\u0000-\u001f]/g, (letter) => `|${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)

const unquoted = (text: string): string =>
  text.replace(/\|([0-9A-Fa-f]{2})/g, (_all, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))

/** `56 4d … -…`: a UUID as VMware's files have it. */
export function vmwareUuid(uuid: string): string {
  const pairs = uuid.replaceAll('-', '').match(/../g) ?? []
  return `${pairs.slice(0, 8).join(' ')}-${pairs.slice(8).join(' ')}`
}

export function plainUuid(text: string): string {
  const digits = text.replaceAll(/[^0-9a-fA-F]/g, '').toLowerCase()
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Follows from where the files lie: a guest that was moved or copied has another one. */
export function locationUuid(world: World, datastoreId: string, directory: string): string {
  const place = `${datastoreOf(world, datastoreId).uuid}/${directory}`
  return plainUuid(createHash('sha256').update(place).digest('hex').slice(0, 32))
}

export const nodeOf = ({ controllerKey, unitNumber }: GuestDisk): string => `scsi${controllerKey - 1000}:${unitNumber}`

/** A file beside the .vmx by its name, any other by its whole path. */
function fileName(world: World, guest: Guest, { top }: GuestDisk): string {
  if (top.datastoreId === guest.datastoreId && dirname(top.descriptor) === guest.directory)
    return basename(top.descriptor)
  return `/vmfs/volumes/${datastoreOf(world, top.datastoreId).uuid}/${top.descriptor}`
}

function diskLines(world: World, guest: Guest, disk: GuestDisk): [string, string][] {
  const node = nodeOf(disk)
  return [
    [`${node}.deviceType`, 'scsi-hardDisk'],
    [`${node}.fileName`, fileName(world, guest, disk)],
    ...(disk.mode === 'persistent' ? [] : [[`${node}.mode`, disk.mode.replace('_', '-')] as [string, string]]),
    ...(disk.sharing === 'sharingMultiWriter' ? [[`${node}.sharing`, 'multi-writer'] as [string, string]] : []),
    [`${node}.present`, 'TRUE'],
  ]
}

function nicLines(guest: Guest): [string, string][] {
  return guest.nics.flatMap((nic, index): [string, string][] => [
    [`ethernet${index}.virtualDev`, 'vmxnet3'],
    [`ethernet${index}.networkName`, nic.networkName],
    [`ethernet${index}.addressType`, 'vpx'],
    [`ethernet${index}.generatedAddress`, nic.mac],
    [`ethernet${index}.startConnected`, nic.startConnected ? 'TRUE' : 'FALSE'],
    [`ethernet${index}.present`, 'TRUE'],
  ])
}

export function vmxText(world: World, guest: Guest): string {
  const controllers = [...new Set(guest.disks.map(({ controllerKey }) => controllerKey - 1000))]
  const lines: [string, string][] = [
    ['.encoding', 'UTF-8'],
    ['config.version', '8'],
    ['virtualHW.version', guest.hardwareVersion],
    ['nvram', `${guest.stem}.nvram`],
    ['displayName', guest.name],
    ['annotation', guest.annotation],
    ['guestOS', guest.guestOs],
    ['firmware', guest.firmware],
    ['numvcpus', String(guest.cpus)],
    ['memSize', String(guest.memoryMb)],
    ...controllers.flatMap((number): [string, string][] => [
      [`scsi${number}.virtualDev`, 'pvscsi'],
      ...(guest.sharedBus === 'noSharing'
        ? []
        : [[`scsi${number}.sharedBus`, guest.sharedBus.replace('Sharing', '')] as [string, string]]),
      [`scsi${number}.present`, 'TRUE'],
    ]),
    ...guest.disks.flatMap((disk) => diskLines(world, guest, disk)),
    ...nicLines(guest),
    ...(guest.vtpm ? ([['vtpm.present', 'TRUE']] as [string, string][]) : []),
    ...(guest.changeTracking ? ([['ctkEnabled', 'TRUE']] as [string, string][]) : []),
    ['uuid.bios', vmwareUuid(guest.uuid)],
    ['uuid.location', vmwareUuid(locationUuid(world, guest.datastoreId, guest.directory))],
    ['vc.uuid', vmwareUuid(guest.instanceUuid)],
    ...(guest.powerState === 'poweredOn'
      ? ([
          [
            'sched.swap.derivedName',
            `/vmfs/volumes/${datastoreOf(world, guest.datastoreId).uuid}/${guest.directory}/${guest.stem}-1.vswp`,
          ],
        ] as [string, string][])
      : []),
    ...guest.extra,
  ]
  return `${lines
    .filter(([name, value]) => name !== 'annotation' || value !== '')
    .map(([name, value]) => `${name} = "${quoted(value)}"`)
    .join('\n')}\n`
}

/** Names in lower case, as ESXi takes them. */
export function vmxLines(text: string): Map<string, string> {
  const found = text.matchAll(/^\s*([\w.:]+)\s*=\s*"(.*)"\s*$/gm)
  return new Map([...found].map(([, name = '', value = '']) => [name.toLowerCase(), unquoted(value)]))
}
