import { ChecksumMismatch } from '../../contracts/errors.ts'
import type { BackupEvidence, EvidenceSource } from '../../contracts/evidence.ts'
import { bucketObjectLocationSchema, type StoredArtifact } from '../../contracts/nouns.ts'
import type { PlanItem } from '../../contracts/tasks.ts'
import { sourcesOf } from '../../domain/backup/sources.ts'
import { archiveFolder, artifactKey } from '../../domain/books/object-keys.ts'
import { crc32ToBase64 } from '../../domain/transfer/crc32.ts'
import { noCopyWork } from '../../domain/transfer/copy-work.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix'>

/**
 * The objects that the platform wrote into the bucket itself. Each lies where this archive's files belong, and S3's sum
 * over it is the one that the platform computed over what it read.
 * @throws ChecksumMismatch where anything is missing or differs
 */
export async function storedByPlatform(
  item: PlanItem,
  evidence: BackupEvidence,
  ports: Needs,
): Promise<StoredArtifact[]> {
  const stored: StoredArtifact[] = []
  for (const source of sourcesOf(evidence)) stored.push(await look(item, source, ports))
  return stored
}

async function look(
  item: PlanItem,
  { artifact, crc32 }: EvidenceSource,
  { store, keyPrefix }: Needs,
): Promise<StoredArtifact> {
  const at = `Site ${item.site}, guest ${item.guest.id}`
  const key = artifactKey(archiveFolder(keyPrefix, item.site, item.guest, artifact.createdAt), artifact.fileName)
  const location = bucketObjectLocationSchema.safeParse(artifact.location)
  if (location.data?.key !== key) {
    throw new ChecksumMismatch(
      `${at}: the platform doesn't say that it wrote ${artifact.fileName} to s3://${store.bucket}/${key}.`,
    )
  }
  const object = await store.head(key)
  const had = `the platform says ${artifact.sizeBytes} bytes, CRC-32 ${crc32 ?? 'unknown'}`
  if (object === undefined) throw new ChecksumMismatch(`${at}: s3://${store.bucket}/${key} isn't there; ${had}.`)
  if (crc32 === undefined || object.crc32 !== crc32 || object.sizeBytes !== artifact.sizeBytes) {
    throw new ChecksumMismatch(
      `${at}: s3://${store.bucket}/${key} has ${object.sizeBytes} bytes, CRC-32 ${object.crc32 ?? 'unknown'}; ${had}.`,
    )
  }
  return {
    key,
    fileName: artifact.fileName,
    sizeBytes: object.sizeBytes,
    checksum: `CRC32:${crc32ToBase64(crc32)}`,
    ...(object.versionId === undefined ? {} : { versionId: object.versionId }),
    partSizeBytes: object.sizeBytes,
    partCount: 1,
    source: { sizeBytes: object.sizeBytes, modifiedAt: artifact.createdAt },
    bytesSent: 0,
    artifact,
    work: noCopyWork,
  }
}
