/** An image whose first bytes are known last becomes an object, part by part, while it is written. */
import { crc32 } from 'node:zlib'
import type { BarePart, StoredObject, StoredPart } from '../../aws/archive-store.ts'
import { ChecksumMismatch, InternalFault } from '../../contracts/errors.ts'
import { combineAllCrc32 } from '../../domain/transfer/crc32.ts'
import { affordableParts } from '../../domain/transfer/part-plan.ts'
import type { Ports } from '../ports.ts'
import { md5Of } from '../transfer/md5.ts'

/** One stream alone fills few links. Beside these, two parts are held: the first one, and the one at hand. */
const MOST_STREAMS = 4

export interface ImageTarget {
  key: string
  uploadId: string
  partSizeBytes: number
  /** Of the bytes that come last and stand first. They are as many as this. */
  headBytes: number
  /** What an earlier try has sent: a part with the same sum isn't sent again. */
  there: readonly (BarePart & { crc32?: number })[]
  /** The store computes no CRC-32: whoever uses the object has to read it back. */
  withoutCrc?: boolean
}

export class ImageUpload {
  readonly #store: Ports['store']
  readonly #target: ImageTarget
  readonly #there: ReadonlyMap<number, ImageTarget['there'][number]>
  readonly #sent: StoredPart[] = []
  readonly #underWay = new Set<Promise<void>>()
  #failure: { cause: unknown } | undefined
  /** Held until the head is known. */
  #first: Buffer[] | undefined
  #chunks: Buffer[] = []
  #chunkBytes: number
  #partNumber = 1
  /** Parts that went over the wire, and not those that were there. */
  sentParts = 0

  constructor(store: Ports['store'], target: ImageTarget) {
    this.#store = store
    this.#target = target
    this.#there = new Map(target.there.map((part) => [part.partNumber, part]))
    this.#chunkBytes = target.headBytes
  }

  /** Bytes that follow those before. The buffer isn't the caller's any more. */
  async take(bytes: Buffer): Promise<void> {
    for (let from = 0; from < bytes.length; ) {
      const piece = bytes.subarray(from, from + this.#target.partSizeBytes - this.#chunkBytes)
      this.#chunks.push(piece)
      this.#chunkBytes += piece.length
      from += piece.length
      if (this.#chunkBytes === this.#target.partSizeBytes) await this.#cut()
    }
  }

  /** Sends what is left, and the first part with its head. S3 compares the CRC-32 of all of it. */
  async complete(head: Buffer): Promise<StoredObject & { crc32: number }> {
    if (head.length !== this.#target.headBytes) throw new InternalFault('The head of an image has another size.')
    if (this.#chunks.length > 0 || this.#first === undefined) await this.#cut()
    await this.#send(1, [head, ...(this.#first ?? [])])
    await this.settle()
    this.#requireNoFailure()
    const parts = this.#sent.toSorted((one, other) => one.partNumber - other.partNumber)
    const sum = combineAllCrc32(parts)
    const { key, uploadId, withoutCrc = false } = this.#target
    if (!withoutCrc) return { ...(await this.#store.completeUpload(key, uploadId, parts, sum)), crc32: sum }
    const object = await this.#store.bare.complete(key, uploadId, parts, undefined)
    const sentBytes = parts.reduce((bytes, part) => bytes + part.sizeBytes, 0)
    if (object.sizeBytes === sentBytes) return { ...object, crc32: sum }
    throw new ChecksumMismatch(
      `s3://${this.#store.bucket}/${key} holds ${object.sizeBytes} bytes; sent were ${sentBytes}. Restore again.`,
    )
  }

  /** Until nothing is on its way, on every ending: a part that arrives late belongs to nobody. */
  async settle(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  async #cut(): Promise<void> {
    const chunks = this.#chunks
    if (this.#partNumber === 1) this.#first = chunks
    else await this.#send(this.#partNumber, chunks)
    this.#chunks = []
    this.#chunkBytes = 0
    this.#partNumber += 1
  }

  async #send(partNumber: number, bodies: readonly Buffer[]): Promise<void> {
    const sum = bodies.reduce((before, body) => crc32(body, before), 0)
    const sizeBytes = bodies.reduce((before, body) => before + body.length, 0)
    const md5 = this.#target.withoutCrc === true ? md5Of(bodies) : undefined
    const found = this.#there.get(partNumber)
    const isThere = md5 === undefined ? found?.crc32 === sum : found?.etag === md5
    if (found !== undefined && isThere && found.sizeBytes === sizeBytes) {
      this.#sent.push({ ...found, crc32: sum })
      return
    }
    const streams = Math.min(MOST_STREAMS, affordableParts(this.#target.partSizeBytes))
    while (this.#underWay.size >= streams) await Promise.race(this.#underWay)
    this.#requireNoFailure()
    const sending = this.#put(partNumber, bodies, { crc32: sum, md5 })
      .then(
        (part) => {
          this.#sent.push(part)
          this.sentParts += 1
        },
        (cause: unknown) => {
          this.#failure ??= { cause }
        },
      )
      .finally(() => this.#underWay.delete(sending))
    this.#underWay.add(sending)
  }

  async #put(
    partNumber: number,
    bodies: readonly Buffer[],
    { crc32: sum, md5 }: { crc32: number; md5: string | undefined },
  ): Promise<StoredPart> {
    const { key, uploadId } = this.#target
    if (md5 === undefined) return this.#store.putPart(key, uploadId, partNumber, bodies, sum)
    const part = await this.#store.bare.putPart(key, uploadId, partNumber, bodies, { md5, etagIsMd5: false })
    return { ...part, crc32: sum }
  }

  #requireNoFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.cause
  }
}
