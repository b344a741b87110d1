import * as z from 'zod'
import type { ArchiveStore } from '../aws/archive-store.ts'
import { sourceIdentitySchema } from '../contracts/nouns.ts'
import type { Upload } from '../contracts/tasks.ts'
import { uploadRecordKey } from '../domain/object-keys.ts'

/**
 * What is kept in S3 of an upload while it is open: enough for another execution to resume it, and, once `crc32` is
 * there, to recognise the finished object as this source's when the answer to Complete was lost.
 */
export const uploadRecordSchema = z.strictObject({
  version: z.literal(1),
  key: z.string(),
  uploadId: z.string(),
  partSizeBytes: z.int().positive(),
  partCount: z.int().positive(),
  source: sourceIdentitySchema.extend({ artifactRef: z.string() }),
  openedAt: z.string(),
  /** Full-object CRC-32 over what was read, unsigned. Written just before Complete. */
  crc32: z.int().nonnegative().optional(),
})
export type UploadRecord = z.infer<typeof uploadRecordSchema>

/** The record and the tag that replacing it needs. A record that can't be parsed is one that may be replaced. */
export interface KeptRecord {
  record: UploadRecord | undefined
  etag: string
}

interface Place {
  store: ArchiveStore
  keyPrefix: string
}

export async function readUploadRecord({ store, keyPrefix }: Place, key: string): Promise<KeptRecord | undefined> {
  const stored = await store.readText(uploadRecordKey(keyPrefix, key))
  if (stored === undefined) return undefined
  return { record: parseRecord(stored.text), etag: stored.etag }
}

function parseRecord(text: string): UploadRecord | undefined {
  try {
    return uploadRecordSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
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
  return (await store.writeText(key, `${JSON.stringify(record, undefined, 2)}\n`, { onlyIf })) !== undefined
}

export async function removeUploadRecord({ store, keyPrefix }: Place, key: string): Promise<void> {
  await store.remove(uploadRecordKey(keyPrefix, key))
}

/** The upload as it travels in state. */
export function uploadOf(record: UploadRecord): Upload {
  const { key, uploadId, partSizeBytes, partCount } = record
  const { artifactRef: _, ...source } = record.source
  return { key, uploadId, partSizeBytes, partCount, source }
}
