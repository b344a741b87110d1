import type { StoredObject } from '../../aws/archive-store.ts'
import type { DiskContent } from '../../contracts/disk-archive.ts'
import {
  ArchiveConflict,
  ChecksumMismatch,
  InternalFault,
  RecordTooNew,
  RecordUnreadable,
} from '../../contracts/errors.ts'
import type { SourceArtifact, SourceIdentity, StoredArtifact } from '../../contracts/nouns.ts'
import type { Proof } from '../../contracts/proof.ts'
import type { TaskInput } from '../../contracts/tasks.ts'
import type { Upload } from '../../contracts/upload.ts'
import { sameIdentity } from '../../domain/transfer/copy-verdict.ts'
import { crc32FromBase64, crc32ToBase64 } from '../../domain/transfer/crc32.ts'
import { bareEtag, isHashOfHashes } from '../../domain/transfer/etag.ts'
import { judgeProof, provedBy } from '../../domain/transfer/proof-verdict.ts'
import { artifactKey, manifestKey } from '../../domain/books/object-keys.ts'
import { manifestShape } from '../books/shapes.ts'
import { readRecord } from '../books/stored-json.ts'
import type { Ports } from '../ports.ts'
import { rememberProof, type UploadRecord, uploadOf } from '../books/upload-record.ts'
import { readBack } from './read-back.ts'

/** An object that is known to be this source's, how it was cut, and by what it is proved. */
interface Known extends ObjectFacts {
  upload: Upload
  checksum: string
  proof?: Proof | undefined
}

/** What is known of an object beside S3's word: how large it has to be, and what its bytes stand for. */
export interface ObjectFacts {
  sizeBytes: number
  content?: DiskContent | undefined
}

/** The object as it travels to the manifest. */
export function storedArtifact(
  upload: Upload,
  artifact: SourceArtifact,
  object: Pick<StoredObject, 'versionId'> & { sizeBytes: number },
  { crc32, content, proof }: { crc32: number; content?: DiskContent | undefined; proof?: Proof | undefined },
  { bytesSent, work }: Pick<StoredArtifact, 'bytesSent' | 'work'>,
): StoredArtifact {
  return {
    key: upload.key,
    fileName: artifact.fileName,
    sizeBytes: object.sizeBytes,
    checksum: `CRC32:${crc32ToBase64(crc32)}`,
    ...(proof === undefined ? {} : { proof }),
    ...(object.versionId === undefined ? {} : { versionId: object.versionId }),
    partSizeBytes: upload.partSizeBytes,
    partCount: upload.partCount,
    ...(content === undefined ? {} : { content }),
    source: upload.source,
    bytesSent,
    artifact,
    ...(work === undefined ? {} : { work }),
  }
}

/**
 * The finished object, if it is provably this source's; `undefined` when the key is free. It is believed when S3's
 * CRC-32 is the one over the bytes that were read, as either of two witnesses kept it: the upload's record (an earlier
 * call lost the answer to Complete) or the archive's manifest; and only while the source has the size and time that the
 * witness noted. Where S3 has none, its ETag has to be the proved one. Equal size alone proves nothing.
 * @throws ArchiveConflict when something else has the key
 */
