/**
 * A disk as a qcow2 image (QEMU's docs/interop/qcow2, version 3), written in one pass in whatever order its clusters come:
 * what was never written takes no room. Data follows in the order of its arrival, the tables behind it, and the header, which
 * is the file's first cluster, is known last.
 */

/** Also a VMA's cluster: each of them becomes one of the image. */
export const QCOW2_CLUSTER_BYTES = 65_536

const HEADER_BYTES = 104
const ENTRY_BYTES = 8
const ENTRIES_OF_L2 = QCOW2_CLUSTER_BYTES / ENTRY_BYTES
/** References are counted in 16 bits. */
const REFCOUNT_ORDER = 4
const ENTRIES_OF_REFCOUNTS = QCOW2_CLUSTER_BYTES / 2
/** Nobody else refers to the cluster, so it may be written in place. */
const COPIED = 1n << 63n
/** Below which all disks of a table of levels are: the map of their clusters is held in memory, 64 MiB for each TiB. */
export const MOST_QCOW2_BYTES = 16 * 2 ** 40

const SECTOR_BYTES = 512

export interface Qcow2Options {
  /** Of the disk. */
  sizeBytes: number
  /** Takes the file's bytes from its second cluster on, in order, in whole clusters. The buffers are the taker's. */
  emit(bytes: Buffer): Promise<void>
}

/** Takes a disk's clusters as `extractDisk` gives them. */
export class Qcow2Image {
  readonly #options: Qcow2Options
  /** Cluster of the disk → cluster of the file; 0 where there is none. */
  readonly #places: Uint32Array
  readonly #pending = new Map<number, Buffer>()
  #nextCluster = 1

  /** @throws RangeError for a disk that is too large, or of a size that no disk has */
  constructor(options: Qcow2Options) {
    const { sizeBytes } = options
    if (sizeBytes % SECTOR_BYTES !== 0 || sizeBytes > MOST_QCOW2_BYTES) {
      throw new RangeError(`a disk of ${sizeBytes} bytes can't be written as an image`)
    }
    this.#options = options
    this.#places = new Uint32Array(Math.ceil(sizeBytes / QCOW2_CLUSTER_BYTES))
  }

  /** `bytes` may be overwritten once the promise is kept. */
  async write(offset: number, bytes: Buffer): Promise<void> {
    for (let from = 0; from < bytes.length; ) {
      const at = (offset + from) % QCOW2_CLUSTER_BYTES
      const cluster = Math.floor((offset + from) / QCOW2_CLUSTER_BYTES)
      const piece = bytes.subarray(from, from + QCOW2_CLUSTER_BYTES - at)
      const held = this.#pending.get(cluster) ?? Buffer.alloc(QCOW2_CLUSTER_BYTES)
      piece.copy(held, at)
      this.#pending.set(cluster, held)
      from += piece.length
    }
  }

  /** The cluster that begins there is whole: what was not written of it is zero. */
  async passed(offset: number): Promise<void> {
    const cluster = offset / QCOW2_CLUSTER_BYTES
    const held = this.#pending.get(cluster)
    if (held === undefined) return
    this.#pending.delete(cluster)
    this.#places[cluster] = this.#nextCluster
    await this.#append(held)
  }

