/** How an artifact is cut into parts, and missing parts into chunks of work. */
import type { Chunk } from '../../contracts/upload.ts'

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

/** Buffers of all parts in flight together; a single part may be larger and then goes alone. */
const BUFFER_BUDGET_BYTES = 512 * MIB

/** How many parts one function can hold in memory at once. */
export function affordableParts(partSizeBytes: number): number {
  return Math.max(1, Math.floor(BUFFER_BUDGET_BYTES / partSizeBytes))
}

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
  // Asked for all of 10,000 parts in each round: all but the last have the plan's size.
  const sizes = new Float64Array(plan.partCount + 1).fill(-1)
  for (const part of stored) sizes[part.partNumber] = part.sizeBytes
  const last = partRange(plan.partCount, plan.partSizeBytes, sizeBytes).sizeBytes
  const missing: number[] = []
  for (let partNumber = 1; partNumber <= plan.partCount; partNumber += 1) {
    if (sizes[partNumber] !== (partNumber < plan.partCount ? plan.partSizeBytes : last)) missing.push(partNumber)
  }
  return missing
}

/**
 * Missing parts as so many chunks, or fewer, each a contiguous range and all with about the same number of parts to
 * copy. A chunk may span parts that S3 has: anyone who copies it skips those.
 */
export function planChunks(missing: readonly number[], streams: number): Chunk[] {
  const chunks: Chunk[] = []
  let from = 0
  for (let left = Math.min(streams, missing.length); left > 0; left--) {
    const until = from + Math.ceil((missing.length - from) / left)
    const [firstPart, lastPart] = [missing[from], missing[until - 1]]
    if (firstPart !== undefined && lastPart !== undefined) chunks.push({ firstPart, lastPart })
    from = until
  }
  return chunks
}
