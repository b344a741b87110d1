/** Files of a datastore: their folders, and what a running guest keeps to itself. */
import { dirname } from 'node:path/posix'
import { type Bytes, textBytes, textOf } from '../disks/bytes.ts'
import type { Link } from '../disks/link.ts'
import { type Datastore, type Guest, guests, type LabFile, type World } from './world.ts'

export function makeDirectories(datastore: Datastore, path: string): void {
  if (path === '' || path === '.') return
  makeDirectories(datastore, dirname(path))
  datastore.directories.add(path)
}

export function putFile(world: World, datastore: Datastore, path: string, bytes: Bytes): LabFile {
  makeDirectories(datastore, dirname(path))
  const file = { bytes, modifiedAt: world.now() }
  datastore.files.set(path, file)
  return file
}

/** Text that may have changed; an unchanged one keeps its time. */
export function putText(world: World, datastore: Datastore, path: string, text: string): void {
  const old = datastore.files.get(path)
  if (old !== undefined && old.bytes.sizeBytes < 1024 * 1024 && textOf(old.bytes) === text) return
  putFile(world, datastore, path, textBytes(text))
}

export const isBelow = (path: string, folder: string): boolean => folder === '' || path.startsWith(`${folder}/`)

/** Files and folders right in a folder. */
export function contentsOf({ files, directories }: Datastore, folder: string): { files: string[]; folders: string[] } {
  const here = (path: string): boolean => dirname(path) === (folder === '' ? '.' : folder)
  return { files: [...files.keys()].filter(here).toSorted(), folders: [...directories].filter(here).toSorted() }
}

/** Links that a guest has: of its disks now, and of its snapshots. */
export function linksOf({ disks, snapshots }: Guest): Set<Link> {
  const tops = [...disks.map(({ top }) => top), ...snapshots.flatMap(({ links }) => [...links.values()])]
  return new Set(tops.flatMap((top) => top.chain))
}

/**
 * Whether a file can't be opened: the guest runs, and writes to it. Others may read what lies under a snapshot, and
 * all texts.
 */
export function isLocked(world: World, datastore: Datastore, path: string): boolean {
  return guests(world).some(
    ({ powerState, disks }) =>
      powerState === 'poweredOn' && disks.some(({ top }) => top.datastoreId === datastore.id && top.extent === path),
  )
}

/** A raw device's file holds nothing but where the device is. */
export function isRawDevice(world: World, datastore: Datastore, path: string): boolean {
  return guests(world).some((guest) =>
    [...linksOf(guest)].some(
      (link) => link.form === 'rdm' && link.datastoreId === datastore.id && link.extent === path,
    ),
  )
}

/** Whether a file is in use at all, so that it can't be removed or replaced. */
export function isInUse(world: World, datastore: Datastore, path: string): boolean {
  return guests(world).some(
    (guest) =>
      guest.powerState === 'poweredOn' &&
      [...linksOf(guest)].some((link) => link.datastoreId === datastore.id && link.extent === path),
  )
}
