import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { S3Client } from '@aws-sdk/client-s3'
import { ArchiveConflict, StoreDenied } from '../contracts/errors.ts'
import type { DatedLock } from '../contracts/object-lock.ts'
import { type ProofLevel, proofLevelSchema } from '../contracts/proof.ts'
import { bareEtag } from '../domain/transfer/etag.ts'
import type { RetryDeps } from '../domain/transfer/part-retry.ts'
import type { BareUploads, OneMachine, StoredObject, StoredPart } from './archive-store.ts'
import { MachineLock, type LockDeps } from './machine-lock.ts'
import { S3ArchiveStore } from './s3-archive-store.ts'

type Condition = { absent: true } | { etag: string }
type TextOptions = { contentType?: string; onlyIf?: Condition; lock?: DatedLock }

/** Says that the store keeps no conditions, to every process of this machine that opens it. */
const MARK = 'one-machine'
/** By what the store proves archives, where that isn't full-object CRC-32. */
const LEVEL = 'proof'
const MARK_TEXT =
  'The store that this folder is of keeps no conditions on writes (If-None-Match, If-Match).\n' +
  'Guestlift looks itself before it writes, under locks in this folder: no other machine may use the store.\n'

/**
 * A store that isn't AWS, as one machine uses it. Where it keeps no conditions on writes, they are looked at here, under a
 * lock file: what holds between all processes of this machine, and between no others.
 */
export class OneMachineStore extends S3ArchiveStore {
  override readonly bare: BareUploads
  override readonly oneMachine: OneMachine
  readonly #lock: MachineLock

  /** @param folder of the machine's own, for this store alone */
  constructor(client: S3Client, bucket: string, deps: RetryDeps & LockDeps, folder: string) {
    super(client, bucket, deps)
    const raw = new S3ArchiveStore(client, bucket, deps)
    this.#lock = new MachineLock(folder, deps)
    const mark = join(folder, MARK)
    const level = join(folder, LEVEL)
    const isNeeded = () => existsSync(mark)
    this.oneMachine = {
      folder,
      raw,
      isNeeded,
      noted: () => ({ conditions: !isNeeded(), proof: readLevel(level) }),
      note: ({ conditions, proof }) => {
        keep(mark, conditions ? undefined : MARK_TEXT)
        keep(level, proof === 'full-object-crc' ? undefined : `${proof}\n`)
      },
    }
    const { bare } = raw
    this.bare = {
      create: (...of) => bare.create(...of),
      listParts: (...of) => bare.listParts(...of),
      putPart: (...of) => bare.putPart(...of),
      presignPart: (...of) => bare.presignPart(...of),
      complete: (key, uploadId, parts, etag) =>
        this.#ifFree(
          key,
          () => bare.complete(key, uploadId, parts, etag),
          ({ sizeBytes, ...there }) => {
            return etag !== undefined && sizeBytes === sizeOf(parts) && bareEtag(there.etag) === etag
          },
        ),
    }
  }

  override writeText(key: string, text: string | Uint8Array, options: TextOptions = {}): Promise<string | undefined> {
    const { onlyIf } = options
    if (onlyIf === undefined || !this.oneMachine.isNeeded()) return super.writeText(key, text, options)
    return this.#lock.hold(this.#named(key), async () =>
      holds(onlyIf, await this.head(key)) ? this.#write(key, text, options) : undefined,
    )
  }

  /** The condition goes along where it can: rights may ask for it, and the store may keep this one. */
  async #write(key: string, text: string | Uint8Array, options: TextOptions): Promise<string | undefined> {
    const { onlyIf, ...rest } = options
    if (onlyIf === undefined || 'etag' in onlyIf) return super.writeText(key, text, rest)
    try {
      return await super.writeText(key, text, options)
    } catch (error) {
      if (!(error instanceof StoreDenied)) throw error
      return super.writeText(key, text, rest)
    }
  }

  override remove(key: string, onlyIf?: { etag: string }): Promise<boolean> {
    if (onlyIf === undefined || !this.oneMachine.isNeeded()) return super.remove(key, onlyIf)
    return this.#lock.hold(this.#named(key), async () => {
      const there = await this.head(key)
      return there === undefined || holds(onlyIf, there) ? super.remove(key) : false
    })
  }

  override completeUpload(
    key: string,
    uploadId: string,
    parts: readonly StoredPart[],
    crc32: number,
  ): Promise<StoredObject> {
    const isOurs = (there: StoredObject) => there.sizeBytes === sizeOf(parts) && there.crc32 === crc32
    return this.#ifFree(key, () => super.completeUpload(key, uploadId, parts, crc32), isOurs)
  }

  /** @param isOurs whether what is there is what an earlier try of this completion made: then that is the answer */
  async #ifFree(
    key: string,
    complete: () => Promise<StoredObject>,
    isOurs: (there: StoredObject) => boolean,
  ): Promise<StoredObject> {
    if (!this.oneMachine.isNeeded()) return complete()
    return this.#lock.hold(this.#named(key), async () => {
      const there = await this.head(key)
      if (there === undefined) return complete()
      if (isOurs(there)) return there
      throw new ArchiveConflict(
        `s3://${this.bucket}/${key} exists already and was not overwritten. Move it away if the archive belongs there`,
      )
    })
  }

  #named(key: string): string {
    return `s3://${this.bucket}/${key}`
  }
}

function holds(condition: Condition, there: StoredObject | undefined): boolean {
  if ('absent' in condition) return there === undefined
  return there !== undefined && bareEtag(there.etag) === bareEtag(condition.etag)
}

function sizeOf(parts: readonly { sizeBytes: number }[]): number {
  return parts.reduce((sum, part) => sum + part.sizeBytes, 0)
}

/** @param text nothing is known, and no file is there, without one */
function keep(path: string, text: string | undefined): void {
  if (text === undefined) {
    rmSync(path, { force: true })
    return
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(path, text)
}

function readLevel(path: string): ProofLevel {
  if (!existsSync(path)) return 'full-object-crc'
  return proofLevelSchema.catch('full-object-crc').parse(readFileSync(path, 'utf8').trim())
}
