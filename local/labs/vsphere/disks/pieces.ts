/** A file that is put together of pieces, each of which is made when it is read. */
import { BLOCK_BYTES } from '../../ec2/disk.ts'
import type { Blocks, Bytes } from './bytes.ts'

interface Piece {
  sizeBytes: number
  bytes(): Uint8Array
}

/** A sparse file: its header and tables, and then the blocks that were written. */
export function sparse(tables: readonly Uint8Array[], blocks: Blocks): Bytes {
  return pieced([
    ...tables.map((bytes) => ({ sizeBytes: bytes.length, bytes: () => bytes })),
    ...blocks.written.map((index) => ({
      sizeBytes: BLOCK_BYTES,
      bytes: () => blocks.block(index) ?? new Uint8Array(BLOCK_BYTES),
    })),
  ])
}

function pieced(pieces: readonly Piece[]): Bytes {
  const starts: number[] = []
  let sizeBytes = 0
  for (const piece of pieces) {
    starts.push(sizeBytes)
    sizeBytes += piece.sizeBytes
  }
  return {
    sizeBytes,
    read: (from, length) => {
      const bytes = new Uint8Array(length)
      pieces.forEach((piece, index) => {
        const start = starts[index] ?? 0
        const [first, end] = [Math.max(from, start), Math.min(from + length, start + piece.sizeBytes)]
        if (first < end) bytes.set(piece.bytes().subarray(first - start, end - start), first - from)
      })
      return bytes
    },
  }
}
