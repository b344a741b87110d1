/** Names and paths: of the inventory, and of files as `[datastore] folder/file`. */
import { invalidDatastorePath } from '../wire/faults.ts'
import { type Datacenter, type Datastore, entriesOf, type Entry, type World } from './world.ts'

/** As the inventory keeps a name. */
export const stored = (name: string): string =>
  name.replaceAll('%', '%25').replaceAll('/', '%2f').replaceAll('\\', '%5c')

const parentOf = (world: World, entry: Entry): Entry | undefined =>
  entry.parent === undefined ? undefined : world.entries.get(entry.parent)

/** `/DC1/vm/web01`: without the root folder's own name. */
export function inventoryPath(world: World, entry: Entry): string {
  const parent = parentOf(world, entry)
  if (parent === undefined) return '/'
  const above = inventoryPath(world, parent)
  return `${above === '/' ? '' : above}/${entry.name}`
}

export function findByPath(world: World, path: string): Entry | undefined {
  const wanted = `/${path.replace(/^\/+|\/+$/g, '')}`
  return [...world.entries.values()].find((each) => inventoryPath(world, each) === wanted)
}

/** What a datastore's `dcPath` is: the datacenter's path without the slash before it. */
export const dcPathOf = (world: World, datacenter: Datacenter): string => inventoryPath(world, datacenter).slice(1)

export function datacenterOf(world: World, entry: Entry): Datacenter | undefined {
  for (let each: Entry | undefined = entry; each !== undefined; each = parentOf(world, each))
    if (each.type === 'Datacenter') return each
  return undefined
}

export const within = (world: World, entry: Entry, container: string): boolean => {
  for (let each = parentOf(world, entry); each !== undefined; each = parentOf(world, each))
    if (each.id === container) return true
  return false
}

export const fullPath = (datastore: Datastore, path: string): string => `[${datastore.name}] ${path}`

/**
 * The datastore and the path in it that `[ds1] web/web.vmx` names.
 * @throws VimFault InvalidDatastorePath
 */
export function splitPath(
  world: World,
  text: string,
  datacenterId: string | undefined,
): { datastore: Datastore; path: string } {
  // A name may hold brackets itself.
  const datastore = entriesOf(world, 'Datastore').find(
    (each) =>
      (text === `[${each.name}]` || text.startsWith(`[${each.name}] `)) &&
      (datacenterId === undefined || each.datacenter === datacenterId),
  )
  if (datastore === undefined) throw invalidDatastorePath(text)
  return { datastore, path: text.slice(datastore.name.length + 3).replace(/\/+$/, '') }
}
