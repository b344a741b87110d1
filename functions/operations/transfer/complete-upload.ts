import type { StoredObject, StoredPart } from '../../aws/archive-store.ts'
import { UploadVanished } from '../../contracts/errors.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import type { Upload } from '../../contracts/upload.ts'
import { combineAllCrc32 } from '../../domain/transfer/crc32.ts'
import { missingParts } from '../../domain/transfer/part-plan.ts'
import { storedArtifact } from './already-stored.ts'
import { renewClaim } from '../books/claims.ts'
import type { Ports } from '../ports.ts'
import { assertSourceUnchanged, statSource } from './source-identity.ts'
import { readUploadRecord, type UploadRecord, writeUploadRecord } from '../books/upload-record.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'route' | 'now' | 'log'>

const MAX_NAMED_PARTS = 10

/**
 * Check that S3 has every part in its right size and that the source is still the one that was read, then complete,
 * with S3 checking the CRC-32 that was combined from the parts. Asked again after a lost answer, it finds the object.
 * @throws UploadVanished when parts are missing or the upload is gone
 * @throws SourceChanged, ChecksumMismatch, ArchiveConflict and the store's errors
 */
export async function completeUpload(
  input: TaskInput<'CompleteUpload'>,
  ports: Needs,
): Promise<TaskOutput<'CompleteUpload'>> {
  const { item, artifact, upload, bytesSent, work } = input
  await renewClaim(input, ports)
  const parts = await listParts(upload, ports)
  if (parts === undefined) {
    const { object, crc32 } = await findCompleted(upload, ports)
    return { stored: storedArtifact(upload, artifact, object, crc32, { bytesSent, work }) }
  }
  assertComplete(upload, parts, ports)
  assertSourceUnchanged(await statSource(ports, item.site, artifact), upload.source, artifact)
  const crc32 = combineAllCrc32(parts)
  await remember(input, crc32, ports)
  const object = await ports.store.completeUpload(upload.key, upload.uploadId, parts, crc32)
  ports.log('upload-completed', { key: upload.key, sizeBytes: object.sizeBytes, partCount: parts.length })
  return { stored: storedArtifact(upload, artifact, object, crc32, { bytesSent, work }) }
}

/** `undefined` when the upload is gone: completed by an earlier call, or aborted. */
async function listParts({ key, uploadId }: Upload, { store }: Needs): Promise<StoredPart[] | undefined> {
  try {
    return await store.listParts(key, uploadId)
  } catch (error) {
    if (error instanceof UploadVanished) return undefined
    throw error
  }
}

/** The object that an earlier call completed, known by the sum it left in the record. @throws UploadVanished */
async function findCompleted(upload: Upload, ports: Needs): Promise<{ object: StoredObject; crc32: number }> {
  const record = (await readUploadRecord(ports, upload.key))?.record
  const object = await ports.store.head(upload.key)
  const crc32 = record?.uploadId === upload.uploadId ? record.crc32 : undefined
  if (
    object === undefined ||
    crc32 === undefined ||
    object.crc32 !== crc32 ||
    object.sizeBytes !== upload.source.sizeBytes
  ) {
    throw new UploadVanished(
      `the upload of s3://${ports.store.bucket}/${upload.key} is gone, and what it was to become is not there. ` +
        'Someone or a lifecycle rule aborted it; a new run starts it afresh',
    )
  }
  return { object, crc32 }
}

function assertComplete(upload: Upload, parts: readonly StoredPart[], { store }: Needs): void {
  const missing = missingParts(upload, upload.source.sizeBytes, parts)
  if (missing.length === 0 && parts.length === upload.partCount) return
  const names = missing.slice(0, MAX_NAMED_PARTS).join(', ') + (missing.length > MAX_NAMED_PARTS ? ', …' : '')
  throw new UploadVanished(
    `the upload of s3://${store.bucket}/${upload.key} has ${parts.length} of ${upload.partCount} parts; ` +
      `missing or of the wrong size: ${names || 'none, but there are parts beyond the last'}. Nothing was completed`,
  )
}

/** Keep the sum where a repeated call, or another execution, finds it if the answer to Complete is lost. */
async function remember(
  { item, artifact, upload }: TaskInput<'CompleteUpload'>,
  crc32: number,
  ports: Needs,
): Promise<void> {
  const kept = await readUploadRecord(ports, upload.key)
  if (kept?.record.uploadId === upload.uploadId && kept.record.crc32 === crc32) return
  const record: UploadRecord = {
    ...(kept?.record.uploadId === upload.uploadId ? kept.record : {}),
    version: 1,
    key: upload.key,
    uploadId: upload.uploadId,
    partSizeBytes: upload.partSizeBytes,
    partCount: upload.partCount,
    source: { ...upload.source, artifactRef: artifact.artifactRef },
    openedAt: kept?.record.openedAt ?? ports.now().toISOString(),
    item,
    crc32,
  }
  if (!(await writeUploadRecord(ports, record, kept))) {
    throw new UploadVanished(
      `another execution took over the upload of s3://${ports.store.bucket}/${upload.key} at the last moment; nothing was completed here`,
    )
  }
}
