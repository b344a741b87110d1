import type { StoredObject, StoredPart } from '../../aws/archive-store.ts'
import type { DiskContent } from '../../contracts/disk-archive.ts'
import { UploadVanished } from '../../contracts/errors.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import type { Upload } from '../../contracts/upload.ts'
import type { Assembly, MissingPart, PartEncoder } from '../../domain/encoding/part-encoder.ts'
import { objectFacts, storedArtifact } from './already-stored.ts'
import { renewClaim } from '../books/claims.ts'
import { writeFrameList } from '../books/disk-plans.ts'
import { readPartRecords, removePartRecords } from '../books/part-records.ts'
import { encoderOf } from './encodings.ts'
import type { Ports } from '../ports.ts'
import { assertSourceUnchanged, statSource } from './source-identity.ts'
import { readUploadRecord, type UploadRecord, writeUploadRecord } from '../books/upload-record.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'route' | 'now' | 'log'>

const MAX_NAMED_PARTS = 10

/**
 * Check that S3 has every part as it has to be and that the source is still the one that was read, then complete, with S3
 * checking the CRC-32 that was combined from the parts. Asked again after a lost answer, it finds the object.
 * @throws UploadVanished when parts are missing or the upload is gone: opened again, it goes on with what is missing
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
    const { object, ...facts } = await findCompleted(upload, ports)
    return { stored: storedArtifact(upload, artifact, object, facts, { bytesSent, work }) }
  }
  const encoder = await encoderOf(upload, ports)
  const assembly = await assemble(encoder, upload, parts, ports)
  assertSourceUnchanged(await statSource(ports, item.site, artifact), upload.source, artifact)
  await remember(input, assembly, ports)
  const whole = [...parts.slice(0, encoder.sourceParts), ...(await sendClosing(assembly, upload, ports))]
  const object = await ports.store.completeUpload(upload.key, upload.uploadId, whole, assembly.object.crc32)
  const about = { site: item.site, guest: item.guest.id, key: upload.key }
  ports.log('upload-completed', { ...about, sizeBytes: object.sizeBytes, partCount: whole.length })
  const { crc32 } = assembly.object
  const closingBytes = assembly.closing.reduce((sum, part) => sum + part.sizeBytes, 0)
  const sent = { bytesSent: bytesSent + closingBytes, work }
  return { stored: storedArtifact(upload, artifact, object, { crc32, content: assembly.content }, sent) }
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
async function findCompleted(
  upload: Upload,
  ports: Needs,
): Promise<{ object: StoredObject; crc32: number; content?: DiskContent | undefined }> {
  const kept = (await readUploadRecord(ports, upload.key))?.record
  const record = kept?.uploadId === upload.uploadId ? kept : undefined
  const object = await ports.store.head(upload.key)
  const crc32 = record?.crc32
  const facts = record && objectFacts(record)
  if (object === undefined || crc32 === undefined || object.crc32 !== crc32 || object.sizeBytes !== facts?.sizeBytes) {
    throw new UploadVanished(
      `the upload of s3://${ports.store.bucket}/${upload.key} is gone, and what it was to become is not there. ` +
        'Someone or a lifecycle rule aborted it; a new run starts it afresh',
    )
  }
  return { object, crc32, content: facts.content }
}

/** What the parts come to. Those that aren't what they have to be are missing for whoever goes on. @throws UploadVanished */
async function assemble(
  encoder: PartEncoder,
  upload: Upload,
  parts: readonly StoredPart[],
  ports: Needs,
): Promise<Assembly> {
  const beyond = parts.filter(({ partNumber }) => partNumber > encoder.partCount)
  const records = encoder.keepsRecords ? await readPartRecords(ports, upload.key) : new Map()
  const assembly = beyond.length > 0 ? { missing: [] } : encoder.assemble(parts, records)
  if (!('missing' in assembly)) return assembly
  const { missing } = assembly
  if (encoder.keepsRecords) {
    await removePartRecords(
      ports,
      upload.key,
      missing.map(({ partNumber }) => partNumber),
    )
  }
  throw new UploadVanished(
    `the upload of s3://${ports.store.bucket}/${upload.key} has ${parts.length} of ${encoder.partCount} parts; ` +
      `missing or not what they should be: ${worded(missing)}. Nothing was completed`,
  )
}

function worded(missing: readonly MissingPart[]): string {
  if (missing.length === 0) return 'none, but there are parts beyond the last'
  const named = missing.slice(0, MAX_NAMED_PARTS).map(({ partNumber, reason }) => `${partNumber} (${reason})`)
  return named.join(', ') + (missing.length > MAX_NAMED_PARTS ? ', …' : '')
}

/** Parts that are made of the others. S3 may have them from an earlier call: sent again, they replace those. */
async function sendClosing({ closing }: Assembly, { key, uploadId }: Upload, { store }: Needs): Promise<StoredPart[]> {
  const sent: StoredPart[] = []
  for (const { partNumber, slices, crc32 } of closing) {
    sent.push(await store.putPart(key, uploadId, partNumber, slices, crc32))
  }
  return sent
}

/** Keep the sum where a repeated call, or another execution, finds it if the answer to Complete is lost. */
async function remember(
  { item, artifact, upload }: TaskInput<'CompleteUpload'>,
  { object: { crc32, sizeBytes }, content, frames }: Assembly,
  ports: Needs,
): Promise<void> {
  const kept = await readUploadRecord(ports, upload.key)
  if (kept?.record.uploadId === upload.uploadId && kept.record.crc32 === crc32) return
  if (frames !== undefined) await writeFrameList(ports, upload.key, crc32, frames)
  const record: UploadRecord = {
    ...(kept?.record.uploadId === upload.uploadId ? kept.record : {}),
    version: 1,
    key: upload.key,
    uploadId: upload.uploadId,
    partSizeBytes: upload.partSizeBytes,
    partCount: upload.partCount,
    ...(upload.encoding === undefined ? {} : { encoding: upload.encoding }),
    ...(upload.planKey === undefined ? {} : { planKey: upload.planKey }),
    source: { ...upload.source, artifactRef: artifact.artifactRef },
    openedAt: kept?.record.openedAt ?? ports.now().toISOString(),
    item,
    crc32,
    ...(sizeBytes === upload.source.sizeBytes ? {} : { objectSizeBytes: sizeBytes }),
    ...(content === undefined ? {} : { content }),
  }
  if (!(await writeUploadRecord(ports, record, kept))) {
    throw new UploadVanished(
      `another execution took over the upload of s3://${ports.store.bucket}/${upload.key} at the last moment; nothing was completed here`,
    )
  }
}
