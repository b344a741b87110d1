import { ArchiveConflict, InternalFault } from '../../contracts/errors.ts'
import { archiveFolder, evidenceKey, manifestKey } from '../../domain/books/object-keys.ts'
import { sourcesOf } from '../../domain/backup/sources.ts'
import { judge, type JudgeJob } from '../../domain/backup/verdict.ts'
import { storedArtifact } from '../transfer/already-stored.ts'
import type { FoundUnfinished } from './find-unfinished.ts'
import { readKeptEvidence } from '../books/kept-evidence.ts'
import type { Ports } from '../ports.ts'
import { uploadOf } from '../books/upload-record.ts'
import { writeManifest } from '../transfer/write-manifest.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'toolVersion'> & {
  /** Of the platform that made the backup. */
  judgeJobOf: (platform: string) => Promise<JudgeJob>
}

/**
 * Write the manifest that a run couldn't: from the evidence that it kept and the upload's record, once S3's own sum over
 * the object is the record's. Returns the manifest's key.
 * @param dryRun check everything and write nothing
 * @throws ArchiveConflict when something doesn't agree; NotAnArchive when a restore would refuse the object
 */
export async function adoptUnfinished(
  { archive: { folder, state, reason }, witness }: FoundUnfinished,
  dryRun: boolean,
  ports: Needs,
): Promise<string | undefined> {
  const { store, keyPrefix } = ports
  const { item, crc32 } = witness ?? {}
  const refuse = (why: string) => new ArchiveConflict(`${folder} was not adopted: ${why}`)
  if (state !== 'adoptable' || witness === undefined || item === undefined || crc32 === undefined) throw refuse(reason)

  const key = evidenceKey(item.run.prefix, item.guest.id)
  const kept = await readKeptEvidence(key, ports)
  const sources = kept === undefined ? [] : sourcesOf(kept.evidence)
  const source = sources.find(({ artifact }) => artifact.artifactRef === witness.source.artifactRef)?.artifact
  if (kept === undefined || sources.length === 0) {
    throw refuse(`the evidence of its backup, s3://${store.bucket}/${key}, is gone or names no archive.`)
  }
  const ours = source !== undefined && archiveFolder(keyPrefix, item.site, item.guest, source.createdAt) === folder
  if (!ours || source.sizeBytes !== witness.source.sizeBytes) {
    throw refuse(`the evidence in s3://${store.bucket}/${key} is of another archive.`)
  }
  if (sources.length > 1) {
    throw refuse('it has several files, and the records of only some are looked at. Repeat this guest in a new run.')
  }
  const verdict = judge(kept.evidence, await ports.judgeJobOf(item.platform))
  if (!verdict.good) throw refuse(`its backup did not end well. ${verdict.reason}`)
  const object = await store.head(witness.key)
  if (object?.crc32 !== crc32 || object.sizeBytes !== witness.source.sizeBytes) {
    throw refuse(`S3's checksum or size of s3://${store.bucket}/${witness.key} isn't the one that its record holds.`)
  }
  if (dryRun) return undefined
  const stored = [storedArtifact(uploadOf(witness), source, object, crc32, { bytesSent: 0 })]
  const written = await writeManifest({ item, artifacts: [source], stored, verdict, evidenceKey: key }, ports)
  if (written.manifestKey !== manifestKey(folder)) throw new InternalFault(`${folder} got its manifest elsewhere.`)
  return written.manifestKey
}
