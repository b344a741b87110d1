/** Which of the sums that were written down of a part are those of the part that the store holds. Pure. */
import type { LesserLevel } from '../../contracts/proof.ts'
import type { PartSums } from '../books/object-keys.ts'

/**
 * Those whose MD5 is the part's ETag. Where ETags may be something else, those that nobody contradicts: reading the object
 * back says in the end whether they were right. `undefined`: the part counts as missing.
 */
export function sumsOfPart(level: LesserLevel, etag: string, written: readonly PartSums[]): PartSums | undefined {
  const proved = written.find(({ md5 }) => md5 === etag)
  if (proved !== undefined || level === 'part-checksums') return proved
  const [first, ...others] = written
  return others.length === 0 ? first : undefined
}
