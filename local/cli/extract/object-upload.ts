/** An object that appears whole or not at all, and never in place of another. */
import type { ArchiveStore, StoredObject, StoredPart } from '../../../functions/aws/archive-store.ts'
import { ArchiveConflict } from '../../../functions/contracts/errors.ts'
import { combineAllCrc32 } from '../../../functions/domain/transfer/crc32.ts'
import { CliError } from '../../run/cli-error.ts'
import type { MadePart, PartSink } from './disk-parts.ts'
import { shellWord } from './object-address.ts'

type Store = Pick<ArchiveStore, 'bucket' | 'head' | 'createUpload' | 'putPart' | 'completeUpload' | 'abortUpload'>

/** One stream alone fills few links; more than this many wait for the same link. */
const STREAMS = 4

export class ObjectUpload implements PartSink {
  underWayBytes = 0
  readonly place: string
  readonly #store: Store
  readonly #key: string
  readonly #stop: AbortSignal
  readonly #discarded = new AbortController()
  readonly #underWay = new Set<Promise<void>>()
  readonly #sent: StoredPart[] = []
  #uploadId: string | undefined
  #failure: { cause: unknown } | undefined

  constructor(store: Store, key: string, stop: AbortSignal) {
    this.#store = store
    this.#key = key
    this.#stop = stop
    this.place = `s3://${store.bucket}/${key}`
  }

  /** @throws CliError when something is there: the answer of S3 at the end would come hours later */
  async requireFree(): Promise<void> {
    if ((await this.#store.head(this.#key)) !== undefined) throw this.#taken()
  }

  async open(): Promise<void> {
    this.#uploadId = await this.#store.createUpload(this.#key)
  }

  async send({ partNumber, bodies, crc32, heldBytes }: MadePart): Promise<void> {
    while (this.#underWay.size >= STREAMS) await this.oneSent()
    this.#requireNoFailure()
    const signal = AbortSignal.any([this.#stop, this.#discarded.signal])
    const sending = this.#store
      .putPart(this.#key, this.#opened(), partNumber, bodies, crc32, signal)
      .then(
        (part) => {
          this.#sent.push(part)
        },
        (cause: unknown) => {
          this.#failure ??= { cause }
        },
      )
      .finally(() => {
        this.#underWay.delete(sending)
        this.underWayBytes -= heldBytes
      })
    this.#underWay.add(sending)
    this.underWayBytes += heldBytes
  }

  async oneSent(): Promise<boolean> {
    this.#requireNoFailure()
    if (this.#underWay.size === 0) return false
    await Promise.race(this.#underWay)
    this.#requireNoFailure()
    return true
  }

  /** S3 compares the CRC-32 of the whole object. @throws CliError when someone else wrote under the key meanwhile */
  async complete(): Promise<StoredObject & { crc32: number }> {
    while (await this.oneSent()) {
      // Each call waits for one part.
    }
    this.#stop.throwIfAborted()
    const parts = this.#sent.toSorted((one, other) => one.partNumber - other.partNumber)
    const crc32 = combineAllCrc32(parts)
    try {
      const stored = await this.#store.completeUpload(this.#key, this.#opened(), parts, crc32)
      this.#uploadId = undefined
      return { ...stored, crc32 }
    } catch (error) {
      throw error instanceof ArchiveConflict ? this.#taken(error) : error
    }
  }

  /** Afterwards no part of it takes up room. Does nothing once it is complete. Returns what stays, as a sentence. */
  async discard(): Promise<string | undefined> {
    this.#discarded.abort()
    // A part that arrives after the upload was aborted might stay.
    await Promise.all(this.#underWay)
    if (this.#uploadId === undefined) return undefined
    try {
      await this.#store.abortUpload(this.#key, this.#uploadId)
      this.#uploadId = undefined
      return undefined
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      return `${this.leftOver()} It could not be removed: ${why.replace(/\.$/, '')}.`
    }
  }

  /** What stays behind of one that is neither complete nor discarded, and how to remove it. */
  leftOver(): string | undefined {
    if (this.#uploadId === undefined) return undefined
    const words = `--bucket ${this.#store.bucket} --key ${shellWord(this.#key)} --upload-id ${this.#uploadId}`
    return `The unfinished upload of ${this.place} costs money until it is removed: aws s3api abort-multipart-upload ${words}.`
  }

  #opened(): string {
    if (this.#uploadId === undefined) throw new Error(`the upload of ${this.place} is not open`)
    return this.#uploadId
  }

  #requireNoFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.cause
  }

  #taken(cause?: unknown): CliError {
    return new CliError(`${this.place} is there already, and was left as it is. Name another with --to.`, { cause })
  }
}
