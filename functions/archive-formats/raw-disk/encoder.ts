/** A disk as independent zstd frames in parts of fixed ranges, with a seek table at the end (docs/disk-archives.md). */
import { crc32 } from 'node:zlib'
import type { AllocationMap, DiskContent, DiskPlan, FrameEntry, PartRecord } from '../../contracts/disk-archive.ts'
import { writtenBytes } from '../../domain/encoding/allocation-map.ts'
import {
  assertPlan,
  boundsOfPart,
  heldBytes,
  MIN_PART_BYTES,
  mostWrittenBytes,
  partsOf,
} from '../../domain/encoding/disk-plan.ts'
import { type Cell, cellsOf, type Hole, segmentsOf } from '../../domain/encoding/disk-segments.ts'
import { assertNoneBeyond } from '../../domain/encoding/none.ts'
import type {
  Assembly,
  EncodedPart,
  ListedPart,
  MissingPart,
  PartEncoder,
  ReadSource,
  Scratch,
} from '../../domain/encoding/part-encoder.ts'
import { judgePart, signRecord, sumOfFrames } from '../../domain/encoding/part-record.ts'
import { combineAllCrc32, combineCrc32, crc32OfZeros, crc32ToBase64 } from '../../domain/transfer/crc32.ts'
import { dataFrame, entryOf, type Frame, HOLE_BYTES, HoleFrames, padFrame } from './frames.ts'
import { seekTable } from './seek-table.ts'
import { unpack } from './unpack.ts'

/** @throws RangeError when the map isn't the plan's: parts of two maps must never meet in one object */
export function rawDiskEncoder(plan: DiskPlan, map: AllocationMap | undefined): PartEncoder {
  assertPlan(plan, map)
  const holes = new HoleFrames()
  const sourceParts = partsOf(plan)
  return {
    encoding: 'raw-disk',
    sourceParts,
    partCount: sourceParts + 1,
    partSizeBytes: Math.max(1, mostWrittenBytes(plan, map)),
    heldBytes: heldBytes(plan, map),
    passesThrough: false,
    keepsRecords: true,
    partOfSource: (partNumber) => {
      const range = boundsOfPart(plan, partNumber)
      return { positionBytes: range.from, sizeBytes: range.to - range.from, readBytes: writtenBytes(map, range) }
    },
    encode: (partNumber, read, scratch, signal) =>
      new PartInTheMaking(plan, map, holes).make(partNumber, read, scratch, signal),
    missing: (listed, recorded) => {
      const there = new Map([...listed].map((part) => [part.partNumber, part.sizeBytes]))
      const isThere = (part: number) => recorded.has(part) && (there.get(part) ?? 0) >= MIN_PART_BYTES
      return Array.from({ length: sourceParts }, (_, index) => index + 1).filter((part) => !isThere(part))
    },
    assemble: (listed, records) => assemble(plan, map, [...listed], records),
    decode: unpack,
  }
}

/** Frames of one part, in the disk's order. Only compressed bytes are kept; content goes through the lane's scratch. */
class PartInTheMaking {
  readonly #plan: DiskPlan
  readonly #map: AllocationMap | undefined
  readonly #holes: HoleFrames
  readonly #slices: Buffer[] = []
  readonly #frames: FrameEntry[] = []
  #rawCrc32 = 0

  constructor(plan: DiskPlan, map: AllocationMap | undefined, holes: HoleFrames) {
    this.#plan = plan
    this.#map = map
    this.#holes = holes
  }

