/** How an artifact is cut into parts, and missing parts into chunks of work. */
import type { Chunk } from '../contracts/tasks.ts'

const MIB = 2 ** 20
const GIB = 2 ** 30

/** S3: at most 10,000 parts, each at most 5 GiB, hence objects up to 48.8 TiB (user guide, "Multipart upload limits"). */
export const MAX_PART_COUNT = 10_000
export const MAX_PART_BYTES = 5 * GIB
export const MAX_OBJECT_BYTES = MAX_PART_COUNT * MAX_PART_BYTES

/** Small enough for several in a function's memory, large enough that requests cost nothing against the bytes. */
const SMALLEST_PART_BYTES = 64 * MIB
/** Below S3's 10,000, so that rounding can't pass it. */
const WANTED_PART_COUNT = 9_500

/** What one function moves in about ten minutes (measured: 60–75 MB/s lasting), well inside Lambda's fifteen. */
const CHUNK_BYTES = 10 * 60 * 60_000_000
/** Keeps a Map over chunks far from the 25,000 events that an execution's history may have. */
const MAX_CHUNK_COUNT = 400

export interface PartPlan {
  partSizeBytes: number
  partCount: number
}

/**
 * Part size and count for an object.
 * An empty object has one empty part: S3 completes no upload without parts, and allows the last part any size.
 * @throws RangeError beyond S3's largest object
 */
export function planParts(sizeBytes: number): PartPlan {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || sizeBytes > MAX_OBJECT_BYTES) {
    throw new RangeError(`S3 can't hold an object of ${sizeBytes} bytes in one upload (at most ${MAX_OBJECT_BYTES})`)
  }
  const wanted = Math.ceil(sizeBytes / WANTED_PART_COUNT / MIB) * MIB
  const partSizeBytes = Math.min(MAX_PART_BYTES, Math.max(SMALLEST_PART_BYTES, wanted))
  return { partSizeBytes, partCount: Math.max(1, Math.ceil(sizeBytes / partSizeBytes)) }
}

/** Where a part's bytes lie in the source. @throws RangeError for a part outside the plan */
export function partRange(
  partNumber: number,
  partSizeBytes: number,
  sizeBytes: number,
): { positionBytes: number; sizeBytes: number } {
  const positionBytes = (partNumber - 1) * partSizeBytes
  const outside = partNumber < 1 || positionBytes > sizeBytes || (positionBytes === sizeBytes && partNumber > 1)
  if (outside) throw new RangeError(`part ${partNumber} lies outside a source of ${sizeBytes} bytes`)
  return { positionBytes, sizeBytes: Math.min(partSizeBytes, sizeBytes - positionBytes) }
}

/** Part numbers that `stored` lacks or holds with another size than planned, ascending. */
export function missingParts(
  plan: PartPlan,
  sizeBytes: number,
  stored: Iterable<{ partNumber: number; sizeBytes: number }>,
): number[] {
  const sizes = new Map([...stored].map((part) => [part.partNumber, part.sizeBytes]))
  return Array.from({ length: plan.partCount }, (_, index) => index + 1).filter(
    (partNumber) => sizes.get(partNumber) !== partRange(partNumber, plan.partSizeBytes, sizeBytes).sizeBytes,
  )
}

/**
 * Missing parts as chunks, each about ten minutes of one function's work, and where the work is less than that, enough
 * of them to keep `parallelism` functions busy. A chunk may span parts that S3 has: whoever copies it skips those, and
 * a much interrupted upload still has few chunks.
 */
export function planChunks(missing: readonly number[], partSizeBytes: number, parallelism: number): Chunk[] {
  const tenMinutes = Math.max(1, Math.floor(CHUNK_BYTES / partSizeBytes))
  const fairShare = Math.max(1, Math.ceil(missing.length / parallelism))
  const partsEach = Math.max(Math.min(tenMinutes, fairShare), Math.ceil(missing.length / MAX_CHUNK_COUNT))
  const chunks: Chunk[] = []
  for (let from = 0; from < missing.length; from += partsEach) {
    const firstPart = missing[from]
    const lastPart = missing[Math.min(from + partsEach, missing.length) - 1]
    if (firstPart !== undefined && lastPart !== undefined) chunks.push({ firstPart, lastPart })
  }
  return chunks
}
