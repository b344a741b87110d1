/**
 * Disks with a content of their own, as restores write them: files on their storage. A VM's disk is a sparse raw image,
 * whatever format its volume's name shows. A container's root file system is kept as the members of a tar: owners, modes
 * and attributes survive on machines where nobody is root.
 */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { directoryOf } from './storage-files.ts'
import { findStorage, type LabDisk, type LabGuest, type LabStorage, type World } from './world.ts'

/** File storages keep a guest's images in a folder of its own; the others know volumes by name alone. */
export const keepsFolders = ({ type }: LabStorage): boolean => ['dir', 'nfs', 'cifs', 'btrfs', 'cephfs'].includes(type)

function pathOn(world: World, storage: LabStorage, node: string, vmid: number, volume: string): string {
  return join(directoryOf(world, storage, node), 'images', String(vmid), basename(volume.replace(/^[^:]*:/, '')))
}

/** The file of a stored disk; on another node's storage where the guest was moved without it. */
export function imageOf(world: World, guest: LabGuest, disk: LabDisk): string | undefined {
  const storage = findStorage(world, disk.volume.split(':')[0] ?? '')
  if (disk.stored !== true || storage === undefined) return undefined
  const nodes = [guest.node, ...world.site.nodes.map(({ name }) => name)]
  return nodes.map((node) => pathOn(world, storage, node, guest.vmid, disk.volume)).find((path) => existsSync(path))
}

/** Where a new image of this volume belongs. Its folder is made. */
export function newImage(world: World, storage: LabStorage, node: string, vmid: number, volume: string): string {
  const path = pathOn(world, storage, node, vmid, volume)
  mkdirSync(dirname(path), { recursive: true })
  return path
}

/** From now on a disk holds this. @throws Error for one on a storage that the site doesn't have */
export function storeImage(world: World, guest: LabGuest, disk: LabDisk, content: Buffer): void {
  const storage = findStorage(world, disk.volume.split(':')[0] ?? '')
  if (storage === undefined) throw new Error(`no storage holds the volume ${disk.volume}`)
  writeFileSync(newImage(world, storage, guest.node, guest.vmid, disk.volume), content)
  Object.assign(disk, { stored: true, sizeBytes: content.length })
  world.save()
}

/** A template's volumes are named as bases, and their files with them. */
export function renameToBase(world: World, guest: LabGuest): void {
  for (const disk of guest.disks) {
    const volume = disk.volume.replace(/([:/])vm-/, '$1base-').replace(/([:/])subvol-/, '$1basevol-')
    const path = imageOf(world, guest, disk)
    disk.volume = volume
    if (path !== undefined) renameSync(path, join(dirname(path), basename(volume.replace(/^[^:]*:/, ''))))
  }
}

/** Remove the files of all its stored disks. */
export function removeImages(world: World, guest: LabGuest): void {
  for (const disk of guest.disks) {
    const path = imageOf(world, guest, disk)
    if (path !== undefined) rmSync(path, { force: true })
  }
}
