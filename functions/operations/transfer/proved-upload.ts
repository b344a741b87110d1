/** Parts of an upload on their way and in the store, by the level of proof that the upload was opened for. */
import type { BarePart, SentPart, StoredObject, StoredPart } from '../../aws/archive-store.ts'
import { ChecksumMismatch } from '../../contracts/errors.ts'
import type { LesserLevel, LesserProof } from '../../contracts/proof.ts'
import type { RangeSums, SignedPut } from '../../contracts/signed-put.ts'
import type { Upload } from '../../contracts/upload.ts'
import type { EncodedPart, Sum } from '../../domain/encoding/part-encoder.ts'
import { bareEtag, isHashOfHashes } from '../../domain/transfer/etag.ts'
import { sumsOfPart } from '../../domain/transfer/part-sums.ts'
import { forgetPartSums, notePartSums, readPartSums } from '../books/part-sums.ts'
import type { Ports } from '../ports.ts'
import { md5Of, multipartEtag } from './md5.ts'
import { readBack } from './read-back.ts'

type Place = Pick<Ports, 'store' | 'keyPrefix'>
type Proving = Place & Pick<Ports, 'remainingMilliseconds' | 'log'>

/** The finished object, and by what it is proved: absent where that is the store's own CRC-32 over it. */
export interface Completed {
  object: StoredObject
  proof?: LesserProof
}

export interface ProvedUpload {
  /** Parts that the store has and whose sums are known. @throws UploadVanished */
  list(range?: { firstPart: number; lastPart: number }): Promise<StoredPart[]>
  /** @throws ChecksumMismatch, UploadVanished and the store's errors */
  send(part: EncodedPart, signal?: AbortSignal): Promise<SentPart>
  /** Allow someone else to send a part, of which it knows the sums. */
  presign(partNumber: number, part: RangeSums & { sizeBytes: number }): Promise<SignedPut>
  /** These parts aren't what they have to be: they are missing for whoever goes on. */
  forget(parts: readonly number[]): Promise<void>
  /** The ETag that the object will have, without quotes, where that is known before. */
  expectedEtag(parts: readonly StoredPart[]): string | undefined
  /** @throws ChecksumMismatch, ArchiveConflict, UploadVanished; StoreUnavailable when it has to be asked again */
  complete(parts: readonly StoredPart[], whole: Sum, ports: Proving): Promise<Completed>
}

export function provedUpload(upload: Pick<Upload, 'key' | 'uploadId' | 'proof'>, ports: Place): ProvedUpload {
  const { proof: level } = upload
  return level === undefined ? new CrcUpload(upload, ports) : new SummedUpload({ ...upload, level }, ports)
}

/** The store computes CRC-32 over each part and over the object, and its own list has them. */
class CrcUpload implements ProvedUpload {
  readonly #upload: Pick<Upload, 'key' | 'uploadId'>
  readonly #store: Ports['store']

  constructor(upload: Pick<Upload, 'key' | 'uploadId'>, { store }: Place) {
    this.#upload = upload
    this.#store = store
  }

  list(range?: { firstPart: number; lastPart: number }): Promise<StoredPart[]> {
    return this.#store.listParts(this.#upload.key, this.#upload.uploadId, range)
  }

  send({ partNumber, slices, crc32 }: EncodedPart, signal?: AbortSignal): Promise<SentPart> {
    return this.#store.putPart(this.#upload.key, this.#upload.uploadId, partNumber, slices, crc32, signal)
  }

  presign(partNumber: number, part: RangeSums & { sizeBytes: number }): Promise<SignedPut> {
    return this.#store.presignPart(this.#upload.key, this.#upload.uploadId, partNumber, part)
  }

  async forget(): Promise<void> {
    // Nothing is kept but what the store has.
  }

  expectedEtag(): undefined {
    return undefined
  }

  async complete(parts: readonly StoredPart[], { crc32 }: Sum): Promise<Completed> {
    return { object: await this.#store.completeUpload(this.#upload.key, this.#upload.uploadId, parts, crc32) }
  }
}

/** The store knows MD5 at best: what each part's CRC-32 is, is written down beside the upload before it is sent. */
class SummedUpload implements ProvedUpload {
  readonly #upload: Pick<Upload, 'key' | 'uploadId'> & { level: LesserLevel }
  readonly #place: Place

  constructor(upload: Pick<Upload, 'key' | 'uploadId'> & { level: LesserLevel }, place: Place) {
    this.#upload = upload
    this.#place = place
  }

  get #bare(): Ports['store']['bare'] {
    return this.#place.store.bare
  }

  get #etagIsMd5(): boolean {
    return this.#upload.level === 'part-checksums'
  }

  async list(range?: { firstPart: number; lastPart: number }): Promise<StoredPart[]> {
    const { key, uploadId, level } = this.#upload
    const listed = await this.#bare.listParts(key, uploadId, range)
    if (listed.length === 0) return []
    const written = await readPartSums(this.#upload, this.#place)
    return listed.flatMap((part: BarePart) => {
      const sums = sumsOfPart(level, part.etag, written.get(part.partNumber) ?? [])
      return sums === undefined ? [] : [{ ...part, crc32: sums.crc32 }]
    })
  }

  async send({ partNumber, slices, crc32 }: EncodedPart, signal?: AbortSignal): Promise<SentPart> {
    const { key, uploadId } = this.#upload
    const md5 = md5Of(slices)
    await notePartSums(this.#upload, { part: partNumber, crc32, md5 }, this.#place)
    const sum = { md5, etagIsMd5: this.#etagIsMd5 }
    return { ...(await this.#bare.putPart(key, uploadId, partNumber, slices, sum, signal)), crc32 }
  }

  async presign(partNumber: number, part: RangeSums & { sizeBytes: number }): Promise<SignedPut> {
    const { key, uploadId } = this.#upload
    const md5 = Buffer.from(part.md5, 'base64').toString('hex')
    await notePartSums(this.#upload, { part: partNumber, crc32: part.crc32, md5 }, this.#place)
    const { sizeBytes } = part
    return this.#bare.presignPart(key, uploadId, partNumber, { sizeBytes, md5, etagIsMd5: this.#etagIsMd5 })
  }

  forget(parts: readonly number[]): Promise<void> {
    return forgetPartSums(this.#upload, parts, this.#place)
  }

  expectedEtag(parts: readonly StoredPart[]): string | undefined {
    return this.#etagIsMd5 ? multipartEtag(parts.map(({ etag }) => etag)) : undefined
  }

  async complete(parts: readonly StoredPart[], whole: Sum, ports: Proving): Promise<Completed> {
    const { key, uploadId } = this.#upload
    const expected = this.expectedEtag(parts)
    const object = await this.#bare.complete(key, uploadId, parts, expected)
    const where = `s3://${ports.store.bucket}/${key}`
    if (object.sizeBytes !== whole.sizeBytes) {
      throw new ChecksumMismatch(`${where} holds ${object.sizeBytes} bytes; sent were ${whole.sizeBytes}`)
    }
    const etag = bareEtag(object.etag)
    if (etag === expected) return { object, proof: { level: 'part-checksums', etag } }
    if (expected !== undefined && isHashOfHashes(etag, parts.length)) {
      throw new ChecksumMismatch(`${where} has the ETag ${etag}, and the parts that were sent make ${expected}`)
    }
    // An ETag of another form says nothing of the bytes.
    return { object, proof: await readBack(key, object, whole.crc32, ports) }
  }
}
