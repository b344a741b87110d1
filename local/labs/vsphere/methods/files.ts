/** Files of datastores: folders made, files found, moved and removed. */
import { basename, dirname } from 'node:path/posix'
import { fileAlreadyExists, fileLocked, fileNotFound, invalidArgument, notSupported } from '../wire/faults.ts'
import { dateTime, derived, list, long, ref, string, structure, type Value } from '../wire/values.ts'
import type { Element } from '../wire/xml.ts'
import { contentsOf, isBelow, isInUse, makeDirectories } from '../world/files.ts'
import { fullPath, splitPath } from '../world/paths.ts'
import { demand } from '../world/rights.ts'
import { type Datastore, entryOf, must } from '../world/world.ts'
import { type Call, entryNamed, type Method, userOf } from './call.ts'
import { task } from './tasks.ts'

interface Place {
  datastore: Datastore
  path: string
}

/** A vCenter has several datacenters, so that it must be told which one. */
function placeOf(call: Call, name: string, datacenter: string): Place {
  const { world, input } = call
  const given = entryNamed(call, 'Datacenter', datacenter)
  if (given === undefined && world.product.kind === 'vcenter') throw invalidArgument(datacenter)
  const place = splitPath(world, input.textOf(name) ?? '', given?.id)
  demand(world, userOf(call), place.datastore, 'Datastore.FileManagement')
  if (place.datastore.kind === 'vsan' && !place.path.includes('/')) throw notSupported()
  return place
}

const isThere = ({ datastore, path }: Place): boolean =>
  path === '' || datastore.files.has(path) || datastore.directories.has(path)

const shown = ({ datastore, path }: Place): string => fullPath(datastore, path)

export const MakeDirectory: Method = {
  on: ['FileManager'],
  parameters: 'name:string datacenter:@Datacenter? createParentDirectories:boolean?',
  run: (call) => {
    const place = placeOf(call, 'name', 'datacenter')
    if (isThere(place)) throw fileAlreadyExists(shown(place))
    const parent = dirname(place.path)
    const needsParent = call.input.flagOf('createParentDirectories') !== true
    if (needsParent && parent !== '.' && !place.datastore.directories.has(parent)) throw fileNotFound(shown(place))
    makeDirectories(place.datastore, place.path)
    return undefined
  },
}

/** The file, or all below the folder. */
function filesAt({ datastore, path }: Place): string[] {
  return [...datastore.files.keys()].filter((each) => each === path || isBelow(each, path))
}

function entityOf(call: Call, { datastore }: Place): { type: string; id: string; name: string } {
  return must(call.world, 'Datacenter', datastore.datacenter)
}

function demandFree(call: Call, place: Place): void {
  if (!isThere(place)) throw fileNotFound(shown(place))
  const locked = filesAt(place).find((each) => isInUse(call.world, place.datastore, each))
  if (locked !== undefined) throw fileLocked(fullPath(place.datastore, locked))
}

export const DeleteDatastoreFile_Task: Method = {
  on: ['FileManager'],
  parameters: 'name:string datacenter:@Datacenter?',
  run: (call) => {
    const place = placeOf(call, 'name', 'datacenter')
    if (place.path === '') throw invalidArgument('name')
    return task(call, entityOf(call, place), () => {
      demandFree(call, place)
      const { files, directories } = place.datastore
      for (const each of filesAt(place)) {
        place.datastore.freeBytes += files.get(each)?.bytes.sizeBytes ?? 0
        files.delete(each)
      }
      for (const each of directories) if (each === place.path || isBelow(each, place.path)) directories.delete(each)
      return undefined
    })
  },
}

