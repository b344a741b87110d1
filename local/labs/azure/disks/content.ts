/** What lies on a disk from the start: where it was written, and its bytes. */
import { createCipheriv, createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** From the first byte to the one behind the last. */
export interface Range {
  start: number
  end: number
}

export interface DiskContent {
  /** Whole pages of 512 bytes, ascending; neither touches the next. A range may hold zeros that were written. */
  ranges: readonly Range[]
  /** The bytes of a part of one of them. */
  read(start: number, length: number): Uint8Array
}

export const PAGE_BYTES = 512
export const MIB = 1024 ** 2

const BLOCK = 64 * 1024

/** Bytes that follow from a seed: noise and repetition by turns, so that they compress to about half. */
export function seededContent(ranges: readonly Range[], seed: number): DiskContent {
  const key = createHash('sha256').update(`azure seed ${seed}`).digest().subarray(0, 16)
  const block = (index: number): Buffer => {
    const start = Buffer.alloc(16)
    start.writeUInt32BE(index, 0)
    // A cipher makes noise at the speed of memory; a reader that is measured beside it isn't slowed down.
    const noise = createCipheriv('aes-128-ctr', key, start).update(Buffer.alloc(BLOCK / 2))
    return Buffer.concat([noise, Buffer.alloc(BLOCK / 2, 1 + (seed % 255))])
  }
  return { ranges, read: (start, length) => inBlocks(start, length, block) }
}

/** Bytes of a place, of blocks that are made one by one. */
function inBlocks(start: number, length: number, block: (index: number) => Uint8Array): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let done = 0; done < length; ) {
    const at = start + done
    const within = at % BLOCK
    const part = block(Math.floor(at / BLOCK)).subarray(within, within + length - done)
    bytes.set(part, done)
    done += part.length
  }
  return bytes
}

/** Runs of `runBytes` here and there, and a hole after each, as a file system leaves them: `writtenBytes` in all. */
export function scattered(sizeBytes: number, writtenBytes: number, runBytes = MIB): Range[] {
  const count = Math.min(Math.ceil(writtenBytes / runBytes), Math.floor(sizeBytes / runBytes / 2))
  return Array.from({ length: count }, (_none, place) => ({
    start: place * 2 * runBytes,
    end: place * 2 * runBytes + runBytes,
  }))
}

function readAt(path: string, start: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  const file = openSync(path, 'r')
  try {
    readSync(file, bytes, 0, length, start)
  } finally {
    closeSync(file)
  }
  return bytes
}

/** A file's bytes from the disk's start on. Pieces of 64 KiB that hold nothing but zeros count as never written. */
export function fileContent(path: string): DiskContent {
  const file = openSync(path, 'r')
  try {
    const size = fstatSync(file).size
    const nothing = Buffer.alloc(BLOCK)
    const piece = Buffer.alloc(BLOCK)
    const ranges: Range[] = []
    for (let at = 0; at < size; at += BLOCK) {
      const length = readSync(file, piece, 0, BLOCK, at)
      if (piece.compare(nothing, 0, length, 0, length) === 0) continue
      const end = Math.ceil((at + length) / PAGE_BYTES) * PAGE_BYTES
      const last = ranges.at(-1)
      if (last?.end === at) last.end = end
      else ranges.push({ start: at, end })
    }
    return { ranges, read: (start, length) => readAt(path, start, length) }
  } finally {
    closeSync(file)
  }
}
