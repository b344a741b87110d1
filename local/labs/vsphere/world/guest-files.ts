/** The files of a guest, written as ESXi writes them whenever something about it changed. */
import { basename } from 'node:path/posix'
import { flatBytes, memoryBytes, textBytes } from '../disks/bytes.ts'
import { descriptorText } from '../disks/descriptor.ts'
import type { Link } from '../disks/link.ts'
import { seSparseBytes } from '../disks/se-sparse.ts'
import { vmfsSparseBytes } from '../disks/vmfs-sparse.ts'
import { isBelow, linksOf, makeDirectories, putFile, putText } from './files.ts'
import { vmsdText } from './vmsd.ts'
import { vmxText } from './vmx.ts'
import { datastoreOf, type Guest, type GuestDisk, type Snapshot, type World } from './world.ts'

export const fileIn = ({ directory, stem }: Guest, ending: string): string => `${directory}/${stem}${ending}`

export const snapshotFile = (guest: Guest, { number }: Snapshot): string => fileIn(guest, `-Snapshot${number}.vmsn`)

function extentBytes(link: Link) {
  if (link.form === 'delta') return vmfsSparseBytes(link.blocks)
  return link.form === 'sesparse' ? seSparseBytes(link.blocks) : flatBytes(link.blocks)
}

/** The extent's file of a link, made again after its bytes changed. */
export function renewExtent(world: World, link: Link): void {
  const { extent } = link
  if (extent === undefined) return
  putFile(world, datastoreOf(world, link.datastoreId), extent, extentBytes(link))
}

/** Its bytes stay, and its time is now. */
export function touchExtent(world: World, { datastoreId, extent }: Link): void {
  const file = extent === undefined ? undefined : datastoreOf(world, datastoreId).files.get(extent)
  if (file !== undefined) file.modifiedAt = world.now()
}

function parentHint(world: World, link: Link): string | undefined {
  const { parent } = link
  if (parent === undefined) return undefined
  if (parent.datastoreId !== link.datastoreId)
    return `/vmfs/volumes/${datastoreOf(world, parent.datastoreId).uuid}/${parent.descriptor}`
  return basename(parent.descriptor)
}

function writeLink(world: World, guest: Guest, disk: GuestDisk | undefined, link: Link): void {
  const datastore = datastoreOf(world, link.datastoreId)
  const hint = parentHint(world, link)
  const facts = {
    uuid: disk?.uuid ?? guest.uuid.replaceAll('-', ''),
    adapterType: 'lsilogic',
    hardwareVersion: guest.hardwareVersion,
    ...(disk?.rdm === 'physicalMode' ? { physicalRdm: true } : {}),
    ...(hint === undefined ? {} : { parentHint: hint }),
  }
  putText(world, datastore, link.descriptor, descriptorText(link, facts))
  if (link.extent !== undefined && !datastore.files.has(link.extent)) renewExtent(world, link)
}

/** Bring all files of a guest up to date. Extents are only made, never changed. */
export function writeGuestFiles(world: World, guest: Guest): void {
  const datastore = datastoreOf(world, guest.datastoreId)
  makeDirectories(datastore, guest.directory)
  for (const link of linksOf(guest)) {
    const disk = guest.disks.find(({ top }) => top.chain[0] === link.chain[0])
    writeLink(world, guest, disk, link)
  }
  putText(world, datastore, fileIn(guest, '.vmx'), vmxText(world, guest))
  putText(world, datastore, fileIn(guest, '.vmsd'), vmsdText(guest))
  for (const snapshot of guest.snapshots) {
    const path = snapshotFile(guest, snapshot)
    if (!datastore.files.has(path)) putFile(world, datastore, path, textBytes(`lab vmsn ${snapshot.number}\n`))
  }
  if (guest.hasNvram && !datastore.files.has(fileIn(guest, '.nvram'))) {
    const nvram = Buffer.alloc(guest.firmware === 'efi' ? 270_840 : 8684)
    nvram.write('MRVN', 0, 'ascii')
    nvram.write(guest.uuid, 16, 'ascii')
    putFile(world, datastore, fileIn(guest, '.nvram'), memoryBytes(nvram))
  }
  if (guest.hasNvram && !datastore.files.has(`${guest.directory}/vmware.log`)) {
    const line = `${world.now().toISOString()} In(05) vmx - Log for VMware ESX pid=1 version=8.0.3 build=build-1 option=Release\n`
    putFile(world, datastore, `${guest.directory}/vmware.log`, textBytes(line))
  }
}

/** Files of a link are gone. */
export function removeLinkFiles(world: World, link: Link): void {
  const { files } = datastoreOf(world, link.datastoreId)
  files.delete(link.descriptor)
  if (link.extent !== undefined) files.delete(link.extent)
}

/** A guest's files, and its folder where nothing else is in it. */
export function removeGuestFiles(world: World, guest: Guest): void {
  for (const link of linksOf(guest)) removeLinkFiles(world, link)
  const { files, directories } = datastoreOf(world, guest.datastoreId)
  const own = ['.vmx', '.vmsd', '.nvram', '.vmxf'].map((ending) => fileIn(guest, ending))
  const snapshots = guest.snapshots.map((each) => snapshotFile(guest, each))
  for (const path of [...own, ...snapshots, `${guest.directory}/vmware.log`]) files.delete(path)
  if (![...files.keys()].some((path) => isBelow(path, guest.directory))) directories.delete(guest.directory)
}
