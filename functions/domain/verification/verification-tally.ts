import type { ReadArchive, UnreadRecord, VerificationTotals } from '../../contracts/verification-report.ts'
import { formatBytes } from '../words/byte-size.ts'
import { counted } from '../words/counted.ts'

/** Names in the sentence that people read first: it is also the cause of a failed execution. */
const MOST_NAMED = 5

/**
 * Add up a run over archives that were due, with the sentence that people read first.
 * @param mapTrouble why the workflow's map over the archives failed as a whole, a sentence
 */
export function tallyVerifications(
  archives: readonly ReadArchive[],
  { unread, further, furtherOverdue }: Pick<UnreadRecord, 'unread' | 'further' | 'furtherOverdue'>,
  mapTrouble?: string,
): VerificationTotals {
  const of = (result: ReadArchive['result']) => archives.filter((archive) => archive.result === result)
  const [accepted, refused, notVerified] = [of('accepted'), of('refused'), of('not-verified')]
  const unlocked = archives.filter(({ lockTrouble }) => lockTrouble !== undefined)
  const overdue = [...notVerified, ...unread].filter((archive) => archive.overdue)
  const readBytes = [...accepted, ...refused].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const earlier = unread.filter(({ why }) => why === 'refused-earlier').length
  const broken = unread.filter(({ why }) => why === 'not-complete').length
  const gone = unread.filter(({ why }) => why === 'removed').length
  const waiting = unread.length - earlier - broken - gone + further
  const sentences = [
    archives.length === 0
      ? 'No archive was to be read.'
      : `${counted(accepted.length, 'archive')} accepted, ${formatBytes(readBytes)} read.`,
    ...(refused.length > 0 ? [`${counted(refused.length, 'archive')} REFUSED: ${named(refused)}.`] : []),
    ...(notVerified.length > 0
      ? [`${counted(notVerified.length, 'archive')} not verified: ${named(notVerified)}.`]
      : []),
    ...(unlocked.length > 0
      ? [`${counted(unlocked.length, 'archive')} NOT LOCKED as asked for: ${named(unlocked)}.`]
      : []),
    ...(waiting > 0 ? [`${counted(waiting, 'archive')} due and left out.`] : []),
    ...(earlier > 0 ? [`${counted(earlier, 'archive')} refused earlier.`] : []),
    ...(broken > 0 ? [`${counted(broken, 'archive')} not complete.`] : []),
    ...(overdue.length + furtherOverdue > 0
      ? [`${counted(overdue.length + furtherOverdue, 'archive')} overdue and not verified: ${named(overdue)}.`]
      : []),
    ...(mapTrouble === undefined ? [] : [mapTrouble]),
  ]
  const trouble =
    refused.length +
    notVerified.length +
    unlocked.length +
    overdue.length +
    furtherOverdue +
    (mapTrouble === undefined ? 0 : 1)
  return {
    outcome: trouble === 0 ? 'succeeded' : accepted.length > 0 ? 'partial' : 'failed',
    summary: sentences.join(' '),
    accepted: accepted.length,
    refused: refused.length,
    notVerified: notVerified.length,
    overdue: overdue.length + furtherOverdue,
    ...(unlocked.length > 0 ? { unlocked: unlocked.length } : {}),
    readBytes,
  }
}

function named(archives: readonly { folder: string }[]): string {
  const names = archives.slice(0, MOST_NAMED).map(({ folder }) => folder)
  return archives.length > MOST_NAMED
    ? `${names.join(', ')} and ${archives.length - MOST_NAMED} more`
    : names.join(', ')
}
