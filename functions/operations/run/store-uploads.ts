/** The part of a store's test that makes objects of parts: by the strongest proof that the store can give. */
import type { ArchiveStore, StoredObject } from '../../aws/archive-store.ts'
import { ChecksumMismatch, StoreDenied } from '../../contracts/errors.ts'
import type { ProofLevel } from '../../contracts/proof.ts'
import type { StoreStep } from '../../domain/doctor/store-steps.ts'
import { bareEtag } from '../../domain/transfer/etag.ts'
import { md5Of, multipartEtag } from '../transfer/md5.ts'
import { refusesHeader, together } from './store-answers.ts'
import { type Keeping, sumOf, texts } from './store-trial.ts'

/** A store, and how what it does is written down. */
export interface Asking {
  store: ArchiveStore
  keeping: Keeping
  /** The step that a failure is of. */
  of: <Result>(step: StoreStep, work: Promise<Result>) => Promise<Result>
  unsuitable: (step: StoreStep, what: string) => Error
}

/** An object that was made of an upload, beside another upload for its key. */
export interface MadeTwice {
  key: string
  stored: StoredObject
  rival: string
  /** Has to be refused, since the key is taken. */
  completeRival: () => Promise<unknown>
  proof: ProofLevel
}

/** By what the test proves the object that it makes. */
export type TestedSum = 'crc32' | 'md5'

/** Make an object of one part while another upload for its key is open. */
export function makeTwice(key: string, sum: TestedSum, asking: Asking): Promise<MadeTwice> {
  return sum === 'crc32' ? withCrc(key, asking) : withMd5(key, asking)
}

/** Whether an error speaks against CRC-32 alone. Any other speaks against a test without it as well. */
export function lacksCrc(error: unknown): boolean {
  if (error instanceof ChecksumMismatch) return true
  if (!(error instanceof StoreDenied)) return false
  return error.cause === undefined ? /CRC-32/.test(error.message) : refusesHeader(error, /checksum|crc|digest/i)
}

async function withCrc(key: string, { store, keeping, of, unsuitable }: Asking): Promise<MadeTwice> {
  const [upload, rival] = await openTwo(key, () => store.createUpload(key), { keeping, of })
  const send = (uploadId: string, text: string) => store.putPart(key, uploadId, 1, Buffer.from(text), sumOf(text))
  await of('upload', together([send(upload, texts.first), send(rival, texts.never)]))
  keeping.trial.done.add('upload')
  const listed = of('lists', together([store.listUploads(key), store.listParts(key, upload)]))
  const [uploads, parts] = await listed
  requireUploads(uploads, [upload, rival], unsuitable)
  const [part] = parts
  if (part === undefined || parts.length > 1 || part.crc32 !== sumOf(texts.first))
    throw unsuitable('lists', NOT_AS_SENT)
  keeping.left.keys.add(key)
  const stored = await of('checksum', store.completeUpload(key, upload, parts, part.crc32))
  completed(upload, keeping)
  const completeRival = async () =>
    store.completeUpload(key, rival, await store.listParts(key, rival), sumOf(texts.never))
  return { key, stored, rival, completeRival, proof: 'full-object-crc' }
}

/** Where the ETag of a part is its MD5, and that of an object the hash of its parts' hashes, they prove what was sent. */
async function withMd5(key: string, { store, keeping, of, unsuitable }: Asking): Promise<MadeTwice> {
  const { bare } = store
  const [upload, rival] = await openTwo(key, () => bare.create(key), { keeping, of })
  const md5 = md5Of([Buffer.from(texts.first)])
  const send = (uploadId: string, text: string) => {
    const body = Buffer.from(text)
    return bare.putPart(key, uploadId, 1, [body], { md5: md5Of([body]), etagIsMd5: false })
  }
  await of('upload', together([send(upload, texts.first), send(rival, texts.never)]))
  keeping.trial.done.add('upload')
  const [uploads, parts] = await of('lists', together([store.listUploads(key), bare.listParts(key, upload)]))
  requireUploads(uploads, [upload, rival], unsuitable)
  const [part] = parts
  if (part === undefined || parts.length > 1 || part.sizeBytes !== texts.first.length) {
    throw unsuitable('lists', NOT_AS_SENT)
  }
  keeping.left.keys.add(key)
  const stored = await of('checksum', bare.complete(key, upload, parts, undefined))
  completed(upload, keeping)
  const isProved = part.etag === md5 && bareEtag(stored.etag) === multipartEtag([md5])
  return {
    key,
    stored,
    rival,
    completeRival: async () => bare.complete(key, rival, await bare.listParts(key, rival), 'never'),
    proof: isProved ? 'part-checksums' : 'read-back',
  }
}

const NOT_AS_SENT = 'does not list the parts of an upload as they were sent'

async function openTwo(
  key: string,
  open: () => Promise<string>,
  { keeping, of }: Pick<Asking, 'keeping' | 'of'>,
): Promise<[string, string]> {
  const openUpload = async (): Promise<string> => {
    const uploadId = await open()
    keeping.left.uploads.push({ key, uploadId })
    return uploadId
  }
  return of('upload', together([openUpload(), openUpload()]))
}

function requireUploads(listed: readonly string[], made: readonly string[], unsuitable: Asking['unsuitable']): void {
  if (made.some((one) => !listed.includes(one))) throw unsuitable('lists', 'does not list the uploads that are open')
}

function completed(uploadId: string, { left }: Keeping): void {
  left.uploads = left.uploads.filter((one) => one.uploadId !== uploadId)
}
