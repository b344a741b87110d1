import type { ArchiveStore, StoredObject } from '../../aws/archive-store.ts'
import { inOrder } from '../books/ordered-lookahead.ts'

/** A request each, $0.03 per TiB; and so little that asking again after a broken answer costs nothing. */
const RANGE_BYTES = 16 * 1024 * 1024
/** While one range is decompressed the next two arrive: 48 MiB in memory. */
const RANGES_AHEAD = 3

/**
 * All bytes of an object in order, or those of a range of it (without its end), as that one object: a replaced one ends it.
 * @throws ArchiveConflict, StoreUnavailable, StoreDenied
 */
export function readObject(
  store: Pick<ArchiveStore, 'readRange'>,
  key: string,
  { sizeBytes, etag }: StoredObject,
  { from, to } = { from: 0, to: sizeBytes },
): AsyncIterable<Buffer> {
  function* starts(): Generator<number> {
    for (let start = from; start < to; start += RANGE_BYTES) yield start
  }
  return inOrder(starts(), RANGES_AHEAD, (firstByte) =>
    store.readRange(key, { firstByte, lastByte: Math.min(firstByte + RANGE_BYTES, to) - 1, etag }),
  )
}
