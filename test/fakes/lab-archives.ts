/** Archives as the lab dumps them and a run leaves them: of each kind, by each compressor, in a bucket. */
import { crc32 } from 'node:zlib'
import type { ArchiveStore } from '../../functions/aws/archive-store.ts'
import type { Guest } from '../../functions/contracts/nouns.ts'
import { archiveFolder, manifestKey } from '../../functions/domain/books/object-keys.ts'
import { crc32ToBase64 } from '../../functions/domain/transfer/crc32.ts'
import { compress, type Compressor, EXTENSION } from '../../local/labs/proxmox/dumps/compress.ts'
import { writeContainerTar } from '../../local/labs/proxmox/dumps/container-tar.ts'
import { writeVma } from '../../local/labs/proxmox/vma-writer.ts'
import { manifestOf } from './manifest.ts'

export const compressors: readonly Compressor[] = ['none', 'gzip', 'lzo', 'zstd']
export const createdAt = '2026-11-22T02:00:07.000Z'
const NOTES = 'before the upgrade\n'

/** The disks of the lab's VM: the first ends within a block. */
export const disks = [
  { deviceName: 'drive-scsi0', sizeBytes: 90 * 65_536 + 5_120, seed: 1, zero: 0.6, compressible: 0.5 },
  { deviceName: 'drive-efidisk0', sizeBytes: 540_672, seed: 2, zero: 0.5, compressible: 0.5 },
]

const vmConfiguration = [
  'cores: 2',
  'name: web1',
  'scsi0: local:vm-100-disk-0,size=6M',
  '#qmdump#map:scsi0:drive-scsi0:local:raw:',
  '#qmdump#map:efidisk0:drive-efidisk0:local:raw:',
  '',
].join('\n')

export interface LabArchive {
  guest: Guest
  compressor: Compressor
  /** With a slash at its end. */
  folder: string
  fileName: string
  bytes: Buffer
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of chunks) parts.push(part)
  return Buffer.concat(parts)
}

export function labVma(): AsyncIterable<Buffer> {
  const uuid = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
  const configs = [{ name: 'qemu-server.conf', text: vmConfiguration }]
  return writeVma({ uuid, ctime: Date.parse(createdAt) / 1000, configs, disks })
}

export function labTar(): AsyncIterable<Buffer> {
  return writeContainerTar({
    hostname: 'db1',
    config: 'arch: amd64\nhostname: db1\nrootfs: local:101/vm-101-disk-0.raw,size=8G\n',
    dataBytes: 3 * 2 ** 20,
    compressible: 0.5,
    seed: 3,
    mtime: new Date(createdAt),
    mountPoints: [],
  })
}

/** A dump of the lab's VM or container. */
export async function labArchive(kind: Guest['kind'], compressor: Compressor, keyPrefix = ''): Promise<LabArchive> {
  const at = compressors.indexOf(compressor)
  const guest: Guest = { id: String((kind === 'vm' ? 100 : 200) + at), kind, name: `${kind}${at}`, node: 'pve1' }
  const [family, format] = kind === 'vm' ? ['qemu', 'vma'] : ['lxc', 'tar']
  return {
    guest,
    compressor,
    folder: archiveFolder(keyPrefix, 'hq', guest, createdAt),
    // The node's own time is an hour ahead.
    fileName: `vzdump-${family}-${guest.id}-2026_11_22-03_00_07.${format}${EXTENSION[compressor]}`,
    bytes: await collect(compress(kind === 'vm' ? labVma() : labTar(), compressor)),
  }
}

/** Store it as a run does: the object with its CRC-32, its notes, and its manifest last. */
export async function putLabArchive(store: ArchiveStore, archive: LabArchive): Promise<void> {
  const { guest, folder, fileName, bytes } = archive
  const key = `${folder}${fileName}`
  const sum = crc32(bytes)
  const uploadId = await store.createUpload(key)
  const part = await store.putPart(key, uploadId, 1, bytes, sum)
  await store.completeUpload(key, uploadId, [part], sum)
  await store.writeText(`${key}.notes`, NOTES)
  const manifest = manifestOf(createdAt, [bytes.length], guest)
  const artifacts = manifest.artifacts.map((artifact) => ({
    key,
    fileName,
    sizeBytes: bytes.length,
    checksum: `CRC32:${crc32ToBase64(sum)}`,
    partSizeBytes: artifact.partSizeBytes,
    partCount: 1,
    bytesSent: bytes.length,
    source: artifact.source,
  }))
  await store.writeText(manifestKey(folder), JSON.stringify({ ...manifest, artifacts, sideFiles: [`${key}.notes`] }))
}
