/** Small files of a guest that are kept beside its disks: without them, disks are no guest. */
import type { SideFile } from '../../contracts/side-file.ts'
import type { DatastoreFiles } from '../../vsphere-api/datastore-files.ts'
import { type DatastorePath, type LaidFile, type Layout, parseDatastorePath } from './layout.ts'
import { isDescriptor, type NamedDisk } from './frozen.ts'
import { descriptorFor, flatBytesIn, restoredForm } from './vmx.ts'

/** A guest's variables of UEFI are 264 KiB; nothing of these is larger. */
const MOST_BYTES = 4 * 2 ** 20

export interface SmallFiles {
  files: DatastoreFiles
  datacenter: string
  host: string
  /** Names of datastores. */
  datastores: readonly string[]
  /** For messages: host and guest. */
  about: string
  layout: Layout
  vmPath: string
  disks: readonly NamedDisk[]
  /** The disks are archived as the files they are: their descriptors lie among them. */
  asFiles: boolean
  /** Whether what is read is still held: asked when a file is refused. */
  isHeld: () => Promise<boolean>
}

/** @returns the files, and what could not be read: sentences */
export async function sideFilesOf(small: SmallFiles): Promise<{ sideFiles: SideFile[]; warnings: string[] }> {
  const sideFiles: SideFile[] = []
  const warnings: string[] = []
  const take = async (name: string, place: DatastorePath | undefined, made: (bytes: Buffer) => SideFile[]) => {
    try {
      if (place === undefined) throw new Error('its place is not known')
      sideFiles.push(...made(await read(small, place)))
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      warnings.push(`${name} is not in the archive: ${why}`)
    }
  }
  const slots = new Map(small.disks.map(({ name, frozen }) => [frozen.disk.slot, `${name}.vmdk`]))
  const vmx = parseDatastorePath(small.vmPath, small.datastores)
  const name = vmx?.path.split('/').at(-1) ?? 'guest.vmx'
  await take(name, vmx, (bytes) => [
    { name: `side/${name}.running`, text: bytes.toString('utf8') },
    { name: `side/${name}`, text: restoredForm(bytes.toString('utf8'), slots) },
  ])
  for (const file of small.layout.files.filter(isSmall)) {
    const place = parseDatastorePath(file.name, small.datastores)
    const own = place?.path.split('/').at(-1) ?? file.name
    await take(own, place, (bytes) => [{ name: `side/${own}`, base64: bytes.toString('base64') }])
  }
  if (small.asFiles) return { sideFiles, warnings }
  for (const { name: disk, frozen } of small.disks) {
    const descriptor = frozen.links[0]?.find(isDescriptor)
    await take(
      `${disk}.vmdk`,
      descriptor === undefined ? undefined : parseDatastorePath(descriptor.name, small.datastores),
      (bytes) => {
        const text = bytes.toString('utf8')
        const saidBytes = flatBytesIn(text)
        if (saidBytes !== frozen.disk.capacityBytes) {
          warnings.push(
            `${disk}.vmdk says ${saidBytes ?? 'no'} bytes, and the disk has ${frozen.disk.capacityBytes}: correct its line RW before it is used.`,
          )
        }
        return [{ name: `side/${disk}.vmdk`, text: descriptorFor(text, disk) }]
      },
    )
  }
  return { sideFiles, warnings }
}

/** Firmware variables and the list of snapshots. */
function isSmall({ type, name }: LaidFile): boolean {
  return type === 'nvram' || (type === 'snapshotList' && name.endsWith('.vmsd'))
}

async function read({ files, datacenter, host, about, isHeld }: SmallFiles, place: DatastorePath): Promise<Buffer> {
  const file = await files.open({ datacenter, host, ...place }, about, isHeld)
  try {
    const { sizeBytes } = file.identity
    if (sizeBytes > MOST_BYTES) throw new Error(`it has ${sizeBytes} bytes, which is more than such a file has`)
    const target = Buffer.alloc(sizeBytes)
    if (sizeBytes > 0) await file.read(0, target)
    return target
  } finally {
    file.close()
  }
}
