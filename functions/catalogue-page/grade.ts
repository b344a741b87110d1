/** An archive's grade in a row of the catalogue's page: one number, made here and read in the browser. */
import type { ManifestFacts } from '../contracts/catalogue.ts'
import { consistencySchema, gapNameSchema } from '../contracts/grade.ts'
import { lesserLevelSchema } from '../contracts/proof.ts'
import { proofWords } from '../domain/transfer/proof-words.ts'
import { consistencyWords, gapWords } from '../domain/backup/grade.ts'

const CONSISTENCIES = consistencySchema.options
const GAPS = gapNameSchema.options
const PROOFS = lesserLevelSchema.options
/** Room for nineteen gaps below it. */
const PROOF_BIT = 24

/**
 * Bits from the lowest: a grade is known; consistency (two bits, 0 where it isn't known); less than required; there may be
 * more gaps; one bit for each gap. Two bits far above say by what it is proved: 0 where the store computed its CRC-32. 0 where
 * nobody knows anything.
 */
export function gradeCode({ grade, verdict, proof }: Pick<ManifestFacts, 'grade' | 'verdict' | 'proof'>): number {
  const proved = proof === undefined ? 0 : (PROOFS.indexOf(proof) + 1) * 2 ** PROOF_BIT
  const lesser = (verdict.unmet === true ? 8 : 0) + proved
  if (grade === undefined) return lesser
  const { consistency, gaps, gapsMayLack } = grade
  const consistent = consistency === undefined ? 0 : CONSISTENCIES.indexOf(consistency) + 1
  const gapBits = gaps.reduce((bits, name) => bits | (1 << GAPS.indexOf(name)), 0)
  return 1 + 2 * consistent + lesser + (gapsMayLack === true ? 16 : 0) + 32 * gapBits
}

/** For the page's script: `isLesserCode(code)`, and `gradeOf(code)` in the words of `gradeText`. */
export const GRADE_SCRIPT = `
  const CONSISTENCIES = ${JSON.stringify([undefined, ...CONSISTENCIES].map(consistencyWords))}
  const GAPS = ${JSON.stringify(GAPS.map(gapWords))}
  const PROOFS = ${JSON.stringify(['', ...PROOFS.map((level) => `, proved by ${proofWords(level)}`)])}
  const isLesserCode = (code) => (code & 8) > 0
  const gradeOf = (code) => {
    const gaps = GAPS.filter((_, at) => (code >> (5 + at)) & 1)
    const known = (code & 1) === 0 ? 'grade unknown' : CONSISTENCIES[(code >> 1) & 3]
    const without = gaps.length === 0 ? '' : ', without ' + gaps.join(', ')
    return known + without + (code & 16 ? ', perhaps without more' : '') + (isLesserCode(code) ? ': LESS THAN REQUIRED' : '') + PROOFS[(code >> ${PROOF_BIT}) & 3]
  }
`
