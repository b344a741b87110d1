/** Which blocks of a disk were ever written, as its platform says. Pure. */
import type { AllocationMap } from '../../contracts/disk-archive.ts'
import { crc32OfText } from '../transfer/crc32.ts'

/** Bytes of a source from `from` up to `to`, which isn't one of them. */
export interface Extent {
  from: number
  to: number
}

/** zstd stores what can't be compressed in blocks of this size; smaller allocation blocks would upset the size's bound. */
const LEAST_BLOCK_BYTES = 128 * 1024

/**
 * Gathers a map from a platform's answers. A range that no answer was about is not a hole: it would be stored as zeros
 * without being read. So each answer says which range it covers, and a map comes of answers that cover the whole disk.
 */
export class AllocationMapBuilder {
  readonly #sizeBytes: number
  readonly #blockBytes: number
  readonly #answered: Extent[] = []
  readonly #written: Extent[] = []

  /** @param blockBytes what written extents are rounded outwards to: a multiple of 128 KiB that divides 4 MiB */
  constructor(sizeBytes: number, blockBytes: number) {
    this.#sizeBytes = sizeBytes
    this.#blockBytes = blockBytes
    assertMap({ version: 1, sizeBytes, blockBytes, runs: [] })
  }

  /** What one answer says: of this range, these extents were written. In any order, also twice. @throws RangeError */
  add(answered: Extent, written: Iterable<Extent>): void {
    if (!within(answered, { from: 0, to: this.#sizeBytes }))
      throw new RangeError(`not a range of the disk: ${worded(answered)}`)
    for (const extent of written) {
      if (extent.to <= extent.from || !within(extent, answered)) {
        throw new RangeError(`bytes ${worded(extent)} are no answer about bytes ${worded(answered)}`)
      }
      this.#written.push(extent)
    }
    this.#answered.push(answered)
  }

  /** @throws RangeError while a range of the disk is without an answer */
  build(): AllocationMap {
    let answeredBytes = 0
    for (const { from, to } of this.#answered.toSorted((one, other) => one.from - other.from)) {
      if (from > answeredBytes) break
      answeredBytes = Math.max(answeredBytes, to)
    }
    if (answeredBytes < this.#sizeBytes) {
      throw new RangeError(
        `The platform didn't say what of the disk was written from byte ${answeredBytes} on, of ${this.#sizeBytes}. ` +
          'Without that it is not known to be empty.',
      )
    }
    const runs: [number, number][] = []
    for (const { from, to } of this.#written.toSorted((one, other) => one.from - other.from)) {
      const [first, end] = [Math.floor(from / this.#blockBytes), Math.ceil(to / this.#blockBytes)]
      const last = runs.at(-1)
      if (last !== undefined && first <= last[0] + last[1]) last[1] = Math.max(last[1], end - last[0])
      else runs.push([first, end - first])
    }
    return { version: 1, sizeBytes: this.#sizeBytes, blockBytes: this.#blockBytes, runs }
  }
}

/** Runs ascend, don't overlap, and lie on the disk. @throws RangeError */
export function assertMap({ sizeBytes, blockBytes, runs }: AllocationMap): void {
  if (blockBytes % LEAST_BLOCK_BYTES !== 0 || (4 * 2 ** 20) % blockBytes !== 0) {
    throw new RangeError(`blocks of ${blockBytes} bytes: a map needs a multiple of 128 KiB that divides 4 MiB`)
  }
  const blocks = Math.ceil(sizeBytes / blockBytes)
  let next = 0
  for (const [first, count] of runs) {
    if (first < next || first + count > blocks) {
      throw new RangeError(
        `the map's run of ${count} blocks at ${first} is out of order or beyond the disk's ${blocks} blocks`,
      )
    }
    next = first + count
  }
}

/** What was written of a range, ascending, cut to the range. Without a map, all of it. */
export function* writtenIn(map: AllocationMap | undefined, { from, to }: Extent): Generator<Extent> {
  if (map === undefined) {
    if (to > from) yield { from, to }
    return
  }
  const { runs, blockBytes, sizeBytes } = map
  for (let at = firstEndingAfter(map, from); at < runs.length; at += 1) {
    const [first, count] = runs[at] ?? [0, 0]
    const start = Math.max(from, first * blockBytes)
    const end = Math.min(to, (first + count) * blockBytes, sizeBytes)
    if (start >= to) return
    if (end > start) yield { from: start, to: end }
  }
}

/** Bytes of a range that were written. */
export function writtenBytes(map: AllocationMap | undefined, range: Extent): number {
  let bytes = 0
  for (const { from, to } of writtenIn(map, range)) bytes += to - from
  return bytes
}

/** Tells maps apart: another one must not be used with a plan. */
export function mapSum({ sizeBytes, blockBytes, runs }: AllocationMap): number {
  return crc32OfText(JSON.stringify([sizeBytes, blockBytes, runs]))
}

/** Index of the first run that ends after a position: there may be a million of them. */
function firstEndingAfter({ runs, blockBytes }: AllocationMap, position: number): number {
  let [low, high] = [0, runs.length]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const [first, count] = runs[middle] ?? [0, 0]
    if ((first + count) * blockBytes <= position) low = middle + 1
    else high = middle
  }
  return low
}

function within(inner: Extent, outer: Extent): boolean {
  return inner.from >= outer.from && inner.to <= outer.to && inner.from <= inner.to
}

function worded({ from, to }: Extent): string {
  return `${from} to ${to}`
}
