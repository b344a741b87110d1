/** Sums of an open upload's parts, where the store's own list has no CRC-32; and of the pieces of an object read back. */
import type { ArchiveStore } from '../../aws/archive-store.ts'
import {
  parseReadBackKey,
  partSumsKey,
  type PartSums,
  partSumsPrefix,
  readBackKey,
  readBackPrefix,
  readPartSumsKey,
} from '../../domain/books/object-keys.ts'
import { crc32OfText } from '../../domain/transfer/crc32.ts'
import { inOrder } from './ordered-lookahead.ts'

interface Place {
  store: Pick<ArchiveStore, 'writeText' | 'listKeys' | 'remove'>
  keyPrefix: string
}

interface OfUpload {
  key: string
  uploadId: string
}

const AT_ONCE = 16

/** Written before the part is sent: a part that the store has and nobody knows the sums of would be sent again. */
export async function notePartSums({ key, uploadId }: OfUpload, sums: PartSums, place: Place): Promise<void> {
  await place.store.writeText(partSumsKey(place.keyPrefix, key, crc32OfText(uploadId), sums), '')
}

/** What was written down of each part. There may be several of one: made by two workers, of a source that changed. */
export async function readPartSums({ key, uploadId }: OfUpload, place: Place): Promise<Map<number, PartSums[]>> {
  const found = new Map<number, PartSums[]>()
  for (const one of await place.store.listKeys(partSumsPrefix(place.keyPrefix, key, crc32OfText(uploadId)))) {
    const sums = readPartSumsKey(one)
    if (sums !== undefined) found.set(sums.part, [...(found.get(sums.part) ?? []), sums])
  }
  return found
}

/** So that these parts are missing for whoever goes on. */
export async function forgetPartSums(of: OfUpload, parts: readonly number[], place: Place): Promise<void> {
  const found = await readPartSums(of, place)
  const keys = parts
    .flatMap((part) => found.get(part) ?? [])
    .map((sums) => partSumsKey(place.keyPrefix, of.key, crc32OfText(of.uploadId), sums))
  for await (const _ of inOrder(keys, AT_ONCE, (one) => place.store.remove(one)));
}

/** A piece of an object, by its number from 0. */
export interface ReadPiece {
  piece: number
  crc32: number
}

/** What is read back: one object, in pieces of one size. */
export interface Reading {
  key: string
  etag: string
  pieceBytes: number
}

/** Another object, or another size, is another reading. */
const sumOf = ({ etag, pieceBytes }: Reading): number => crc32OfText(`${etag} ${pieceBytes}`)

export async function noteReadPiece(reading: Reading, read: ReadPiece, place: Place): Promise<void> {
  await place.store.writeText(readBackKey(place.keyPrefix, reading.key, sumOf(reading), read), '')
}

/** Pieces that were read back. One of which two sums are written down is read once more. */
export async function readPieces(reading: Reading, place: Place): Promise<Map<number, number>> {
  const found = new Map<number, number>()
  const doubtful = new Set<number>()
  for (const one of await place.store.listKeys(readBackPrefix(place.keyPrefix, reading.key, sumOf(reading)))) {
    const read = parseReadBackKey(one)
    if (read === undefined) continue
    if (found.has(read.piece)) doubtful.add(read.piece)
    found.set(read.piece, read.crc32)
  }
  for (const piece of doubtful) found.delete(piece)
  return found
}
