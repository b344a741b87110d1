import { ArchiveConflict, InternalFault } from '../../contracts/errors.ts'
import type { SourceArtifact, StoredArtifact } from '../../contracts/nouns.ts'
import type { UploadRecord } from '../../contracts/upload-record.ts'
import { archiveFolder, evidenceKey, manifestKey } from '../../domain/books/object-keys.ts'
import { sourcesOf } from '../../domain/backup/sources.ts'
import { judge, type JudgeJob } from '../../domain/backup/verdict.ts'
import { judgeProof, provedBy } from '../../domain/transfer/proof-verdict.ts'
import { objectFacts, storedArtifact } from '../transfer/already-stored.ts'
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
 * Write the manifest that a run couldn't: from the evidence that it kept and the uploads' records, once S3's own sum over
 * each object is its record's. Returns the manifest's key.
 * @param dryRun check everything and write nothing
 * @throws ArchiveConflict when something doesn't agree; NotAnArchive when a restore would refuse the object
 */
export async function adoptUnfinished(
  { archive: { folder, state, reason }, witnesses }: FoundUnfinished,
  dryRun: boolean,
  ports: Needs,
): Promise<string | undefined> {
  const { store, keyPrefix } = ports
  const item = witnesses.find((witness) => witness.item !== undefined)?.item
  const refuse = (why: string) => new ArchiveConflict(`${folder} was not adopted: ${why}`)
  if (state !== 'adoptable' || item === undefined) throw refuse(reason)

  const key = evidenceKey(item.run.prefix, item.guest.id)
  const kept = await readKeptEvidence(key, ports)
  const sources = kept === undefined ? [] : sourcesOf(kept.evidence)
  if (kept === undefined || sources.length === 0) {
    throw refuse(`the evidence of its backup, s3://${store.bucket}/${key}, is gone or names no archive.`)
  }
  const artifacts = sources.map(({ artifact }) => artifact)
  const ofFolder = (at: string) => archiveFolder(keyPrefix, item.site, item.guest, at) === folder
  const strange = witnesses.some((witness) => !artifacts.some((artifact) => isOf(witness, artifact)))
  if (strange || !artifacts.every(({ createdAt }) => ofFolder(createdAt))) {
    throw refuse(`the evidence in s3://${store.bucket}/${key} is of another archive.`)
  }
  const verdict = judge(kept.evidence, await ports.judgeJobOf(item.platform))
  if (!verdict.good) throw refuse(`its backup did not end well. ${verdict.reason}`)
  const stored: StoredArtifact[] = []
  for (const artifact of artifacts) {
    const witness = witnesses.find((one) => isOf(one, artifact))
    if (witness?.crc32 === undefined) {
      throw refuse(`no record proves its file ${artifact.fileName}. Repeat this guest in a new run.`)
    }
    const where = `s3://${store.bucket}/${witness.key}`
    const known = provedBy(witness)
    if (known === undefined) {
      throw refuse(`${where} was not read back to its end, and nothing else proves it. Repeat this guest in a new run.`)
    }
    const object = await store.head(witness.key)
    const { sizeBytes, content } = objectFacts(witness)
    if (object === undefined || judgeProof({ ...known, sizeBytes }, object) !== 'proved') {
      throw refuse(`S3's checksum or size of ${where} isn't the one that its record holds.`)
    }
    stored.push(storedArtifact(uploadOf(witness), artifact, object, { content, ...known }, { bytesSent: 0 }))
  }
  if (dryRun) return undefined
  const written = await writeManifest({ item, artifacts, stored, verdict, evidenceKey: key }, ports)
  if (written.manifestKey !== manifestKey(folder)) throw new InternalFault(`${folder} got its manifest elsewhere.`)
  return written.manifestKey
}

/** Whether a record is of an upload of this source. */
function isOf({ source }: UploadRecord, { artifactRef, sizeBytes }: SourceArtifact): boolean {
  return source.artifactRef === artifactRef && source.sizeBytes === sizeBytes
}
