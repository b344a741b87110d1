/** A VM's archive in the VMA format (pve-qemu's vma_spec.txt; layout in the numbers below), written as a stream. */
import { createHash } from 'node:crypto'
import {
  BLOCK_BYTES,
  CLUSTER_BYTES,
  type Cluster,
  clusterCount,
  clusterReader,
  type ClusterReader,
  type DiskContent,
  imageReader,
} from './dumps/disk-content.ts'
import { generator } from './dumps/random.ts'

export interface VmaDisk extends DiskContent {
  /** `drive-scsi0`, … */
  deviceName: string
  /** A file with what it holds, in place of what follows from the seed. */
  image?: string
}

export interface VmaInput {
  /** 16 bytes; the same as the backup task's uuid in the log. */
  uuid: Buffer
  ctime: number
  /** Name (`qemu-server.conf`) and text. */
  configs: { name: string; text: string }[]
  disks: VmaDisk[]
}

const FIXED_HEADER_BYTES = 12_288
const EXTENT_HEADER_BYTES = 512
/** The real writer flushes at 58 entries although there is room for 59. */
const ENTRIES_PER_EXTENT = 58
const CLUSTERS_IN_ORDER = 16

/** Blobs: two bytes of length, *little* endian, then the data. Offset 0 means "none", so the first byte stays unused. */
class Blobs {
  #bytes = Buffer.from([0])
  add(data: Buffer): number {
    const at = this.#bytes.length
    const length = Buffer.alloc(2)
    length.writeUInt16LE(data.length)
    this.#bytes = Buffer.concat([this.#bytes, length, data])
    return at
  }
  get bytes(): Buffer {
    return this.#bytes
  }
}

const named = (text: string): Buffer => Buffer.from(`${text}\0`, 'utf8')

/** The md5 covers the header with its own sixteen bytes zeroed. */
function seal(header: Buffer, at: number): void {
  header.fill(0, at, at + 16)
  createHash('md5').update(header).digest().copy(header, at)
}

function header(input: VmaInput): Buffer {
  const blobs = new Blobs()
  const configs = input.configs.map(({ name, text }) => ({
    name: blobs.add(named(name)),
    data: blobs.add(Buffer.from(text, 'utf8')),
  }))
  const devices = input.disks.map((disk) => ({ name: blobs.add(named(disk.deviceName)), size: disk.sizeBytes }))
  const table = Math.ceil(blobs.bytes.length / 512) * 512
  const out = Buffer.alloc(FIXED_HEADER_BYTES + table)
  out.write('VMA\0', 0, 'latin1')
  out.writeUInt32BE(1, 4)
  input.uuid.copy(out, 8)
  out.writeBigInt64BE(BigInt(input.ctime), 24)
  out.writeUInt32BE(FIXED_HEADER_BYTES, 48)
  out.writeUInt32BE(blobs.bytes.length, 52)
  out.writeUInt32BE(out.length, 56)
  for (const [index, config] of configs.entries()) {
    out.writeUInt32BE(config.name, 2044 + index * 4)
    out.writeUInt32BE(config.data, 3068 + index * 4)
  }
  for (const [index, device] of devices.entries()) {
    // Device ids start at 1: 0 in an extent is an empty slot.
    const at = 4096 + (index + 1) * 32
    out.writeUInt32BE(device.name, at)
    out.writeBigUInt64BE(BigInt(device.size), at + 8)
  }
  blobs.bytes.copy(out, FIXED_HEADER_BYTES)
  seal(out, 32)
  return out
}

class Extent {
  readonly #head = Buffer.alloc(EXTENT_HEADER_BYTES)
  readonly #blocks: Buffer[] = []
  #entries = 0
  #count = 0

  constructor(uuid: Buffer) {
    this.#head.write('VMAE', 0, 'latin1')
    uuid.copy(this.#head, 8)
  }

  add(device: number, index: number, cluster: Cluster): void {
    const at = 40 + this.#entries * 8
    this.#head.writeUInt16BE(cluster.mask, at)
    this.#head.writeUInt8(device, at + 3)
    this.#head.writeUInt32BE(index, at + 4)
    this.#entries += 1
    for (let block = 0; block < 16; block += 1) {
      if ((cluster.mask & (1 << block)) === 0) continue
      this.#blocks.push(Buffer.from(cluster.data.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)))
      this.#count += 1
    }
  }

  get full(): boolean {
    return this.#entries === ENTRIES_PER_EXTENT
  }

  get empty(): boolean {
    return this.#entries === 0
  }

  bytes(): Buffer {
    this.#head.writeUInt16BE(this.#count, 6)
    seal(this.#head, 24)
    return Buffer.concat([this.#head, ...this.#blocks])
  }
}

/**
 * The archive's bytes, an extent at a time (at most 3.9 MB in memory). Disks take turns by stretches of clusters, and
 * stretches swap places now and then: a guest that writes during its backup has that effect on a real archive.
 */
export async function* writeVma(
  input: VmaInput,
  onCluster?: (bytes: number, zeroBytes: number) => void,
): AsyncGenerator<Buffer> {
  yield header(input)
  const sources = input.disks.map(openDisk)
  try {
    yield* extents(input, sources, onCluster)
  } finally {
    for (const source of sources) source.close()
  }
}

function openDisk(disk: VmaDisk): ClusterReader {
  if (disk.image !== undefined) return imageReader(disk.image, disk.sizeBytes)
  return { read: clusterReader(disk), close: () => undefined }
}

async function* extents(
  input: VmaInput,
  sources: readonly ClusterReader[],
  onCluster?: (bytes: number, zeroBytes: number) => void,
): AsyncGenerator<Buffer> {
  const readers = input.disks.map((disk, index) => ({
    source: sources[index],
    left: stretches(disk),
    size: disk.sizeBytes,
  }))
  let extent = new Extent(input.uuid)
  if (readers.length === 0) yield extent.bytes()
  while (readers.some((reader) => reader.left.length > 0)) {
    for (const [position, reader] of readers.entries()) {
      for (const index of reader.left.shift() ?? []) {
        const cluster = reader.source?.read(index)
        if (cluster === undefined) continue
        extent.add(position + 1, index, cluster)
        const bytes = Math.min(CLUSTER_BYTES, reader.size - index * CLUSTER_BYTES)
        onCluster?.(bytes, cluster.mask === 0 ? bytes : 0)
        if (extent.full) {
          yield extent.bytes()
          extent = new Extent(input.uuid)
        }
      }
    }
  }
  if (!extent.empty) yield extent.bytes()
}

/** Cluster numbers in runs; a few runs are exchanged with their neighbour. */
function stretches(disk: VmaDisk): number[][] {
  const total = clusterCount(disk.sizeBytes)
  const runs: number[][] = []
  for (let from = 0; from < total; from += CLUSTERS_IN_ORDER) {
    runs.push(Array.from({ length: Math.min(CLUSTERS_IN_ORDER, total - from) }, (_none, step) => from + step))
  }
  const next = generator(disk.seed ^ 0x5eed)
  for (let index = 1; index < runs.length; index += 1) {
    const [before, here] = [runs[index - 1], runs[index]]
    if ((next() & 15) === 0 && before !== undefined && here !== undefined)
      [runs[index - 1], runs[index]] = [here, before]
  }
  return runs
}
