/** Any range of an archived disk, from the few frames that hold it. */
import type { AllocationMap } from '../../contracts/disk-archive.ts'
import { type Extent, writtenIn } from '../../domain/encoding/allocation-map.ts'
import type { Piece } from '../../domain/encoding/part-encoder.ts'
import { Damage } from '../damage.ts'
import { FrameContents } from './frame-content.ts'
import { FOOTER_BYTES, readSeekTable, type SeekEntry, seekTableBytes } from './seek-table.ts'
import { walkFrames } from './walk-frames.ts'

/** An object of which ranges can be read; both ends inclusive, as in HTTP. */
export interface RangedObject {
  sizeBytes: number
  read(firstByte: number, lastByte: number): Promise<Buffer>
}

/** A frame, and where it lies on the disk and in the file. */
interface PlacedFrame extends SeekEntry {
  diskFrom: number
  fileFrom: number
}

/** Where all frames lie. In columns: a disk of 16 TiB has four million. */
export class FrameIndex {
  #diskBytes = 0
  #storedBytes = 0
  readonly #diskFrom: number[] = []
  readonly #fileFrom: number[] = []
  readonly #fileTo: number[] = []
  readonly #checksums: (number | undefined)[] = []

  constructor(frames: Iterable<SeekEntry> = []) {
    for (const frame of frames) this.add(frame)
  }

  /** The next frame of the file. */
  add({ diskBytes, storedBytes, checksum }: SeekEntry): void {
    if (diskBytes > 0) {
      this.#diskFrom.push(this.#diskBytes)
      this.#fileFrom.push(this.#storedBytes)
      this.#checksums.push(checksum)
      this.#fileTo.push(this.#storedBytes + storedBytes)
    }
    this.#diskBytes += diskBytes
    this.#storedBytes += storedBytes
  }

  /** Of the disk. */
  get diskBytes(): number {
    return this.#diskBytes
  }

  /** Of the file, up to its seek table. */
  get storedBytes(): number {
    return this.#storedBytes
  }

