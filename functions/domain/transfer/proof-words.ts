import type { LesserLevel, ProofLevel } from '../../contracts/proof.ts'

/** By what an archive is proved, as it follows "proved by". */
export function proofWords(level: ProofLevel = 'full-object-crc'): string {
  return WORDS[level]
}

const WORDS: Record<ProofLevel, string> = {
  'full-object-crc': 'the CRC-32 that the store computed over the whole object',
  'part-checksums': 'the checksums of its parts',
  'read-back': 'reading it back',
}

/** The same in a table, where it is less than the usual. */
export function shortProof(level: LesserLevel): string {
  return level === 'read-back' ? 'read back' : 'part checksums'
}
