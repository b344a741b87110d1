/** Bytes of a file, read anywhere. Files of disks are as large as the disk, and hardly any of it lies in memory. */
import { BLOCK_BYTES, type DiskContent } from '../../ec2/disk.ts'

export interface Bytes {
  readonly sizeBytes: number
  /** Bytes from a place on; both within the file. */
  read(from: number, length: number): Uint8Array
}

export function textBytes(text: string): Bytes {
  const bytes = Buffer.from(text, 'utf8')
  return memoryBytes(bytes)
}

export function memoryBytes(bytes: Uint8Array): Bytes {
  return { sizeBytes: bytes.length, read: (from, length) => bytes.subarray(from, from + length) }
}

/** Text of a small file. */
export const textOf = (bytes: Bytes): string => Buffer.from(bytes.read(0, bytes.sizeBytes)).toString('utf8')

/** Blocks that were written, each of 512 KiB, in a space that is mostly empty. */
export class Blocks {
  readonly sizeBytes: number
  readonly #base: DiskContent | undefined
  readonly #inBase: ReadonlySet<number>
  readonly #own = new Map<number, Uint8Array>()

  constructor(sizeBytes: number, base?: DiskContent) {
    this.sizeBytes = sizeBytes
    this.#base = base
    this.#inBase = new Set(base?.blocks)
  }

  /** Indexes of what was written, ascending. */
  get written(): number[] {
    return [...new Set([...this.#inBase, ...this.#own.keys()])].toSorted((a, b) => a - b)
  }

  block(index: number): Uint8Array | undefined {
    return this.#own.get(index) ?? (this.#inBase.has(index) ? this.#base?.read(index) : undefined)
  }

  set(index: number, bytes: Uint8Array): void {
    this.#own.set(index, bytes)
  }
}

/** A whole disk as one file: zeros where nothing was written. */
export function flatBytes(blocks: Pick<Blocks, 'sizeBytes' | 'block'>): Bytes {
  return {
    sizeBytes: blocks.sizeBytes,
    read: (from, length) => {
      const bytes = new Uint8Array(length)
      for (let at = from; at < from + length; ) {
        const inside = at % BLOCK_BYTES
        const count = Math.min(BLOCK_BYTES - inside, from + length - at)
        const block = blocks.block(Math.floor(at / BLOCK_BYTES))
        if (block !== undefined) bytes.set(block.subarray(inside, inside + count), at - from)
        at += count
      }
      return bytes
    },
  }
}