export const MoveDatastoreFile_Task: Method = {
  on: ['FileManager'],
  parameters:
    'sourceName:string sourceDatacenter:@Datacenter? destinationName:string destinationDatacenter:@Datacenter? force:boolean?',
  run: (call) => {
    const from = placeOf(call, 'sourceName', 'sourceDatacenter')
    const to = placeOf(
      call,
      'destinationName',
      call.input.child('destinationDatacenter') === undefined ? 'sourceDatacenter' : 'destinationDatacenter',
    )
    return task(call, entityOf(call, from), () => {
      demandFree(call, from)
      if (isThere(to) && call.input.flagOf('force') !== true) throw fileAlreadyExists(shown(to))
      for (const each of filesAt(from)) {
        const file = from.datastore.files.get(each)
        const path = `${to.path}${each.slice(from.path.length)}`
        from.datastore.files.delete(each)
        makeDirectories(to.datastore, dirname(path))
        if (file !== undefined) to.datastore.files.set(path, file)
      }
      from.datastore.directories.delete(from.path)
      return undefined
    })
  },
}

const KINDS: readonly [RegExp, string][] = [
  [/\.vmx$/, 'VmConfigFileInfo'],
  [/\.vmdk$/, 'VmDiskFileInfo'],
  [/\.nvram$/, 'VmNvramFileInfo'],
  [/\.log$/, 'VmLogFileInfo'],
  [/\.vms[dn]$/, 'VmSnapshotFileInfo'],
]

/** `*` and `?` of a pattern; no pattern means all. */
function matches(name: string, patterns: readonly string[]): boolean {
  if (patterns.length === 0) return true
  return patterns.some((pattern) => {
    const quoted = pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')
    return new RegExp(`^${quoted}$`).test(name)
  })
}

function found(datastore: Datastore, folder: string, spec: Element | undefined): Value {
  const details = spec?.child('details')
  const patterns = spec?.all('matchPattern').map(({ text }) => text) ?? []
  const { files, folders } = contentsOf(datastore, folder)
  const info = (path: string, type: string): Value => {
    const file = datastore.files.get(path)
    return derived(type, {
      path: string(basename(path)),
      fileSize: file !== undefined && details?.flagOf('fileSize') === true ? long(file.bytes.sizeBytes) : undefined,
      modification:
        file !== undefined && details?.flagOf('modification') === true ? dateTime(file.modifiedAt) : undefined,
    })
  }
  const all = [
    ...folders.map((path) => ({ path, type: 'FolderFileInfo' })),
    ...files.map((path) => ({ path, type: KINDS.find(([ending]) => ending.test(path))?.[1] ?? 'FileInfo' })),
  ]
  return structure('HostDatastoreBrowserSearchResults', {
    datastore: ref('Datastore', datastore.id),
    folderPath: string(fullPath(datastore, folder === '' ? '' : `${folder}/`)),
    file: list(
      'FileInfo',
      all.filter(({ path }) => matches(basename(path), patterns)).map(({ path, type }) => info(path, type)),
    ),
  })
}

function search(call: Call, below: boolean): Value {
  const { world, input, target } = call
  const own = entryOf(world, 'Datastore', target.id.replace(/^datastoreBrowser-/, ''))
  const { datastore, path } = splitPath(world, input.textOf('datastorePath') ?? '', own?.datacenter)
  demand(world, userOf(call), datastore, 'Datastore.Browse')
  return task(call, datastore, () => {
    if (path !== '' && !datastore.directories.has(path)) throw fileNotFound(`[${datastore.name}] ${path}`)
    const spec = input.child('searchSpec')
    if (!below) return found(datastore, path, spec)
    const folders = [path, ...[...datastore.directories].filter((each) => isBelow(each, path))]
    return list(
      'HostDatastoreBrowserSearchResults',
      folders.map((each) => found(datastore, each, spec)),
    )
  })
}

const SEARCH = 'datastorePath:string searchSpec:HostDatastoreBrowserSearchSpec?'

export const SearchDatastore_Task: Method = {
  on: ['HostDatastoreBrowser'],
  parameters: SEARCH,
  run: (call) => search(call, false),
}

export const SearchDatastoreSubFolders_Task: Method = {
  on: ['HostDatastoreBrowser'],
  parameters: SEARCH,
  run: (call) => search(call, true),
}
