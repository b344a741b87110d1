/**
 * Which range of a disk each part of its upload stands for. S3 wants numbers without a gap and parts of 5 MiB at least,
 * and how far data compresses is known only afterwards: so ranges are fixed before anything is read. Pure.
 */
import { type AllocationMap, type DiskPlan, MAX_DISK_PARTS } from '../../contracts/disk-archive.ts'
import { MAX_PART_BYTES } from '../transfer/part-plan.ts'
import { assertMap, type Extent, mapSum, writtenBytes } from './allocation-map.ts'
import { cellsOf } from './disk-segments.ts'

const MIB = 2 ** 20
const TIB = 2 ** 40

const FRAME_BYTES = 4 * MIB
/** The seek table has 12 bytes for each frame: with 4 MiB, 3 MiB per TiB. */
const LARGE_FRAME_BYTES = 16 * MIB
const LARGE_FROM_BYTES = 16 * TIB
/** Smaller parts would more often be padded to S3's least, larger ones fill the memory of a function. */
const LEAST_TARGET_BYTES = 64 * MIB
/** Of the parts that are closed: one follows for the rest, and one for the seek table. */
const MAX_CLOSED_PARTS = MAX_DISK_PARTS - 1
const DEFAULT_LEVEL = 1

/** S3's least for a part that another one follows (user guide, "Multipart upload limits"). */
export const MIN_PART_BYTES = 5 * MIB

/** A pad of nothing. */
const PAD_HEADER_BYTES = 8

/** Header and checksum of a zstd frame, and the header of each of its blocks, at most. */
const FRAME_OVERHEAD_BYTES = 18
const ZSTD_BLOCK_BYTES = 128 * 1024
const BLOCK_OVERHEAD_BYTES = 4

export interface DiskSource {
  /** The very state of the source: a snapshot's id or an ETag. */
  sourceRef: string
  sizeBytes: number
  /** Absent where the platform has none: then everything is read. */
  map?: AllocationMap | undefined
  /** zstd's; 1 unless given. Level 3 stores 5 points less and takes two thirds more CPU. */
  level?: number | undefined
}

/** @throws RangeError for a map of another disk, and for a disk that may not fit into one object */
export function planDisk({ sourceRef, sizeBytes, map, level = DEFAULT_LEVEL }: DiskSource): DiskPlan {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 1)
    throw new RangeError(`not the size of a disk: ${sizeBytes} bytes`)
  if (map !== undefined) {
    assertMap(map)
    if (map.sizeBytes !== sizeBytes) {
      throw new RangeError(`The map is of a disk of ${map.sizeBytes} bytes, and this one has ${sizeBytes}.`)
    }
  }
  const disk = { from: 0, to: sizeBytes }
  const allocatedBytes = writtenBytes(map, disk)
  const frameBytes = allocatedBytes < LARGE_FROM_BYTES ? FRAME_BYTES : LARGE_FRAME_BYTES
  const wanted = Math.ceil(allocatedBytes / MAX_CLOSED_PARTS / frameBytes) * frameBytes
  const bounds = boundsOf(map, disk, frameBytes, Math.max(LEAST_TARGET_BYTES, wanted))
  const plan: DiskPlan = {
    version: 1,
    encoding: 'raw-disk',
    sourceRef,
    sizeBytes,
    allocatedBytes,
    ...(map === undefined ? {} : { mapSum: mapSum(map) }),
    frameBytes,
    level,
    bounds,
  }
  const largest = largestPartBytes(plan, map)
  if (largest > MAX_PART_BYTES) {
    throw new RangeError(
      `A disk of ${sizeBytes} bytes with ${allocatedBytes} written may not fit into one object: a part could have ` +
        `${largest} bytes, and S3 takes ${MAX_PART_BYTES}. Archive it as several ranges of the disk.`,
    )
  }
  return plan
}

/**
 * A part ends where the next one's data begins, once it has its share: a hole rides along in the part before it, however
 * long it is, for it costs next to nothing there.
 */
function boundsOf(map: AllocationMap | undefined, disk: Extent, frameBytes: number, targetBytes: number): number[] {
  const bounds = [0]
  let allocatedBytes = 0
  for (const cell of cellsOf(map, disk, frameBytes)) {
    if (allocatedBytes >= targetBytes) {
      bounds.push(cell.from)
      allocatedBytes = 0
    }
    for (const { from, to } of cell.written) allocatedBytes += to - from
  }
  return [...bounds, disk.to]
}

export function partsOf({ bounds }: DiskPlan): number {
  return bounds.length - 1
}

/** What a part stands for. @throws RangeError for a number that the plan doesn't have */
export function boundsOfPart({ bounds }: DiskPlan, partNumber: number): Extent {
  const [from, to] = [bounds[partNumber - 1], bounds[partNumber]]
  if (from === undefined || to === undefined) throw new RangeError(`part ${partNumber} lies outside the plan`)
  return { from, to }
}

/** What a plan promises holds, and the map is the one that it was made from. @throws RangeError */
export function assertPlan(plan: DiskPlan, map: AllocationMap | undefined): void {
  const { bounds, sizeBytes, frameBytes, mapSum: planned, allocatedBytes } = plan
  const ascending = bounds.every((bound, index) => index === 0 || bound > (bounds[index - 1] ?? 0))
  const onGrid = bounds.slice(0, -1).every((bound) => bound % frameBytes === 0)
  if (!ascending || !onGrid || bounds[0] !== 0 || bounds.at(-1) !== sizeBytes) {
    throw new RangeError(`the plan's parts don't divide the ${sizeBytes} bytes of the disk`)
  }
  if (planned !== (map === undefined ? undefined : mapSum(map)) || (map?.sizeBytes ?? sizeBytes) !== sizeBytes) {
    throw new RangeError('The map of written blocks is not the one that the parts were planned by.')
  }
  if (allocatedBytes !== writtenBytes(map, { from: 0, to: sizeBytes })) {
    throw new RangeError(`the plan counts ${allocatedBytes} written bytes, and its map others`)
  }
}

/** The most bytes that any part can have, however badly its data compresses. */
export function largestPartBytes(plan: DiskPlan, map: AllocationMap | undefined): number {
  let largest = MIN_PART_BYTES + PAD_HEADER_BYTES
  for (let part = 1; part <= partsOf(plan); part += 1) {
    const { from, to } = boundsOfPart(plan, part)
    const blocks = Math.ceil((to - from) / ZSTD_BLOCK_BYTES)
    const frames = Math.ceil((to - from) / plan.frameBytes) + 1
    const overhead = blocks * BLOCK_OVERHEAD_BYTES + frames * FRAME_OVERHEAD_BYTES
    largest = Math.max(largest, writtenBytes(map, { from, to }) + overhead)
  }
  return largest
}

/**
 * The most memory that one part takes while it is made and held: what was written of it, badly compressed, and a frame's
 * content. Zeros of unwritten blocks in a cell add less than half a percent; holes are one buffer, however often it comes.
 */
export function heldBytes(plan: DiskPlan, map: AllocationMap | undefined): number {
  return plan.frameBytes + Math.max(MIN_PART_BYTES, Math.ceil(mostWrittenBytes(plan, map) * 1.005)) + MIB
}

/** Written bytes of the part that has most of them. */
export function mostWrittenBytes(plan: DiskPlan, map: AllocationMap | undefined): number {
  let most = 0
  for (let part = 1; part <= partsOf(plan); part += 1) {
    most = Math.max(most, writtenBytes(map, boundsOfPart(plan, part)))
  }
  return most
}
