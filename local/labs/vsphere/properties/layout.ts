/** `layoutEx` of a guest: its files by key, and the chain of each disk from the base on. */
import type { Link } from '../disks/link.ts'
import { boolean, dateTime, int, list, long, string, structure, type Value } from '../wire/values.ts'
import { linksOf } from '../world/files.ts'
import { fileIn, snapshotFile } from '../world/guest-files.ts'
import { fullPath } from '../world/paths.ts'
import { datastoreOf, type Guest, type World } from '../world/world.ts'

interface Listed {
  key: number
  value: Value
}

export function layoutOf(world: World, guest: Guest): Value {
  const files = new Map<string, Listed>()
  const add = (datastoreId: string, path: string, type: string): number => {
    const datastore = datastoreOf(world, datastoreId)
    const name = fullPath(datastore, path)
    const there = files.get(name)
    if (there !== undefined) return there.key
    const file = datastore.files.get(path)
    if (file === undefined && type !== 'diskDescriptor' && type !== 'diskExtent') return -1
    const size = file === undefined ? 0 : (file.wrongSizeBytes ?? file.bytes.sizeBytes)
    const key = files.size
    files.set(name, {
      key,
      value: structure('VirtualMachineFileLayoutExFileInfo', {
        key: int(key),
        name: string(name),
        type: string(type),
        size: long(size),
        uniqueSize: long(size),
        backingObjectId: undefined,
        accessible: boolean(datastore.accessible),
      }),
    })
    return key
  }
  const own = guest.datastoreId
  add(own, fileIn(guest, '.vmx'), 'config')
  add(own, fileIn(guest, '.vmsd'), 'snapshotList')
  add(own, fileIn(guest, '.nvram'), 'nvram')
  for (const link of linksOf(guest)) addLink(link)
  add(own, `${guest.directory}/vmware.log`, 'log')
  function addLink({ datastoreId, descriptor, extent, form }: Link): number[] {
    const keys = [add(datastoreId, descriptor, 'diskDescriptor')]
    if (extent !== undefined) keys.push(add(datastoreId, extent, form === 'rdm' ? 'rdmExtent' : 'diskExtent'))
    return keys
  }
  const diskLayout = (key: number, top: Link): Value =>
    structure('VirtualMachineFileLayoutExDiskLayout', {
      key: int(key),
      chain: list(
        'VirtualMachineFileLayoutExDiskUnit',
        top.chain.map((link) =>
          structure('VirtualMachineFileLayoutExDiskUnit', { fileKey: list('int', addLink(link).map(int)) }),
        ),
      ),
    })
  const disks = guest.disks.map(({ key, top }) => diskLayout(key, top))
  const snapshots = guest.snapshots.map((snapshot) =>
    structure('VirtualMachineFileLayoutExSnapshotLayout', {
      key: { kind: 'reference', type: 'VirtualMachineSnapshot', id: snapshot.id },
      dataKey: int(add(own, snapshotFile(guest, snapshot), 'snapshotData')),
      memoryKey: int(-1),
      disk: list(
        'VirtualMachineFileLayoutExDiskLayout',
        [...snapshot.links].map(([key, link]) => diskLayout(key, link)),
      ),
    }),
  )
  return structure('VirtualMachineFileLayoutEx', {
    file: list(
      'VirtualMachineFileLayoutExFileInfo',
      [...files.values()].map(({ value }) => value),
    ),
    disk: list('VirtualMachineFileLayoutExDiskLayout', disks),
    snapshot: list('VirtualMachineFileLayoutExSnapshotLayout', snapshots),
    timestamp: dateTime(world.now()),
  })
}