  async make(partNumber: number, read: ReadSource, scratch: Scratch, signal?: AbortSignal): Promise<EncodedPart> {
    const range = boundsOfPart(this.#plan, partNumber)
    for (const segment of segmentsOf(this.#map, range, this.#plan.frameBytes)) {
      signal?.throwIfAborted()
      if (segment.kind === 'hole') await this.#addHole(segment)
      else await this.#addCell(segment, read, scratch, signal)
    }
    const unpadded = sumOfFrames(this.#frames)
    if (unpadded.sizeBytes < MIN_PART_BYTES) this.#add(padFrame(MIN_PART_BYTES - unpadded.sizeBytes), 1)
    const { sizeBytes, crc32: storedCrc32 } = sumOfFrames(this.#frames)
    const record = signRecord({
      version: 1,
      part: partNumber,
      from: range.from,
      to: range.to,
      rawCrc32: this.#rawCrc32,
      storedBytes: sizeBytes,
      storedCrc32,
      allocatedBytes: writtenBytes(this.#map, range),
      frames: this.#frames,
    })
    return { partNumber, slices: this.#slices, sizeBytes, crc32: storedCrc32, record }
  }

  async #addHole({ from, to }: Hole): Promise<void> {
    const [times, rest] = [Math.floor((to - from) / HOLE_BYTES), (to - from) % HOLE_BYTES]
    if (times > 0) this.#add(await this.#holes.of(HOLE_BYTES), times)
    if (rest > 0) this.#add(await this.#holes.of(rest), 1)
    this.#rawCrc32 = combineCrc32(this.#rawCrc32, crc32OfZeros(to - from), to - from)
  }

  async #addCell({ from, to, written }: Cell, read: ReadSource, scratch: Scratch, signal?: AbortSignal): Promise<void> {
    const content = scratch.buffer(this.#plan.frameBytes).subarray(0, to - from)
    let at = from
    for (const extent of written) {
      this.#zero(content.subarray(at - from, extent.from - from))
      const target = content.subarray(extent.from - from, extent.to - from)
      this.#rawCrc32 = combineCrc32(this.#rawCrc32, await read(extent.from, target, signal), target.length)
      at = extent.to
    }
    this.#zero(content.subarray(at - from))
    this.#add(await dataFrame(content, this.#plan.level), 1)
  }

  /** The scratch holds what the last frame left there. */
  #zero(gap: Buffer): void {
    gap.fill(0)
    this.#rawCrc32 = combineCrc32(this.#rawCrc32, crc32OfZeros(gap.length), gap.length)
  }

  #add(frame: Frame, times: number): void {
    for (let time = 0; time < times; time += 1) this.#slices.push(frame.bytes)
    this.#frames.push(entryOf(frame, times))
  }
}

function assemble(
  plan: DiskPlan,
  map: AllocationMap | undefined,
  listed: readonly ListedPart[],
  records: ReadonlyMap<number, PartRecord>,
): Assembly | { missing: MissingPart[] } {
  const count = partsOf(plan)
  assertNoneBeyond(listed, count + 1)
  const there = new Map(listed.map((part) => [part.partNumber, part]))
  const missing: MissingPart[] = []
  const whole: PartRecord[] = []
  for (let part = 1; part <= count; part += 1) {
    const record = records.get(part)
    const reason = judgePart(part, plan, map, there.get(part), record)
    if (record === undefined || reason !== undefined) missing.push({ partNumber: part, reason: reason ?? '' })
    else whole.push(record)
  }
  if (missing.length > 0) return { missing }
  const frames = whole.flatMap((record) => record.frames)
  const table = seekTable(frames)
  const closing = { partNumber: count + 1, slices: [table], sizeBytes: table.length, crc32: crc32(table) }
  const parts = whole.map(({ storedBytes, storedCrc32 }) => ({ sizeBytes: storedBytes, crc32: storedCrc32 }))
  const object = [...parts, closing]
  const disk = combineAllCrc32(whole.map(({ from, to, rawCrc32 }) => ({ sizeBytes: to - from, crc32: rawCrc32 })))
  return {
    closing: [closing],
    object: { sizeBytes: object.reduce((sum, part) => sum + part.sizeBytes, 0), crc32: combineAllCrc32(object) },
    source: { sizeBytes: plan.sizeBytes, crc32: disk },
    content: contentOf(plan, map, frames, disk),
    frames: { version: 1, frames },
  }
}

function contentOf(
  { sizeBytes, allocatedBytes, frameBytes }: DiskPlan,
  map: AllocationMap | undefined,
  frames: readonly FrameEntry[],
  disk: number,
): DiskContent {
  let cellBytes = 0
  for (const { from, to } of cellsOf(map, { from: 0, to: sizeBytes }, frameBytes)) cellBytes += to - from
  return {
    format: 'raw-disk',
    compression: 'zstd',
    seekable: true,
    sizeBytes,
    allocatedBytes,
    holeBytes: sizeBytes - cellBytes,
    crc32: `CRC32:${crc32ToBase64(disk)}`,
    frames: frames.reduce((sum, [, diskBytes, , , times]) => sum + (diskBytes === 0 ? 0 : times), 0),
    frameBytes,
    ...(map === undefined ? {} : { blockBytes: map.blockBytes }),
  }
}
