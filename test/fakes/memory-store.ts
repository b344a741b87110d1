import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type {
  ArchiveStore,
  BareUploads,
  ByteRange,
  DatedKey,
  FrozenState,
  ListedObject,
  ObjectLock,
  OpenUpload,
  PartArrival,
  SentPart,
  StoredObject,
  StoredPart,
  UploadTerms,
  StoredText,
  ThawAnswer,
  ThawOrder,
} from '../../functions/aws/archive-store.ts'
import {
  ArchiveConflict,
  ChecksumMismatch,
  ObjectFrozen,
  StoreDenied,
  StoreUnavailable,
  UploadVanished,
} from '../../functions/contracts/errors.ts'
import type { DatedLock } from '../../functions/contracts/object-lock.ts'
import type { SignedGet } from '../../functions/contracts/signed-get.ts'
import type { RangeSums, SignedPut } from '../../functions/contracts/signed-put.ts'

interface Upload {
  key: string
  openedAt: string
  lock?: DatedLock | undefined
  parts: Map<number, { part: StoredPart; body: Buffer; arrivedAt?: string }>
}

/** An archive store in memory with the contract's conditions: what operations are tested against. */
export class MemoryStore implements ArchiveStore {
  readonly bucket = 'memory'
  readonly objects = new Map<string, { body: Buffer; etag: string; writtenAt?: string }>()
  readonly uploads = new Map<string, Upload>()
  /** What lies in an archive class, or did: by key. A test says when a thaw ends, by setting the state. */
  readonly cold = new Map<string, FrozenState>()
  /** What holds objects, by key: what was asked for when they were begun, or what a test sets. */
  readonly locks = new Map<string, ObjectLock>()
  #count = 0
  readonly #now: () => Date

  /** @param now dates uploads, parts and objects, as S3's own clock does */
  constructor(now: () => Date = () => new Date()) {
    this.#now = now
  }

