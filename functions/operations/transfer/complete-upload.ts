import type { StoredObject, StoredPart } from '../../aws/archive-store.ts'
import type { DiskContent } from '../../contracts/disk-archive.ts'
import { UploadVanished } from '../../contracts/errors.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import type { Upload } from '../../contracts/upload.ts'
import type { Assembly, MissingPart, PartEncoder } from '../../domain/encoding/part-encoder.ts'
import type { Proof } from '../../contracts/proof.ts'
import { proveKnown, storedArtifact } from './already-stored.ts'
import { renewClaim } from '../books/claims.ts'
import { writeFrameList } from '../books/disk-plans.ts'
import { readPartRecords, removePartRecords } from '../books/part-records.ts'
import { encoderOf } from './encodings.ts'
import type { Ports } from '../ports.ts'
import { type ProvedUpload, provedUpload } from './proved-upload.ts'
import { assertSourceUnchanged, statSource } from './source-identity.ts'
import { readUploadRecord, rememberProof, type UploadRecord, writeUploadRecord } from '../books/upload-record.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'route' | 'now' | 'remainingMilliseconds' | 'log'>

const MAX_NAMED_PARTS = 10

/**
 * Check that S3 has every part as it has to be and that the source is still the one that was read, then complete, with S3
 * checking the CRC-32 that was combined from the parts; or prove the object as else its store allows. Asked again after a
 * lost answer, it finds the object.
 * @throws UploadVanished when parts are missing or the upload is gone: opened again, it goes on with what is missing
 * @throws SourceChanged, ChecksumMismatch, ArchiveConflict and the store's errors
 */
export async function completeUpload(
  input: TaskInput<'CompleteUpload'>,
  ports: Needs,
): Promise<TaskOutput<'CompleteUpload'>> {
  const { item, artifact, upload, bytesSent, work } = input
  await renewClaim(input, ports)
  const proved = provedUpload(upload, ports)
  const parts = await listParts(proved)
  if (parts === undefined) {
    const { object, ...facts } = await findCompleted(upload, ports)
    return { stored: storedArtifact(upload, artifact, object, facts, { bytesSent, work }) }
  }
  const encoder = await encoderOf(upload, ports)
  const assembly = await assemble(encoder, upload, { listed: parts, proved }, ports)
  assertSourceUnchanged(await statSource(ports, item.site, artifact), upload.source, artifact)
  const closing = upload.proof === undefined ? undefined : await sendClosing(assembly, proved)
  const withClosing = (sent: readonly StoredPart[]) => [...parts.slice(0, encoder.sourceParts), ...sent]
  const etag = closing === undefined ? undefined : proved.expectedEtag(withClosing(closing))
  await remember(input, { ...assembly, etag }, ports)
  const whole = withClosing(closing ?? (await sendClosing(assembly, proved)))
  const { object, proof } = await proved.complete(whole, assembly.object, ports)
  if (proof !== undefined) await rememberProof(upload, proof, ports)
  const about = { site: item.site, guest: item.guest.id, key: upload.key }
  ports.log('upload-completed', { ...about, sizeBytes: object.sizeBytes, partCount: whole.length })
  const { crc32 } = assembly.object
  const facts = { crc32, content: assembly.content, proof }
  const closingBytes = assembly.closing.reduce((sum, part) => sum + part.sizeBytes, 0)
  const sent = { bytesSent: bytesSent + closingBytes, work }
  return { stored: storedArtifact(upload, artifact, object, facts, sent) }
}

/** `undefined` when the upload is gone: completed by an earlier call, or aborted. */
async function listParts(proved: ProvedUpload): Promise<StoredPart[] | undefined> {
  try {
    return await proved.list()
  } catch (error) {
    if (error instanceof UploadVanished) return undefined
    throw error
  }
}

/** The object that an earlier call completed, known by the sum it left in the record. @throws UploadVanished */
async function findCompleted(
  upload: Upload,
  ports: Needs,
): Promise<{ object: StoredObject; crc32: number; content?: DiskContent | undefined; proof?: Proof | undefined }> {
  const kept = (await readUploadRecord(ports, upload.key))?.record
  const record = kept?.uploadId === upload.uploadId ? kept : undefined
  const object = await ports.store.head(upload.key)
  const found = record && object && (await proveKnown(record, object, ports))
  if (found === undefined || object === undefined) {
    throw new UploadVanished(
      `the upload of s3://${ports.store.bucket}/${upload.key} is gone, and what it was to become is not there. ` +
        'Someone or a lifecycle rule aborted it; a new run starts it afresh',
    )
  }
  return { object, ...found }
}

/** What the parts come to. Those that aren't what they have to be are missing for whoever goes on. @throws UploadVanished */
async function assemble(
  encoder: PartEncoder,
  upload: Upload,
  { listed: parts, proved }: { listed: readonly StoredPart[]; proved: ProvedUpload },
  ports: Needs,
): Promise<Assembly> {
  const beyond = parts.filter(({ partNumber }) => partNumber > encoder.partCount)
  const records = encoder.keepsRecords ? await readPartRecords(ports, upload.key) : new Map()
  const assembly = beyond.length > 0 ? { missing: [] } : encoder.assemble(parts, records)
  if (!('missing' in assembly)) return assembly
  const { missing } = assembly
  const numbers = missing.map(({ partNumber }) => partNumber)
  if (encoder.keepsRecords) await removePartRecords(ports, upload.key, numbers)
  await proved.forget(numbers)
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
async function sendClosing({ closing }: Assembly, proved: ProvedUpload): Promise<StoredPart[]> {
  const sent: StoredPart[] = []
  for (const part of closing) sent.push(await proved.send(part))
  return sent
}

/** Keep the sum where a repeated call, or another execution, finds it if the answer to Complete is lost. */
async function remember(
  { item, artifact, upload }: TaskInput<'CompleteUpload'>,
  { object: { crc32, sizeBytes }, content, frames, etag }: Assembly & { etag: string | undefined },
  ports: Needs,
): Promise<void> {
  const kept = await readUploadRecord(ports, upload.key)
  if (kept?.record.uploadId === upload.uploadId && kept.record.crc32 === crc32 && kept.record.etag === etag) return
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
    ...(upload.proof === undefined ? {} : { proof: upload.proof }),
    source: { ...upload.source, artifactRef: artifact.artifactRef },
    openedAt: kept?.record.openedAt ?? ports.now().toISOString(),
    item,
    crc32,
    ...(etag === undefined ? {} : { etag }),
    ...(sizeBytes === upload.source.sizeBytes ? {} : { objectSizeBytes: sizeBytes }),
    ...(content === undefined ? {} : { content }),
  }
  if (!(await writeUploadRecord(ports, record, kept))) {
    throw new UploadVanished(
      `another execution took over the upload of s3://${ports.store.bucket}/${upload.key} at the last moment; nothing was completed here`,
    )
  }
}
