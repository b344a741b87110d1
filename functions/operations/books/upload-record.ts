import type { ArchiveStore } from '../../aws/archive-store.ts'
import type { LesserProof } from '../../contracts/proof.ts'
import type { Upload } from '../../contracts/upload.ts'
import type { UploadRecord } from '../../contracts/upload-record.ts'
import { folderOf, manifestKey, uploadRecordKey } from '../../domain/books/object-keys.ts'
import { uploadRecordShape } from './shapes.ts'
import { holdRecord, writeRecord } from './stored-json.ts'
import { isThere } from './is-there.ts'
import { removeAllOfParts } from './part-records.ts'

export type { UploadRecord } from '../../contracts/upload-record.ts'

/** The record and the tag that replacing it needs. */
export interface KeptRecord {
  record: UploadRecord
  etag: string
}

interface Place {
  store: ArchiveStore
  keyPrefix: string
}

/** @throws RecordTooNew, RecordUnreadable: it may hold the only checksum of a finished object, so nobody replaces it */
export async function readUploadRecord({ store, keyPrefix }: Place, key: string): Promise<KeptRecord | undefined> {
  const held = await holdRecord(store, uploadRecordKey(keyPrefix, key), uploadRecordShape)
  return held === undefined ? undefined : { record: held.value, etag: held.etag }
}

/**
 * Write the record only if nobody changed it since `seen` was read. Returns false when somebody did: of two executions
 * that open the same upload, one gets true.
 */
export async function writeUploadRecord(
  { store, keyPrefix }: Place,
  record: UploadRecord,
  seen: KeptRecord | undefined,
): Promise<boolean> {
  const onlyIf = seen === undefined ? { absent: true as const } : { etag: seen.etag }
  const key = uploadRecordKey(keyPrefix, record.key)
  return (await writeRecord(store, key, uploadRecordShape, record, { onlyIf, held: seen !== undefined })) !== undefined
}

/**
 * Note by what the object is proved that an upload became: nobody reads it back again. Whoever has the record since needs
 * none of it.
 */
export async function rememberProof(
  { key, uploadId }: Pick<Upload, 'key' | 'uploadId'>,
  proof: LesserProof,
  place: Place,
): Promise<void> {
  const kept = await readUploadRecord(place, key)
  const { level, etag } = proof
  if (kept?.record.uploadId !== uploadId || (kept.record.etag === etag && kept.record.proof === level)) return
  await writeUploadRecord(place, { ...kept.record, proof: level, etag }, kept)
}

/** Whether the record alone proves an object: it holds the sum of one that is there, and no manifest does yet. */
export async function isOnlyWitness({ key, crc32 }: UploadRecord, { store }: Pick<Place, 'store'>): Promise<boolean> {
  if (crc32 === undefined || !(await isThere(store, key))) return false
  return !(await isThere(store, manifestKey(folderOf(key))))
}

/**
 * With what was kept of the upload's parts. Returns whether the record was removed.
 * @param kept what was judged: a record that was written since stays. Left out only where a manifest proves the object,
 * whatever any record says
 */
export async function removeUploadRecord(
  { store, keyPrefix }: Place,
  key: string,
  kept?: Pick<KeptRecord, 'etag'>,
): Promise<boolean> {
  if (!(await store.remove(uploadRecordKey(keyPrefix, key), kept && { etag: kept.etag }))) return false
  await removeAllOfParts({ store, keyPrefix }, key)
  return true
}

/** The upload as it travels in state. */
export function uploadOf(record: UploadRecord): Upload {
  const { key, uploadId, partSizeBytes, partCount, encoding, planKey, proof } = record
  const { sizeBytes, modifiedAt, validator } = record.source
  const source = { sizeBytes, modifiedAt, ...(validator === undefined ? {} : { validator }) }
  return {
    key,
    uploadId,
    partSizeBytes,
    partCount,
    ...(encoding === undefined ? {} : { encoding }),
    ...(planKey === undefined ? {} : { planKey }),
    ...(proof === undefined ? {} : { proof }),
    source,
  }
}
