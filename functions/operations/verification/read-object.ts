import type { ArchiveStore, StoredObject } from '../../aws/archive-store.ts'
import { inOrder } from '../books/ordered-lookahead.ts'

/** A request each, $0.03 per TiB; and so little that asking again after a broken answer costs nothing. */
const RANGE_BYTES = 16 * 1024 * 1024
/** While one range is decompressed the next two arrive: 48 MiB in memory. */
const RANGES_AHEAD = 3

/**
 * All bytes of an object in order, as that one object: a replaced one ends it.
 * @throws ArchiveConflict, StoreUnavailable, StoreDenied
 */
export function readObject(
  store: Pick<ArchiveStore, 'readRange'>,
  key: string,
  { sizeBytes, etag }: StoredObject,
): AsyncIterable<Buffer> {
  function* starts(): Generator<number> {
    for (let start = 0; start < sizeBytes; start += RANGE_BYTES) yield start
  }
  return inOrder(starts(), RANGES_AHEAD, (firstByte) =>
    store.readRange(key, { firstByte, lastByte: Math.min(firstByte + RANGE_BYTES, sizeBytes) - 1, etag }),
  )
}
