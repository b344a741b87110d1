/** A guest of its own with the bytes of another: flat files, whatever the source's chain. */
import { Link } from '../disks/link.ts'
import { freeDirectory } from './build-guest.ts'
import { writeGuestFiles } from './guest-files.ts'
import type { Datastore, Guest, GuestDisk, World } from './world.ts'

export interface CloneSpec {
  name: string
  folderId: string
  poolId: string | undefined
  hostId: string
  datastore: Datastore
  template: boolean
  annotation: string | undefined
  /** Which link of each disk is copied; a disk without one stays out. */
  linkOf: (disk: GuestDisk) => Link | undefined
}

function copiedDisk(world: World, disk: GuestDisk, from: Link, to: { datastore: Datastore; stem: string }): GuestDisk {
  const isObject = to.datastore.kind === 'vsan' || to.datastore.kind === 'VVOL'
  const top = new Link({
    form: isObject ? 'vsan' : 'flat',
    datastoreId: to.datastore.id,
    descriptor: `${to.stem}.vmdk`,
    ...(isObject ? {} : { extent: `${to.stem}-flat.vmdk` }),
    sizeBytes: disk.capacityBytes,
    cid: world.hex(8),
    thin: from.chain[0]?.thin ?? true,
  })
  for (const index of new Set(from.chain.flatMap(({ blocks }) => blocks.written))) {
    const block = from.block(index)
    if (block !== undefined) top.blocks.set(index, block)
  }
  return { ...disk, uuid: `6000c29${world.hex(25)}`, rdm: undefined, top }
}

export function cloneGuest(world: World, source: Guest, spec: CloneSpec): Guest {
  const stem = spec.name.replace(/[/\\%]/g, '_')
  const directory = freeDirectory(spec.datastore, stem)
  const tail = (): string => world.hex(6).match(/../g)?.join(':').replace(/^../, '8f') ?? ''
  const clone: Guest = {
    ...source,
    id: `vm-${world.nextNumber()}`,
    name: spec.name,
    parent: spec.folderId,
    instanceUuid: world.uuid(),
    uuid: `4207${world.uuid().slice(4)}`,
    annotation: spec.annotation ?? source.annotation,
    hostId: spec.hostId,
    poolId: spec.poolId,
    powerState: 'poweredOff',
    toolsRunning: false,
    template: spec.template,
    datastoreId: spec.datastore.id,
    directory,
    stem,
    disks: [],
    nics: source.nics.map((nic) => ({ ...nic, mac: `00:50:56:${tail()}` })),
    tags: [],
    customValues: {},
    snapshots: [],
    current: undefined,
    lastSnapshotNumber: 0,
    consolidationNeeded: false,
    changeTracking: false,
    createdAt: world.now(),
    extra: new Map(),
    missing: undefined,
    question: false,
  }
  source.disks.forEach((disk, index) => {
    const from = spec.linkOf(disk)
    const place = { datastore: spec.datastore, stem: `${directory}/${stem}${index === 0 ? '' : `_${index}`}` }
    if (from !== undefined) clone.disks.push(copiedDisk(world, disk, from, place))
  })
  world.entries.set(clone.id, clone)
  writeGuestFiles(world, clone)
  return clone
}
