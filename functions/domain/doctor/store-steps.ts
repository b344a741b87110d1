import type { ProofLevel } from '../../contracts/proof.ts'

/** What is asked of a store before a run, in this order. */
export const STORE_STEPS = ['upload', 'lists', 'checksum', 'conditions', 'reading', 'removal'] as const
export type StoreStep = (typeof STORE_STEPS)[number]

/** What the test of a store found. */
export interface StoreFacts {
  /** The strongest proof that it can give. */
  proof: ProofLevel
  /** It keeps conditions on writes. */
  conditions: boolean
  /** Folder of the lock files that stand in for them. Absent on AWS. */
  locks?: string
}

/** What a person should know of a store before archives go there: sentences, none where it does all that AWS does. */
export function storeNotes(bucket: string, { proof, conditions, locks = '' }: StoreFacts): string[] {
  return [
    ...(proof === 'full-object-crc'
      ? []
      : [`The store of s3://${bucket} computes no CRC-32 over whole objects. ${PROOFS[proof]}`]),
    ...(conditions ? [] : [oneMachineSentence(bucket, locks)]),
  ]
}

const PROOFS = {
  'part-checksums': 'Archives are proved by the MD5 of each part and the ETag over them.',
  'read-back': 'Its ETags prove nothing either, so each archive is read back whole once it is stored.',
} as const

/** The one thing to know where conditions are missing. */
function oneMachineSentence(bucket: string, locks: string): string {
  return (
    `The store of s3://${bucket} keeps no conditions on writes (If-None-Match): use it from this machine and user alone, ` +
    `where lock files in ${locks} keep runs apart; nothing would keep out another machine.`
  )
}
