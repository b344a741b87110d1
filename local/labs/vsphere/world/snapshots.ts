/** Snapshots: what they freeze, and how a removal merges it again. */
import type { Link } from '../disks/link.ts'
import { Link as DiskLink } from '../disks/link.ts'
import { linksOf } from './files.ts'
import { fileIn, removeLinkFiles, renewExtent, snapshotFile, touchExtent, writeGuestFiles } from './guest-files.ts'
import { datastoreOf, type Guest, type GuestDisk, type Snapshot, type World } from './world.ts'

/** Whether a snapshot holds the disk: independent ones and raw devices in physical mode stay out. */
const takesPart = ({ mode, rdm }: GuestDisk): boolean => mode === 'persistent' && rdm !== 'physicalMode'

/** `web-000001.vmdk`, the lowest number that is free. */
function deltaOf(world: World, guest: Guest, parent: Link): Link {
  const datastore = datastoreOf(world, parent.datastoreId)
  const stem = parent.descriptor.replace(/(-\d{6})?\.vmdk$/, '')
  let number = 1
  const named = (): string => `${stem}-${String(number).padStart(6, '0')}`
  while (datastore.files.has(`${named()}.vmdk`)) number += 1
  const { sizeBytes } = parent.blocks
  const big = sizeBytes > 2 * 1024 ** 4
  const form = parent.form === 'vsan' ? 'vsan' : datastore.vmfsVersion === '6.82' || big ? 'sesparse' : 'delta'
  const link = new DiskLink({
    form,
    datastoreId: parent.datastoreId,
    descriptor: `${named()}.vmdk`,
    ...(form === 'vsan' ? {} : { extent: `${named()}-${form}.vmdk` }),
    sizeBytes,
    parent,
    cid: guest.powerState === 'poweredOn' ? world.hex(8) : parent.cid,
  })
  return link
}

export interface NewSnapshot {
  name: string
  description: string
  quiesced: boolean
  createdAt?: Date
}

/** Freeze each disk, and give the guest new links to write to. */
export function addSnapshot(world: World, guest: Guest, given: NewSnapshot): Snapshot {
  guest.lastSnapshotNumber += 1
  const snapshot: Snapshot = {
    type: 'VirtualMachineSnapshot',
    id: `snapshot-${world.nextNumber()}`,
    number: guest.lastSnapshotNumber,
    guestId: guest.id,
    name: given.name,
    description: given.description,
    createdAt: given.createdAt ?? world.now(),
    powerState: guest.powerState,
    quiesced: given.quiesced,
    parent: guest.current,
    links: new Map(),
  }
  for (const disk of guest.disks.filter(takesPart)) {
    snapshot.links.set(disk.key, disk.top)
    // Closing a file may change its time; a client must look after the snapshot, not before.
    touchExtent(world, disk.top)
    disk.top = deltaOf(world, guest, disk.top)
    // The next disk must not take the same name.
    renewExtent(world, disk.top)
    writeGuestFiles(world, guest)
  }
  guest.snapshots.push(snapshot)
  guest.current = snapshot
  world.snapshots.set(snapshot.id, snapshot)
  writeGuestFiles(world, guest)
  return snapshot
}

function replaceLink(guest: Guest, gone: Link, by: Link): void {
  for (const link of linksOf(guest)) if (link.parent === gone) link.parent = by
  for (const disk of guest.disks) if (disk.top === gone) disk.top = by
  for (const { links } of guest.snapshots) for (const [key, link] of links) if (link === gone) links.set(key, by)
}

/** What a snapshot froze takes over the one link that was written since; with several, each stays. */
function merge(world: World, guest: Guest, frozen: Link): void {
  const children = [...linksOf(guest)].filter(({ parent }) => parent === frozen)
  const stillFrozen = guest.snapshots.some(({ links }) => [...links.values()].includes(frozen))
  const [child] = children
  if (stillFrozen || child === undefined || children.length > 1) return
  frozen.absorb(child)
  replaceLink(guest, child, frozen)
  removeLinkFiles(world, child)
  renewExtent(world, frozen)
}

export interface Removal {
  /** Files stay as they are, until they are consolidated. */
  leaveFiles?: boolean
}

/** Take a snapshot out of the tree; its children hang on its parent. */
export function removeSnapshot(world: World, guest: Guest, snapshot: Snapshot, { leaveFiles }: Removal = {}): void {
  const links = [...snapshot.links.values()]
  const before = linksOf(guest)
  datastoreOf(world, guest.datastoreId).files.delete(snapshotFile(guest, snapshot))
  guest.snapshots = guest.snapshots.filter((each) => each !== snapshot)
  for (const each of guest.snapshots) if (each.parent === snapshot) each.parent = snapshot.parent
  if (guest.current === snapshot) guest.current = snapshot.parent
  world.snapshots.delete(snapshot.id)
  if (leaveFiles === true) guest.consolidationNeeded = true
  else for (const frozen of links) if (linksOf(guest).has(frozen)) merge(world, guest, frozen)
  const after = linksOf(guest)
  for (const link of before) if (!after.has(link) && !mergedAway(world, link)) removeLinkFiles(world, link)
  writeGuestFiles(world, guest)
}

const mergedAway = (world: World, { datastoreId, descriptor }: Link): boolean =>
  !datastoreOf(world, datastoreId).files.has(descriptor)

export function removeTree(world: World, guest: Guest, snapshot: Snapshot, removal: Removal = {}): void {
  for (const child of guest.snapshots.filter(({ parent }) => parent === snapshot))
    removeTree(world, guest, child, removal)
  removeSnapshot(world, guest, snapshot, removal)
}

/** Merge every link that no snapshot needs. */
export function consolidate(world: World, guest: Guest): void {
  for (const link of linksOf(guest)) {
    const needed = guest.snapshots.some(({ links }) => [...links.values()].includes(link))
    if (!needed && linksOf(guest).has(link)) merge(world, guest, link)
  }
  guest.consolidationNeeded = false
  writeGuestFiles(world, guest)
}

export const depthOf = (snapshot: Snapshot | undefined): number =>
  snapshot === undefined ? 0 : 1 + depthOf(snapshot.parent)

export const vmxPath = (guest: Guest): string => fileIn(guest, '.vmx')
