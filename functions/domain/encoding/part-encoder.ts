/**
 * How a source becomes the parts of an object and back: all that planning, copying, completing and reading back know of
 * an encoding. `none.ts` and `archive-formats/raw-disk` implement it, and one conformance suite says what they owe.
 */
import type { DiskContent, Encoding, FrameList, PartRecord } from '../../contracts/disk-archive.ts'

/** Fills `target` from a position of the source on and returns the CRC-32 of these bytes: a reader's `read`. */
export type ReadSource = (positionBytes: number, target: Buffer, signal?: AbortSignal) => Promise<number>

/** One lane's memory, used for part after part. Content is whatever was there. */
export class Scratch {
  #held: Buffer = Buffer.alloc(0)

  buffer(sizeBytes: number): Buffer {
    if (this.#held.length < sizeBytes) this.#held = Buffer.allocUnsafeSlow(sizeBytes)
    return this.#held.subarray(0, sizeBytes)
  }
}

/** What a part stands for. */
export interface PartOfSource {
  positionBytes: number
  sizeBytes: number
  /** Of these so many are read: a hole is known without. */
  readBytes: number
}

/** A part as it is sent. Slices may be one buffer many times over, and may be the lane's scratch: send before the next. */
export interface EncodedPart {
  partNumber: number
  slices: readonly Buffer[]
  sizeBytes: number
  crc32: number
  /** Kept before the part is sent, where the encoding keeps records. */
  record?: PartRecord
}

/** A part as S3 lists it. */
export interface ListedPart {
  partNumber: number
  sizeBytes: number
  crc32: number
}

export interface Sum {
  sizeBytes: number
  crc32: number
}

/** A part that has to be made, and why: a sentence without a full stop. */
export interface MissingPart {
  partNumber: number
  reason: string
}

/** What an upload comes to, once every part is there. */
export interface Assembly {
  /** Parts that are made of the others, to be sent now: the seek table. Nothing to send for most encodings. */
  closing: readonly EncodedPart[]
  /** What S3 will have to say of the finished object. */
  object: Sum
  /** What the source was, byte for byte. */
  source: Sum
  content?: DiskContent
  /** For archives that are made from this one, to lie beside it. */
  frames?: FrameList
}

/** Bytes of the decoded content. Without `bytes` they are zeros, of which nobody made a buffer. */
export interface Piece {
  positionBytes: number
  sizeBytes: number
  bytes?: Buffer
}

/** One source's encoding, bound to its plan. Holds no state of the transfer: any number may work on one upload. */
export interface PartEncoder {
  readonly encoding: Encoding
  /** Parts that stand for ranges of the source, numbered from 1. Any can be made at any time, and again. */
  readonly sourceParts: number
  /** With those that are made at the end. */
  readonly partCount: number
  /** Most bytes of the source that are read for one part; 1 at least. */
  readonly partSizeBytes: number
  /** The most memory that making and holding one part takes. */
  readonly heldBytes: number
  /** A part's bytes are those of the source: then whoever holds the source can send them. */
  readonly passesThrough: boolean
  /** Each part leaves a record, which `assemble` needs. */
  readonly keepsRecords: boolean

  /** @throws RangeError for a part that stands for nothing */
  partOfSource(partNumber: number): PartOfSource

  /** The same source gives the same bytes, whoever makes them. @throws what `read` throws, and the signal's reason */
  encode(partNumber: number, read: ReadSource, scratch: Scratch, signal?: AbortSignal): Promise<EncodedPart>

  /**
   * Parts to be made, ascending, as far as lists tell: one request for a thousand parts.
   * @param recorded numbers of the parts of which there is a record
   */
  missing(listed: Iterable<ListedPart>, recorded: ReadonlySet<number>): number[]

  /**
   * The last word before completion: every part is there and is what it has to be, or which aren't. Records of those are
   * to be removed, so that `missing` sees them.
   * @throws RangeError when there are parts that the plan doesn't have
   */
  assemble(
    listed: Iterable<ListedPart>,
    records: ReadonlyMap<number, PartRecord>,
  ): Assembly | { missing: MissingPart[] }

  /** The source again, from the object. @throws Damage */
  decode(object: AsyncIterable<Buffer>): AsyncIterable<Piece>
}
