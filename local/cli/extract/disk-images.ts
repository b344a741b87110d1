/** A disk as a file: raw with holes, or qcow2. What isn't written reads as zero. */
import type { FileHandle } from 'node:fs/promises'

export interface DiskImage {
  write(offset: number, bytes: Buffer): Promise<void>
  /** Afterwards it is whole. */
  finish(): Promise<void>
}

export async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten
  }
}

/** The disk byte for byte; where nothing is written, the file has holes that take no room. */
export function rawImage(file: FileHandle, sizeBytes: number): DiskImage {
  return {
    write: (offset, bytes) => writeAll(file, bytes, offset),
    finish: () => file.truncate(sizeBytes),
  }
}

const CLUSTER_BYTES = 65_536
/** The entry's cluster has one user, and may be written in place. */
const COPIED = 1n << 63n
const ENTRY_BYTES = 8
/** Two bytes count the users of a cluster. */
const COUNTS_PER_BLOCK = CLUSTER_BYTES / 2
const SECTOR_BYTES = 512

/**
 * qcow2, version 3 (QEMU's docs/interop/qcow2.txt): clusters of 64 KiB, neither compressed nor encrypted. Its tables stand
 * in front, 128 MiB for a TiB of disk, and take no room where nothing is written; clusters follow in the order in which
 * they come. The header is written last: before that it is no image.
 */
export function qcow2Image(file: FileHandle, sizeBytes: number): DiskImage {
  const virtualBytes = Math.ceil(sizeBytes / SECTOR_BYTES) * SECTOR_BYTES
  const clusters = Math.ceil(virtualBytes / CLUSTER_BYTES)
  const mapClusters = Math.ceil((clusters * ENTRY_BYTES) / CLUSTER_BYTES)
  const tableClusters = Math.max(1, Math.ceil((mapClusters * ENTRY_BYTES) / CLUSTER_BYTES))
  const mapAt = (1 + tableClusters) * CLUSTER_BYTES
  let used = 1 + tableClusters + mapClusters

  const entries = (first: number, count: number): Buffer => {
    const bytes = Buffer.alloc(count * ENTRY_BYTES)
    for (let at = 0; at < count; at += 1) {
      bytes.writeBigUInt64BE(BigInt((first + at) * CLUSTER_BYTES) | COPIED, at * ENTRY_BYTES)
    }
    return bytes
  }

  /** Where a cluster of the disk lies in the file, if it has been written to. */
  const placeOf = async (cluster: number): Promise<number | undefined> => {
    const entry = Buffer.alloc(ENTRY_BYTES)
    await file.read(entry, 0, ENTRY_BYTES, mapAt + cluster * ENTRY_BYTES)
    const place = entry.readBigUInt64BE() & ~COPIED
    return place === 0n ? undefined : Number(place)
  }

  const allocate = async (cluster: number): Promise<number> => {
    const place = used * CLUSTER_BYTES
    await writeAll(file, entries(used, 1), mapAt + cluster * ENTRY_BYTES)
    used += 1
    return place
  }

  return {
    async write(offset, bytes) {
      for (let at = 0; at < bytes.length; ) {
        const cluster = Math.floor((offset + at) / CLUSTER_BYTES)
        const within = (offset + at) % CLUSTER_BYTES
        const piece = bytes.subarray(at, at + CLUSTER_BYTES - within)
        const place = (await placeOf(cluster)) ?? (await allocate(cluster))
        await writeAll(file, piece, place + within)
        at += piece.length
      }
    },
    async finish() {
      await writeAll(file, entries(1 + tableClusters, mapClusters), CLUSTER_BYTES)
      const counts = await writeCounts(file, used)
      await writeAll(file, header({ virtualBytes, mapClusters, ...counts }), 0)
      await file.truncate(counts.end)
    },
  }
}

/** Each cluster up to the end has one user, those that hold the counts included. */
async function writeCounts(
  file: FileHandle,
  used: number,
): Promise<{ countsAt: number; countClusters: number; end: number }> {
  let [blocks, tables] = [0, 0]
  for (;;) {
    const all = used + blocks + tables
    const needed = Math.ceil(all / COUNTS_PER_BLOCK)
    const neededTables = Math.ceil((needed * ENTRY_BYTES) / CLUSTER_BYTES)
    if (needed === blocks && neededTables === tables) break
    ;[blocks, tables] = [needed, neededTables]
  }
  const all = used + blocks + tables
  const table = Buffer.alloc(blocks * ENTRY_BYTES)
  for (let block = 0; block < blocks; block += 1) {
    const place = (used + block) * CLUSTER_BYTES
    table.writeBigUInt64BE(BigInt(place), block * ENTRY_BYTES)
    const counted = Math.min(COUNTS_PER_BLOCK, all - block * COUNTS_PER_BLOCK)
    await writeAll(file, Buffer.alloc(counted * 2, Buffer.from([0, 1])), place)
  }
  const countsAt = (used + blocks) * CLUSTER_BYTES
  await writeAll(file, table, countsAt)
  return { countsAt, countClusters: tables, end: all * CLUSTER_BYTES }
}

interface Qcow2Header {
  virtualBytes: number
  /** Entries of the first table. */
  mapClusters: number
  countsAt: number
  countClusters: number
}

function header({ virtualBytes, mapClusters, countsAt, countClusters }: Qcow2Header): Buffer {
  const bytes = Buffer.alloc(104 + 8)
  bytes.write('QFI\xfb', 0, 'latin1')
  bytes.writeUInt32BE(3, 4)
  bytes.writeUInt32BE(Math.log2(CLUSTER_BYTES), 20)
  bytes.writeBigUInt64BE(BigInt(virtualBytes), 24)
  bytes.writeUInt32BE(mapClusters, 36)
  bytes.writeBigUInt64BE(BigInt(CLUSTER_BYTES), 40)
  bytes.writeBigUInt64BE(BigInt(countsAt), 48)
  bytes.writeUInt32BE(countClusters, 56)
  // Counts of 2 to the power of 4 bits; then the header's own length, and no extensions behind it.
  bytes.writeUInt32BE(4, 96)
  bytes.writeUInt32BE(104, 100)
  return bytes
}
