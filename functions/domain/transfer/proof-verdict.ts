/** Whether an object is the one that was proved, at whichever level. Pure. */
import type { LesserLevel, Proof } from '../../contracts/proof.ts'
import { crc32ToBase64 } from './crc32.ts'
import { bareEtag } from './etag.ts'

/** What S3 says of a finished object. `crc32` is unsigned, and absent where S3 keeps no sum over the whole object. */
export interface ObjectEvidence {
  sizeBytes: number
  etag: string
  crc32?: number
}

/** What has to be of an object: its size, the `CRC32:` of the bytes that were read, and by what that was proved. */
export interface ProvedObject {
  sizeBytes: number
  checksum: string
  proof?: Proof | undefined
}

export type ProofVerdict = 'proved' | 'size-differs' | 'without-sum' | 'sum-differs'

/**
 * With full-object CRC-32, the store's own sum is compared. Else the ETag is: by part checksums it follows from the bytes,
 * and after reading back it says that the object is still the one that was read.
 */
export function judgeProof({ sizeBytes, checksum, proof }: ProvedObject, object: ObjectEvidence): ProofVerdict {
  if (object.sizeBytes !== sizeBytes) return 'size-differs'
  if (proof !== undefined && proof.level !== 'full-object-crc') {
    return bareEtag(object.etag) === proof.etag ? 'proved' : 'sum-differs'
  }
  if (object.crc32 === undefined) return 'without-sum'
  return `CRC32:${crc32ToBase64(object.crc32)}` === checksum ? 'proved' : 'sum-differs'
}

/** What an upload's record says of its object. `undefined`: nothing that would prove it. */
export function provedBy(record: {
  crc32?: number | undefined
  proof?: LesserLevel | undefined
  etag?: string | undefined
}): { checksum: string; crc32: number; proof?: Proof } | undefined {
  const { crc32, proof: level, etag } = record
  if (crc32 === undefined) return undefined
  const sum = { crc32, checksum: `CRC32:${crc32ToBase64(crc32)}` }
  if (level === undefined) return sum
  return etag === undefined ? undefined : { ...sum, proof: { level, etag } }
}