  /** Emits the tables. @returns the first cluster of the file, and how large the whole file is */
  async finish(): Promise<{ header: Buffer; sizeBytes: number }> {
    const l1Entries = Math.ceil(this.#places.length / ENTRIES_OF_L2)
    const l1 = Buffer.alloc(wholeClusters(Math.max(1, l1Entries) * ENTRY_BYTES))
    for (let index = 0; index < l1Entries; index += 1) {
      const table = this.#l2Table(index)
      if (table === undefined) continue
      l1.writeBigUInt64BE(placeOf(this.#nextCluster) | COPIED, index * ENTRY_BYTES)
      await this.#append(table)
    }
    const l1Cluster = this.#nextCluster
    await this.#append(l1)
    const { tableCluster, tableClusters } = await this.#appendRefcounts()
    const sizeBytes = this.#nextCluster * QCOW2_CLUSTER_BYTES
    return { header: this.#header({ l1Cluster, l1Entries, tableCluster, tableClusters }), sizeBytes }
  }

  async #append(clusters: Buffer): Promise<void> {
    this.#nextCluster += clusters.length / QCOW2_CLUSTER_BYTES
    await this.#options.emit(clusters)
  }

  #l2Table(index: number): Buffer | undefined {
    const places = this.#places.subarray(index * ENTRIES_OF_L2, (index + 1) * ENTRIES_OF_L2)
    if (!places.some((place) => place !== 0)) return undefined
    const table = Buffer.alloc(QCOW2_CLUSTER_BYTES)
    for (const [at, place] of places.entries()) {
      if (place !== 0) table.writeBigUInt64BE(placeOf(place) | COPIED, at * ENTRY_BYTES)
    }
    return table
  }

  /** Each cluster of the file has one reference, those that hold the counts as well. */
  async #appendRefcounts(): Promise<{ tableCluster: number; tableClusters: number }> {
    const tableCluster = this.#nextCluster
    let [blocks, tableClusters] = [0, 0]
    // The counts are counted, too: as often as there is one block more.
    for (let needed = 1; needed !== blocks; ) {
      blocks = needed
      tableClusters = wholeClusters(blocks * ENTRY_BYTES) / QCOW2_CLUSTER_BYTES
      needed = Math.ceil((tableCluster + tableClusters + blocks) / ENTRIES_OF_REFCOUNTS)
    }
    const clusters = tableCluster + tableClusters + blocks
    const table = Buffer.alloc(tableClusters * QCOW2_CLUSTER_BYTES)
    for (let block = 0; block < blocks; block += 1) {
      table.writeBigUInt64BE(placeOf(tableCluster + tableClusters + block), block * ENTRY_BYTES)
    }
    await this.#append(table)
    for (let block = 0; block < blocks; block += 1) {
      const counts = Buffer.alloc(QCOW2_CLUSTER_BYTES)
      const used = Math.min(ENTRIES_OF_REFCOUNTS, clusters - block * ENTRIES_OF_REFCOUNTS)
      for (let at = 0; at < used; at += 1) counts.writeUInt16BE(1, at * 2)
      await this.#append(counts)
    }
    return { tableCluster, tableClusters }
  }

  #header(tables: { l1Cluster: number; l1Entries: number; tableCluster: number; tableClusters: number }): Buffer {
    const header = Buffer.alloc(QCOW2_CLUSTER_BYTES)
    header.write('QFI\xfb', 0, 'latin1')
    header.writeUInt32BE(3, 4)
    header.writeUInt32BE(Math.log2(QCOW2_CLUSTER_BYTES), 20)
    header.writeBigUInt64BE(BigInt(this.#options.sizeBytes), 24)
    header.writeUInt32BE(tables.l1Entries, 36)
    header.writeBigUInt64BE(placeOf(tables.l1Cluster), 40)
    header.writeBigUInt64BE(placeOf(tables.tableCluster), 48)
    header.writeUInt32BE(tables.tableClusters, 56)
    header.writeUInt32BE(REFCOUNT_ORDER, 96)
    header.writeUInt32BE(HEADER_BYTES, 100)
    return header
  }
}

/** The largest that the file of a disk of this size can be. */
export function mostQcow2Bytes(sizeBytes: number): number {
  const data = Math.ceil(sizeBytes / QCOW2_CLUSTER_BYTES)
  const l2 = Math.ceil(data / ENTRIES_OF_L2)
  const l1 = Math.ceil((l2 * ENTRY_BYTES) / QCOW2_CLUSTER_BYTES)
  // Header, a table of counts for up to 16 TiB, and one block of counts beyond what is counted.
  const counts = Math.ceil((data + l2 + l1) / ENTRIES_OF_REFCOUNTS) + 2
  return (data + l2 + l1 + counts + 2) * QCOW2_CLUSTER_BYTES
}

const placeOf = (cluster: number): bigint => BigInt(cluster) * BigInt(QCOW2_CLUSTER_BYTES)

function wholeClusters(bytes: number): number {
  return Math.ceil(bytes / QCOW2_CLUSTER_BYTES) * QCOW2_CLUSTER_BYTES
}