  /** The frames that hold a range of the disk, in order. */
  *of({ from, to }: Extent): Generator<PlacedFrame> {
    let [low, high] = [0, this.#diskFrom.length]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if ((this.#diskFrom[middle + 1] ?? this.#diskBytes) <= from) low = middle + 1
      else high = middle
    }
    for (let index = low; index < this.#diskFrom.length; index += 1) {
      const [diskFrom = 0, fileFrom = 0] = [this.#diskFrom[index], this.#fileFrom[index]]
      if (diskFrom >= to) return
      const diskBytes = (this.#diskFrom[index + 1] ?? this.#diskBytes) - diskFrom
      const checksum = this.#checksums[index]
      const storedBytes = (this.#fileTo[index] ?? 0) - fileFrom
      yield { diskFrom, fileFrom, diskBytes, storedBytes, ...(checksum === undefined ? {} : { checksum }) }
    }
  }
}

/**
 * The index from the seek table at an archive's end: two small reads.
 * @throws Damage where there is none, or it doesn't fit the file
 */
export async function indexBySeekTable(object: RangedObject): Promise<FrameIndex> {
  const { sizeBytes } = object
  const footer = sizeBytes < FOOTER_BYTES ? Buffer.alloc(0) : await object.read(sizeBytes - FOOTER_BYTES, sizeBytes - 1)
  const tableBytes = seekTableBytes(footer)
  if (tableBytes === undefined || tableBytes > sizeBytes) {
    throw new Damage('seek-table-missing', 'The file does not end with a seek table.', 'file', sizeBytes)
  }
  const offset = sizeBytes - tableBytes
  const index = new FrameIndex(readSeekTable(await object.read(offset, sizeBytes - 1), offset))
  if (index.storedBytes === offset) return index
  const message = `The seek table is about ${index.storedBytes} bytes of frames, and ${offset} lie before it.`
  throw new Damage('seek-table', message, 'file', offset)
}

/** The index of an archive whose seek table is gone: from reading all of it. @throws Damage */
export async function indexByWalking(archive: AsyncIterable<Buffer>): Promise<FrameIndex> {
  const index = new FrameIndex()
  for await (const frame of walkFrames(archive)) {
    if (frame.kind === 'pad') index.add({ storedBytes: frame.storedBytes, diskBytes: 0 })
    if (frame.kind !== 'data') continue
    index.add({ storedBytes: frame.bytes.length, diskBytes: frame.contentBytes, checksum: frame.checksum })
  }
  return index
}

/** Reads frames of one object. Each is checked by its own checksum, and against the index. */
export class DiskReader {
  readonly #object: RangedObject
  readonly #index: FrameIndex
  readonly #contents = new FrameContents()

  constructor(object: RangedObject, index: FrameIndex) {
    this.#object = object
    this.#index = index
  }

  get sizeBytes(): number {
    return this.#index.diskBytes
  }

  /** A range of the disk in order; zeros come without bytes. @throws Damage, RangeError beyond the disk's end */
  pieces(range: Extent): AsyncGenerator<Piece> {
    return this.#cut(range, () => [range])
  }

  /**
   * What was written of the disk, written zeros included, and nothing else: what a restore has to write. By the map, for
   * an archive alone can't tell zeros that were written from blocks that never were. Frames of holes aren't read.
   */
  written(map: AllocationMap, range: Extent = { from: 0, to: this.sizeBytes }): AsyncGenerator<Piece> {
    if (map.sizeBytes !== this.sizeBytes) {
      throw new RangeError(`the map of a disk of ${map.sizeBytes} bytes, and this one has ${this.sizeBytes}`)
    }
    return this.#cut(range, ({ from, to }) => [
      ...writtenIn(map, { from: Math.max(from, range.from), to: Math.min(to, range.to) }),
    ])
  }

  /** Of each frame of the range, what is wanted of it; frames of which nothing is wanted aren't read. */
  async *#cut(range: Extent, wantedOf: (frame: Extent) => Extent[]): AsyncGenerator<Piece> {
    if (range.from < 0 || range.to > this.sizeBytes) {
      throw new RangeError(`bytes ${range.from} to ${range.to} of a disk of ${this.sizeBytes}`)
    }
    for (const frame of this.#index.of(range)) {
      const wanted = wantedOf({ from: frame.diskFrom, to: frame.diskFrom + frame.diskBytes })
      if (wanted.length === 0) continue
      for await (const piece of this.#contentOf(frame)) {
        for (const extent of wanted) {
          const cut = cutTo(piece, extent)
          if (cut !== undefined) yield cut
        }
      }
    }
  }

  async *#contentOf({ fileFrom, storedBytes, diskBytes, diskFrom, checksum }: PlacedFrame): AsyncGenerator<Piece> {
    const bytes = await this.#object.read(fileFrom, fileFrom + storedBytes - 1)
    if (checksum !== undefined && bytes.readUInt32LE(bytes.length - 4) !== checksum) {
      const message = `The frame at byte ${fileFrom} is not the one that the seek table is about.`
      throw new Damage('seek-table', message, 'file', fileFrom)
    }
    yield* this.#contents.of(bytes, diskBytes, diskFrom, fileFrom)
  }

  /** Fill `target` from a position of the disk on. @throws Damage, RangeError */
  async read(positionBytes: number, target: Buffer): Promise<void> {
    for await (const piece of this.pieces({ from: positionBytes, to: positionBytes + target.length })) {
      const at = piece.positionBytes - positionBytes
      if (piece.bytes === undefined) target.fill(0, at, at + piece.sizeBytes)
      else piece.bytes.copy(target, at)
    }
  }
}

function cutTo({ positionBytes, sizeBytes, bytes }: Piece, { from, to }: Extent): Piece | undefined {
  const [start, end] = [Math.max(from, positionBytes), Math.min(to, positionBytes + sizeBytes)]
  if (end <= start) return undefined
  const cut = bytes?.subarray(start - positionBytes, end - positionBytes)
  return { positionBytes: start, sizeBytes: end - start, ...(cut === undefined ? {} : { bytes: cut }) }
}
