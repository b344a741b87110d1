/** A disk as the parts of an object, in whatever order an archive holds it, in bounded memory. */
import { crc32 } from 'node:zlib'
import { Damage } from '../../../functions/archive-formats/damage.ts'
import { CLUSTER_BYTES } from '../../../functions/archive-formats/proxmox/cluster-map.ts'
import type { DiskWriter } from '../../../functions/archive-formats/archive-bytes.ts'
import { combineCrc32, crc32OfZeros } from '../../../functions/domain/transfer/crc32.ts'
import { partRange, type PartPlan } from '../../../functions/domain/transfer/part-plan.ts'

/** A part with its zeros filled in. */
export interface MadePart {
  partNumber: number
  bodies: readonly Buffer[]
  crc32: number
  /** What it takes of the memory: zeros take none. */
  heldBytes: number
}

/** Where parts go. */
export interface PartSink {
  /** Memory of parts that are on their way. */
  readonly underWayBytes: number
  /** Kept once the part is on its way. */
  send(part: MadePart): Promise<void>
  /** Wait until a part has arrived. Returns false when none is on its way. */
  oneSent(): Promise<boolean>
}

interface Piece {
  at: number
  bytes: Buffer
}

interface Part {
  sizeBytes: number
  clustersLeft: number
  pieces: Piece[]
  heldBytes: number
}

/**
 * Gathers what comes of each part that is wanted, and sends a part once all of its clusters have passed. A guest that
 * writes during its backup puts clusters far ahead of the others. Where more of them come than fit into memory, the parts
 * that lie furthest ahead are put off: another pass over the archive makes them. The part that lies furthest back never
 * is, so each pass makes one at least; a single part may be larger than the memory.
 */
export class DiskParts implements DiskWriter {
  /** Parts that another pass has to make. */
  readonly putOff: number[] = []
  readonly #partSizeBytes: number
  readonly #memoryBytes: number
  readonly #sink: PartSink
  readonly #parts: Map<number, Part>
  readonly #holding = new Set<number>()
  #heldBytes = 0

  constructor(
    disk: { sizeBytes: number; plan: PartPlan; wanted: readonly number[] },
    memoryBytes: number,
    sink: PartSink,
  ) {
    this.#partSizeBytes = disk.plan.partSizeBytes
    this.#memoryBytes = memoryBytes
    this.#sink = sink
    this.#parts = new Map(
      disk.wanted.map((partNumber) => {
        const { sizeBytes } = partRange(partNumber, this.#partSizeBytes, disk.sizeBytes)
        const clustersLeft = Math.ceil(sizeBytes / CLUSTER_BYTES)
        return [partNumber, { sizeBytes, clustersLeft, pieces: [], heldBytes: 0 }]
      }),
    )
  }

  async write(offset: number, bytes: Buffer): Promise<void> {
    for (let from = 0; from < bytes.length; ) {
      const at = (offset + from) % this.#partSizeBytes
      const piece = bytes.subarray(from, from + this.#partSizeBytes - at)
      this.#hold(this.#partNumber(offset + from), at, piece)
      from += piece.length
    }
    await this.#keepWithinMemory()
  }

  async passed(offset: number): Promise<void> {
    const partNumber = this.#partNumber(offset)
    const part = this.#parts.get(partNumber)
    if (part === undefined) return
    part.clustersLeft -= 1
    if (part.clustersLeft > 0) return
    this.#letGo(partNumber, part)
    await this.#sink.send({ partNumber, heldBytes: part.heldBytes, ...withZeros(part) })
  }

  #partNumber(offset: number): number {
    return Math.floor(offset / this.#partSizeBytes) + 1
  }

  #hold(partNumber: number, at: number, piece: Buffer): void {
    const part = this.#parts.get(partNumber)
    if (part === undefined || piece.length === 0) return
    part.heldBytes += piece.length
    // The archive is damaged, which its end would show; until then this could fill any memory.
    if (part.heldBytes > part.sizeBytes) {
      const start = (partNumber - 1) * this.#partSizeBytes
      throw new Damage(
        'vma-cluster-twice',
        `Clusters of the disk from its byte ${start} on are there twice.`,
        'content',
        0,
      )
    }
    // What it was read into is used again.
    part.pieces.push({ at, bytes: Buffer.from(piece) })
    this.#heldBytes += piece.length
    this.#holding.add(partNumber)
  }

  async #keepWithinMemory(): Promise<void> {
    while (this.#heldBytes + this.#sink.underWayBytes > this.#memoryBytes) {
      if (await this.#sink.oneSent()) continue
      if (this.#holding.size <= 1) return
      const furthest = [...this.#holding].reduce((one, other) => Math.max(one, other))
      const part = this.#parts.get(furthest)
      if (part === undefined) return
      this.#letGo(furthest, part)
      this.putOff.push(furthest)
    }
  }

  #letGo(partNumber: number, part: Part): void {
    this.#parts.delete(partNumber)
    this.#holding.delete(partNumber)
    this.#heldBytes -= part.heldBytes
  }
}

/** Zeros of all parts are these. */
const ZEROS = Buffer.alloc(1024 * 1024)

/** What an archive doesn't hold of a disk is zero, and an object has no holes. */
function withZeros({ pieces, sizeBytes }: Part): { bodies: Buffer[]; crc32: number } {
  const made = { bodies: [] as Buffer[], crc32: 0 }
  let end = 0
  const fillTo = (next: number): void => {
    if (next <= end) return
    made.crc32 = combineCrc32(made.crc32, crc32OfZeros(next - end), next - end)
    for (; end < next; end += Math.min(ZEROS.length, next - end)) made.bodies.push(ZEROS.subarray(0, next - end))
  }
  for (const { at, bytes } of pieces.toSorted((one, other) => one.at - other.at)) {
    fillTo(at)
    made.bodies.push(bytes)
    made.crc32 = crc32(bytes, made.crc32)
    end = at + bytes.length
  }
  fillTo(sizeBytes)
  return made
}
