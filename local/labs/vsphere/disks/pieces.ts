/** A file that is put together of pieces, each of which is made when it is read. */
import type { Bytes } from './bytes.ts'

export interface Piece {
  sizeBytes: number
  bytes(): Uint8Array
}

export function pieced(pieces: readonly Piece[]): Bytes {
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
