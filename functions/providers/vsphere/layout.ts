/** Which files hold a disk still while a snapshot stands over it. Pure. */
import { childOf, childrenOf, textOf, type Xml } from '../../vsphere-api/xml.ts'
import { type MachineDisk, numberOf } from './machine.ts'

/** A file of a virtual machine (API reference, `VirtualMachineFileLayoutEx`). */
export interface LaidFile {
  key: number
  /** `[datastore] folder/name`. */
  name: string
  /** `diskDescriptor`, `diskExtent`, `config`, `nvram`, … */
  type: string
  sizeBytes: number
}

export interface Layout {
  files: LaidFile[]
  /** By the disk's key: the links of its chain, base first, each with its files. */
  chains: ReadonlyMap<number, LaidFile[][]>
}

/** @param layoutEx absent where the host doesn't answer */
export function layoutOf(layoutEx: Xml | undefined): Layout {
  const files = childrenOf(layoutEx, 'file').map((xml) => ({
    key: numberOf(childOf(xml, 'key')) ?? -1,
    name: textOf(childOf(xml, 'name')),
    type: textOf(childOf(xml, 'type')),
    sizeBytes: numberOf(childOf(xml, 'size')) ?? 0,
  }))
  const byKey = new Map(files.map((file) => [file.key, file]))
  const chains = new Map<number, LaidFile[][]>()
  for (const disk of childrenOf(layoutEx, 'disk')) {
    const links = childrenOf(disk, 'chain').map((link) =>
      childrenOf(link, 'fileKey').flatMap((key) => byKey.get(numberOf(key) ?? -1) ?? []),
    )
    chains.set(numberOf(childOf(disk, 'key')) ?? -1, links)
  }
  return { files, chains }
}

export interface DatastorePath {
  datastore: string
  path: string
}

/**
 * `[datastore] folder/name`; `undefined` for any other text. A datastore's name may hold brackets and blanks, so the one
 * that is known decides where it ends.
 */
export function parseDatastorePath(text: string, known: readonly string[]): DatastorePath | undefined {
  const fitting = known
    .filter((name) => text.startsWith(`[${name}] `))
    .toSorted((one, other) => other.length - one.length)
  const datastore = fitting[0] ?? /^\[([^\]]+)\] /.exec(text)?.[1]
  const path = datastore === undefined ? '' : text.slice(datastore.length + 3)
  return datastore === undefined || path === '' ? undefined : { datastore, path }
}

export interface FrozenDisk {
  disk: MachineDisk
  /** Links that don't change any more, base first. One link with one flat file is the whole disk. */
  links: LaidFile[][]
}

/** One flat file that is the whole disk; `undefined` where the disk is a chain, or where its files can't be read at all. */
export function flatFileOf({ links, disk }: FrozenDisk): LaidFile | undefined {
  const [base] = links
  if (base === undefined || links.length > 1 || disk.parentFileNames.length > 0) return undefined
  const extents = base.filter(isExtent)
  const [extent] = extents
  return extents.length === 1 && extent !== undefined && extent.name.endsWith('-flat.vmdk') ? extent : undefined
}

export function isExtent({ type }: LaidFile): boolean {
  return type === 'diskExtent'
}

/** The platform serves no file of a link: the datastore is vSAN, or one of virtual volumes. */
export function lacksExtents(links: readonly (readonly LaidFile[])[]): boolean {
  return links.length === 0 || links.some((link) => !link.some(isExtent))
}

/**
 * The frozen chain of a disk. Two of the server's answers say it, the backing that the snapshot knows and the guest's
 * layout, and they have to agree: what is read from a file that the guest still writes is no archive.
 * @param frozen the disk as the snapshot's own configuration has it
 * @param running the disk as the guest has it now
 * @returns the reason, as the rest of a sentence on the disk, where it isn't frozen
 */
export function frozenChain(
  frozen: MachineDisk,
  running: MachineDisk | undefined,
  layout: Layout,
): FrozenDisk | string {
  if (running?.fileName === frozen.fileName) return `is still written to ${frozen.fileName}, in spite of the snapshot`
  const chain = layout.chains.get(frozen.key)
  if (chain === undefined) return "is not in the platform's list of the guest's files"
  const top = chain.findIndex((link) => link.some(({ name }) => name === frozen.fileName))
  if (top < 0) return `is said to be ${frozen.fileName}, which is not in the platform's list of the guest's files`
  const links = chain.slice(0, top + 1)
  const descriptors = links.map((link) => link.find(({ type }) => type === 'diskDescriptor')?.name)
  const parents = [frozen.fileName, ...frozen.parentFileNames].toReversed()
  const agrees = parents.length === descriptors.length && parents.every((name, at) => name === descriptors[at])
  if (!agrees) {
    return `has the files ${descriptors.join(', ')} in one answer of the platform, and ${parents.join(', ')} in another`
  }
  return { disk: frozen, links }
}
