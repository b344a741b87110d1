import type { VmaDevice } from './vma-header.ts'

export const CLUSTER_BYTES = 65_536
export const VMA_BLOCK_BYTES = 4_096
/** Bits in a page of the map: 4 GiB of disk in 8 KiB of memory, taken when the first cluster of it is seen. */
const PAGE_BITS = 65_536

/**
 * Which clusters of a device were found: one bit each, 2 MiB of memory per TiB of disk, and none for a size that a
 * header only claims.
 */
export class ClusterMap {
  readonly device: VmaDevice
  readonly expected: number
  found = 0
  storedBlocks = 0
  readonly #pages = new Map<number, Uint8Array>()

  constructor(device: VmaDevice) {
    this.device = device
    this.expected = Math.ceil(device.sizeBytes / CLUSTER_BYTES)
  }

  /** Mark a cluster. Returns whether it was new. */
  mark(cluster: number): boolean {
    const page = this.#page(Math.floor(cluster / PAGE_BITS))
    const bit = cluster % PAGE_BITS
    const mask = 1 << (bit & 7)
    const before = page[bit >>> 3] ?? 0
    if ((before & mask) !== 0) return false
    page[bit >>> 3] = before | mask
    this.found += 1
    return true
  }

  /** The first cluster that is missing. */
  firstMissing(): number | undefined {
    for (let number = 0; number * PAGE_BITS < this.expected; number += 1) {
      const page = this.#pages.get(number)
      if (page === undefined) return number * PAGE_BITS
      const byte = page.findIndex((bits) => bits !== 0xff)
      if (byte === -1) continue
      const gap = number * PAGE_BITS + byte * 8 + lowestClear(page[byte] ?? 0)
      if (gap < this.expected) return gap
    }
    return undefined
  }

  /** Mask bits that a cluster may have: blocks that begin beyond the device's end are never stored. */
  allowedMask(cluster: number): number {
    const left = this.device.sizeBytes - cluster * CLUSTER_BYTES
    const blocks = Math.min(16, Math.ceil(left / VMA_BLOCK_BYTES))
    return (1 << blocks) - 1
  }

  #page(number: number): Uint8Array {
    const held = this.#pages.get(number)
    if (held !== undefined) return held
    const page = new Uint8Array(PAGE_BITS / 8)
    this.#pages.set(number, page)
    return page
  }
}

/** Number of the lowest bit that isn't set. */
function lowestClear(bits: number): number {
  return 31 - Math.clz32(~bits & (bits + 1))
}
