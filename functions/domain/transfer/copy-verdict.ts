/**
 * What follows from evidence after the backup's own verdict: the file that the route shows, and the object that S3 holds.
 * Together with `verdict.ts` this is the whole chain; an archive gets its manifest only when every link holds.
 */
import type { SourceArtifact, SourceIdentity, StoredArtifact } from '../../contracts/nouns.ts'
import { crc32ToBase64 } from './crc32.ts'
import { bareEtag } from './etag.ts'
import { judgeProof, type ObjectEvidence } from './proof-verdict.ts'
import { placeOf } from './source-path.ts'

export interface CopyVerdict<Name extends string = string> {
  name: Name
  good: boolean
  reason: string
}

export function sameIdentity(one: SourceIdentity, other: SourceIdentity): boolean {
  const sameMark = one.validator === undefined || other.validator === undefined || one.validator === other.validator
  return one.sizeBytes === other.sizeBytes && one.modifiedAt === other.modifiedAt && sameMark
}

/**
 * Before a byte is read: the route's file is the one that the platform listed. Times are not compared: the clock of a
 * network storage need not be the node's, so a difference would prove nothing.
 */
export function judgeSource(
  { sizeBytes, location, artifactRef }: Pick<SourceArtifact, 'sizeBytes' | 'location' | 'artifactRef'>,
  source: SourceIdentity,
): CopyVerdict<'source-as-listed' | 'source-unlike-listing'> {
  if (source.sizeBytes === sizeBytes) {
    return {
      name: 'source-as-listed',
      good: true,
      reason: 'The route shows a file of the size that the platform lists.',
    }
  }
  return {
    name: 'source-unlike-listing',
    good: false,
    reason:
      `${placeOf(location, artifactRef)} has ${source.sizeBytes} bytes, the platform said ${sizeBytes}. ` +
      'Either something still writes it, or the route reaches another file than the platform means (check route.host and route.pathPrefix)',
  }
}

/** Around every stretch of reading: bytes of two states of a file must never meet in one object. */
export function judgeUnchanged(
  { location, artifactRef }: Pick<SourceArtifact, 'location' | 'artifactRef'>,
  before: SourceIdentity,
  now: SourceIdentity,
): CopyVerdict<'source-unchanged' | 'source-changed'> {
  if (sameIdentity(before, now)) {
    return { name: 'source-unchanged', good: true, reason: 'Size, time and mark of the file are what they were.' }
  }
  return {
    name: 'source-changed',
    good: false,
    reason:
      `${placeOf(location, artifactRef)} changed while it was copied: ${describe(before)} became ${describe(now)}. ` +
      'Something else writes or replaces it; the copy is discarded and a new run makes a new backup',
  }
}

function describe({ sizeBytes, modifiedAt, validator }: SourceIdentity): string {
  return `${sizeBytes} bytes of ${modifiedAt}${validator === undefined ? '' : ` (${validator})`}`
}

export type ObjectVerdictName =
  | 'object-proved'
  | 'never-stored'
  | 'object-gone'
  | 'object-size-differs'
  | 'object-without-checksum'
  | 'object-checksum-differs'

/**
 * After everything is in S3, asked anew: there is an object that holds as many bytes as were listed, whose sum, computed by
 * S3 over the whole of it, is that of the bytes which were read; or which is the very object that was proved otherwise. `where` is the object's address for the reason.
 */
export function judgeObject(
  artifact: Pick<SourceArtifact, 'fileName' | 'sizeBytes' | 'location'>,
  claimed: Pick<StoredArtifact, 'sizeBytes' | 'checksum' | 'content' | 'proof'> | undefined,
  object: ObjectEvidence | undefined,
  where: string,
): CopyVerdict<ObjectVerdictName> {
  const bad = (name: ObjectVerdictName, reason: string) => ({ name, good: false, reason })
  if (claimed === undefined) return bad('never-stored', `${artifact.fileName} was not stored`)
  if (object === undefined) {
    return bad('object-gone', `${where} is gone although it was completed. Did something delete it?`)
  }
  // An encoded object has another size than its source: then its content says how much of the source is in it.
  const sourceBytes = claimed.content?.sizeBytes ?? claimed.sizeBytes
  if (sourceBytes !== artifact.sizeBytes || object.sizeBytes !== claimed.sizeBytes) {
    const had = `${artifact.fileName} had ${artifact.sizeBytes} on node ${artifact.location.node}`
    return bad('object-size-differs', `${where} has ${object.sizeBytes} bytes, ${had}`)
  }
  const read = `the bytes that were read have ${claimed.checksum}`
  const { proof } = claimed
  const verdict = judgeProof(claimed, object)
  if (verdict === 'without-sum') return bad('object-without-checksum', `${where} has no CRC-32; ${read}`)
  if (proof !== undefined && proof.level !== 'full-object-crc') {
    if (verdict === 'proved') {
      const how = proof.level === 'read-back' ? 'as reading it back showed' : 'as the checksums of its parts show'
      return { name: 'object-proved', good: true, reason: `${where} holds all of the source and ${read}, ${how}.` }
    }
    const other = `${where} has the ETag ${bareEtag(object.etag)}, and the object that was proved had ${proof.etag}; ${read}`
    return bad('object-checksum-differs', other)
  }
  if (verdict !== 'proved') {
    const checksum = `CRC32:${crc32ToBase64(object.crc32 ?? 0)}`
    return bad('object-checksum-differs', `${where} has ${checksum}; ${read}`)
  }
  return { name: 'object-proved', good: true, reason: `${where} holds all of the source and ${read}, as S3 says.` }
}
