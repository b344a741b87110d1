/**
 * Disks as EBS sees them: blocks of 512 KiB, of which most may never have been written. A disk keeps what was written to
 * it in memory, over a content that stays as it is, so that a snapshot costs one map of references.
 */
import { createCipheriv, createHash } from 'node:crypto'
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'

export const BLOCK_BYTES = 524_288
export const GIB = 1024 ** 3

/** What lies on a disk from the start: the indexes of its written blocks, and their bytes. */
export interface DiskContent {
  /** Ascending. A block that was written with zeros is in it too. */
  blocks: readonly number[]
  read(index: number): Uint8Array
}

export const blocksOf = (sizeGiB: number): number => (sizeGiB * GIB) / BLOCK_BYTES

export class Disk {
  readonly sizeGiB: number
  readonly #base: DiskContent | undefined
  readonly #own: Map<number, Uint8Array>
  #indexes: readonly number[] | undefined

  constructor(sizeGiB: number, base?: DiskContent, own?: ReadonlyMap<number, Uint8Array>) {
    this.sizeGiB = sizeGiB
    this.#base = base
    this.#own = new Map(own)
  }

  /** Indexes of all written blocks, ascending. */
  get indexes(): readonly number[] {
    if (this.#own.size === 0) return this.#base?.blocks ?? []
    this.#indexes ??= [...new Set([...(this.#base?.blocks ?? []), ...this.#own.keys()])].toSorted((a, b) => a - b)
    return this.#indexes
  }

  has(index: number): boolean {
    return this.#own.has(index) || at(this.indexes, index)
  }

  /** A block's bytes; zeros where none were written. */
  read(index: number): Uint8Array {
    const own = this.#own.get(index)
    if (own !== undefined) return own
    return this.#base !== undefined && at(this.#base.blocks, index)
      ? this.#base.read(index)
      : new Uint8Array(BLOCK_BYTES)
  }

  write(index: number, bytes: Uint8Array): void {
    if (bytes.length !== BLOCK_BYTES) throw new Error(`A block has ${BLOCK_BYTES} bytes, not ${bytes.length}.`)
    if (!Number.isInteger(index) || index < 0 || index >= blocksOf(this.sizeGiB))
      throw new Error(`A disk of ${this.sizeGiB} GiB has no block ${index}.`)
    this.#own.set(index, bytes)
    this.#indexes = undefined
  }

  /** The same blocks, on a disk of their own. */
  copy(sizeGiB = this.sizeGiB): Disk {
    return new Disk(sizeGiB, this.#base, this.#own)
  }

  /** Whether a block is the same here and there; bytes are compared where they aren't shared. */
  agrees(other: Disk, index: number): boolean {
    if (this.has(index) !== other.has(index)) return false
    const [mine, theirs] = [this.#own.get(index), other.#own.get(index)]
    if (mine === undefined && theirs === undefined && this.#base === other.#base) return true
    return mine !== undefined && mine === theirs ? true : Buffer.compare(this.read(index), other.read(index)) === 0
  }

  /** Write the whole disk to a sparse file, for tools that compare. */
  saveTo(path: string): void {
    const file = openSync(path, 'w')
    try {
      ftruncateSync(file, this.sizeGiB * GIB)
      for (const index of this.indexes) writeSync(file, this.read(index), 0, BLOCK_BYTES, index * BLOCK_BYTES)
    } finally {
      closeSync(file)
    }
  }
}

/** The first place in the list whose index isn't below the wanted one. */
export function placeOf(ascending: readonly number[], wanted: number): number {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ascending[middle] ?? 0) < wanted) low = middle + 1
    else high = middle
  }
  return low
}

const at = (ascending: readonly number[], wanted: number): boolean => ascending[placeOf(ascending, wanted)] === wanted

const NOISE_BYTES = 32 * 1024
const NOTHING = new Uint8Array(BLOCK_BYTES / 2)

/** Blocks whose bytes follow from a seed: noise and repetition by turns, so that they compress to about half. */
export function seededContent(blocks: readonly number[], seed: number): DiskContent {
  const key = createHash('sha256').update(`seed ${seed}`).digest().subarray(0, 16)
  return {
    blocks: blocks.toSorted((a, b) => a - b),
    read: (index) => {
      const start = Buffer.alloc(16)
      start.writeUInt32BE(index, 0)
      // A cipher makes noise at the speed of memory; a reader that is measured beside it isn't slowed down.
      const noise = createCipheriv('aes-128-ctr', key, start).update(NOTHING)
      const block = new Uint8Array(BLOCK_BYTES).fill(1 + (seed % 255))
      for (let from = 0; from < noise.length; from += NOISE_BYTES)
        block.set(noise.subarray(from, from + NOISE_BYTES), from * 2)
      return block
    },
  }
}

/** A file's bytes from the disk's start on. Blocks that hold nothing but zeros count as never written. */
export function fileContent(path: string): DiskContent {
  const file = openSync(path, 'r')
  const read = (index: number): Uint8Array => {
    const block = new Uint8Array(BLOCK_BYTES)
    const open = openSync(path, 'r')
    try {
      readSync(open, block, 0, BLOCK_BYTES, index * BLOCK_BYTES)
    } finally {
      closeSync(open)
    }
    return block
  }
  try {
    const count = Math.ceil(fstatSync(file).size / BLOCK_BYTES)
    const nothing = Buffer.alloc(BLOCK_BYTES)
    const block = Buffer.alloc(BLOCK_BYTES)
    const blocks: number[] = []
    for (let index = 0; index < count; index += 1) {
      const length = readSync(file, block, 0, BLOCK_BYTES, index * BLOCK_BYTES)
      if (block.compare(nothing, 0, length, 0, length) !== 0) blocks.push(index)
    }
    return { blocks, read }
  } finally {
    closeSync(file)
  }
}