  /** Another store that holds the same; what happens to the one doesn't happen to the other. */
  copy(): MemoryStore {
    const other = new MemoryStore(this.#now)
    for (const [key, object] of this.objects) other.objects.set(key, { ...object })
    for (const [id, upload] of this.uploads) other.uploads.set(id, { ...upload, parts: new Map(upload.parts) })
    for (const [key, state] of this.cold) other.cold.set(key, { ...state })
    for (const [key, lock] of this.locks) other.locks.set(key, { ...lock })
    other.#count = this.#count
    return other
  }

  /** ETags of objects made of parts say nothing about their bytes, and those of parts neither. */
  opaqueEtags = false
  /** Objects of which the store has no CRC-32, by key. */
  readonly withoutCrc = new Set<string>()
  /** What uploads were opened with, by key. */
  readonly askedClasses = new Map<string, string>()

  readonly bare: BareUploads = {
    create: (key, terms) => this.createUpload(key, terms),
    listParts: async (key, uploadId, range) =>
      (await this.listParts(key, uploadId))
        .filter(({ partNumber: part }) => range === undefined || (part >= range.firstPart && part <= range.lastPart))
        .map(({ partNumber, sizeBytes, etag }) => ({ partNumber, sizeBytes, etag })),
    putPart: async (key, uploadId, partNumber, bodies, { md5, etagIsMd5 }) => {
      const body = Buffer.concat(bodies)
      if (createHash('md5').update(body).digest('hex') !== md5) throw new ChecksumMismatch('part')
      await this.putPart(key, uploadId, partNumber, body, crc32(body))
      const part = this.#upload(uploadId).parts.get(partNumber)?.part
      if (part !== undefined && this.opaqueEtags) part.etag = `opaque-${partNumber}`
      const etag = part?.etag ?? ''
      if (etagIsMd5 && etag !== md5) throw new ChecksumMismatch('part')
      return { partNumber, sizeBytes: body.length, etag, throttles: 0 }
    },
    presignPart: (key, uploadId, partNumber, { md5, sizeBytes }) =>
      this.presignPart(key, uploadId, partNumber, {
        sizeBytes,
        crc32: 0,
        md5: Buffer.from(md5, 'hex').toString('base64'),
      }),
    complete: async (key, uploadId, parts) => {
      const held = this.#upload(uploadId)
      if (this.objects.has(key)) throw new ArchiveConflict(key)
      const body = Buffer.concat(parts.map(({ partNumber }) => held.parts.get(partNumber)?.body ?? Buffer.alloc(0)))
      const hash = createHash('md5')
      for (const { etag } of parts) hash.update(etag, 'hex')
      const etag = this.opaqueEtags ? `opaque-${uploadId}` : `${hash.digest('hex')}-${parts.length}`
      this.uploads.delete(uploadId)
      this.objects.set(key, { body, etag, writtenAt: this.#now().toISOString() })
      this.withoutCrc.add(key)
      this.#lock(key, held.lock, held.openedAt)
      return { sizeBytes: body.length, etag }
    },
  }

  async createUpload(key: string, { storageClass, lock }: UploadTerms = {}): Promise<string> {
    this.#count += 1
    if (storageClass !== undefined) this.askedClasses.set(key, storageClass)
    const uploadId = `upload-${this.#count}`
    this.uploads.set(uploadId, { key, openedAt: this.#now().toISOString(), lock, parts: new Map() })
    return uploadId
  }

  async listUploads(key: string): Promise<string[]> {
    return [...this.uploads].filter(([, upload]) => upload.key === key).map(([uploadId]) => uploadId)
  }

  async listUploadsBelow(prefix: string): Promise<OpenUpload[]> {
    return [...this.uploads]
      .filter(([, { key }]) => key.startsWith(prefix))
      .map(([uploadId, { key, openedAt }]) => ({ key, uploadId, openedAt }))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  async listArrivals(_key: string, uploadId: string): Promise<PartArrival[]> {
    return [...this.#upload(uploadId).parts.values()].map(({ part, arrivedAt }) => ({
      sizeBytes: part.sizeBytes,
      arrivedAt: arrivedAt ?? new Date(0).toISOString(),
    }))
  }

  async listParts(_key: string, uploadId: string): Promise<StoredPart[]> {
    const parts = [...this.#upload(uploadId).parts.values()].map(({ part }) => part)
    return parts.sort((a, b) => a.partNumber - b.partNumber)
  }

  async putPart(
    _key: string,
    uploadId: string,
    partNumber: number,
    given: Buffer | readonly Buffer[],
    sum: number,
  ): Promise<SentPart> {
    const body = Buffer.isBuffer(given) ? given : Buffer.concat(given)
    if (crc32(body) !== sum) throw new ChecksumMismatch('part')
    const part = { partNumber, sizeBytes: body.length, etag: etagOf(body), crc32: sum }
    this.#upload(uploadId).parts.set(partNumber, {
      part,
      body: Buffer.from(body),
      arrivedAt: this.#now().toISOString(),
    })
    return { ...part, throttles: 0 }
  }

  async presignPart(
    _key: string,
    uploadId: string,
    partNumber: number,
    part: RangeSums & { sizeBytes: number },
  ): Promise<SignedPut> {
    const headers = { 'content-length': String(part.sizeBytes), 'content-md5': part.md5 }
    const error = new StoreUnavailable('part')
    const refused = { stored: false, again: true, damaged: false, slowDown: false, error } as const
    return {
      url: `memory:/${uploadId}/${partNumber}`,
      headers,
      judge: ({ status }) => (status === 200 ? { stored: true } : refused),
    }
  }

  async completeUpload(
    key: string,
    uploadId: string,
    parts: readonly StoredPart[],
    sum: number,
  ): Promise<StoredObject> {
    const held = this.#upload(uploadId)
    if (this.objects.has(key)) throw new ArchiveConflict(key)
    const body = Buffer.concat(parts.map(({ partNumber }) => held.parts.get(partNumber)?.body ?? Buffer.alloc(0)))
    if (crc32(body) !== sum) throw new ChecksumMismatch(key)
    this.uploads.delete(uploadId)
    this.objects.set(key, { body, etag: etagOf(body), writtenAt: this.#now().toISOString() })
    this.#lock(key, held.lock, held.openedAt)
    return { sizeBytes: body.length, etag: etagOf(body), crc32: sum }
  }

  async abortUpload(_key: string, uploadId: string): Promise<void> {
    this.uploads.delete(uploadId)
  }

  async head(key: string): Promise<StoredObject | undefined> {
    const found = this.objects.get(key)
    if (found === undefined) return undefined
    const sum = this.withoutCrc.has(key) ? {} : { crc32: crc32(found.body) }
    const lock = this.locks.get(key)
    return { sizeBytes: found.body.length, etag: found.etag, ...sum, ...(lock === undefined ? {} : { lock }) }
  }

  async readText(key: string): Promise<StoredText | undefined> {
    const found = this.objects.get(key)
    if (found !== undefined) this.#assertReadable(key)
    return found === undefined ? undefined : { text: found.body.toString(), etag: found.etag }
  }

  async readRange(key: string, { firstByte, lastByte, etag }: ByteRange): Promise<Buffer> {
    const found = this.objects.get(key)
    if (found?.etag !== etag) throw new ArchiveConflict(key)
    this.#assertReadable(key)
    return found.body.subarray(firstByte, lastByte + 1)
  }

  async presignObject(key: string, seconds: number): Promise<string> {
    return `memory:/${key}?for=${seconds}`
  }

  async presignRange(key: string, { firstByte, lastByte, etag }: ByteRange): Promise<SignedGet> {
    const error = new StoreUnavailable(key)
    return {
      url: `memory:/${key}`,
      headers: { 'if-match': etag, range: `bytes=${firstByte}-${lastByte}` },
      judge: ({ status }) => (status === 206 ? { given: true } : { given: false, again: true, slowDown: false, error }),
    }
  }

  async frozenState(key: string): Promise<FrozenState | undefined> {
    if (!this.objects.has(key)) return undefined
    return { ...(this.cold.get(key) ?? { storageClass: 'STANDARD', state: 'readable' }) }
  }

  async thaw(key: string, { days, tier }: ThawOrder): Promise<ThawAnswer> {
    if (!this.objects.has(key)) throw new ArchiveConflict(key)
    const there = this.cold.get(key)
    if (there === undefined) return 'readable'
    const { storageClass, state } = there
    if (storageClass === 'DEEP_ARCHIVE' && tier === 'expedited') throw new StoreDenied(key)
    if (state === 'thawing') return 'under-way'
    if (state === 'frozen') {
      this.cold.set(key, { storageClass, state: 'thawing' })
      return 'begun'
    }
    const readableUntil = new Date(this.#now().getTime() + days * 86_400_000).toISOString()
    this.cold.set(key, { storageClass, state, readableUntil })
    return 'readable'
  }

  async writeText(
    key: string,
    text: string | Uint8Array,
    options: { onlyIf?: { absent: true } | { etag: string }; lock?: DatedLock } = {},
  ): Promise<string | undefined> {
    const { onlyIf, lock } = options
    const there = this.objects.get(key)
    if (onlyIf !== undefined && 'absent' in onlyIf && there !== undefined) return undefined
    if (onlyIf !== undefined && 'etag' in onlyIf && there?.etag !== onlyIf.etag) return undefined
    const body = Buffer.from(text)
    const etag = etagOf(body)
    this.objects.set(key, { body, etag, writtenAt: this.#now().toISOString() })
    this.#lock(key, lock, this.#now().toISOString())
    return etag
  }

  async remove(key: string, onlyIf?: { etag: string }): Promise<boolean> {
    const there = this.objects.get(key)
    if (onlyIf !== undefined && there !== undefined && there.etag !== onlyIf.etag) return false
    this.objects.delete(key)
    return true
  }

  async listKeys(prefix: string): Promise<string[]> {
    return [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort()
  }

  async listDatedKeys(prefix: string): Promise<DatedKey[]> {
    const keys = await this.listKeys(prefix)
    return keys.map((key) => ({ key, writtenAt: this.objects.get(key)?.writtenAt ?? new Date(0).toISOString() }))
  }

  async *listObjects(prefix: string): AsyncGenerator<ListedObject, void, void> {
    for (const key of await this.listKeys(prefix)) {
      const { body, etag } = this.objects.get(key) ?? { body: Buffer.alloc(0), etag: '' }
      yield { key, etag, sizeBytes: body.length }
    }
  }

  async listFolders(prefix: string): Promise<string[]> {
    const below = (await this.listKeys(prefix)).map((key) => key.slice(prefix.length))
    const names = below.filter((rest) => rest.includes('/')).map((rest) => rest.slice(0, rest.indexOf('/') + 1))
    return [...new Set(names)].map((name) => `${prefix}${name}`)
  }

  /** What is being thawed can be read now. */
  endThaws(days = 3): void {
    const readableUntil = new Date(this.#now().getTime() + days * 86_400_000).toISOString()
    for (const [key, { storageClass, state }] of this.cold) {
      if (state === 'thawing') this.cold.set(key, { storageClass, state: 'readable', readableUntil })
    }
  }

  #assertReadable(key: string): void {
    if ((this.cold.get(key)?.state ?? 'readable') !== 'readable') throw new ObjectFrozen(key)
  }

  #lock(key: string, lock: DatedLock | undefined, writtenAt: string): void {
    if (lock === undefined) this.locks.delete(key)
    else this.locks.set(key, { ...lock, writtenAt })
  }

  #upload(uploadId: string): Upload {
    const upload = this.uploads.get(uploadId)
    if (upload === undefined) throw new UploadVanished(uploadId)
    return upload
  }
}

function etagOf(body: Buffer): string {
  return createHash('md5').update(body).digest('hex')
}
