import { SourceChanged, StoreUnavailable, UploadVanished } from '../../contracts/errors.ts'
import type { SourceIdentity } from '../../contracts/nouns.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import type { Upload } from '../../contracts/upload.ts'
import { judgeSource, sameIdentity } from '../../domain/transfer/copy-verdict.ts'
import { datedLock, isLockEnough } from '../../domain/transfer/object-lock.ts'
import { archiveFolder, artifactKey } from '../../domain/books/object-keys.ts'
import { findStored } from './already-stored.ts'
import { encoderOf, planUpload } from './encodings.ts'
import type { Ports } from '../ports.ts'
import { provedUpload } from './proved-upload.ts'
import { statSource } from './source-identity.ts'
import {
  type KeptRecord,
  readUploadRecord,
  type UploadRecord,
  uploadOf,
  writeUploadRecord,
} from '../books/upload-record.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'route' | 'now' | 'remainingMilliseconds' | 'log'>

/** Two executions that open the same upload at once settle in two rounds; more means that something is badly wrong. */
const MAX_ROUNDS = 5

/**
 * Open the artifact's upload or find the one to resume. The record in S3 decides which upload counts: whoever writes
 * it first (conditionally) owns the upload, everyone else joins, and uploads that it doesn't name are aborted.
 * @throws SourceChanged when the source isn't as large as the platform said
 * @throws LockMissing when the bucket can't lock objects, and the archive is to be locked
 * @throws ArchiveConflict when the key is taken by something that isn't provably this source's
 */
export async function openUpload(input: TaskInput<'OpenUpload'>, ports: Needs): Promise<TaskOutput<'OpenUpload'>> {
  const { item, artifact } = input
  const folder = archiveFolder(ports.keyPrefix, item.site, item.guest, artifact.createdAt)
  const key = artifactKey(folder, artifact.fileName)
  const source = await statSource(ports, item.site, artifact)
  const { good, reason } = judgeSource(artifact, source)
  if (!good) throw new SourceChanged(reason)
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const kept = await readUploadRecord(ports, key)
    const done = await findStored(ports, input, folder, source, kept?.record)
    if (done !== undefined) return done
    const opened = (await resume(ports, source, input, kept?.record)) ?? (await start(ports, key, input, source, kept))
    if (opened === undefined) continue
    await abortOthers(ports, opened)
    return { upload: opened }
  }
  throw new StoreUnavailable(
    `other executions keep opening the upload of s3://${ports.store.bucket}/${key}; later again`,
  )
}

/** The upload of the record, if it is of this very source, S3 still has it, and its parts can be made as they were. */
async function resume(
  ports: Needs,
  source: SourceIdentity,
  { item, artifact: { artifactRef, encoding = 'none' } }: TaskInput<'OpenUpload'>,
  record: UploadRecord | undefined,
): Promise<Upload | undefined> {
  if (record?.source.artifactRef !== artifactRef || !sameIdentity(record.source, source)) return undefined
  if ((record.encoding ?? 'none') !== encoding) return undefined
  // A lock is given when an upload is opened, and can't be added to what was opened without.
  if (!isLockEnough(record.item?.objectLock, item.objectLock)) return undefined
  // Its store computed CRC-32 when it was opened and doesn't now: of its parts, nothing else was written down.
  if (record.proof === undefined && item.run.proof !== undefined) return undefined
  const upload = uploadOf(record)
  try {
    await encoderOf(upload, ports)
    const parts = await provedUpload(upload, ports).list()
    const about = { site: record.item?.site, guest: record.item?.guest.id, key: record.key }
    ports.log('upload-resumed', { ...about, partsThere: parts.length, partCount: record.partCount })
    return upload
  } catch (error) {
    if (error instanceof UploadVanished) return undefined
    throw error
  }
}

/** A new upload, owned by writing its record; `undefined` when another execution was faster. */
async function start(
  ports: Needs,
  key: string,
  { item, artifact }: TaskInput<'OpenUpload'>,
  source: SourceIdentity,
  kept: KeptRecord | undefined,
): Promise<Upload | undefined> {
  const planned = await planUpload(key, item.site, artifact, source, ports)
  const { proof } = item.run
  const openedAt = ports.now()
  const lock = item.objectLock && datedLock(item.objectLock, openedAt)
  const terms = { storageClass: item.storageClass, lock }
  const { store } = ports
  const uploadId = await (proof === undefined ? store.createUpload(key, terms) : store.bare.create(key, terms))
  const record: UploadRecord = {
    version: 1,
    key,
    uploadId,
    ...planned,
    ...(proof === undefined ? {} : { proof }),
    source: { ...source, artifactRef: artifact.artifactRef },
    openedAt: openedAt.toISOString(),
    item,
  }
  if (await writeUploadRecord(ports, record, kept)) return uploadOf(record)
  await ports.store.abortUpload(key, uploadId)
  return undefined
}

/** Only the record's owner may do this: an upload it doesn't name is a loser's, an older source's, or an orphan. */
async function abortOthers(ports: Needs, upload: Upload): Promise<void> {
  for (const uploadId of await ports.store.listUploads(upload.key)) {
    if (uploadId === upload.uploadId) continue
    ports.log('abandoned-upload-aborted', { key: upload.key, uploadId })
    await ports.store.abortUpload(upload.key, uploadId)
  }
}
