/** What there is to copy while a snapshot or a clone of ours stands: disks by name, and the files they are read from. Pure. */
import type { EvidenceSource } from '../../contracts/evidence.ts'
import type { DatastoreFileLocation } from '../../contracts/vsphere-access.ts'
import { flatFileOf, type FrozenDisk, isExtent, lacksExtents, type LaidFile, parseDatastorePath } from './layout.ts'
import type { MachineDisk } from './machine.ts'

export interface ReadFrom {
  /** The host, for people. */
  node: string
  heldBy: DatastoreFileLocation['heldBy']
  /** Inventory path of the guest's datacenter, which its datastores are in. */
  datacenter: string
  /** Names of datastores. */
  datastores: readonly string[]
  /** The archive's time. */
  createdAt: string
  /** Files as they are: with the snapshots before ours. */
  asFiles: boolean
}

/** A disk that is to be copied, under the name that all of its files share. */
export interface NamedDisk {
  name: string
  frozen: FrozenDisk
}

/** Disks of one folder never have the same name; those of two may. */
export function nameDisks(disks: readonly FrozenDisk[]): NamedDisk[] {
  const taken = new Set<string>()
  return disks.map((frozen) => {
    const { disk } = frozen
    const base = baseNameOf(frozen.links[0]?.find(isDescriptor)?.name ?? disk.fileName)
    const name = taken.has(base) ? `${base}-${(disk.slot || String(disk.key)).replace(':', '-')}` : base
    taken.add(name)
    return { name, frozen }
  })
}

/** `[ds] web/web.vmdk` → `web`, with letters that a name in an archive may have. */
function baseNameOf(fileName: string): string {
  const last = fileName.split('/').at(-1) ?? fileName
  return last.replace(/\.vmdk$/i, '').replaceAll(/[^\p{L}\p{N}._ -]/gu, '-')
}

export function isDescriptor({ type }: LaidFile): boolean {
  return type === 'diskDescriptor'
}

/** Whether the disks can't be archived as raw ones: one of them has older snapshots, and only the chain is true. */
export function needsFiles(disks: readonly FrozenDisk[]): boolean {
  return disks.some((disk) => flatFileOf(disk) === undefined)
}

/** @returns the sources, or why there are none: the rest of a sentence on the guest */
export function sourcesOf(disks: readonly NamedDisk[], from: ReadFrom): EvidenceSource[] | string {
  const unread = disks.find(({ frozen }) => lacksExtents(frozen.links))
  if (unread !== undefined) {
    return `has disk '${unread.frozen.disk.label}' where no file of it is served, as on vSAN: use mode clone`
  }
  return from.asFiles ? chainSources(disks, from) : flatSources(disks, from)
}

function flatSources(disks: readonly NamedDisk[], from: ReadFrom): EvidenceSource[] | string {
  const sources: EvidenceSource[] = []
  for (const { name, frozen } of disks) {
    const flat = flatFileOf(frozen)
    const { capacityBytes, label } = frozen.disk
    const sizeBytes = capacityBytes ?? flat?.sizeBytes ?? 0
    const location = flat === undefined ? undefined : locationOf(flat, sizeBytes, from)
    if (location === undefined) return `has disk '${label}' in more than one flat file`
    sources.push(sourceOf(`${name}.raw.zst`, location, from, frozen.disk, 'raw-disk'))
  }
  return sources
}

/** Own names, for descriptors name their files by them. A second disk with such names lies in a folder of its own. */
function chainSources(disks: readonly NamedDisk[], from: ReadFrom): EvidenceSource[] | string {
  const taken = new Set<string>()
  const sources: EvidenceSource[] = []
  for (const { name, frozen } of disks) {
    const files = frozen.links.flat().filter((file) => isDescriptor(file) || isExtent(file))
    const folders = new Set(files.map((file) => file.name.replace(/[^/]*$/, '')))
    if (folders.size > 1) {
      return `has disk '${frozen.disk.label}' in files of several folders, which don't find one another beside each other`
    }
    const names = files.map((file) => file.name.split('/').at(-1) ?? file.name)
    const folder = names.some((one) => taken.has(one)) ? `${name}/` : ''
    for (const [at, file] of files.entries()) {
      const location = locationOf(file, file.sizeBytes, from)
      const fileName = `${folder}${names[at]}`
      if (location === undefined) return `has a file ${file.name}, which is no path on a datastore`
      taken.add(fileName)
      sources.push(sourceOf(fileName, location, from, frozen.disk))
    }
  }
  return sources
}

function locationOf(
  file: LaidFile,
  sizeBytes: number,
  { node, heldBy, datacenter, datastores }: ReadFrom,
): DatastoreFileLocation | undefined {
  const place = parseDatastorePath(file.name, datastores)
  if (place === undefined) return undefined
  return { type: 'datastore-file', node, datacenter, ...place, sizeBytes, heldBy }
}

function sourceOf(
  fileName: string,
  location: DatastoreFileLocation,
  { createdAt }: ReadFrom,
  disk: MachineDisk,
  encoding?: 'raw-disk',
): EvidenceSource {
  return {
    artifact: {
      artifactRef: `[${location.datastore}] ${location.path} (${disk.label})`,
      fileName,
      sizeBytes: location.sizeBytes,
      createdAt,
      location,
      ...(encoding === undefined ? {} : { encoding }),
    },
    listedAgainSizeBytes: location.sizeBytes,
  }
}
