/** What a simulated VM's disk holds, cluster by cluster: nothing, text-like data, or noise. */
import { closeSync, openSync, readSync } from 'node:fs'
import { fillCompressible, fillRandom, generator, mixSeed } from './random.ts'

export const CLUSTER_BYTES = 65_536
export const BLOCK_BYTES = 4_096

export interface DiskContent {
  sizeBytes: number
  seed: number
  /** Share of clusters (0 to 1) that are all zero. */
  zero: number
  /** Share of the others that compress well. */
  compressible: number
}

export interface Cluster {
  /** Bit i set: block i holds data. Clear bits are zero blocks and are not stored. */
  mask: number
  /** The whole cluster; bytes beyond the disk's end and of clear blocks are zero. */
  data: Buffer
}

/** Reads a disk's clusters. Each call's result is overwritten by the next. */
export interface ClusterReader {
  read(index: number): Cluster
  close(): void
}

/** Of an image: blocks of zeroes count as holes, as QEMU's own writer has it. */
export function imageReader(path: string, sizeBytes: number): ClusterReader {
  const file = openSync(path, 'r')
  const data = Buffer.alloc(CLUSTER_BYTES)
  return {
    read(index) {
      data.fill(0)
      const length = Math.min(CLUSTER_BYTES, sizeBytes - index * CLUSTER_BYTES)
      readSync(file, data, 0, length, index * CLUSTER_BYTES)
      let mask = 0
      for (let block = 0; block < 16; block += 1) {
        const bytes = data.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)
        if (!bytes.equals(ZEROES)) mask |= 1 << block
      }
      return { mask, data }
    },
    close: () => closeSync(file),
  }
}
const ZEROES = Buffer.alloc(BLOCK_BYTES)

export const clusterCount = (sizeBytes: number): number => Math.ceil(sizeBytes / CLUSTER_BYTES)

/** Written over at each call: use the cluster before asking for the next one. */
export function clusterReader(disk: DiskContent): (index: number) => Cluster {
  const data = Buffer.alloc(CLUSTER_BYTES)
  return (index) => {
    data.fill(0)
    const seed = mixSeed(disk.seed, index)
    const next = generator(seed)
    if (next() / 2 ** 32 < disk.zero) return { mask: 0, data }
    if (next() / 2 ** 32 < disk.compressible) fillCompressible(data, seed)
    else fillRandom(data, seed)
    // One cluster in eight has holes, so that masks other than all and nothing occur.
    let mask = (next() & 7) === 0 ? (next() & 0xffff) | 1 : 0xffff
    const end = Math.min(CLUSTER_BYTES, disk.sizeBytes - index * CLUSTER_BYTES)
    data.fill(0, end)
    for (let block = 0; block < 16; block += 1) {
      if (block * BLOCK_BYTES >= end) mask &= ~(1 << block)
      if ((mask & (1 << block)) === 0) data.fill(0, block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)
    }
    return { mask, data }
  }
}