export async function findStored(
  ports: Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'remainingMilliseconds' | 'log'>,
  { item, artifact }: TaskInput<'OpenUpload'>,
  folder: string,
  source: SourceIdentity,
  record: UploadRecord | undefined,
): Promise<{ upload: Upload; alreadyStored: StoredArtifact } | undefined> {
  const key = artifactKey(folder, artifact.fileName)
  const object = await ports.store.head(key)
  if (object === undefined) return undefined
  const known = (await knownFromRecord()) ?? (await knownFromManifest())
  const proved = known !== undefined && judgeProof(known, object) === 'proved'
  if (!proved) {
    throw new ArchiveConflict(
      `s3://${ports.store.bucket}/${key} exists already (${object.sizeBytes} bytes), and nothing proves that it is ` +
        `guest ${item.guest.id}'s ${artifact.fileName} from site ${item.site}. It was not overwritten. Move it away to store the archive there.`,
    )
  }
  ports.log('already-stored', { site: item.site, guest: item.guest.id, key, checksum: known.checksum })
  const facts = { crc32: crc32Of(known.checksum), content: known.content, proof: known.proof }
  return {
    upload: known.upload,
    alreadyStored: storedArtifact(known.upload, artifact, object, facts, { bytesSent: 0 }),
  }

  async function knownFromRecord(): Promise<Known | undefined> {
    if (object === undefined || record?.source.artifactRef !== artifact.artifactRef) return undefined
    if (!sameIdentity(record.source, source)) return undefined
    const found = await proveKnown(record, object, ports).catch(notOurs)
    if (found === undefined) return undefined
    const { crc32, ...facts } = found
    return {
      upload: uploadOf(record),
      checksum: `CRC32:${crc32ToBase64(crc32)}`,
      sizeBytes: object.sizeBytes,
      ...facts,
    }
  }

  async function knownFromManifest(): Promise<Known | undefined> {
    const manifest = await readRecord(ports.store, manifestKey(folder), manifestShape).catch(asConflict)
    const entry = manifest?.artifacts.find((candidate) => candidate.key === key)
    if (entry?.source.artifactRef !== artifact.artifactRef || !sameIdentity(entry.source, source)) return undefined
    const { partSizeBytes, partCount, checksum, sizeBytes, content, proof } = entry
    // The upload is history: manifests don't keep its id, and nothing asks S3 for it any more.
    const upload = { key, uploadId: 'completed', partSizeBytes, partCount, source }
    return { upload, checksum, sizeBytes, content, proof }
  }
}

/**
 * What an upload's record proves of the object that lies under its key; `undefined` when nothing does. One that is to be
 * read back and wasn't yet is read now.
 * @throws ChecksumMismatch when it holds other bytes; StoreUnavailable when it has to be asked again
 */
export async function proveKnown(
  record: UploadRecord,
  object: StoredObject,
  ports: Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'remainingMilliseconds' | 'log'>,
): Promise<{ crc32: number; content: DiskContent | undefined; proof?: Proof } | undefined> {
  const { sizeBytes, content } = objectFacts(record)
  const { crc32, proof: level, key } = record
  if (crc32 === undefined || object.sizeBytes !== sizeBytes) return undefined
  if (level !== undefined && needsReading(record, object)) {
    const proof = await readBack(key, object, crc32, ports)
    await rememberProof(record, proof, ports)
    return { crc32, content, proof }
  }
  const known = provedBy(record)
  if (known === undefined || judgeProof({ ...known, sizeBytes }, object) !== 'proved') return undefined
  return { content, ...known }
}

/** No ETag was noted that could prove the object; or one that the store gives in another form than it did at the test. */
function needsReading({ etag, partCount, proof }: UploadRecord, object: StoredObject): boolean {
  if (etag === undefined) return true
  return proof === 'part-checksums' && etag !== bareEtag(object.etag) && !isHashOfHashes(object.etag, partCount)
}

/** What a record says of the object that its upload became. */
export function objectFacts({ source, objectSizeBytes, content }: UploadRecord): ObjectFacts {
  return { sizeBytes: objectSizeBytes ?? source.sizeBytes, content }
}

/** A manifest that nobody can read has the folder all the same. @throws ArchiveConflict */
export function asConflict(error: unknown): never {
  if (error instanceof RecordUnreadable || error instanceof RecordTooNew) {
    throw new ArchiveConflict(error.message, { cause: error })
  }
  throw error
}

/** What was read back and holds other bytes is somebody else's. */
function notOurs(error: unknown): undefined {
  if (!(error instanceof ChecksumMismatch)) throw error
}

function crc32Of(checksum: string): number {
  const sum = crc32FromBase64(checksum.slice('CRC32:'.length))
  if (sum === undefined) throw new InternalFault(`${checksum} is no CRC-32.`)
  return sum
}
