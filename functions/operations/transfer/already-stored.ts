import type { StoredObject } from '../../aws/archive-store.ts'
import type { DiskContent } from '../../contracts/disk-archive.ts'
import { ArchiveConflict, RecordTooNew, RecordUnreadable } from '../../contracts/errors.ts'
import type { SourceArtifact, SourceIdentity, StoredArtifact } from '../../contracts/nouns.ts'
import type { TaskInput } from '../../contracts/tasks.ts'
import type { Upload } from '../../contracts/upload.ts'
import { sameIdentity } from '../../domain/transfer/copy-verdict.ts'
import { crc32ToBase64 } from '../../domain/transfer/crc32.ts'
import { artifactKey, manifestKey } from '../../domain/books/object-keys.ts'
import { manifestShape } from '../books/shapes.ts'
import { readRecord } from '../books/stored-json.ts'
import type { Ports } from '../ports.ts'
import { type UploadRecord, uploadOf } from '../books/upload-record.ts'

/** An object that is known to be this source's, and how it was cut. */
interface Known extends ObjectFacts {
  upload: Upload
  checksum: string
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
  { crc32, content }: { crc32: number; content?: DiskContent | undefined },
  { bytesSent, work }: Pick<StoredArtifact, 'bytesSent' | 'work'>,
): StoredArtifact {
  return {
    key: upload.key,
    fileName: artifact.fileName,
    sizeBytes: object.sizeBytes,
    checksum: `CRC32:${crc32ToBase64(crc32)}`,
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
 * witness noted. Equal size alone proves nothing.
 * @throws ArchiveConflict when something else has the key
 */
export async function findStored(
  ports: Pick<Ports, 'store' | 'log'>,
  { item, artifact }: TaskInput<'OpenUpload'>,
  folder: string,
  source: SourceIdentity,
  record: UploadRecord | undefined,
): Promise<{ upload: Upload; alreadyStored: StoredArtifact } | undefined> {
  const key = artifactKey(folder, artifact.fileName)
  const object = await ports.store.head(key)
  if (object === undefined) return undefined
  const known = knownFromRecord(record, artifact.artifactRef, source) ?? (await knownFromManifest())
  const { crc32 } = object
  const proved =
    crc32 !== undefined && known?.checksum === `CRC32:${crc32ToBase64(crc32)}` && object.sizeBytes === known.sizeBytes
  if (!proved) {
    throw new ArchiveConflict(
      `s3://${ports.store.bucket}/${key} exists already (${object.sizeBytes} bytes), and nothing proves that it is ` +
        `guest ${item.guest.id}'s ${artifact.fileName} from site ${item.site}. It was not overwritten. Move it away to store the archive there.`,
    )
  }
  ports.log('already-stored', { site: item.site, guest: item.guest.id, key, checksum: known.checksum })
  return {
    upload: known.upload,
    alreadyStored: storedArtifact(known.upload, artifact, object, { crc32, content: known.content }, { bytesSent: 0 }),
  }

  async function knownFromManifest(): Promise<Known | undefined> {
    const manifest = await readRecord(ports.store, manifestKey(folder), manifestShape).catch(asConflict)
    const entry = manifest?.artifacts.find((candidate) => candidate.key === key)
    if (entry?.source.artifactRef !== artifact.artifactRef || !sameIdentity(entry.source, source)) return undefined
    const { partSizeBytes, partCount, checksum, sizeBytes, content } = entry
    // The upload is history: manifests don't keep its id, and nothing asks S3 for it any more.
    return { upload: { key, uploadId: 'completed', partSizeBytes, partCount, source }, checksum, sizeBytes, content }
  }
}

function knownFromRecord(
  record: UploadRecord | undefined,
  artifactRef: string,
  source: SourceIdentity,
): Known | undefined {
  if (record?.crc32 === undefined) return undefined
  if (record.source.artifactRef !== artifactRef || !sameIdentity(record.source, source)) return undefined
  return { upload: uploadOf(record), checksum: `CRC32:${crc32ToBase64(record.crc32)}`, ...objectFacts(record) }
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
