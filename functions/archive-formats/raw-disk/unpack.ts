/** A disk from its archive: as pieces in order, or into a file in which holes stay holes. */
import type { Piece } from '../../domain/encoding/part-encoder.ts'
import { Damage } from '../damage.ts'
import { FrameContents, isZero } from './frame-content.ts'
import { walkFrames } from './walk-frames.ts'

/**
 * The disk in order. Zeros come without bytes.
 * @throws Damage also at the end of a file without seek table: cut between two frames, it would give a shorter disk
 */
export async function* unpack(archive: AsyncIterable<Buffer>): AsyncGenerator<Piece> {
  const contents = new FrameContents()
  let [positionBytes, ended] = [0, false]
  for await (const frame of walkFrames(archive)) {
    if (frame.kind === 'seek-table') ended = true
    if (frame.kind !== 'data') continue
    yield* contents.of(frame.bytes, frame.contentBytes, positionBytes, frame.offset)
    positionBytes += frame.contentBytes
  }
  if (ended) return
  const message = `The archive ends after ${positionBytes} bytes of the disk without its seek table: its end is missing.`
  throw new Damage('seek-table-missing', message, 'content', positionBytes)
}

/** What unpacking writes to: an open file, in the shape of Node's `FileHandle`. */
export interface SparseTarget {
  write(bytes: Buffer, offset: number, length: number, position: number): Promise<{ bytesWritten: number }>
  truncate(sizeBytes: number): Promise<void>
}

/** File systems hold holes in multiples of this. */
const SPARSE_BYTES = 64 * 1024

/**
 * Write a disk to a new, empty file; zeros are left out, so that they take no room. Not for a target that may hold
 * something else. Returns the disk's size.
 */
export async function writeSparse(pieces: AsyncIterable<Piece>, target: SparseTarget): Promise<number> {
  let sizeBytes = 0
  for await (const { positionBytes, sizeBytes: length, bytes } of pieces) {
    sizeBytes = positionBytes + length
    if (bytes === undefined) continue
    for (const { from, to } of withoutZeros(bytes)) await writeAll(target, bytes, from, to, positionBytes)
  }
  await target.truncate(sizeBytes)
  return sizeBytes
}

/** What isn't zeros; a range may be empty. */
function* withoutZeros(bytes: Buffer): Generator<{ from: number; to: number }> {
  let from = 0
  for (let at = 0; at < bytes.length; at += SPARSE_BYTES) {
    if (!isZero(bytes.subarray(at, at + SPARSE_BYTES))) continue
    yield { from, to: at }
    from = at + SPARSE_BYTES
  }
  yield { from, to: bytes.length }
}

async function writeAll(target: SparseTarget, bytes: Buffer, from: number, to: number, base: number): Promise<void> {
  for (let at = from; at < to; ) {
    const { bytesWritten } = await target.write(bytes, at, to - at, base + at)
    at += bytesWritten
  }
}
