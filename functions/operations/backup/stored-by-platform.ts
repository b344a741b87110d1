import { BackupFailed } from '../../contracts/errors.ts'
import type { BackupEvidence, EvidenceSource } from '../../contracts/evidence.ts'
import { bucketObjectLocationSchema, type StoredArtifact } from '../../contracts/nouns.ts'
import type { PlanItem } from '../../contracts/plan-item.ts'
import { sourcesOf } from '../../domain/backup/sources.ts'
import { archiveFolder, artifactKey } from '../../domain/books/object-keys.ts'
import { crc32ToBase64 } from '../../domain/transfer/crc32.ts'
import { noCopyWork } from '../../domain/transfer/copy-work.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix'>

/**
 * The objects that the platform says it wrote into the bucket itself. Each has to lie where this archive's files belong,
 * and the platform has to say its CRC-32: what S3 has there is compared with that afterwards, as after a copy.
 * @throws BackupFailed where the platform wrote elsewhere, or keeps the sum to itself
 */
export function storedByPlatform(item: PlanItem, evidence: BackupEvidence, ports: Needs): StoredArtifact[] {
  return sourcesOf(evidence).map((source) => claimed(item, source, ports))
}

function claimed(
  { site, guest }: PlanItem,
  { artifact, crc32 }: EvidenceSource,
  { store, keyPrefix }: Needs,
): StoredArtifact {
  const key = artifactKey(archiveFolder(keyPrefix, site, guest, artifact.createdAt), artifact.fileName)
  const location = bucketObjectLocationSchema.safeParse(artifact.location)
  const what = `Site ${site}, guest ${guest.id}: the platform wrote ${artifact.fileName}`
  if (location.data?.key !== key) {
    throw new BackupFailed(`${what} elsewhere than to s3://${store.bucket}/${key}. Repeat this guest.`)
  }
  if (crc32 === undefined) {
    throw new BackupFailed(`${what} and doesn't say its CRC-32, so nothing proves the object. Repeat this guest.`)
  }
  return {
    key,
    fileName: artifact.fileName,
    sizeBytes: artifact.sizeBytes,
    checksum: `CRC32:${crc32ToBase64(crc32)}`,
    partSizeBytes: artifact.sizeBytes,
    partCount: 1,
    source: { sizeBytes: artifact.sizeBytes, modifiedAt: artifact.createdAt },
    bytesSent: 0,
    artifact,
    work: noCopyWork,
  }
}
