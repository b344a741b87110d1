/** Where things are in the inventory: hosts, folders, pools, datastores, each by its reference. */
import { listObjects, type ObjectContent } from '../../vsphere-api/properties.ts'
import type { VimSession } from '../../vsphere-api/vim-session.ts'
import { isGone, VimFault } from '../../vsphere-api/vim-fault.ts'
import { childOf, type Ref, refOf, textOf } from '../../vsphere-api/xml.ts'
import { shownName } from './identifiers.ts'
import { numberOf } from './machine.ts'

interface Place {
  ref: Ref
  /** As the server keeps it, with `%2f` for a slash. */
  name: string
  parent: Ref | undefined
}

export interface Datastore extends Place {
  /** `VMFS`, `NFS`, `vsan`, `VVOL`, … */
  type: string
  capacityBytes: number | undefined
  freeBytes: number | undefined
}

export interface Places {
  /** Names and parents of folders, datacenters, hosts, clusters and pools, by their id. */
  byId: ReadonlyMap<string, Place>
  datastores: readonly Datastore[]
}

/** Kinds that make up a path. A container view of each: an answer stays small. */
const KINDS = ['Folder', 'Datacenter', 'ComputeResource', 'HostSystem', 'ResourcePool'] as const

/** @throws VimFault, facts of ours */
export async function placesOf(session: VimSession): Promise<Places> {
  const [stores, ...kinds] = await Promise.all([
    listObjects(session, 'Datastore', ['name', 'parent', 'summary.type', 'summary.capacity', 'summary.freeSpace']),
    ...KINDS.map((kind) => listObjects(session, kind, ['name', 'parent'])),
  ])
  const datastores = stores.map((one) => ({
    ...placeOf(one),
    type: textOf(one.properties.get('summary.type')),
    capacityBytes: numberOf(one.properties.get('summary.capacity')),
    freeBytes: numberOf(one.properties.get('summary.freeSpace')),
  }))
  return { byId: new Map(kinds.flat().map((one) => [one.ref.id, placeOf(one)])), datastores }
}

function placeOf({ ref, properties }: ObjectContent): Place {
  return { ref, name: textOf(properties.get('name')), parent: refOf(properties.get('parent')) }
}

/** Names from the top down to an object, the invisible root left out. As the server keeps them. */
export function pathTo({ byId }: Places, from: Ref | undefined): string[] {
  const names: string[] = []
  const seen = new Set<string>()
  for (let at = from; at !== undefined && !seen.has(at.id); ) {
    seen.add(at.id)
    const place = byId.get(at.id)
    if (place === undefined) break
    names.unshift(place.name)
    at = place.parent
  }
  return names
}

/** As people write it: `DC1/vm/production`. */
export function shownPath(places: Places, from: Ref | undefined): string {
  return pathTo(places, from).map(shownName).join('/')
}

export function nameOfHost({ byId }: Places, host: Ref | undefined): string {
  const place = host === undefined ? undefined : byId.get(host.id)
  return place === undefined ? (host?.id ?? 'unknown') : shownName(place.name)
}

/** What `dcPath` says: the datacenter that an object is in, with the folders above it, without a slash in front. */
export function datacenterPath(places: Places, from: Ref | undefined): string {
  return pathTo(places, datacenterAbove(places, from)).join('/')
}

/** A datastore by its name, in the datacenter that an object is in: another one may have one of that name, too. */
export function datastoreNamed(places: Places, name: string, from: Ref | undefined): Datastore | undefined {
  const datacenter = datacenterAbove(places, from)?.id
  return places.datastores.find((one) => one.name === name && datacenterAbove(places, one.parent)?.id === datacenter)
}

/** The datacenter that an object is in. */
export function datacenterAbove({ byId }: Places, from: Ref | undefined): Ref | undefined {
  const seen = new Set<string>()
  for (let at = from; at !== undefined && !seen.has(at.id); at = byId.get(at.id)?.parent) {
    seen.add(at.id)
    if (at.type === 'Datacenter') return at
  }
  return undefined
}

/** An object by its inventory path, as `/DC1/vm/guestlift`; `undefined` where there is none. */
export async function findByPath(session: VimSession, path: string): Promise<Ref | undefined> {
  const content = await session.content()
  try {
    const found = await session.read({
      method: 'FindByInventoryPath',
      on: content.ref('searchIndex'),
      args: [['inventoryPath', path]],
    })
    return refOf(childOf(found, 'returnval'))
  } catch (error) {
    if (error instanceof VimFault && isGone(error)) return undefined
    throw error
  }
}
