import type { BackupEvidence, Verdict, VerdictName } from '../../contracts/evidence.ts'

/** An archive that doesn't count, and why: a sentence, with what the platform's folder advises. */
export function badVerdict(name: VerdictName, reason: string, { advice }: Pick<BackupEvidence, 'advice'>): Verdict {
  return { name, good: false, reason: advice === undefined ? reason : `${reason} ${advice}` }
}
